"""The product against a fake of the Flow Service that gives any answer, byte for byte, with an effect or without."""

"""Tests of the emulator: requests over a real socket, and the replies to them."""

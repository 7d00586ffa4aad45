"""The client of the Flow Service over HTTP."""

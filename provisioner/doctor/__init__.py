"""Checks of everything on the way to the service, which only look."""

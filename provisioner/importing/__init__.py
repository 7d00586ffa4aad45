"""Putting existing base connections under management, and repairing the state."""

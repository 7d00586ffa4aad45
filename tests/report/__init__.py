"""Every form of a result."""

"""One value, many faces."""

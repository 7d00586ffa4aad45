"""The command killed at every boundary: a real process, a real SIGKILL, and the next run."""

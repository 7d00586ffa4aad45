"""Definitions and the project file: read the YAML, validate it, and render the desired base connections."""

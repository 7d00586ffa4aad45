"""What the user wrote: YAML files and the project file become desired base connections."""

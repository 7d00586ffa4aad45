"""What a user sees: the installed command as a process, against a running emulator."""

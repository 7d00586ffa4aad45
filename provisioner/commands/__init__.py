"""One module a command: functions over ports that return outcomes."""

"""Plans: computed from definitions, prior state and observed base connections, without any I/O."""

"""How long it takes, beside what it would take otherwise: ``make bench``. Ratios within one run, never times alone."""

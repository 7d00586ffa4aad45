"""Declarative MySQL base connections for Adobe Experience Platform.

The packages are the stages that data passes; imports point one way, and tests/test_architecture.py keeps it so::

    cli -> commands -> applying, report -> planning -> definitions, state, service -> vocabulary

    errors, model, sensitive   the vocabulary: one exception tree, frozen values, values that must not be shown;
    names, once, progress      names that are one; equal values kept once; how far work is, and for what it waits
    unseen                     characters that are not seen, in what is read and in what is shown
    json_schema                the published schemas, and values held against them
    secret_scanner             the last check that nothing written holds a secret
    definitions                what the user wrote        -> desired base connections
    state                      what we remember           -> prior state, journal, fingerprints
    service                    the Flow Service over HTTP -> observed base connections
    planning                   desired x prior state x observed -> plan (pure)
    applying                   the plan, step by step, every step recorded
    report                     one value, many faces
    commands                   one module a command
    console, settings, cli      the shell: the way out, flags and environment, wiring
    guesses                    what people write who guess a flag or a command, and what to write instead
    emulator                   an independent stand-in for the Flow Service
"""

__version__ = "0.1.0"

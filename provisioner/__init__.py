"""Declarative MySQL base connections for Adobe Experience Platform.

Packages are the stages that data passes, and imports go one way::

    cli -> importing, report -> apply, doctor -> planning -> definitions, state, service -> vocabulary

The map; tests/test_architecture.py keeps it true::

    cli             the command line: one module a command, their options, context, console and settings
    definitions     what the user wrote: YAML files and the project file -> desired base connections
    state           what is remembered: records, fingerprints, the journal, the lock
    service         the Flow Service over HTTP -> observed base connections
    planning        desired x state x observed -> a plan, as a value; recovery, guards, approval
    apply           carries out a plan, every step recorded; what became of it
    importing       existing base connections -> definitions and records; rebuilds a lost state
    doctor          looks at everything on the way to the service, line by line; changes nothing
    report          plans, outcomes, problems and states as text, JSON, Markdown, HTML, JUnit and annotations
    emulator        a stand-in for the Flow Service, an independent reading of its API
    scaffold        the files that `init` writes

    errors          the exception tree, and the exit codes
    model           values that every package uses
    secrets         values that refuse to be printed
    text            characters that cannot be seen, when two names are one, and numbers and lists in sentences
    progress        how far a run has come, and what it waits for
    json_schema     the published schemas, and checks of values against them
    secret_scanner  the last check that nothing written holds a secret
"""

__version__ = "0.1.0"

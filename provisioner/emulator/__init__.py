"""The emulator: a stand-in for Adobe's Flow Service and its token service, implemented independently from their API.

It imports nothing from the rest of the provisioner, so that a misreading of the API in the client is not repeated here.
Every docstring that states a fact of the API says how it is known::

    documented   an official description says so; the tag names which (see docs/emulator.md for the tags)
    inferred     follows from an official example or from a sibling service
    assumed      undocumented; chosen, and switchable in ``behaviour`` where it matters

A request passes these modules from top to bottom::

    server            sockets, threads, signals; one thread a connection, one request handled at a time
    http              HTTP/1.1 without sockets: requests parsed, replies encoded
    fault_injection   faults around the handling of a request (faults: their configuration and counts;
                      concurrent_edits: writes by another client)
    routes            the route table and the dispatch to a handler
    auth              checks of token, API key, organization and sandbox; the token endpoint
    connections, explore, flows, sandboxes, control      the handlers
    listing, patch, specs, base_connection               filters and pages, JSON Patch, auth specs, validation
    databases, mysql  the database behind a base connection, simulated or real
    app, store        the service's state in memory and in SQLite
    behaviour, errors, messages                          switches, error replies, shared values
"""

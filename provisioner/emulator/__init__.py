"""The emulator: a stand-in for Adobe's Flow Service and its token service, an independent reading of their API.

It imports nothing from the rest of the provisioner, so that a misreading in the client cannot repeat itself here.
Every docstring that states a fact of the API says how it is known::

    documented   an official description says so; the tag names which (see docs/emulator.md for the tags)
    inferred     follows from an official example or from a sibling service
    assumed      nobody says; chosen, and where it matters switchable in ``behaviour``

The pure core turns a request value into a reply value; the edges are thin::

    server   sockets, threads, signals: one thread a connection; handlers run one at a time, under the lock of the world
    http     bytes <-> Request and Reply, and answers that are garbled on demand
    injection   where a fault hits a request
    dispatch the route table -> control | ims | sandboxes | gate, then connections, exploring, dependants, specs
    connections <- listing (filters, paging) , declared, patching
    source   what is behind a base connection: imagined, or real by login and mysql; credentials are kept for it
    connection, messages, errors, json_text, behaviour   the values
    faults (which one hits) , rehearsal (their JSON), rehearsing (its path), foreign (what somebody else does)
    store    SQLite, behind one small interface
"""

"""What client and service agree on, held over real sockets against every variant of the emulator.

The same tests run against a real sandbox when asked to. They create base connections whose names begin with
``contract-``, and delete them::

    PROVISIONER_CONTRACT=sandbox AEP_ORG_ID=... AEP_SANDBOX_NAME=... AEP_API_KEY=... AEP_CLIENT_SECRET=... \
        .venv/bin/python -m pytest tests/contract -rA

``AEP_SCOPES`` and ``AEP_ACCESS_TOKEN`` count as usual; ``PROVISIONER_CONTRACT_CLOUD=aws`` where the sandbox is there;
``PROVISIONER_CONTRACT_PARAMS`` holds ``auth.params`` as JSON, should the service want to reach the database.
"""

"""The state of a target: records, fingerprints, and the journal of intents and outcomes."""

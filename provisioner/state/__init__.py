"""What we remember: records, fingerprints, the journal of intents and outcomes."""

"""What the ledger's benchmarks are made of: facts, a listener with a load, a log of a million entries."""

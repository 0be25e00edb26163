# The ledger: certifies its checkpoints with the log key. It says no facts but of its own journal.

# Its own identity.
path "pki/sign/ledger" { capabilities = ["update"] }

# Checkpoints.
path "transit/sign/log" { capabilities = ["update"] }
path "transit/keys/log" { capabilities = ["read"] }

# Journal batches of core services.
path "transit/sign/fact-journal-core" { capabilities = ["update"] }
path "transit/keys/fact-journal-core" { capabilities = ["read"] }

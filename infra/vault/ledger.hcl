# The ledger: certifies its checkpoints with the log key. It says no facts.

# Its own identity.
path "pki/sign/ledger" { capabilities = ["update"] }

# Checkpoints.
path "transit/sign/log" { capabilities = ["update"] }
path "transit/keys/log" { capabilities = ["read"] }

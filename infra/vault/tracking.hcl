# Tracking: an identity, and its own journal to sign.

# Its own identity.
path "pki/sign/tracking" { capabilities = ["update"] }

# Journal batches of core services.
path "transit/sign/fact-journal-core" { capabilities = ["update"] }
path "transit/keys/fact-journal-core" { capabilities = ["read"] }

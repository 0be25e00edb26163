# Ingestion: seals each batch under a key of its own and destroys that key to erase the batch.

# Its own identity.
path "pki/sign/ingestion" { capabilities = ["update"] }

# Dataset batches.
path "transit/sign/fact-dataset-batch" { capabilities = ["update"] }
path "transit/keys/fact-dataset-batch" { capabilities = ["read"] }

# Batch keys. The pattern also matches what lies below a key: of its configuration only that it may be deleted.
path "transit/keys/batch-*" {
  capabilities       = ["read", "update", "delete"]
  allowed_parameters = { "type" = ["aes256-gcm96"], "deletion_allowed" = [] }
}
path "transit/encrypt/batch-*" { capabilities = ["update"] }
path "transit/decrypt/batch-*" { capabilities = ["update"] }

# The same bytes pushed twice are recognised without keeping a digest of plaintext.
path "transit/hmac/dedup" { capabilities = ["update"] }

# Journal batches of core services.
path "transit/sign/fact-journal-core" { capabilities = ["update"] }
path "transit/keys/fact-journal-core" { capabilities = ["read"] }

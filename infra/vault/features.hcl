# Features: seals feature sets and splits clients by a keyed hash.

# Its own identity.
path "pki/sign/features" { capabilities = ["update"] }

# Feature sets.
path "transit/sign/fact-feature-set" { capabilities = ["update"] }
path "transit/keys/fact-feature-set" { capabilities = ["read"] }

# Feature-set keys. The pattern also matches what lies below a key: of that only making a new version of it carries no
# other parameter, and nothing here lets a key be configured, trimmed, exported or deleted.
path "transit/keys/features-*" {
  capabilities       = ["read", "update"]
  allowed_parameters = { "type" = ["aes256-gcm96"] }
}
path "transit/encrypt/features-*" { capabilities = ["update"] }
path "transit/decrypt/features-*" { capabilities = ["update"] }

# Which split a row belongs to: nobody can choose a row's id to get it into the other one.
path "transit/hmac/split" { capabilities = ["update"] }

# Journal batches of core services.
path "transit/sign/fact-journal-core" { capabilities = ["update"] }
path "transit/keys/fact-journal-core" { capabilities = ["read"] }

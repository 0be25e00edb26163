# The registry: numbers versions, carries people's approvals, moves aliases, signs packages.

# Its own identity.
path "pki/sign/registry" { capabilities = ["update"] }

# Versions, evidence, what people say about them, and revocations.
path "transit/sign/fact-evidence" { capabilities = ["update"] }
path "transit/keys/fact-evidence" { capabilities = ["read"] }
path "transit/sign/fact-version" { capabilities = ["update"] }
path "transit/keys/fact-version" { capabilities = ["read"] }
path "transit/sign/fact-approval" { capabilities = ["update"] }
path "transit/keys/fact-approval" { capabilities = ["read"] }
path "transit/sign/fact-rejection" { capabilities = ["update"] }
path "transit/keys/fact-rejection" { capabilities = ["read"] }
path "transit/sign/fact-withdrawal" { capabilities = ["update"] }
path "transit/keys/fact-withdrawal" { capabilities = ["read"] }
path "transit/sign/fact-delegation" { capabilities = ["update"] }
path "transit/keys/fact-delegation" { capabilities = ["read"] }
path "transit/sign/fact-revocation" { capabilities = ["update"] }
path "transit/keys/fact-revocation" { capabilities = ["read"] }

# Aliases, a key for each environment.
path "transit/sign/fact-alias-dev" { capabilities = ["update"] }
path "transit/keys/fact-alias-dev" { capabilities = ["read"] }
path "transit/sign/fact-alias-prod" { capabilities = ["update"] }
path "transit/keys/fact-alias-prod" { capabilities = ["read"] }

# OpenSSF signatures of packages.
path "transit/sign/model-signing" { capabilities = ["update"] }
path "transit/keys/model-signing" { capabilities = ["read"] }

# Package keys, one a tenant. The pattern also matches what lies below a key: of that only making a new version of it
# carries no other parameter, and nothing here lets a key be configured, trimmed, exported or deleted.
path "transit/keys/packages-*" {
  capabilities       = ["read", "update"]
  allowed_parameters = { "type" = ["aes256-gcm96"] }
}
path "transit/encrypt/packages-*" { capabilities = ["update"] }
path "transit/decrypt/packages-*" { capabilities = ["update"] }

# Secrets of webhooks, sealed and opened; the key itself is neither read nor changed.
path "transit/encrypt/webhooks" { capabilities = ["update"] }
path "transit/decrypt/webhooks" { capabilities = ["update"] }

# Journal batches of core services.
path "transit/sign/fact-journal-core" { capabilities = ["update"] }
path "transit/keys/fact-journal-core" { capabilities = ["read"] }

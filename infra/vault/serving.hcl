# Serving: says what runs where, certifies predictors and hands each its one login.

# Its own identity.
path "pki/sign/serving" { capabilities = ["update"] }

# Certificates of predictors: serving is their one issuer.
path "pki/sign/predictor-dev" { capabilities = ["update"] }
path "pki/sign/predictor-prod" { capabilities = ["update"] }

# Predictors' logins: only wrapped, so that taking one on the way is noticed.
path "auth/approle/role/predictor-dev/role-id" { capabilities = ["read"] }
path "auth/approle/role/predictor-dev/secret-id" {
  capabilities     = ["update"]
  min_wrapping_ttl = "1s"
  max_wrapping_ttl = "600s"
}

path "auth/approle/role/predictor-prod/role-id" { capabilities = ["read"] }
path "auth/approle/role/predictor-prod/secret-id" {
  capabilities     = ["update"]
  min_wrapping_ttl = "1s"
  max_wrapping_ttl = "600s"
}

# Rollouts, a key for each environment.
path "transit/sign/fact-rollout-dev" { capabilities = ["update"] }
path "transit/keys/fact-rollout-dev" { capabilities = ["read"] }
path "transit/sign/fact-rollout-prod" { capabilities = ["update"] }
path "transit/keys/fact-rollout-prod" { capabilities = ["read"] }

# Journal batches of core services.
path "transit/sign/fact-journal-core" { capabilities = ["update"] }
path "transit/keys/fact-journal-core" { capabilities = ["read"] }

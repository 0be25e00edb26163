# The launcher: mints the single-use logins of the core services, wrapped, and does nothing else. (Who holds it
# could so become any of them: docs/security-model.md.) Predictors' logins are serving's to give.

path "auth/approle/role/ledger/role-id" { capabilities = ["read"] }
path "auth/approle/role/ledger/secret-id" {
  capabilities     = ["update"]
  min_wrapping_ttl = "1s"
  max_wrapping_ttl = "600s"
}

path "auth/approle/role/witness/role-id" { capabilities = ["read"] }
path "auth/approle/role/witness/secret-id" {
  capabilities     = ["update"]
  min_wrapping_ttl = "1s"
  max_wrapping_ttl = "600s"
}

path "auth/approle/role/identity/role-id" { capabilities = ["read"] }
path "auth/approle/role/identity/secret-id" {
  capabilities     = ["update"]
  min_wrapping_ttl = "1s"
  max_wrapping_ttl = "600s"
}

path "auth/approle/role/opa/role-id" { capabilities = ["read"] }
path "auth/approle/role/opa/secret-id" {
  capabilities     = ["update"]
  min_wrapping_ttl = "1s"
  max_wrapping_ttl = "600s"
}

path "auth/approle/role/ingestion/role-id" { capabilities = ["read"] }
path "auth/approle/role/ingestion/secret-id" {
  capabilities     = ["update"]
  min_wrapping_ttl = "1s"
  max_wrapping_ttl = "600s"
}

path "auth/approle/role/features/role-id" { capabilities = ["read"] }
path "auth/approle/role/features/secret-id" {
  capabilities     = ["update"]
  min_wrapping_ttl = "1s"
  max_wrapping_ttl = "600s"
}

path "auth/approle/role/tracking/role-id" { capabilities = ["read"] }
path "auth/approle/role/tracking/secret-id" {
  capabilities     = ["update"]
  min_wrapping_ttl = "1s"
  max_wrapping_ttl = "600s"
}

path "auth/approle/role/training/role-id" { capabilities = ["read"] }
path "auth/approle/role/training/secret-id" {
  capabilities     = ["update"]
  min_wrapping_ttl = "1s"
  max_wrapping_ttl = "600s"
}

path "auth/approle/role/evaluator/role-id" { capabilities = ["read"] }
path "auth/approle/role/evaluator/secret-id" {
  capabilities     = ["update"]
  min_wrapping_ttl = "1s"
  max_wrapping_ttl = "600s"
}

path "auth/approle/role/registry/role-id" { capabilities = ["read"] }
path "auth/approle/role/registry/secret-id" {
  capabilities     = ["update"]
  min_wrapping_ttl = "1s"
  max_wrapping_ttl = "600s"
}

path "auth/approle/role/serving/role-id" { capabilities = ["read"] }
path "auth/approle/role/serving/secret-id" {
  capabilities     = ["update"]
  min_wrapping_ttl = "1s"
  max_wrapping_ttl = "600s"
}

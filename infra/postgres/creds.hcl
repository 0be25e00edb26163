# A service whose database is PostgreSQL: users of its own database, for as long as it renews them.
path "database/creds/${service}" { capabilities = ["read"] }

# Leases are known by names nobody can guess: a service knows its own.
path "sys/leases/renew"  { capabilities = ["update"] }
path "sys/leases/revoke" { capabilities = ["update"] }

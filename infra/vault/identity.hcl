# Identity: certifies people, says who they are, and mints their grants.

# Its own identity.
path "pki/sign/identity" { capabilities = ["update"] }

# People's certificates: identity is their one issuer.
path "pki/sign/people" { capabilities = ["update"] }

# Facts about people and policy.
path "transit/sign/fact-credential" { capabilities = ["update"] }
path "transit/keys/fact-credential" { capabilities = ["read"] }
path "transit/sign/fact-role" { capabilities = ["update"] }
path "transit/keys/fact-role" { capabilities = ["read"] }
path "transit/sign/fact-policy" { capabilities = ["update"] }
path "transit/keys/fact-policy" { capabilities = ["read"] }

# The next root, once its founders have said it: the key carries their word and is none of theirs.
path "transit/sign/fact-root" { capabilities = ["update"] }
path "transit/keys/fact-root" { capabilities = ["read"] }

# Revocations of people, their passkeys and roles.
path "transit/sign/fact-revocation-people" { capabilities = ["update"] }
path "transit/keys/fact-revocation-people" { capabilities = ["read"] }

# Grants.
path "transit/sign/grant" { capabilities = ["update"] }
path "transit/keys/grant" { capabilities = ["read"] }

# Journal batches of core services.
path "transit/sign/fact-journal-core" { capabilities = ["update"] }
path "transit/keys/fact-journal-core" { capabilities = ["read"] }

# A revoked identity's logins end: all are listed, looked up and, where they are its own, revoked. Whoever holds this
# login could end anybody's, and read nothing by it.
path "auth/token/accessors/"       { capabilities = ["list", "sudo"] }
path "auth/token/lookup-accessor"  { capabilities = ["update"] }
path "auth/token/revoke-accessor"  { capabilities = ["update"] }

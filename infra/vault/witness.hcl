# The witness: an identity, and no key of Vault's. What it cosigns with lies in a folder of its own.

# Its own identity.
path "pki/sign/witness" { capabilities = ["update"] }

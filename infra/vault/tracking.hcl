# Tracking: an identity and no signing right.

# Its own identity.
path "pki/sign/tracking" { capabilities = ["update"] }

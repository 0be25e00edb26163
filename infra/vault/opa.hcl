# OPA: whoever starts it fetches and renews its certificate.

# Its own identity.
path "pki/sign/opa" { capabilities = ["update"] }

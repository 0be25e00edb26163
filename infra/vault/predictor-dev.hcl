# A predictor in dev: signs its journal. Its certificates come from serving.

path "transit/sign/fact-journal-dev" { capabilities = ["update"] }
path "transit/keys/fact-journal-dev" { capabilities = ["read"] }

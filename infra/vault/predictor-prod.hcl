# A predictor in prod: signs its journal. Its certificates come from serving.

path "transit/sign/fact-journal-prod" { capabilities = ["update"] }
path "transit/keys/fact-journal-prod" { capabilities = ["read"] }

# Whom OPA itself answers, and what: fixed services of this trust domain, questions to our rules and health.
#
# Not part of policy.wasm: only the server reads it (`--authorization=basic`). The launcher writes the trust domain
# beside it. A client certificate's URIs come as Go's URL, in parts.
package system.authz

default allow := false

allow if {
	fixed_service
	asks_our_rules
}

allow if {
	fixed_service
	input.method == "GET"
	input.path == ["health"]
}

asks_our_rules if {
	input.method == "POST"
	array.slice(input.path, 0, 3) == ["v1", "data", "assay"]
}

fixed_service if {
	some certificate in [input.client_certificates[0]]
	count(certificate.URIs) == 1
	some name in certificate.URIs
	name.Scheme == "spiffe"
	name.Host == data.system.trust_domain
	regex.match(`^/svc/core/[a-z0-9-]{1,63}$`, name.Path)
}

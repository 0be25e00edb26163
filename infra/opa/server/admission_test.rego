package system.authz_test

import data.system.authz

url(scheme, host, path) := {"Scheme": scheme, "Host": host, "Path": path}

features := url("spiffe", "assay.demo", "/svc/core/features")

question(urls) := {
	"method": "POST",
	"path": ["v1", "data", "assay", "authz", "decision"],
	"client_certificates": [{"URIs": urls}],
}

admitted(asked) if {
	authz.allow with input as asked with data.system.trust_domain as "assay.demo"
}

test_a_fixed_service_asks_our_rules_and_health if {
	admitted(question([features]))
	admitted(object.union(question([features]), {"method": "GET", "path": ["health"]}))
}

test_nobody_else_is_admitted if {
	every urls in [
		[],
		[features, features],
		[url("https", "assay.demo", "/svc/core/features")],
		[url("spiffe", "other.demo", "/svc/core/features")],
		[url("spiffe", "assay.demo", "/svc/core/features/x")],
		[url("spiffe", "assay.demo", "/svc/core/")],
		[url("spiffe", "assay.demo", "/people/p-ada")],
		[url("spiffe", "assay.demo", "/run/run-1")],
		[url("spiffe", "assay.demo", "/svc/prod/predictor/credit")],
	] {
		not admitted(question(urls))
	}
	not admitted(object.remove(question([features]), ["client_certificates"]))
	not admitted(object.union(question([features]), {"client_certificates": []}))
	not authz.allow with input as question([features])
}

test_health_is_for_fixed_services_too if {
	health := {"method": "GET", "path": ["health"]}
	not admitted(object.union(question([url("spiffe", "assay.demo", "/people/p-ada")]), health))
	not admitted(object.union(question([features]), {"method": "PUT", "path": ["health"]}))
}

test_nothing_else_is_answered if {
	every change in [
		{"path": ["v1", "data"]},
		{"path": ["v1", "data", "system"]},
		{"path": ["v1", "policies"]},
		{"path": ["v1", "query"]},
		{"path": ["v1", "config"]},
		{"path": ["v0", "data", "assay"]},
		{"path": []},
		{"method": "PUT"},
		{"method": "GET"},
		{"method": "PATCH"},
		{"method": "DELETE"},
	] {
		not admitted(object.union(question([features]), change))
	}
}

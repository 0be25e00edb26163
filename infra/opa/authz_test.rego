package assay.authz_test

import data.assay.authz
import data.assay.rights

domain := "spiffe://assay.demo"

nobody := {
	"service": null, "run": null, "endpoint": null, "environment": null,
	"person": null, "roles": [], "grant": null, "tenant": "demo", "platform": true, "signed_in_ns": null,
}

person(id, roles) := object.union(nobody, {
	"identity": concat("/people/", [domain, id]),
	"kind": "person", "person": id, "roles": roles, "signed_in_ns": 1,
})

service(name) := object.union(nobody, {
	"identity": concat("/svc/core/", [domain, name]),
	"kind": "service", "service": name,
})

acting(name, id, roles, actions) := object.union(
	service(name),
	{"person": id, "roles": roles, "grant": {"actions": actions}},
)

run(id) := object.union(nobody, {"identity": concat("/run/", [domain, id]), "kind": "run", "run": id})

predictor := object.union(nobody, {
	"identity": concat("", [domain, "/svc/prod/predictor/credit"]),
	"kind": "predictor", "environment": "prod", "endpoint": "credit",
})

asked(subject, action, resource) := answer if {
	question := {"subject": subject, "action": action, "resource": resource, "context": {"time_ns": 1}}
	answer := authz.decision with input as question
}

dana := person("p-dana", ["data-scientist"])

amir := person("p-amir", ["approver"])

ada := person("p-ada", ["administrator"])

test_roles_allow_what_the_table_says if {
	asked(dana, "training/start-run", {}).allow
	asked(amir, "registry/approve", {}).allow
	asked(ada, "identity/enrol", {}).allow
	asked(dana, "training/start-run", {}).rule == "training/start-run.people"
}

test_a_person_without_the_role_is_told_which_role_it_takes if {
	asked(dana, "registry/approve", {}) == {
		"allow": false,
		"rule": "registry/approve.people",
		"reason": "p-dana holds data-scientist; this needs approver or risk",
		"fix": "ask an administrator for one of these roles: approver, risk",
	}
}

test_a_person_without_roles_is_said_to_hold_none if {
	answer := asked(person("p-new", []), "registry/promote", {})
	not answer.allow
	startswith(answer.reason, "p-new holds no role")
}

test_any_person_may_read_the_log_and_no_stranger if {
	asked(person("p-new", []), "ledger/read", {}).allow
	not asked(object.union(dana, {"person": null}), "ledger/read", {}).allow
	not asked(object.remove(dana, ["person"]), "ledger/read", {}).allow
}

test_a_right_of_services_is_no_persons if {
	answer := asked(ada, "ingestion/release-key", {})
	not answer.allow
	answer.reason == "this is no person's right"
	contains(answer.fix, "services features")
}

test_only_the_named_service_gets_keys if {
	asked(service("features"), "ingestion/release-key", {}).allow
	every name in rights.fixed {
		is_features_or_refused(name)
	}
}

is_features_or_refused("features")

is_features_or_refused(name) if not asked(service(name), "ingestion/release-key", {}).allow

test_a_service_that_does_not_exist_has_no_rights if {
	not asked(service("nonesuch"), "ledger/read", {}).allow
}

test_every_fixed_service_reads_the_log if {
	every name in rights.fixed { asked(service(name), "ledger/read", {}).allow }
}

test_a_delegate_needs_a_grant if {
	answer := asked(service("training"), "evaluator/evaluate", {})
	not answer.allow
	answer.rule == "evaluator/evaluate.delegates"
	asked(acting("training", "p-dana", ["data-scientist"], ["evaluator/evaluate"]), "evaluator/evaluate", {}).allow
}

test_a_grant_is_no_more_than_the_persons_role if {
	answer := asked(acting("training", "p-amir", ["approver"], ["evaluator/evaluate"]), "evaluator/evaluate", {})
	not answer.allow
	answer.rule == "evaluator/evaluate.people"
}

test_a_grant_is_no_more_than_the_services_right if {
	answer := asked(acting("serving", "p-dana", ["data-scientist"], ["evaluator/evaluate"]), "evaluator/evaluate", {})
	not answer.allow
	answer.rule == "evaluator/evaluate.services"
}

test_a_grant_is_for_the_actions_it_lists if {
	answer := asked(acting("training", "p-dana", ["data-scientist"], ["registry/register"]), "evaluator/evaluate", {})
	not answer.allow
	answer.rule == "evaluator/evaluate.grant"
}

test_a_grant_without_person_or_list_is_none if {
	nameless := object.union(acting("training", "p-dana", ["data-scientist"], ["evaluator/evaluate"]), {"person": null})
	not asked(nameless, "evaluator/evaluate", {}).allow
	asked(nameless, "evaluator/evaluate", {}).rule == "evaluator/evaluate.grant"
	listless := object.union(service("training"), {"person": "p-dana", "roles": ["data-scientist"], "grant": {}})
	not asked(listless, "evaluator/evaluate", {}).allow
}

test_a_services_own_right_is_used_without_a_grant if {
	answer := asked(
		acting("features", "p-dana", ["data-scientist"], ["ingestion/release-key"]),
		"ingestion/release-key",
		{},
	)
	not answer.allow
	answer.fix == "call without the grant"
}

test_only_services_carry_grants if {
	grant := {"grant": {"actions": ["training/start-run", "features/release-key", "registry/read"]}}
	every subject in [dana, run("run-1"), predictor] {
		every action in grant.grant.actions {
			not asked(object.union(subject, grant), action, {}).allow
		}
	}
	asked(object.union(dana, grant), "training/start-run", {}).rule == "training/start-run.callers"
}

test_a_run_uploads_to_itself_only if {
	asked(run("run-1"), "training/upload", {"run": "run-1"}).allow
	asked(run("run-1"), "training/upload", {"path": {"id": "run-1"}}).allow
	asked(run("run-1"), "training/upload", {"path": {"run": "run-1"}}).allow
	asked(run("run-1"), "training/upload", {"path": {"run_id": "run-1"}}).allow
	not asked(run("run-1"), "training/upload", {"run": "run-2"}).allow
	not asked(run("run-1"), "training/upload", {}).allow
	asked(run("run-1"), "training/upload", {}).rule == "training/upload.runs"
}

test_a_run_has_seven_rights_and_a_predictor_few if {
	runs := {action | some action, row in rights.table; row.runs}
	runs == {
		"features/read-object", "features/release-key", "tracking/read",
		"tracking/write", "tracking/own-run", "training/read-run", "training/upload",
	}
	not asked(run("run-1"), "registry/read-package", {}).allow
	asked(run("run-1"), "features/release-key", {}).allow
	asked(predictor, "registry/read-package", {}).allow
	not asked(predictor, "registry/promote", {}).allow
	asked(predictor, "registry/promote", {}).rule == "registry/promote.predictors"
	asked(run("run-1"), "registry/promote", {}).reason == "runs may not do this"
}

test_a_run_is_written_by_its_owner_only if {
	id := concat("/run/", [domain, "run-1"])
	asked(run("run-1"), "tracking/own-run", {"owner": id}).allow
	asked(dana, "tracking/own-run", {"owners": [id, "p-dana"]}).allow
	asked(service("training"), "tracking/own-run", {"owner": service("training").identity}).allow
	on_behalf := acting("training", "p-dana", ["data-scientist"], ["tracking/own-run"])
	asked(on_behalf, "tracking/own-run", {"owner": "p-dana"}).allow
	every subject in [dana, run("run-2"), service("evaluator"), on_behalf] {
		answer := asked(subject, "tracking/own-run", {"owner": id})
		not answer.allow
		answer.rule == "tracking/own-run.owner"
	}
	not asked(run("run-1"), "tracking/own-run", {}).allow
}

test_an_identity_that_is_not_what_its_kind_says_is_refused if {
	every lie in [
		object.union(dana, {"identity": "spiffe://assay.demo/people/p-other"}),
		object.union(dana, {"kind": "service"}),
		object.union(dana, {"kind": "gateway"}),
		object.union(dana, {"kind": "unknown"}),
		object.union(service("features"), {"identity": "spiffe://assay.demo/svc/core/training"}),
	] {
		not asked(lie, "ledger/read", {}).allow
		asked(lie, "ledger/read", {}).rule == "ledger/read.callers"
	}
	not asked(object.union(run("run-1"), {"run": "run-2"}), "training/upload", {"run": "run-2"}).allow
	not asked(object.union(predictor, {"endpoint": "other"}), "registry/read", {}).allow
}

# Whatever else a document claims, one of kind and identity must not speak for another.
test_claims_beside_the_kind_count_for_nothing if {
	claims := {
		"service": "training", "run": "run-1", "environment": "prod", "endpoint": "credit", "person": "p-dana",
		"roles": ["administrator", "approver", "data-scientist"], "grant": {"actions": [action | some action, _ in rights.table]},
	}
	every kind in ["person", "run", "predictor", "gateway", "unknown"] {
		every path in ["/people/p-dana", "/run/run-1", "/svc/prod/predictor/credit", "/svc/core/training"] {
			liar := object.union(claims, {"kind": kind, "identity": concat("", [domain, path])})
			every action, _ in rights.table { not asked(liar, action, {"run": "run-1", "owner": "p-dana"}).allow }
		}
	}
	every kind in ["service", "run", "predictor"] {
		liar := object.union(claims, {"kind": kind, "identity": concat("", [domain, "/people/p-dana"]), "grant": null})
		every action, _ in rights.table { not asked(liar, action, {"run": "run-1", "owner": "p-dana"}).allow }
	}
}

test_a_grant_lists_its_actions_in_an_array if {
	odd := object.union(
		service("training"),
		{"person": "p-dana", "roles": ["data-scientist"], "grant": {"actions": {"0": "evaluator/evaluate"}}},
	)
	not asked(odd, "evaluator/evaluate", {}).allow
}

test_a_refusal_says_who_could if {
	could := {
		"ledger/append": "predictors",
		"training/upload": "this is for runs",
		"evaluator/evaluate": "for a person, with their grant: training",
		"ingestion/release-key": "services features",
	}
	every action, words in could {
		contains(asked(service("tracking"), action, {}).fix, words)
	}
	contains(asked(run("run-1"), "ledger/read", {}).fix, "any person who is signed in")
	contains(asked(run("run-1"), "ledger/read", {}).fix, "every fixed service")
	contains(asked(run("run-1"), "registry/promote", {}).fix, "people with role administrator or data-scientist or operator")
}

test_an_unknown_action_is_refused if {
	asked(ada, "registry/nonesuch", {}).rule == "authz/unknown-action"
	not asked(ada, "registry/nonesuch", {}).allow
}

test_a_malformed_question_is_refused if {
	every question in [{}, [], "", null, {"action": "ledger/read"}, {"subject": dana}, {"action": {}, "subject": dana}] {
		answer := authz.decision with input as question
		answer.allow == false
		answer.rule == "authz/malformed-question"
	}
}

test_every_refusal_names_rule_reason_and_fix if {
	every action, _ in rights.table {
		every subject in [dana, amir, ada, service("ledger"), run("run-1"), predictor, person("p-new", [])] {
			says_all(asked(subject, action, {}))
		}
	}
}

says_all(answer) if answer.allow == true

says_all(answer) if {
	answer.allow == false
	answer.rule != ""
	answer.reason != ""
	answer.fix != ""
}

test_every_name_in_the_table_exists if {
	every action, row in rights.table {
		regex.match(`^[a-z]+/[a-z-]+$`, action)
		every column, _ in row { column in {"people", "services", "delegates", "runs", "predictors", "owner", "platform"} }
		every role in object.get(row, "people", []) { role in array.concat(["*", "founder"], rights.staff) }
		every name in object.get(row, "services", []) { name in array.concat(["*"], rights.fixed) }
		every name in object.get(row, "delegates", []) { name in rights.fixed }
		object.get(row, "runs", "own") in {"own", "any"}
	}
}

test_no_service_says_what_only_a_person_may if {
	every action in [
		"registry/approve", "registry/reject", "registry/withdraw", "registry/revoke",
		"identity/grant", "identity/enrol", "identity/bind-credential", "identity/change-role",
	] {
		row := rights.table[action]
		object.keys(row) & {"services", "delegates", "runs", "predictors"} == set()
	}
}

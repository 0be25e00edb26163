package assay.conditions_test

import data.assay.authz
import data.assay.authz_test
import data.assay.limits
import data.assay.rights

minute := 60000000000

now := 1795000000000000000

asked(subject, action, resource, context) := answer if {
	question := {"subject": subject, "action": action, "resource": resource, "context": object.union({"time_ns": now}, context)}
	answer := authz.decision with input as question
}

signed_in(subject, ago) := object.union(subject, {"signed_in_ns": now - ago})

dana := signed_in(authz_test.dana, minute)

amir := signed_in(authz_test.amir, minute)

ada := signed_in(authz_test.ada, minute)

olga := signed_in(authz_test.person("p-olga", ["operator"]), minute)

in_tenant(subject, tenant) := object.union(subject, {"tenant": tenant, "platform": tenant == "demo"})

refused_for(answer, condition) if {
	answer.allow == false
	endswith(answer.rule, concat("", [".", condition]))
	answer.reason != ""
	answer.fix != ""
}

# --- tenant

test_a_resource_of_the_same_tenant_is_allowed_and_another_ones_is_not if {
	asked(dana, "ingestion/push-batch", {"tenant": "demo"}, {}).allow
	refused_for(asked(dana, "ingestion/push-batch", {"tenant": "acme"}, {}), "tenant")
	refused_for(asked(in_tenant(dana, "acme"), "ingestion/push-batch", {"tenant": "demo"}, {}), "tenant")
	asked(in_tenant(dana, "acme"), "ingestion/push-batch", {"tenant": "acme"}, {}).allow
}

test_a_tenant_that_is_no_tenant_is_nobodys if {
	every odd in [null, "", 0, false, {}, ["demo"]] {
		refused_for(asked(dana, "ingestion/push-batch", {"tenant": odd}, {}), "tenant")
		refused_for(asked(object.union(dana, {"tenant": odd}), "ingestion/push-batch", {}, {}), "tenant")
		refused_for(asked(object.union(dana, {"tenant": odd}), "ingestion/push-batch", {"tenant": odd}, {}), "tenant")
	}
	refused_for(asked(object.remove(dana, ["tenant"]), "ingestion/push-batch", {}, {}), "tenant")
}

test_services_runs_and_predictors_meet_one_tenant_too if {
	every subject, action in {
		authz_test.service("features"): "ingestion/release-key",
		authz_test.predictor: "registry/read",
		authz_test.run("run-1"): "features/release-key",
	} {
		asked(subject, action, {"tenant": "demo"}, {}).allow
		refused_for(asked(subject, action, {"tenant": "acme"}, {}), "tenant")
	}
}

# --- the whole trust domain

test_what_is_of_the_trust_domain_takes_an_administrator_of_the_platform if {
	every action in ["identity/enrol", "identity/bind-credential", "identity/activate-policy"] {
		asked(ada, action, {}, {}).allow
		refused_for(asked(in_tenant(ada, "acme"), action, {}, {}), "platform")
		refused_for(asked(object.remove(ada, ["platform"]), action, {}, {}), "platform")
		refused_for(asked(object.union(ada, {"platform": "true"}), action, {}, {}), "platform")
	}
	asked(in_tenant(ada, "acme"), "identity/change-role", {}, {}).allow
}

test_a_founder_appoints_in_every_tenant_and_does_nothing_else_there if {
	founder := in_tenant(signed_in(authz_test.person("p-ada", ["founder"]), minute), "acme")
	may := {action | some action, _ in rights.table; asked(founder, action, {}, {}).allow}
	anybody := {"identity/authorize", "identity/own-session", "identity/read-people", "identity/read-policy"}
	may == anybody | {"identity/change-role", "ledger/read", "platform/status"}
}

# --- data

personal := {"tenant": "demo", "classification": "personal", "purposes": ["credit-scoring", "research"]}

test_personal_data_is_released_for_a_purpose_it_allows if {
	asked(dana, "features/build-feature-set", personal, {"purpose": "credit-scoring"}).allow
	answer := asked(dana, "features/build-feature-set", personal, {"purpose": "marketing"})
	refused_for(answer, "purpose")
	endswith(answer.reason, "the data may be used for credit-scoring, research")
	every odd in [null, "", ["credit-scoring"], {}, true] {
		refused_for(asked(dana, "features/build-feature-set", personal, {"purpose": odd}), "purpose")
	}
	refused_for(asked(dana, "features/build-feature-set", personal, {}), "purpose")
}

test_personal_data_whose_purposes_nobody_named_is_released_for_none if {
	every purposes in [[], null, "credit-scoring", {}] {
		bare := object.union(personal, {"purposes": purposes})
		refused_for(asked(dana, "features/build-feature-set", bare, {"purpose": "x"}), "purpose")
	}
	nothing := asked(dana, "features/build-feature-set", object.remove(personal, ["purposes"]), {"purpose": "x"})
	refused_for(nothing, "purpose")
	endswith(nothing.reason, "the data may be used for nothing yet")
}

test_other_data_that_names_purposes_keeps_to_them if {
	named := {"classification": "internal", "purposes": ["research"]}
	asked(dana, "features/build-feature-set", named, {"purpose": "research"}).allow
	refused_for(asked(dana, "features/build-feature-set", named, {"purpose": "marketing"}), "purpose")
	refused_for(asked(dana, "features/build-feature-set", {"classification": "internal", "purposes": []}, {"purpose": "x"}), "purpose")
	asked(dana, "features/build-feature-set", {"classification": "internal", "purposes": null}, {}).allow
	asked(dana, "features/build-feature-set", {"classification": "internal"}, {}).allow
}

# --- project

member(subject, projects) := object.union(
	subject,
	{"roles": array.concat(subject.roles, [concat("", ["project-", p]) | some p in projects])},
)

test_data_of_a_project_is_opened_by_its_members if {
	action := "features/build-feature-set"
	asked(dana, action, {"projects": []}, {}).allow
	refused_for(asked(dana, action, {"projects": ["credit"]}, {}), "project")
	refused_for(asked(member(dana, ["other"]), action, {"projects": ["credit"]}, {}), "project")
	refused_for(asked(member(dana, ["credit"]), action, {"projects": ["credit", "fraud"]}, {}), "project")
	asked(member(dana, ["credit"]), action, {"projects": ["credit"]}, {}).allow
	asked(member(dana, ["fraud", "credit"]), action, {"projects": ["credit", "fraud"]}, {}).allow
	answer := asked(dana, action, {"projects": ["fraud", "credit"]}, {})
	contains(answer.reason, "project credit and fraud")
}

test_being_a_member_is_no_right_of_its_own if {
	nobody := object.union(member(dana, ["credit"]), {"roles": ["project-credit"]})
	not asked(nobody, "features/build-feature-set", {"projects": ["credit"]}, {}).allow
}

test_projects_that_are_none_are_nobodys if {
	every odd in [null, "", "credit", 0, false, {}, [1], [null], [["credit"]], {"credit": 1}] {
		refused_for(asked(member(dana, ["credit"]), "features/build-feature-set", {"projects": odd}, {}), "project")
	}
}

test_data_of_a_region_is_worked_on_where_it_may_be if {
	asked(dana, "features/build-feature-set", {"regions": ["eu"]}, {"region": "eu"}).allow
	asked(dana, "features/build-feature-set", {"regions": ["uk"]}, {"region": "eu"}).allow
	asked(dana, "features/build-feature-set", {"regions": []}, {}).allow
	not asked(dana, "features/build-feature-set", {"regions": ["uk", "us"]}, {"region": "us"}).allow
	asked(dana, "features/build-feature-set", {"regions": ["uk", "us"]}, {"region": "eu"}).allow
	answer := asked(dana, "features/build-feature-set", {"regions": ["eu"]}, {"region": "us"})
	refused_for(answer, "region")
	contains(answer.reason, "the data is of region eu")
	refused_for(asked(dana, "features/build-feature-set", {"regions": ["eu"]}, {}), "region")
	refused_for(asked(dana, "features/build-feature-set", {"regions": ["moon"]}, {"region": "moon"}), "region")
}

# --- environment and tier

test_production_takes_a_stronger_role_than_the_others if {
	every action in ["registry/promote", "serving/rollout"] {
		asked(dana, action, {"environment": "dev", "tier": "low"}, {}).allow
		answer := asked(dana, action, {"environment": "prod", "tier": "low"}, {})
		refused_for(answer, "environment")
		contains(answer.reason, "administrator or operator")
		asked(olga, action, {"environment": "prod", "tier": "low"}, {}).allow
		asked(ada, action, {"environment": "prod", "tier": "low"}, {}).allow
	}
	asked(dana, "serving/rollback", {"environment": "prod"}, {}).allow
}

# --- signing in

test_what_makes_others_able_takes_a_person_who_signed_in_lately if {
	every action, subject in {
		"registry/approve": amir, "registry/reject": amir, "registry/withdraw": amir,
		"registry/delegate": amir, "registry/act-for": olga,
		"identity/change-role": ada, "identity/bind-credential": ada, "identity/activate-policy": ada,
	} {
		asked(signed_in(subject, 15 * minute), action, {}, {}).allow
		refused_for(asked(signed_in(subject, (15 * minute) + 1), action, {}, {}), "sign-in")
		every odd in [null, "", {}, "1795000000000000000"] {
			refused_for(asked(object.union(subject, {"signed_in_ns": odd}), action, {}, {}), "sign-in")
		}
	}
	asked(signed_in(dana, 59 * minute), "training/start-run", {}, {}).allow
	asked(signed_in(amir, 59 * minute), "registry/revoke", {}, {}).allow
}

test_a_model_of_the_high_tier_takes_a_fresher_sign_in if {
	every action in ["registry/promote", "serving/rollout"] {
		high := {"environment": "dev", "tier": "high"}
		asked(signed_in(olga, 5 * minute), action, high, {}).allow
		refused_for(asked(signed_in(olga, (5 * minute) + 1), action, high, {}), "sign-in")
		asked(signed_in(olga, 30 * minute), action, object.union(high, {"tier": "limited"}), {}).allow
	}
	asked(signed_in(olga, 59 * minute), "serving/rollback", {"environment": "prod", "tier": "high"}, {}).allow
}

# --- calendar

test_a_freeze_lets_nothing_new_in_and_says_until_when if {
	freeze := limits.freezes[0]
	every at in [freeze.from_ns, freeze.until_ns - 1] {
		early := object.union(olga, {"signed_in_ns": at})
		answer := asked(early, "serving/rollout", {"environment": "prod"}, {"time_ns": at})
		refused_for(answer, "calendar")
		contains(answer.fix, freeze.until)
		asked(early, "serving/rollout", {"environment": "test"}, {"time_ns": at}).allow
		asked(early, "serving/rollback", {"environment": "prod"}, {"time_ns": at}).allow
	}
	every at in [freeze.from_ns - 1, freeze.until_ns] {
		asked(olga, "serving/rollout", {"environment": "prod"}, {"time_ns": at}).allow
	}
}

test_a_question_without_a_time_is_refused_where_time_counts if {
	every odd in [null, "", {}] {
		refused_for(asked(olga, "serving/rollout", {"environment": "prod"}, {"time_ns": odd}), "calendar")
	}
}

# --- the table of limits

test_every_action_of_the_limits_is_in_the_table_of_rights if {
	every action, _ in limits.fresh { rights.table[action] }
	every _, actions in limits.fresh_by_tier { every action, _ in actions { rights.table[action] } }
	every _, actions in limits.stronger { every action, _ in actions { rights.table[action] } }
	every freeze in limits.freezes { every action in freeze.actions { rights.table[action] } }
}

test_a_person_who_lacks_the_right_is_told_that_and_not_a_condition if {
	asked(dana, "registry/approve", {"tenant": "acme"}, {}).rule == "registry/approve.people"
}

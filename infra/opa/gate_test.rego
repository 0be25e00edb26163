package assay.gate_test

import data.assay.gate
import data.assay.gates

digest := "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

shown(kind) := {"kind": kind, "digest": digest, "verified": true, "metrics": {}}

measured(metrics) := object.union(shown("evaluation"), {"metrics": metrics})

good := measured({"auc": 0.78, "ece": 0.02, "n": 6000})

approval(person, role) := {
	"person": person, "role": role, "roles": [role],
	"digest": digest, "valid": true, "expires_ns": 2000,
}

# What the high tier wants besides.
more := [
	shown("scan"), shown("data"), shown("sbom"), shown("robustness"), shown("privacy"), shown("model-card"),
	shown("risk-record"), object.union(shown("fairness"), {"metrics": {"worst_auc_gap": 0.04}}),
]

all_kinds := array.concat(full.evidence, more)

full := {
	"model": "credit-default", "number": 1, "tier": "limited", "environment": "prod",
	"evidence": [shown("run"), shown("signature"), shown("card"), good],
	"approvals": [approval("p-amir", "approver"), approval("p-bea", "approver")],
	"contributors": ["p-dana"], "earlier": [], "time_ns": 1000, "now_ns": 1000, "endpoint": "credit",
}

judged(change) := answer if {
	answer := gate.verdict with input as object.union(full, change)
}

refused(change, word) if {
	answer := judged(change)
	answer.passed == false
	some entry in answer.missing
	contains(concat(" ", [entry.what, entry.how]), word)
}

test_all_that_is_wanted_passes if {
	judged({}) == {
		"passed": true, "outcome": "pass", "missing": [], "rule": "gate/limited/prod", "runs_seconds": 15552000,
	}
}

test_each_kind_of_evidence_is_wanted if {
	every kind in ["run", "signature", "card", "evaluation"] {
		rest := [entry | some entry in full.evidence; entry.kind != kind]
		refused({"evidence": rest}, kind)
	}
}

test_evidence_that_is_not_verified_is_missing if {
	every verified in [false, null, "true", 1] {
		evidence := [object.union(entry, {"verified": verified}) | some entry in full.evidence]
		count(judged({"evidence": evidence}).missing) == 7
	}
	not judged({"evidence": [object.remove(entry, ["verified"]) | some entry in full.evidence]}).passed
	not judged({"evidence": [object.union(entry, {"digest": numbers.range(1, 64)}) | some entry in full.evidence]}).passed
	not judged({"evidence": [object.union(entry, {"digest": "short"}) | some entry in full.evidence]}).passed
}

with_evaluations(evaluations) := {"evidence": array.concat(
	[shown("run"), shown("signature"), shown("card")],
	evaluations,
)}

test_a_measure_outside_its_bound_is_refused if {
	refused(with_evaluations([measured({"auc": 0.69, "ece": 0.02, "n": 6000})]), "auc")
	refused(with_evaluations([measured({"auc": 0.78, "ece": 0.2, "n": 6000})]), "ece")
	refused(with_evaluations([measured({"auc": 0.78, "ece": 0.02, "n": 30})]), "another checkpoint")
}

test_a_bound_itself_is_within if {
	judged(with_evaluations([measured({"auc": 0.7, "ece": 0.1, "n": 500})])).passed
}

test_a_measure_that_is_not_a_number_is_inconclusive if {
	every value in [null, "0.99", true, [0.99], {}] {
		refused(with_evaluations([measured({"auc": value, "ece": 0.02, "n": 6000})]), "inconclusive")
		refused(with_evaluations([measured({"auc": 0.78, "ece": value, "n": 6000})]), "inconclusive")
	}
	refused(with_evaluations([measured({"ece": 0.02, "n": 6000})]), "inconclusive")
}

test_a_good_evaluation_does_not_undo_a_bad_one if {
	bad := measured({"auc": 0.5, "ece": 0.02, "n": 6000})
	refused(with_evaluations([good, bad]), "auc")
}

test_one_person_twice_counts_once if {
	refused({"approvals": [approval("p-amir", "approver"), approval("p-amir", "approver")]}, "1 more of 2")
}

test_a_signer_without_a_name_counts_for_nobody if {
	unnamed := [object.union(approval("", "approver"), {"person": person}) | some person in [1, 2, null, ["p"]]]
	not judged({"approvals": unnamed}).passed
}

test_no_contributor_counts if {
	refused({"contributors": ["p-dana", "p-bea"]}, "p-bea contributed")
	refused({"contributors": ["spiffe://assay.demo/people/p-bea"]}, "p-bea contributed")
}

test_unknown_contributors_are_inconclusive if {
	refused({"contributors": []}, "who contributed")
	not judged({"contributors": [1]}).passed
	not judged({"contributors": null}).passed
	gate.verdict.rule == "gate/malformed-question" with input as object.remove(full, ["contributors"])
}

second(change) := {"approvals": [approval("p-amir", "approver"), object.union(approval("p-bea", "approver"), change)]}

test_an_approval_counts_only_when_all_of_it_holds if {
	judged(second({})).passed
	refused(second({"valid": false}), "p-bea is not valid")
	refused(second({"valid": "true"}), "p-bea is not valid")
	refused(second({"roles": ["data-scientist"]}), "p-bea does not hold the role")
	refused(second({"role": "risk", "roles": ["risk"]}), "1 more of 2")
	refused(second({"conditions": {"max_share": 0.1}}), "p-bea carries a condition that these rules do not know")
	refused(second({"expires_ns": 1000}), "p-bea has expired")
	refused(second({"expires_ns": "9999"}), "p-bea has expired")
	refused(second({"not_before_ns": true}), "p-bea has expired, is not in force yet")
	refused(second({"not_before_ns": 1001}), "p-bea has expired, is not in force yet")
	judged(second({"not_before_ns": 1000})).passed
	refused({"approvals": []}, "no approval stands yet")
}

test_the_limited_tier_takes_an_approval_without_end_and_the_high_tier_does_not if {
	judged(second({"expires_ns": null})).passed
	three := array.concat(full.approvals, [approval("p-rita", "risk")])
	judged({"tier": "high", "evidence": all_kinds, "approvals": three}).passed
	endless := [object.union(entry, {"expires_ns": null}) | some entry in three]
	refused({"tier": "high", "evidence": all_kinds, "approvals": endless}, "no end")
}

test_nobody_stands_in_for_two_roles if {
	both := object.union(approval("p-bea", "risk"), {"roles": ["approver", "risk"]})
	refused({"tier": "high", "evidence": all_kinds, "approvals": array.concat(full.approvals, [both])}, "3 different people")
	refused({"tier": "high", "evidence": all_kinds}, "1 approvals by role risk")
}

test_dev_wants_no_approval if {
	judged({"environment": "dev", "approvals": [], "evidence": [shown("run"), shown("signature")]}).passed
	refused({"environment": "dev", "approvals": [], "evidence": []}, "run")
}

test_a_tier_or_environment_that_does_not_exist_is_refused if {
	judged({"tier": "none"}).rule == "gate/malformed-question"
	judged({"environment": "staging"}).rule == "gate/malformed-question"
	not judged({"tier": null}).passed
}

test_a_malformed_question_is_refused if {
	every question in [{}, [], "", null, 1, {"tier": "limited", "environment": "dev"}] {
		answer := gate.verdict with input as question
		answer.passed == false
		count(answer.missing) > 0
	}
	every field in ["evidence", "approvals", "contributors", "time_ns"] {
		judged({field: "x"}).rule == "gate/malformed-question"
	}
}

test_every_gate_wants_evidence_that_can_be_shown if {
	every tier in ["low", "limited", "high"] {
		every environment in ["dev", "test", "prod"] {
			entry := gates.table[tier][environment]
			"run" in entry.evidence
			every kind in entry.evidence { gate.how_to_show[kind] }
			evaluated(entry)
		}
	}
}

# Measures are of evaluations: a gate that bounds some wants one.
evaluated(entry) if count(entry.measures) == 0

evaluated(entry) if "evaluation" in entry.evidence

test_prod_never_wants_less_than_dev_and_test if {
	every tier, places in gates.table {
		tier != ""
		every place in ["dev", "test"] {
			every kind in places[place].evidence { kind in places.prod.evidence }
		}
		count(places.prod.approvals) > 0
	}
}

test_each_kind_the_high_tier_wants_is_wanted if {
	three := array.concat(full.approvals, [approval("p-rae", "risk")])
	every kind in ["scan", "data", "sbom", "robustness", "privacy", "model-card", "risk-record", "fairness"] {
		rest := [entry | some entry in all_kinds; entry.kind != kind]
		refused({"tier": "high", "evidence": rest, "approvals": three}, kind)
		judged({"tier": "high", "evidence": rest, "approvals": three}).outcome == "inconclusive"
	}
}

test_stale_evidence_is_missing_from_the_moment_it_ends if {
	aging := [object.union(entry, {"expires_ns": 1000}) | some entry in full.evidence]
	judged({"evidence": aging}).outcome == "inconclusive"
	judged({"evidence": aging, "time_ns": 999}).passed
	not judged({"evidence": [object.union(entry, {"expires_ns": "never"}) | some entry in full.evidence]}).passed
}

test_a_measured_figure_outside_its_bound_fails_and_a_missing_one_is_inconclusive if {
	judged(with_evaluations([measured({"auc": 0.69, "ece": 0.02, "n": 6000})])).outcome == "fail"
	judged(with_evaluations([measured({"ece": 0.02, "n": 6000})])).outcome == "inconclusive"
	judged({"approvals": []}).outcome == "inconclusive"
}

test_a_bound_may_be_about_another_kind_of_evidence if {
	three := array.concat(full.approvals, [approval("p-rae", "risk")])
	unfair := array.concat(
		[entry | some entry in all_kinds; entry.kind != "fairness"],
		[object.union(shown("fairness"), {"metrics": {"worst_auc_gap": 0.2}})],
	)
	answer := judged({"tier": "high", "evidence": unfair, "approvals": three})
	answer.outcome == "fail"
	answer.missing[0].what == "worst_auc_gap at most 0.1 in every fairness"
}

# --- deciding for somebody who is away ---------------------------------------------------------------------------

away(person, holder) := object.union(approval(person, "approver"), {"holder": holder})

test_who_stands_in_for_somebody_counts_as_that_person_once if {
	judged({"approvals": [approval("p-amir", "approver"), away("p-dora", "p-bea")]}).passed
	refused({"approvals": [approval("p-bea", "approver"), away("p-dora", "p-bea")]}, "1 more of 2")
	refused({"approvals": [away("p-emil", "p-bea"), away("p-dora", "p-bea")]}, "1 more of 2")
	refused({"approvals": [away("p-dora", "p-amir"), away("p-dora", "p-bea")]}, "1 more of 2")
}

test_a_lent_voice_frees_nobody_to_use_anothers if {
	lent_on := [away("p-amir", "p-bea"), away("p-dora", "p-amir")]
	refused({"approvals": lent_on}, "p-dora uses a voice whose holder has spoken")
	refused({"approvals": lent_on}, "p-amir uses a voice whose holder has spoken, or has lent their own")
	refused({"approvals": array.concat(lent_on, [approval("p-carl", "approver")])}, "1 more of 2")
	refused({"approvals": [away("p-amir", "p-bea"), away("p-bea", "p-amir")]}, "2 more of 2")
	judged({"approvals": array.concat(lent_on, [approval(person, "approver") | some person in ["p-carl", "p-cleo"]])}).passed
}

test_once_the_holder_has_spoken_nobody_does_for_them_even_where_their_word_does_not_count if {
	unheard := object.union(approval("p-bea", "approver"), {"valid": false})
	refused({"approvals": [approval("p-amir", "approver"), away("p-dora", "p-bea"), unheard]}, "1 more of 2")
	void := object.union(away("p-dora", "p-amir"), {"valid": false})
	judged({"approvals": [away("p-amir", "p-bea"), void, approval("p-carl", "approver")]}).passed
}

test_nobody_stands_in_for_a_contributor_or_for_what_is_no_person if {
	refused({"approvals": [approval("p-amir", "approver"), away("p-dora", "p-dana")]}, "decides for somebody who contributed")
	every holder in [null, 1, ["p-bea"], {}] {
		not judged({"approvals": [approval("p-amir", "approver"), away("p-dora", holder)]}).passed
	}
}

# --- how long it may run

days(n) := 1000 + (n * 86400000000000)

test_an_endpoint_answers_on_a_rollout_for_as_long_as_its_tier_lets_it if {
	judged({"now_ns": days(180) - 1}).passed
	every late in [days(180), days(180) + 1, days(400)] {
		refused({"now_ns": late}, "a rollout of the last 180 days")
		judged({"now_ns": late}).outcome == "fail"
	}
	judged({"now_ns": days(181), "time_ns": days(1)}).passed == false
	every odd in [null, "1", true, {}] { refused({"now_ns": odd}, "a rollout of the last 180 days") }
	refused({"now_ns": days(90), "earlier": ["high"]}, "a rollout of the last 90 days")
}

test_an_alias_does_not_run if {
	judged({"endpoint": null, "now_ns": days(400)}).passed
	judged({"endpoint": null}).runs_seconds == null
}

test_a_tier_may_set_no_longest_time if {
	endless := {"environment": "dev", "approvals": [], "now_ns": days(4000)}
	judged(endless).passed
	judged(endless).runs_seconds == null
}

test_nothing_runs_for_ever_in_prod_and_every_gate_says_how_long if {
	every _, places in gates.table {
		is_number(places.prod.runs_days)
		every _, entry in places { bounded(entry.runs_days) }
	}
}

bounded(days) if days == null

bounded(days) if {
	is_number(days)
	days > 0
}

# --- conditions

second_of(limits) := second({"conditions": limits, "ends": "2027-01-01 00:00:00 UTC"})

test_an_approval_for_some_endpoints_counts_there_and_nowhere_else if {
	judged(second_of({"endpoints": ["credit"]})).passed
	judged(second_of({"endpoints": ["cards", "credit"]})).passed
	refused(second_of({"endpoints": ["cards"]}), "p-bea approved it only on endpoint cards, and this is endpoint credit")
	every where in [null, 7, ["credit"]] {
		refused(object.union(second_of({"endpoints": ["credit"]}), {"endpoint": where}), "and this is no endpoint")
	}
	nowhere := object.remove(object.union(full, second_of({"endpoints": ["credit"]})), ["endpoint"])
	not gate.verdict.passed with input as nowhere
}

# Seconds and nanoseconds: 2 s is 2,000,000,000 ns.
test_an_approval_until_a_moment_ends_with_it if {
	limited := second_of({"until": 2})
	judged(object.union(limited, {"now_ns": 1999999999})).passed
	every ended in [2000000000, 2000000001, 9223372036854775807] {
		refused(object.union(limited, {"now_ns": ended}), "p-bea approved it only until 2027-01-01 00:00:00 UTC")
	}
	every odd in [null, "1", true] { not judged(object.union(limited, {"now_ns": odd})).passed }
	not gate.verdict.passed with input as object.remove(object.union(full, limited), ["now_ns"])
}

test_a_moment_that_passes_ends_nothing_that_was_not_limited_to_it if judged({"now_ns": 9000000000000}).passed

test_every_condition_holds_or_the_approval_does_not_count if {
	judged(second_of({"endpoints": ["credit"], "until": 2})).passed
	not judged(second_of({"endpoints": ["cards"], "until": 2})).passed
	not judged(second_of({"endpoints": ["credit"], "until": 0})).passed
	not judged(second_of({"endpoints": ["credit"], "max_share": 1})).passed
}

test_a_condition_in_another_form_is_met_by_nothing if {
	every limits in [
		[], null, "endpoints", 1, {"endpoints": "credit"}, {"endpoints": {"credit": true}}, {"endpoints": []},
		{"endpoints": false}, {"until": "2027"}, {"until": null}, {"until": false}, {"": 1}, {"Until": 2},
	] {
		not judged(second_of(limits)).passed
	}
}

test_two_approvals_with_different_conditions_count_only_where_both_hold if {
	judged(two(["credit"], ["cards", "credit"])).passed
	not judged(two(["credit"], ["cards"])).passed
}

two(a, b) := {"approvals": [
	object.union(approval("p-amir", "approver"), {"conditions": {"endpoints": a}}),
	object.union(approval("p-bea", "approver"), {"conditions": {"endpoints": b}}),
]}

# --- a lowered tier

test_a_lowered_tier_takes_the_signatures_of_the_tier_it_left if {
	judged({"tier": "low", "earlier": ["low"], "approvals": [approval("p-amir", "approver")]}).passed
	every left in [["limited"], ["low", "limited"], ["limited", "low"]] {
		refused({"tier": "low", "earlier": left, "approvals": [approval("p-amir", "approver")]}, "is of tier limited")
		judged({"tier": "low", "earlier": left}).passed
	}
	refused({"earlier": ["high"]}, "1 more of 1 approvals by role risk")
	judged({"earlier": ["high"], "approvals": array.concat(full.approvals, [approval("p-rita", "risk")])}).passed
	refused(
		{"earlier": ["high"], "approvals": array.concat(
			[object.union(approval("p-amir", "approver"), {"expires_ns": null})],
			[approval("p-bea", "approver"), approval("p-rita", "risk")],
		)},
		"no end where one is wanted",
	)
}

test_a_raised_tier_is_judged_as_itself if {
	not judged({"tier": "high", "earlier": ["low"]}).passed
	judged({"earlier": ["low"]}) == judged({})
}

test_a_question_that_does_not_say_the_earlier_tiers_is_malformed if {
	every odd in [null, "low", ["none"], [null], {"low": true}] {
		judged({"earlier": odd}).rule == "gate/malformed-question"
	}
	gate.verdict.rule == "gate/malformed-question" with input as object.remove(full, ["earlier"])
}

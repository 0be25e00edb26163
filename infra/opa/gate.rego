# May this version enter this environment? Everything wanted must be met by something positive; the rest is missing.
#
# Inconclusive is never a pass: a figure that is not there, evidence that is stale or not verified, approvals still
# to come and a question that is not well-formed are all missing. It fails where something was measured and is
# outside its bound.
#
#   tier, environment   which gate of infra/opa/gates.rego
#   evidence            [{kind, digest (64 hex digits), verified (true), metrics, expires_ns (or null)}]
#   approvals           [{person, role (claimed), roles (held now), valid (true), and in nanoseconds
#                       not_before_ns and expires_ns, or null}]
#                       holder is whose role it is: the person's own, or that of somebody who is away
#                       conditions are the approver's limits: endpoints (a list), until (seconds since 1970); ends
#                       is the latter in words
#   contributors        ids of the people whose approval cannot count
#   earlier             tiers of the model's earlier versions: people sign as for the strictest of all
#   time_ns             when it is judged for: of a move, when it was made
#   now_ns              when it is judged; what is limited until then ends with it, and what has run for too long
#   endpoint            where it would answer; null for what is no endpoint, such as an alias
package assay.gate

import data.assay.gates
import data.assay.limits

default verdict := {
	"passed": false,
	"outcome": "inconclusive",
	"rule": "gate/malformed-question",
	"missing": [{
		"state": "inconclusive",
		"what": "a question with tier, environment, evidence, approvals, contributors, earlier tiers and time",
		"how": "send them as the head of infra/opa/gate.rego lists them; tiers are low, limited and high",
	}],
}

verdict := {
	"passed": count(missing) == 0,
	"outcome": outcome,
	"missing": missing,
	"rule": rule,
	"runs_seconds": runs_seconds,
} if {
	well_formed
}

outcome := "pass" if {
	count(missing) == 0
} else := "fail" if {
	some entry in missing
	entry.state == "fail"
} else := "inconclusive"

rule := concat("/", ["gate", input.tier, input.environment])

gate := gates.table[input.tier][input.environment]

# A lowered tier asks for less evidence, and for the signatures of the tier it left: those who sign for it decide so.
signing := gates.table[strictest][input.environment]

tiers := ["high", "limited", "low"]

strictest := [tier | some tier in tiers; tier in array.concat([input.tier], input.earlier)][0]

well_formed if {
	gate
	is_array(input.earlier)
	every tier in input.earlier { tier in tiers }
	is_array(input.evidence)
	is_array(input.approvals)
	is_array(input.contributors)
	is_number(input.time_ns)
	every contributor in input.contributors { is_string(contributor) }
}

# In order of their ids: engines walk through sets each in their own way.
missing := [{"what": want.what, "how": want.how, "state": object.get(want, "state", "inconclusive")} |
	some id in sort([want.id | some want in wanted])
	not is_met(id)
	some want in wanted
	want.id == id
]

is_met(id) if id in met

# --- evidence -------------------------------------------------------------------------------------------------

how_to_show := {
	"run": "register a checkpoint of a run whose provenance is in the ledger",
	"signature": "register the package again; the registry signs what it stores",
	"evaluation": "have the evaluator measure this very package on rows the run was not given",
	"card": "put a model card into the package (training drafts one) and register it again",
	"fairness": "have the evaluator measure slices; the registry states their gaps when it registers",
	"robustness": "measure this package under noise and missing values and attach the statement",
	"privacy": "measure what this package gives away of its training rows and attach the statement",
	"scan": "register the version again; the registry scans what it stores",
	"data": "register the version again; the registry states the tags of its batches",
	"sbom": "register the version again; the registry states what the run was built from",
	"model-card": "write the model card: assay card edit MODEL/NUMBER",
	"risk-record": "write the risk record: assay risk edit MODEL/NUMBER",
}

wanted contains {
	"id": concat(":", ["evidence", kind]),
	"what": concat(" ", ["verified evidence of kind", kind]),
	"how": how_to_show[kind],
} if {
	some kind in gate.evidence
}

met contains concat(":", ["evidence", kind]) if {
	some kind in gate.evidence
	some evidence in input.evidence
	shows(evidence, kind)
}

shows(evidence, kind) if {
	evidence.kind == kind
	evidence.verified == true
	is_string(evidence.digest)
	count(evidence.digest) == 64
	current(evidence)
}

# What never becomes stale says nothing of an end.
current(evidence) if object.get(evidence, "expires_ns", null) == null

current(evidence) if {
	is_number(evidence.expires_ns)
	input.time_ns < evidence.expires_ns
}

# --- measures -------------------------------------------------------------------------------------------------

# What a bound is about: every evaluation, unless it names another kind of evidence.
about(bound) := object.get(bound, "kind", "evaluation")

measurements(bound) := [evidence |
	some evidence in input.evidence
	shows(evidence, about(bound))
]

wanted contains {
	"id": measure_id(bound),
	"what": concat(" ", [bound.metric, words(bound), "in every", about(bound)]),
	"how": how_to_measure(bound),
	"state": measured_state(bound),
} if {
	some bound in gate.measures
}

measure_id(bound) := concat(":", ["measure", about(bound), bound.metric, words(bound)])

measured_state(bound) := "fail" if {
	measured(bound)
} else := "inconclusive"

words(bound) := concat(" ", ["at least", json.marshal(bound.at_least)])

words(bound) := concat(" ", ["at most", json.marshal(bound.at_most)])

how_to_measure(bound) := "inconclusive: have the evaluator measure it, or measure it on more rows" if {
	not measured(bound)
} else := "an evaluation is outside the bound: choose another checkpoint, or train a better model"

measured(bound) if {
	some evaluation in measurements(bound)
	is_number(evaluation.metrics[bound.metric])
}

# One good evaluation does not undo a bad one: all of them keep the bound, and there is one.
met contains measure_id(bound) if {
	some bound in gate.measures
	count(measurements(bound)) > 0
	every evaluation in measurements(bound) { within(evaluation, bound) }
}

within(evaluation, bound) if {
	is_number(evaluation.metrics[bound.metric])
	evaluation.metrics[bound.metric] >= bound.at_least
}

within(evaluation, bound) if {
	is_number(evaluation.metrics[bound.metric])
	evaluation.metrics[bound.metric] <= bound.at_most
}

# --- how long it may run --------------------------------------------------------------------------------------

# Nobody looks at what runs: its tier says for how long it may, counted from when it was rolled out.
wanted contains {
	"id": "runs",
	"what": longest,
	"how": "have it approved anew where an approval has expired, and roll it out again",
	"state": "fail",
}

default longest := "a rollout"

longest := concat(" ", ["a rollout of the last", format_int(signing.runs_days, 10), "days"]) if {
	is_number(signing.runs_days)
}

# An alias answers nothing.
met contains "runs" if object.get(input, "endpoint", null) == null

met contains "runs" if signing.runs_days == null

met contains "runs" if {
	is_number(input.now_ns)
	input.now_ns < input.time_ns + (signing.runs_days * limits.day)
}

runs_seconds := (signing.runs_days * limits.day) / limits.second if {
	object.get(input, "endpoint", null) != null
	is_number(signing.runs_days)
} else := null

# --- approvals ------------------------------------------------------------------------------------------------

wanted contains {
	"id": "contributors",
	"what": "who contributed to this version",
	"how": "register the version again; its run's provenance names its contributors",
} if {
	count(signing.approvals) > 0
}

met contains "contributors" if count(input.contributors) > 0

wanted contains {
	"id": concat(":", ["approvals", need.role]),
	"what": concat("", [format_int(need.people - counted(need.role), 10), " more of ", needing(need)]),
	"how": how_to_approve,
} if {
	some need in signing.approvals
}

needing(need) := concat(" ", [format_int(need.people, 10), "approvals by role", need.role])

met contains concat(":", ["approvals", need.role]) if {
	some need in signing.approvals
	counted(need.role) >= need.people
}

# Nobody stands in for two roles.
wanted contains {
	"id": "approvals",
	"what": concat(" ", [format_int(people_wanted, 10), "different people who approve"]),
	"how": how_to_approve,
} if {
	count(signing.approvals) > 1
}

met contains "approvals" if {
	count(everyone) >= people_wanted
	count(everybody) >= people_wanted
}

people_wanted := sum([need.people | some need in signing.approvals])

everyone contains person if {
	some need in signing.approvals
	some person in signers(need.role)
}

everybody contains person if {
	some need in signing.approvals
	some person in speakers(need.role)
}

# Whose roles are used: somebody who is away and their delegate are one, and so are two delegates of one.
signers(role) := {holder(approval) |
	some approval in input.approvals
	approval.role == role
	counts(approval)
}

speakers(role) := {approval.person |
	some approval in input.approvals
	approval.role == role
	counts(approval)
}

counted(role) := min([count(signers(role)), count(speakers(role))])

holder(approval) := object.get(approval, "holder", approval.person)

counts(approval) if {
	approval.valid == true
	is_string(approval.person)
	approval.role in approval.roles
	not contributed(approval.person)
	whose := holder(approval)
	is_string(whose)
	not contributed(whose)
	not silenced(approval)
	conditioned(approval)
	begun(approval)
	unended(approval)
}

# A voice that is lent stays its holder's: once they speak for anybody, nobody else does for them.
silenced(approval) if {
	some other in input.approvals
	other.person != approval.person
	other.person == holder(approval)
}

# And nobody uses another's voice while somebody uses theirs.
silenced(approval) if {
	approval.person != holder(approval)
	some other in input.approvals
	other.valid == true
	other.person != approval.person
	holder(other) == approval.person
}

contributed(person) if person in input.contributors

contributed(person) if {
	some contributor in input.contributors
	endswith(contributor, concat("", ["/people/", person]))
}

# Every limit its approver set is one of these, and holds where and while it would answer.
conditioned(approval) if {
	is_object(limits_of(approval))
	every name, _ in limits_of(approval) { holds(approval, name) }
}

limits_of(approval) := object.get(approval, "conditions", {})

holds(approval, "endpoints") if {
	is_array(approval.conditions.endpoints)
	is_string(input.endpoint)
	input.endpoint in approval.conditions.endpoints
}

holds(approval, "until") if {
	is_number(approval.conditions.until)
	is_number(input.now_ns)
	input.now_ns < approval.conditions.until * limits.second
}

begun(approval) if object.get(approval, "not_before_ns", null) == null

begun(approval) if {
	is_number(approval.not_before_ns)
	approval.not_before_ns <= input.time_ns
}

unended(approval) if {
	signing.expiring == false
	object.get(approval, "expires_ns", null) == null
}

unended(approval) if {
	is_number(approval.expires_ns)
	input.time_ns < approval.expires_ns
}

how_to_approve := concat(" ", [
	"people of that role who did not contribute sign the statement of this version and environment;",
	concat("", [lowered, standing]),
])

default lowered := ""

lowered := concat("", ["an earlier version is of tier ", strictest, ", whose signatures this one takes; "]) if {
	strictest != input.tier
}

standing := "no approval stands yet" if {
	count(input.approvals) == 0
} else := concat("", ["these do not count: ", concat("; ", sort(discounted))]) if {
	count(discounted) > 0
} else := "those that stand count"

discounted contains concat(" ", [approval.person, why_not(approval)]) if {
	some approval in input.approvals
	not counts(approval)
}

why_not(approval) := "contributed to this version" if {
	contributed(approval.person)
} else := "decides for somebody who contributed to this version" if {
	contributed(holder(approval))
} else := "uses a voice whose holder has spoken, or has lent their own" if {
	silenced(approval)
} else := "is not valid: the signature, the package or the evidence it names has changed" if {
	not holds_good(approval)
} else := "does not hold the role it claims" if {
	not holds_claimed(approval)
} else := "carries a condition that these rules do not know" if {
	not conditioned(approval)
	not says_why(approval)
} else := concat(" and ", limiting(approval)) if {
	not conditioned(approval)
} else := "has expired, is not in force yet, or has no end where one is wanted"

holds_good(approval) if approval.valid == true

holds_claimed(approval) if approval.role in approval.roles

says_why(approval) if count(limiting(approval)) > 0

held(approval) := {name | some name, _ in limits_of(approval); holds(approval, name)}

# In words: what its approver limited it to and this is not, and what would fix it.
limiting(approval) := [text |
	some name in ["endpoints", "until"]
	limits_of(approval)[name]
	count({name} - held(approval)) == 1
	text := told(approval, name)
]

told(approval, "endpoints") := concat("", [
	"approved it only on endpoint ", concat(" or ", approval.conditions.endpoints), ", and this is ", asked_for,
	" (roll it out there, by its number, or have it approved without that condition)",
])

told(approval, "until") := concat("", [
	"approved it only until ", approval.ends, ", which has passed (have it approved anew)",
])

default asked_for := "no endpoint"

asked_for := concat(" ", ["endpoint", input.endpoint]) if is_string(input.endpoint)

# Who may do what: one decision on one action, default deny.
#
# Everything that allows is a positive rule over fields that are there; a refusal names the rule that came
# nearest and what would satisfy it. Only rules are negated, never a builtin over a field that may be missing.
#
#   subject    identity   SPIFFE id of the client certificate
#              kind       person, service, run, predictor, gateway or unknown, by that identity
#              service, run, endpoint, environment    what the identity names of them, else null
#              person     the person it is, or acts for by a verified grant, else null
#              roles      the roles that person holds now
#              grant      null, or {"actions": […]} of the verified grant
#              tenant, platform, signed_in_ns    where and since when: infra/opa/conditions.rego
#   action     one of infra/opa/rights.rego
#   resource   what it is done to: path (parameters of the route), run, owner or owners, and what else is known
#   context    time_ns, and what else is known
package assay.authz

import data.assay.conditions
import data.assay.rights

default decision := {
	"allow": false,
	"rule": "authz/malformed-question",
	"reason": "the question does not say who asks for what",
	"fix": "send subject, action, resource and context as the head of infra/opa/authz.rego lists them",
}

decision := {
	"allow": true,
	"rule": concat(".", [input.action, min(allowing)]),
	"reason": concat("", [asking, " holds this right"]),
	"fix": "",
} if {
	count(allowing) > 0
	count(conditions.unmet) == 0
} else := {
	"allow": false,
	"rule": concat(".", [input.action, conditions.refused.condition]),
	"reason": concat("", [asking, ": ", conditions.refused.reason]),
	"fix": conditions.refused.fix,
} if {
	count(allowing) > 0
} else := {
	"allow": false,
	"rule": "authz/unknown-action",
	"reason": concat("", ["no rule speaks of ", input.action]),
	"fix": "ask for an action of infra/opa/rights.rego",
} if {
	is_string(input.action)
	is_string(asking)
	not spoken_of
} else := refusal

# --- who asks -------------------------------------------------------------------------------------------------

row := rights.table[input.action]

spoken_of if row

asking := input.subject.identity if is_string(input.subject.identity)

person_asks if {
	input.subject.kind == "person"
	endswith(asking, concat("", ["/people/", input.subject.person]))
	ungranted
}

service_asks if {
	input.subject.kind == "service"
	input.subject.service in rights.fixed
	endswith(asking, concat("", ["/svc/core/", input.subject.service]))
}

run_asks if {
	input.subject.kind == "run"
	endswith(asking, concat("", ["/run/", input.subject.run]))
	ungranted
}

predictor_asks if {
	input.subject.kind == "predictor"
	path := ["/svc/", input.subject.environment, "/predictor/", input.subject.endpoint]
	endswith(asking, concat("", path))
	ungranted
}

ungranted if input.subject.grant == null

granted if {
	is_string(input.subject.person)
	is_array(input.subject.grant.actions)
}

known if person_asks

known if service_asks

known if run_asks

known if predictor_asks

# --- what allows ----------------------------------------------------------------------------------------------

allowing contains "people" if {
	person_asks
	role_allows
	owned
}

allowing contains "services" if {
	service_asks
	ungranted
	own_right
	owned
}

allowing contains "delegates" if {
	service_asks
	granted
	may_act
	input.action in input.subject.grant.actions
	role_allows
	owned
}

allowing contains "runs" if {
	run_asks
	run_fits
	owned
}

allowing contains "predictors" if {
	predictor_asks
	row.predictors == true
	owned
}

role_allows if {
	is_string(input.subject.person)
	"*" in row.people
}

role_allows if {
	is_string(input.subject.person)
	some role in input.subject.roles
	role in row.people
}

own_right if "*" in row.services

own_right if input.subject.service in row.services

may_act if own_right

may_act if input.subject.service in row.delegates

run_fits if row.runs == "any"

run_fits if {
	row.runs == "own"
	input.subject.run in named_runs
}

# The run a resource names: by the use case, or by the path of the route.
named_runs contains input.resource.run

named_runs contains input.resource.path.run

named_runs contains input.resource.path.run_id

named_runs contains input.resource.path.id

must_own if row.owner == true

owned if not must_own

owned if {
	some owner in owners
	owner in callers
}

owners contains input.resource.owner

owners contains owner if some owner in input.resource.owners

callers contains asking

callers contains input.subject.person if is_string(input.subject.person)

# --- what came nearest ------------------------------------------------------------------------------------------

refused(part, reason, fix) := {
	"allow": false,
	"rule": concat(".", [input.action, part]),
	"reason": reason,
	"fix": fix,
}

refusal := refused(
	"callers",
	concat("", [asking, " is no person, fixed service, run or predictor, or carries a grant it may not"]),
	who_may,
) if {
	spoken_of
	not known
} else := refused("owner", concat("", [asking, " owns nothing of what it asks for"]), owner_fix) if {
	entitled
} else := person_refusal if {
	person_asks
} else := service_refusal if {
	service_asks
} else := run_refusal if {
	run_asks
} else := refused("predictors", concat("", [asking, " is a predictor; predictors may not do this"]), who_may) if {
	predictor_asks
}

owner_fix := "ask as the identity or person that the resource names as its owner"

# Everything but ownership would allow it.
entitled if {
	person_asks
	role_allows
}

entitled if {
	service_asks
	ungranted
	own_right
}

entitled if {
	service_asks
	granted
	may_act
	input.action in input.subject.grant.actions
	role_allows
}

entitled if {
	run_asks
	run_fits
}

person_refusal := refused("people", "this is no person's right", who_may) if {
	not people_may
} else := refused("people", concat("", [input.subject.person, " ", holding, "; ", needed]), role_fix)

people_may if count(row.people) > 0

holding := concat("", ["holds ", concat(", ", sort(input.subject.roles))]) if {
	count(input.subject.roles) > 0
} else := "holds no role"

needed := concat("", ["this needs ", concat(" or ", row.people)])

role_fix := concat("", ["ask an administrator for one of these roles: ", concat(", ", row.people)])

service_refusal := refused("services", concat("", [input.subject.service, " has no such right"]), who_may) if {
	not may_act
} else := refused("delegates", concat("", [input.subject.service, " may do this only for a person"]), grant_fix) if {
	ungranted
} else := refused("grant", "the grant is not the grant of a person with a list of actions", grant_fix) if {
	not granted
} else := refused("grant", concat("", ["the grant does not list ", input.action]), grant_fix) if {
	not listed
} else := refused("people", concat("", [input.subject.person, " ", holding, "; ", needed]), role_fix) if {
	people_may
} else := refused(
	"people",
	"this is the service's own right and no person's, and the call carries a grant",
	"call without the grant",
)

listed if input.action in input.subject.grant.actions

grant_fix := concat("", ["send a grant of that person which lists ", input.action])

run_refusal := refused("runs", "runs may not do this", who_may) if {
	not runs_may
} else := refused("runs", concat("", [input.subject.run, " asked about something that is not its own"]), run_fix)

runs_may if is_string(row.runs)

run_fix := "a run reads and writes under its own id only"

# --- who could ------------------------------------------------------------------------------------------------

who_may := concat("", ["this is for ", concat("; ", sort(could))])

could contains concat(" ", ["people with role", concat(" or ", row.people)]) if {
	people_may
	not anyone
}

could contains "any person who is signed in" if anyone

anyone if "*" in row.people

could contains "every fixed service" if "*" in row.services

could contains concat(" ", ["services", concat(", ", row.services)]) if {
	count(row.services) > 0
	not every_service
}

every_service if "*" in row.services

could contains concat(" ", ["for a person, with their grant:", concat(", ", row.delegates)]) if {
	count(row.delegates) > 0
}

could contains "runs" if runs_may

could contains "predictors" if row.predictors == true

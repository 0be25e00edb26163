# What must hold besides the right itself: tenant, project, purpose, region, role in an environment, sign-in, calendar.
#
# A condition is wanted by what the question says of subject, resource and context, and met by something positive:
# what is wanted and not met refuses, so a member that is missing never helps. Only `is_met` is negated.
#
#   subject   tenant     the tenant the request acts in, where its roles hold
#             platform   true: that is the platform's own
#             signed_in_ns   when the person signed in for the certificate shown, else null
#   resource  tenant     whose it is, from its fact; absent where nothing has been loaded yet
#             classification, purposes   of data: "personal" where a column is; what all of it may be used
#                        for, null when nobody named anything
#             regions, projects   of data, from its facts; a project's members hold the role `project-<name>`
#             environment, tier   of what moves
#   context   time_ns; purpose stated for data, which stands in the fact that is made of it; region of the service
package assay.conditions

import data.assay.limits
import data.assay.rights

unmet := [id | some id in order; id in wanted; not is_met(id)]

# What is told first: whose it is, then who may, then when.
order := ["tenant", "platform", "project", "purpose", "region", "environment", "sign-in", "calendar"]

is_met(id) if id in met

refused := {"condition": id, "reason": told.reason, "fix": told.fix} if {
	id := unmet[0]
	told := saying[id]
}

# --- tenant -------------------------------------------------------------------------------------------------

wanted contains "tenant"

met contains "tenant" if {
	acting
	not resource_named
}

met contains "tenant" if {
	acting
	input.resource.tenant == input.subject.tenant
}

acting if {
	is_string(input.subject.tenant)
	count(input.subject.tenant) > 0
}

resource_named if {
	some member, _ in input.resource
	member == "tenant"
}

saying["tenant"] := {
	"reason": "the request acts in another tenant than what it asks for, or in none",
	"fix": "choose the tenant it belongs to (--tenant, ASSAY_TENANT, header Assay-Tenant)",
}

# --- what is of the whole trust domain --------------------------------------------------------------------------

wanted contains "platform" if rights.table[input.action].platform == true

met contains "platform" if input.subject.platform == true

saying["platform"] := {
	"reason": "this is of the whole trust domain, and the request acts in another tenant than the platform's own",
	"fix": "ask an administrator of the platform's own tenant",
}

# --- data: projects ---------------------------------------------------------------------------------------------

wanted contains "project" if input.resource.projects != []

met contains "project" if {
	count(input.resource.projects) > 0
	every project in input.resource.projects { concat("", ["project-", project]) in input.subject.roles }
}

saying["project"] := {
	"reason": concat("", ["the data is of ", named_projects, ", and whoever asks is no member of it"]),
	"fix": "ask an administrator for the role project-<name> of each",
}

default named_projects := "a project"

named_projects := concat("", ["project ", concat(" and ", sort(input.resource.projects))]) if {
	count(input.resource.projects) > 0
}

# --- data: purpose and region -----------------------------------------------------------------------------------

wanted contains "purpose" if input.resource.classification == "personal"

wanted contains "purpose" if input.resource.purposes != null

met contains "purpose" if {
	is_string(input.context.purpose)
	input.context.purpose in input.resource.purposes
}

saying["purpose"] := {
	"reason": concat("", ["the data may be used for ", allowed_purposes]),
	"fix": "state one of these purposes, or have the data set's contract name yours",
}

default allowed_purposes := "nothing yet"

allowed_purposes := concat(", ", sort(input.resource.purposes)) if count(input.resource.purposes) > 0

wanted contains "region" if count(input.resource.regions) > 0

met contains "region" if {
	is_string(input.context.region)
	every region in input.resource.regions { input.context.region in limits.regions[region] }
}

saying["region"] := {
	"reason": concat("", ["the data is of region ", concat(" and ", input.resource.regions), ", and this runs in another"]),
	"fix": "ask where the platform runs in a region that infra/opa/limits.rego lists for it",
}

# --- environment --------------------------------------------------------------------------------------------------

wanted contains "environment" if limits.stronger[input.resource.environment][input.action]

met contains "environment" if {
	some role in input.subject.roles
	role in limits.stronger[input.resource.environment][input.action]
}

saying["environment"] := {
	"reason": concat("", [
		input.resource.environment, " takes a stronger role: ",
		concat(" or ", limits.stronger[input.resource.environment][input.action]),
	]),
	"fix": "have somebody with that role do it, or ask an administrator for the role",
}

# --- how long ago the person signed in ----------------------------------------------------------------------------

within contains limits.fresh[input.action]

within contains limits.fresh_by_tier[input.resource.tier][input.action]

wanted contains "sign-in" if count(within) > 0

met contains "sign-in" if {
	is_number(input.subject.signed_in_ns)
	input.context.time_ns <= input.subject.signed_in_ns + (min(within) * limits.second)
}

saying["sign-in"] := {
	"reason": concat("", ["this takes a person who signed in less than ", format_int(min(within), 10), " seconds ago"]),
	"fix": "sign in again (`assay login`), and ask with that certificate",
}

# --- calendar -----------------------------------------------------------------------------------------------------

wanted contains "calendar" if {
	some freeze in limits.freezes
	input.action in freeze.actions
	input.resource.environment in freeze.environments
}

met contains "calendar" if {
	is_number(input.context.time_ns)
	not frozen
}

frozen if some _ in freezing

freezing contains freeze if {
	some freeze in limits.freezes
	input.action in freeze.actions
	input.resource.environment in freeze.environments
	input.context.time_ns >= freeze.from_ns
	input.context.time_ns < freeze.until_ns
}

saying["calendar"] := {
	"reason": concat("", ["nothing new goes live in ", input.resource.environment, " during ", concat(", ", [f.name | some f in freezing])]),
	"fix": concat("", ["ask after ", max([f.until | some f in freezing]), "; going back to the version before always may"]),
} if {
	frozen
} else := {"reason": "the question does not say when it is asked", "fix": "send context.time_ns"}

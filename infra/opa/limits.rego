# The constants behind the conditions of infra/opa/conditions.rego: the whole list, and nothing else.
package assay.limits

second := 1000000000 # nanoseconds

day := 86400000000000 # nanoseconds

# How long ago a person may have signed in, in seconds, for what makes others able or a model count.
fresh := {
	"registry/approve": 900,
	"registry/reject": 900,
	"registry/withdraw": 900,
	"registry/act-for": 900,
	"registry/delegate": 900,
	"identity/change-role": 900,
	"identity/bind-credential": 900,
	"identity/activate-policy": 900,
	"identity/draft-root": 900,
}

# The same for models of a tier, whatever the environment.
fresh_by_tier := {"high": {"registry/promote": 300, "serving/rollout": 300}}

# Roles that may do an action in an environment, besides the right itself.
stronger := {"prod": {
	"registry/promote": ["administrator", "operator"],
	"serving/rollout": ["administrator", "operator"],
}}

# Where data of a region may be worked on; data that names no region may be worked on anywhere.
regions := {
	"ch": ["ch"],
	"eu": ["eu"],
	"uk": ["eu", "uk"],
	"us": ["eu", "uk", "us"],
}

# Times in which nothing new goes live; going back always may. Nanoseconds since 1970, from (inclusive) until
# (exclusive). Written here, they are signed, previewed and activated like every other rule.
freezes := [{
	"name": "turn-of-the-century",
	"from_ns": 946166400000000000,
	"until_ns": 946944000000000000,
	"until": "2000-01-04T00:00:00Z",
	"environments": ["prod"],
	"actions": ["registry/promote", "serving/rollout"],
}]

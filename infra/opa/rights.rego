# Who may do what: the whole table, and the only place a right is written.
#
#   people       roles of a person, by their own certificate or by the grant a service carries; "*" is any person
#   services     fixed services by their own right; "*" is every fixed service
#   delegates    fixed services, but only for a person whose grant they carry and whose role allows the action
#   runs         "own": the resource must name the run that asks; "any": the service looks at the signed order
#   predictors   true: every predictor
#   platform     true: besides, the request must act in the platform's own tenant: what is of the whole trust
#                domain, and what is not kept apart by tenant yet (training, evaluation, serving, tracking)
#   owner        true: besides, the resource must name the caller, or its person, as an owner
#
# Absent means nobody. A right is of an action; what of it a caller may touch is decided on the resource.
package assay.rights

# The fixed services of a trust domain; "*" in the column of services means these.
fixed := [
	"evaluator", "features", "identity", "ingestion", "ledger",
	"opa", "registry", "serving", "tracking", "training", "witness",
]

staff := ["administrator", "approver", "data-scientist", "operator", "risk"]

deciders := ["approver", "risk"]

makers := ["administrator", "data-scientist"]

movers := ["administrator", "data-scientist", "operator"]

table := {
	"ledger/append": {
		"services": ["evaluator", "features", "identity", "ingestion", "registry", "serving", "training"],
		"predictors": true,
	},
	"ledger/read": {"people": ["*"], "services": ["*"], "predictors": true},
	"ledger/witness": {"services": ["witness"]},
	"ledger/search": {"people": staff, "services": ["*"], "platform": true},
	"identity/read-people": {"people": ["*"], "services": ["*"]},
	"identity/read-policy": {"people": ["*"], "services": ["*"], "predictors": true},
	"identity/own-session": {"people": ["*"]},
	"identity/authorize": {"people": ["*"]},
	"identity/redeem-code": {"services": ["registry", "tracking"]},
	"identity/sign-proposal": {"people": ["administrator"], "platform": true},
	"identity/revoke": {"people": ["administrator"], "platform": true},
	"identity/grant": {"people": staff},
	"identity/enrol": {"people": ["administrator"], "platform": true},
	"identity/bind-credential": {"people": ["administrator"], "platform": true},
	"identity/change-role": {"people": ["administrator", "founder"]},
	"identity/activate-policy": {"people": ["administrator"], "platform": true},
	"identity/draft-root": {"people": ["administrator"], "platform": true},
	"identity/say-root": {"people": ["*"], "platform": true},
	"ingestion/define-dataset": {"people": makers},
	"ingestion/push-batch": {"people": makers},
	"ingestion/read-batches": {
		"people": staff,
		"services": ["evaluator", "features", "registry", "training"],
	},
	"ingestion/read-quarantine": {"people": makers},
	"ingestion/read-lineage": {"people": staff, "services": ["features", "ledger", "registry", "training"]},
	"ingestion/read-object": {"services": ["features"]},
	"ingestion/release-key": {"services": ["features"]},
	"features/define-view": {"people": makers},
	"features/build-feature-set": {"people": makers, "delegates": ["training"]},
	"features/read": {"people": staff, "services": ["evaluator", "registry", "serving", "training"]},
	"features/read-object": {"services": ["evaluator", "training"], "runs": "any"},
	"features/release-key": {"services": ["evaluator"], "runs": "any"},
	"tracking/read": {
		"people": staff,
		"services": ["evaluator", "registry", "training"],
		"runs": "any",
		"platform": true,
	},
	"tracking/write": {"people": makers, "services": ["evaluator", "training"], "runs": "any", "platform": true},
	"tracking/own-run": {
		"people": makers,
		"services": ["evaluator", "training"],
		"runs": "any",
		"owner": true,
		"platform": true,
	},
	"training/start-run": {"people": makers, "platform": true},
	"training/cancel-run": {"people": makers, "platform": true},
	"training/read-run": {"people": staff, "services": ["evaluator", "registry", "tracking"], "runs": "own", "platform": true},
	"training/read-package": {"people": makers, "services": ["evaluator", "registry"], "platform": true},
	"training/upload": {"runs": "own", "platform": true},
	"evaluator/evaluate": {"people": makers, "delegates": ["training"], "platform": true},
	"evaluator/read": {"people": staff, "services": ["registry", "serving", "training"], "platform": true},
	"registry/register": {"people": makers, "delegates": ["training"], "platform": true},
	"registry/annotate": {"people": movers, "platform": true},
	"registry/set-alias": {"people": movers, "platform": true},
	"registry/read": {
		"people": staff,
		"services": ["evaluator", "identity", "serving", "training"],
		"delegates": ["tracking"],
		"predictors": true,
		"platform": true,
	},
	"registry/read-package": {
		"people": staff,
		"services": ["evaluator", "serving"],
		"delegates": ["tracking"],
		"predictors": true,
		"platform": true,
	},
	"registry/gate": {"people": staff, "services": ["serving"], "predictors": true, "platform": true},
	"registry/request-approval": {"people": movers, "platform": true},
	"registry/comment": {"people": staff, "platform": true},
	"registry/write-model-card": {"people": makers, "platform": true},
	"registry/write-risk-record": {"people": staff, "platform": true},
	"registry/derive-evidence": {"people": makers, "delegates": ["training"], "platform": true},
	"registry/read-statement": {"people": staff, "platform": true},
	"registry/approve": {"people": deciders, "platform": true},
	"registry/reject": {"people": deciders, "platform": true},
	"registry/withdraw": {"people": deciders, "platform": true},
	"registry/act-for": {"people": staff, "platform": true},
	"registry/delegate": {"people": deciders, "platform": true},
	"registry/manage-webhooks": {"people": ["administrator", "operator"], "platform": true},
	"registry/promote": {"people": movers, "platform": true},
	"registry/revoke": {"people": ["administrator", "approver"], "platform": true},
	"registry/reinstate": {"people": ["administrator"], "platform": true},
	"serving/rollout": {"people": movers, "platform": true},
	"serving/rollback": {"people": movers, "platform": true},
	"serving/read": {"people": staff, "services": ["registry"], "predictors": true, "platform": true},
	"serving/predictor-certificate": {"predictors": true, "platform": true},
	"predictor/health": {"people": staff, "services": ["serving"]},
	"predictor/metadata": {"people": staff, "services": ["serving"]},
	"predictor/infer": {"people": makers},
	"predictor/read-receipt": {"people": staff, "services": ["registry", "serving"]},
	"witness/read": {"people": staff, "services": ["*"]},
	"audit/read-journal": {"people": ["administrator"]},
	"platform/status": {"people": ["*"], "services": ["*"]},
}

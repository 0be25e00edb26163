# Who may do what: the whole table, and the only place a right is written.
#
#   people       roles of a person, by their own certificate or by the grant a service carries; "*" is any person
#   services     fixed services by their own right; "*" is every fixed service
#   delegates    fixed services, but only for a person whose grant they carry and whose role allows the action
#   runs         "own": the resource must name the run that asks; "any": the service looks at the signed order
#   predictors   true: every predictor
#   owner        true: besides, the resource must name the caller, or its person, as an owner
#
# Absent means nobody. A right is of an action; what of it a caller may touch is decided on the resource.
package assay.rights

# The fixed services of a trust domain; "*" in the column of services means these.
fixed := [
	"evaluator", "features", "identity", "ingestion", "ledger",
	"opa", "registry", "serving", "tracking", "training", "witness",
]

staff := ["administrator", "approver", "data-scientist", "risk"]

deciders := ["approver", "risk"]

makers := ["administrator", "data-scientist"]

table := {
	"ledger/append": {
		"services": ["evaluator", "features", "identity", "ingestion", "registry", "serving", "training"],
		"predictors": true,
	},
	"ledger/read": {"people": ["*"], "services": ["*"], "predictors": true},
	"ledger/witness": {"services": ["witness"]},
	"ledger/search": {"people": staff, "services": ["*"]},
	"identity/read-people": {"people": ["*"], "services": ["*"]},
	"identity/read-policy": {"people": ["*"], "services": ["*"], "predictors": true},
	"identity/grant": {"people": staff},
	"identity/enrol": {"people": ["administrator"]},
	"identity/bind-credential": {"people": ["administrator"]},
	"identity/change-role": {"people": ["administrator"]},
	"identity/activate-policy": {"people": ["administrator"]},
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
	},
	"tracking/write": {"people": makers, "services": ["evaluator", "training"], "runs": "any"},
	"tracking/own-run": {
		"people": makers,
		"services": ["evaluator", "training"],
		"runs": "any",
		"owner": true,
	},
	"training/start-run": {"people": makers},
	"training/cancel-run": {"people": makers},
	"training/read-run": {"people": staff, "services": ["evaluator", "registry", "tracking"], "runs": "own"},
	"training/read-package": {"people": makers, "services": ["evaluator", "registry"]},
	"training/upload": {"runs": "own"},
	"evaluator/evaluate": {"people": makers, "delegates": ["training"]},
	"evaluator/read": {"people": staff, "services": ["registry", "serving", "training"]},
	"registry/register": {"people": makers, "delegates": ["training"]},
	"registry/read": {
		"people": staff,
		"services": ["evaluator", "identity", "serving", "tracking", "training"],
		"predictors": true,
	},
	"registry/read-package": {"people": staff, "services": ["evaluator", "serving"], "predictors": true},
	"registry/gate": {"people": staff, "services": ["serving"], "predictors": true},
	"registry/request-approval": {"people": makers},
	"registry/write-model-card": {"people": makers},
	"registry/write-risk-record": {"people": staff},
	"registry/derive-evidence": {"people": makers, "delegates": ["training"]},
	"registry/read-statement": {"people": staff},
	"registry/approve": {"people": deciders},
	"registry/reject": {"people": deciders},
	"registry/withdraw": {"people": deciders},
	"registry/promote": {"people": makers},
	"registry/revoke": {"people": ["administrator", "approver"]},
	"registry/reinstate": {"people": ["administrator"]},
	"serving/rollout": {"people": makers},
	"serving/rollback": {"people": makers},
	"serving/read": {"people": staff, "services": ["registry"], "predictors": true},
	"serving/predictor-certificate": {"predictors": true},
	"predictor/health": {"people": ["*"], "services": ["serving"]},
	"predictor/metadata": {"people": staff, "services": ["serving"]},
	"predictor/infer": {"people": makers},
	"predictor/read-receipt": {"people": staff, "services": ["registry", "serving"]},
	"witness/read": {"people": staff, "services": ["*"]},
	"audit/read-journal": {"people": ["administrator"]},
	"platform/status": {"people": ["*"], "services": ["*"]},
}

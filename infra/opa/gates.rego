# What a version must show to enter an environment, by its tier: the whole table.
#
#   evidence    kinds of verified fact that must name the package
#   measures    bounds every verified evaluation (or evidence of the kind named) must keep; no figure is no pass
#   approvals   how many people by which role; nobody counts twice and no contributor counts
#   expiring    true: an approval without an end does not count
#   runs_days   how long an endpoint may answer on one rollout, in days; null: as long as it stands
package assay.gates

nobody := []

table := {
	"low": {
		"dev": {"evidence": ["run"], "measures": [], "approvals": nobody, "expiring": false, "runs_days": null},
		"test": {
			"evidence": ["run", "signature", "evaluation"],
			"measures": [{"metric": "auc", "at_least": 0.6}],
			"approvals": nobody,
			"expiring": false,
			"runs_days": 180,
		},
		"prod": {
			"evidence": ["run", "signature", "evaluation", "card"],
			"measures": [{"metric": "auc", "at_least": 0.65}, {"metric": "n", "at_least": 200}],
			"approvals": [{"role": "approver", "people": 1}],
			"expiring": false,
			"runs_days": 365,
		},
	},
	"limited": {
		"dev": {"evidence": ["run", "signature"], "measures": [], "approvals": nobody, "expiring": false, "runs_days": null},
		"test": {
			"evidence": ["run", "signature", "evaluation"],
			"measures": [{"metric": "auc", "at_least": 0.65}],
			"approvals": nobody,
			"expiring": false,
			"runs_days": 90,
		},
		"prod": {
			"evidence": ["run", "signature", "evaluation", "card"],
			"measures": [
				{"metric": "auc", "at_least": 0.7},
				{"metric": "ece", "at_most": 0.1},
				{"metric": "n", "at_least": 500},
			],
			"approvals": [{"role": "approver", "people": 2}],
			"expiring": false,
			"runs_days": 180,
		},
	},
	"high": {
		"dev": {
			"evidence": ["run", "signature", "evaluation"],
			"measures": [{"metric": "auc", "at_least": 0.65}],
			"approvals": nobody,
			"expiring": false,
			"runs_days": 90,
		},
		"test": {
			"evidence": [
				"run", "signature", "evaluation", "card",
				"scan", "data", "sbom", "fairness",
			],
			"measures": [{"metric": "auc", "at_least": 0.7}, {"metric": "ece", "at_most": 0.1}],
			"approvals": [{"role": "approver", "people": 1}],
			"expiring": true,
			"runs_days": 30,
		},
		"prod": {
			"evidence": [
				"run", "signature", "evaluation", "card",
				"scan", "data", "sbom", "fairness",
				"robustness", "privacy", "model-card", "risk-record",
			],
			"measures": [
				{"metric": "auc", "at_least": 0.75},
				{"metric": "ece", "at_most": 0.05},
				{"metric": "n", "at_least": 1000},
				{"kind": "fairness", "metric": "worst_auc_gap", "at_most": 0.1},
			],
			"approvals": [{"role": "approver", "people": 2}, {"role": "risk", "people": 1}],
			"expiring": true,
			"runs_days": 90,
		},
	},
}

# What a version must show to enter an environment, by its tier: the whole table.
#
#   evidence    kinds of verified fact that must name the package
#   measures    bounds every verified evaluation (or evidence of the kind named) must keep; no figure is no pass
#   approvals   how many people by which role; nobody counts twice and no contributor counts
#   expiring    true: an approval without an end does not count
package assay.gates

nobody := []

table := {
	"low": {
		"dev": {"evidence": ["run"], "measures": [], "approvals": nobody, "expiring": false},
		"test": {
			"evidence": ["run", "signature", "evaluation"],
			"measures": [{"metric": "auc", "at_least": 0.6}],
			"approvals": nobody,
			"expiring": false,
		},
		"prod": {
			"evidence": ["run", "signature", "evaluation", "card"],
			"measures": [{"metric": "auc", "at_least": 0.65}, {"metric": "n", "at_least": 200}],
			"approvals": [{"role": "approver", "people": 1}],
			"expiring": false,
		},
	},
	"limited": {
		"dev": {"evidence": ["run", "signature"], "measures": [], "approvals": nobody, "expiring": false},
		"test": {
			"evidence": ["run", "signature", "evaluation"],
			"measures": [{"metric": "auc", "at_least": 0.65}],
			"approvals": nobody,
			"expiring": false,
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
		},
	},
	"high": {
		"dev": {
			"evidence": ["run", "signature", "evaluation"],
			"measures": [{"metric": "auc", "at_least": 0.65}],
			"approvals": nobody,
			"expiring": false,
		},
		"test": {
			"evidence": [
				"run", "signature", "evaluation", "card",
				"scan", "data", "sbom", "fairness",
			],
			"measures": [{"metric": "auc", "at_least": 0.7}, {"metric": "ece", "at_most": 0.1}],
			"approvals": [{"role": "approver", "people": 1}],
			"expiring": true,
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
		},
	},
}

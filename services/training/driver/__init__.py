"""The process of one run: `python -m services.training.driver`, started by the control process for each run.

It gets one line on standard input (`RunOrder`) and an environment with nothing of the platform in it; it makes
a local Ray cluster, trains in it, says how it goes as JSON lines on standard output, and ends with it. It never
imports the script: only the cluster's workers do. When the control process goes, so does this one.
"""

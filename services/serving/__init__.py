"""Endpoints: which version answers where, said in rollout facts, and a predictor kept running for each.

Owns: the desired state of every endpoint (facts), and the processes that bring it about. Promises: a rollout
fact is appended only for a version whose gate is met, before anything loads; a load that fails is followed by
the next rollout; a predictor's certificate names that predictor and nothing else. Ideas: `domain` (an
endpoint's history and what "the version before" is).
"""

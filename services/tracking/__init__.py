"""Tracking: a real MLflow server behind our identity and policy. Holds no signing right; its runs are no facts.

Owns: the MLflow server as a private child process on a unix socket, its database and artifacts. Promises: only the
routes in `allowed` are reachable, each with a permission; who wrote a run is taken from the certificate (or a grant),
never from what the client says; a run or logged model is written by its owner alone, and what executes in a training
run meets no other; people see MLflow's own pages, which change nothing, with the registry's models in them. Ideas:
`allowed` (the list), `rewriting` (what a call may say), `owners` (whose it is), `shown` and `queries` (what pages ask).
"""

"""The evaluator: measures what runs made, on rows they were not given, with a certificate and key of its own.

Owns evaluation facts. Promises: a package no run fact names is refused; what is measured are the very bytes of
that package on the held-out rows of the run's own feature set; a run that claims more than is measured gets no
evidence. A graph never runs in this process: `scoring` runs it in one that has nothing to lose.

Its own ideas: `measures` (quality, calibration, slices), `scoring` (the process that runs a graph).
"""

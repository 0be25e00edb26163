"""OPA on a laptop: the real server when `opa` is found, else a development server over policy.wasm.

`launch` says how to start either, `build` makes and checks policy.wasm, `python -m assay_laptop.opa` is the
development server: it does the calls Assay makes and no more, and says what it is at every start.
"""

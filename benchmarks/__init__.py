"""Figures beside a peer in the same run: `make bench`, or `python -m benchmarks NAME` for some of them.

Each module `benchmarks/<name>.py` has `run() -> Iterable[Row]`; nothing here is a test and nothing asserts a time.
"""

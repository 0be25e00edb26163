"""`make demo`: one model, end to end, on a throw-away platform; then everything that must be refused, tried.

`thread` is the main job as its stages, `refusals` the attempts, `report` the two tables, `run` joins them.
"""

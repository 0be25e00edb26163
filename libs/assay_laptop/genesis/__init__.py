"""`assay init`: how a platform begins (DESIGN 4). Repeatable until its last step.

`people` makes the founders and the demonstration's people, `trust` signs the root, `founding` runs the steps.
"""

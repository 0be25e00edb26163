"""The laptop profile: a supervisor and built-in development servers; never in the `assay` wheel."""

"""The flows people run; they stand on `assay` alone."""

"""The outside of the witness."""

"""Training over mTLS and the tables in SQL."""

"""Where the log's rows are kept."""

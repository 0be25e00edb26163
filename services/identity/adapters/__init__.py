"""Identity's vendors, one per file."""

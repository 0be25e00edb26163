"""What the pages show, as values worked out of facts: no route, no markup, no network."""

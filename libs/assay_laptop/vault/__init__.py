"""Vault on a laptop: a real one where it is found (`launch`), else the built-in development server (`server`)."""

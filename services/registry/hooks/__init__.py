"""Webhooks: who outside is told of versions, decisions, aliases and revocations; a notice, never a proof."""

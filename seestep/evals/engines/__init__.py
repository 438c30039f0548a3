"""Engines: where an answer comes from (a local model, a server)."""

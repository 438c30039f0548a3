"""Structured, executable chains of thought: build, check, write and read them."""

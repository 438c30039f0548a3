"""Evals: ask a model every item of a suite, keep what it said, score it."""

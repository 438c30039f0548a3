"""Contamination: which training records stand in a benchmark, found in five layers."""

"""What each of the 17 benchmarks asks for: answer types, exact prompt forms, scorers, skills."""

from seestep.bench.base import Ask, Bench
from seestep.bench.table import BENCHES, get

__all__ = ["BENCHES", "Ask", "Bench", "get"]

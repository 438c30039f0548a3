"""Contamination: which training records stand in a benchmark, found in five layers."""

from seestep.curate.contamination.audit import BLOCKED, REPORT, Act, AuditConfig, audit
from seestep.curate.contamination.result import LAYERS, Cell, Leak, Result

__all__ = [
    "BLOCKED",
    "LAYERS",
    "REPORT",
    "Act",
    "AuditConfig",
    "Cell",
    "Leak",
    "Result",
    "audit",
]

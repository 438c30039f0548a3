"""How this process looks after its memory: freed pages kept for the next step, no search for cycles
that are not there."""

from __future__ import annotations

import ctypes
import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager

# glibc's mallopt(3): parameter, value. 32 MiB is the most that it takes for the first on 64 bits.
M_MMAP_THRESHOLD = -3, 32 << 20
M_TRIM_THRESHOLD = -1, (1 << 31) - 1
M_TOP_PAD = -2, 64 << 20


def keep_freed() -> bool:
    """Have this process keep the memory it frees; whether the C library could be told.

    A training step on a CPU frees tensors of megabytes and asks for the same ones in the next, and
    glibc would unmap them in between: zeroing the pages anew took a fifth of the tiny model's step.
    The price is that the process stays as big as its biggest step. Elsewhere (musl, macOS, Windows,
    another allocator preloaded) nothing is changed. Settings in the environment go first.
    """
    if any(name.startswith("MALLOC_") or name == "GLIBC_TUNABLES" for name in os.environ):
        return False
    try:
        os.confstr("CS_GNU_LIBC_VERSION")  # ValueError where there is no glibc
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, ValueError, OSError):
        return False
    return all(mallopt(*told) == 1 for told in (M_MMAP_THRESHOLD, M_TRIM_THRESHOLD, M_TOP_PAD))


@contextmanager
def unswept() -> Iterator[None]:
    """No looking for cycles in here: among many rows, which hold none, it takes a third of all
    time."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()

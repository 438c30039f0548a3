"""``njit`` whose compiled code is kept on disk and found there without loading the compiler.

numba sets up all that a compilation may need (its implementations of numpy, random numbers, typed
lists, scipy's BLAS) before it even looks for what it compiled earlier. Code that is found needs
none of it: a third of a second of every process.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from numba import njit
from numba.core.runtime.nrt import rtsys

F = TypeVar("F", bound=Callable[..., Any])


def kernel(function: F) -> F:
    """``numba.njit(cache=True)``; where nothing is found, numba sets itself up as it compiles."""
    made: Any = njit(cache=True)(function)
    cache: Any = made._cache
    if not hasattr(cache, "_load_overload"):
        return cast(F, made)

    def load_overload(signature: Any, context: Any) -> Any:
        rtsys.initialize(context)  # what allocates the arrays that kernels return
        with cache._guard_against_spurious_io_errors():
            return cache._load_overload(signature, context)

    cache.load_overload = load_overload
    return cast(F, made)

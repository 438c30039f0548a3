"""Ctrl-C that is not lost: Python drops a KeyboardInterrupt that is raised in a finaliser, or in a
callback of compiled code, and a run would go on as if nobody had asked it to stop."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_asked = False


@contextmanager
def stoppable() -> Iterator[None]:
    """Within it Ctrl-C is remembered until ``stop_if_asked`` has raised it, if nothing else does.

    Where SIGINT is ignored, or handled by somebody else, it stays so.
    """
    global _asked
    main = threading.current_thread() is threading.main_thread()
    if not main or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return
    _asked = False
    signal.signal(signal.SIGINT, _stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        _asked = False


@contextmanager
def left_to_asyncio() -> Iterator[None]:
    """Within it Ctrl-C is handled as Python does by itself: ``asyncio.run`` cancels its tasks only
    then, and waits for them for ever where an interrupt broke into its loop."""
    main = threading.current_thread() is threading.main_thread()
    ours = main and signal.getsignal(signal.SIGINT) is _stop
    if ours:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        if ours:
            signal.signal(signal.SIGINT, _stop)


def stop_if_asked() -> None:
    """Raise the ``KeyboardInterrupt`` that was asked for and did not get through."""
    global _asked
    if _asked and threading.current_thread() is threading.main_thread():
        _asked = False
        raise KeyboardInterrupt


def _stop(number: int, frame: Any) -> None:
    global _asked
    _asked = True
    raise KeyboardInterrupt

"""A Ctrl-C that Python drops on its way still stops the run."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from seestep.progress import Progress
from seestep.stopping import stop_if_asked, stoppable


class _Finalised:
    """Ctrl-C comes while it is thrown away: Python reports the interrupt and goes on."""

    def __del__(self) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        for _ in range(1000):  # until the handler has run
            pass


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_interrupt_in_a_finaliser_is_raised_at_the_next_progress():
    silent = Progress(mode="none")
    with stoppable():
        thing = _Finalised()
        del thing
        with pytest.raises(KeyboardInterrupt):
            silent.update(1, 2)
        silent.update(2, 2)  # once


def test_an_interrupt_is_raised_where_it_comes_and_forgotten_afterwards():
    with pytest.raises(KeyboardInterrupt), stoppable():
        os.kill(os.getpid(), signal.SIGINT)
        for _ in range(1000):
            pass
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    stop_if_asked()


def test_who_ignores_interrupts_or_handles_them_is_left_alone():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with stoppable():
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)
    found: list[object] = []

    def elsewhere() -> None:
        with stoppable():
            found.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert found == [signal.default_int_handler]

"""Jobs that raise what does not travel well, importable by worker processes."""

from __future__ import annotations

import sys

from seestep.errors import DataError, MediaError


class Keyword(Exception):
    def __init__(self, *, name: str) -> None:
        super().__init__(f"no {name} here")


class Grows(Exception):
    """Its text would be made anew of itself: "bad bad cup"."""

    def __init__(self, what: str) -> None:
        super().__init__(f"bad {what}")


OFF_MAIN = type("OffMain", (Exception,), {"__module__": "__main__"})
TOLD = {  # job: what one sentence must say
    "keyword": r"job 'keyword' raised tests\.foundation\.raising\.Keyword: no cup here \(at \S+:\d",
    "grows": r"job 'grows' raised tests\.foundation\.raising\.Grows: bad cup \(at",
    "local": r"job 'local' raised .*<locals>\.Local: of this call alone \(at",
    "main": r"job 'main' raised .*OffMain: of another main \(at",
    "exit": r"job 'exit' raised SystemExit: 3 \(at",
    "unsent": r"what job 'unsent' brought cannot be sent to another process: .*generator",
}


def raising(job: str) -> object:
    if job == "keyword":
        raise Keyword(name="cup")
    if job == "grows":
        raise Grows("cup")
    if job == "local":

        class Local(Exception):
            pass

        raise Local("of this call alone")
    if job == "main":
        raise OFF_MAIN("of another main")
    if job == "exit":
        sys.exit(3)
    if job == "unsent":
        return (n for n in range(3))
    if job == "media":
        raise MediaError(
            "it is torn", file="a.png", record="t:1", wanted="a picture", got="half", hint="look"
        )
    if job == "data":
        raise DataError("no such row")
    if job == "value":
        raise ValueError("a plain one", 7)
    return job


class Nameless:
    """Work that can be sent and not be read."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return int, ("no number",)

    def __call__(self, job: str) -> str:
        return job


def is_that_of_media(error: MediaError) -> bool:
    told = (error.what, error.file, error.record, error.wanted, error.got, error.hint)
    return told == ("it is torn", "a.png", "t:1", "a picture", "half", "look") and str(error) == (
        "a.png: t:1: it is torn (wanted a picture, got half). Try: look"
    )

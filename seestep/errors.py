"""The one exception family: what went wrong, where, and the way out."""

from __future__ import annotations

from pathlib import Path


class SeestepError(Exception):
    """An error a user can act on.

    Args:
        what: one sentence saying what is wrong.
        file: the file it was found in.
        record: id of the record, or the row or byte offset inside ``file``.
        wanted: what would have been right.
        got: what came instead.
        hint: what to try next.
    """

    def __init__(
        self,
        what: str,
        *,
        file: str | Path | None = None,
        record: str | None = None,
        wanted: str | None = None,
        got: str | None = None,
        hint: str | None = None,
    ) -> None:
        self.what, self.file, self.record = what, str(file) if file is not None else None, record
        self.wanted, self.got, self.hint = wanted, got, hint
        where = ": ".join(part for part in (self.file, record) if part)
        text = f"{where}: {what}" if where else what
        told = (("wanted", wanted), ("got", got))
        if said := ", ".join(f"{word} {value}" for word, value in told if value is not None):
            text += f" ({said})"
        if hint:
            text += f". Try: {hint}"
        super().__init__(text)


class RecipeError(SeestepError):
    """A recipe cannot be resolved: unknown key, wrong type, impossible combination."""


class DataError(SeestepError):
    """Input data cannot be read or break a rule of the records."""


class MediaError(DataError):
    """An image or video is missing, truncated, too large or not what it claims to be."""


class GeometryError(DataError):
    """A coordinate is malformed, out of range, or its frame cannot be resolved."""


class RunError(SeestepError):
    """A run folder is locked, damaged, or belongs to another recipe."""


class MissingExtra(SeestepError):
    """An optional dependency is not installed."""


def need(module: str, extra: str) -> None:
    """Raise ``MissingExtra`` with the install line when ``module`` cannot be found."""
    from importlib.util import find_spec

    if find_spec(module) is None:
        raise MissingExtra(
            f"{module} is not installed",
            hint=f"pip install 'seestep[{extra}]' -c constraints.txt",
        )

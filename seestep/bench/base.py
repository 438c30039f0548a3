"""The description of a benchmark, as far as asking and scoring go."""

from __future__ import annotations

import msgspec

from seestep.records import AnswerKind, Form


class Ask(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One kind of question of a benchmark: how its answer is written, and how it is scored.

    ``scorer`` is a key of ``answers.SCORERS``. ``form.prompt`` is the exact sentence of the
    protocol named in ``Bench.protocol``, "" where the protocol adds none.
    """

    form: Form
    scorer: str

    @property
    def kind(self) -> AnswerKind:
        return self.form.kind


class Bench(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One of the 17 sets.

    ``name`` is ours ("where2place"; its mini suite is "mini-where2place"), ``title`` the column
    of published tables. ``questions`` is the size of the official set, None where our sources
    disagree. ``images``: fewest and most pictures of a question. ``before`` stands between the
    pictures and the question.
    """

    name: str
    title: str
    asks: tuple[Ask, ...]
    skills: tuple[str, ...]
    protocol: str
    images: tuple[int, int] = (1, 1)
    questions: int | None = None
    metric: str = "accuracy"
    before: str = ""
    licence: str = ""

    def __post_init__(self) -> None:
        kinds = [ask.kind for ask in self.asks]
        if not kinds or len(set(kinds)) != len(kinds):
            raise ValueError(f"{self.name} needs one Ask for each of its answer kinds, got {kinds}")

    def ask(self, kind: str) -> Ask:
        """How answers of ``kind`` are asked for; KeyError if the benchmark has none."""
        for ask in self.asks:
            if ask.kind == kind:
                return ask
        raise KeyError(f"{self.name} has no answers of kind {kind!r}")

    @property
    def mini(self) -> str:
        """Name of the suite of rendered homes that mirrors it."""
        return f"mini-{self.name}"

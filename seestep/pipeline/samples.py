"""A few questions that every model of a run is asked, shown with what each of them said.

Nothing is asked twice for this: the answers are rows of the evaluation.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from seestep.answers import read_choice
from seestep.disk import atomic_write
from seestep.families import Family
from seestep.geometry.frames import same_size
from seestep.media import Roots
from seestep.records import Choice, Item, Plan, Points, Prediction, Score
from seestep.report import draw
from seestep.report.cards import answer_words, asked_words, shown, wanted_words
from seestep.run import read_rows
from seestep.terminal import Look, beside, folded, half_blocks, pad

LEAST_COLUMNS, MOST_COLUMNS = 24, 34  # of a picture
GAP = 3  # columns between things that stand side by side
INDENT = " " * 10
KINDS: dict[str, Callable[[Item], bool]] = {
    "pointing": lambda i: isinstance(i.answer, Points) and i.skill == "pointing",
    "relation": lambda i: isinstance(i.answer, Choice) and i.skill == "relation",
    "counting": lambda i: i.skill == "count",
    "planning": lambda i: isinstance(i.answer, Plan),
}


@dataclass(frozen=True)
class Said:
    """One model's answer to one sample."""

    raw: str
    value: float

    @property
    def right(self) -> bool:
        return self.value >= 0.5


Answers = dict[str, Said]  # item id -> what was said


def choose(folders: Sequence[Path]) -> dict[str, Item]:
    """The first item with one picture of each kind, by order and so by no model's merit."""
    found: dict[str, Item] = {}
    for folder in folders:
        for item in read_rows(folder, Item):
            for kind, fits in KINDS.items():
                if kind not in found and len(item.media) == 1 and fits(item):
                    found[kind] = item
        if len(found) == len(KINDS):
            break
    return {kind: found[kind] for kind in KINDS if kind in found}


def answers(evals: Path, items: dict[str, Item]) -> Answers:
    """What the model whose evaluation lies in ``evals`` said to ``items``."""
    ids = {item.id for item in items.values()}
    raws = {p.item: p.raw for p in read_rows(evals / "predictions", Prediction) if p.item in ids}
    rows = read_rows(evals / "scores", Score)
    return {s.item: Said(raws[s.item], s.value) for s in rows if s.item in raws}


@dataclass(frozen=True)
class Window:
    """Where samples are shown; PNGs go to ``folder`` where the terminal shows no pictures."""

    family: Family
    roots: Roots
    look: Look
    folder: Path

    def introduce(self, items: dict[str, Item], model: str, said: Answers) -> Iterator[str]:
        """Lines: pictures, questions and right answers, and what ``model`` says to them."""
        room = self.look.width - len(INDENT) + GAP
        fits = room // (LEAST_COLUMNS + GAP) if self.look.pictures else 1
        each = next(n for n in (4, 2, 1) if n <= max(1, fits))
        width = room // each - GAP
        blocks = []
        for kind, item in items.items():
            if item.id not in said:
                continue
            words = said[item.id]
            lines = self._picture(kind, model, item, words.raw, width)
            lines += [self.look.paint(kind, "bold", "cyan")]
            lines += folded(asked_words(item), width, most=5)
            lines += folded(f"right answer: {_gold(item, self.family)}", width, most=5)
            answer = f"{model}: {_mark(words, self.look)} {_answer(words, item)}"
            lines += [self.look.paint(x, _style(words)) for x in folded(answer, width, most=5)]
            blocks.append(lines)
        for i in range(0, len(blocks), each):
            row = [[pad(line, width) for line in block] for block in blocks[i : i + each]]
            yield ""
            yield from (INDENT + line for line in beside(row, gap=GAP))

    def compare(
        self, items: dict[str, Item], before: tuple[str, Answers], after: tuple[str, Answers]
    ) -> Iterator[str]:
        """Lines: what a stage made of the answers, with the picture of the pointing question."""
        columns = min(28, self.look.width // 3) if self.look.pictures else 0
        width = self.look.width - len(INDENT) - (columns + GAP if columns else 0)
        text: list[str] = []
        picture: list[str] = []
        for kind, item in items.items():
            if item.id not in before[1] or item.id not in after[1]:
                continue
            if kind == "pointing":
                raw = after[1][item.id].raw
                picture = self._picture(kind, after[0], item, raw, columns)
            text += self._change(kind, item, before, after, width)
        lines = beside([picture, text], gap=GAP) if columns and picture else text + picture
        yield from (INDENT + line for line in lines)

    def _change(
        self,
        kind: str,
        item: Item,
        before: tuple[str, Answers],
        after: tuple[str, Answers],
        width: int,
    ) -> list[str]:
        paint = self.look.paint
        lines = [paint(x, "dim") for x in folded(f"{kind}: {asked_words(item)}", width, most=2)]
        for name, said in (before, after):
            words = said[item.id]
            text = f"{name} {_mark(words, self.look)} {_answer(words, item)}"
            style = _style(words) if name == after[0] else "dim"
            lines += [paint(x, style) for x in folded(text, width, indent="  ", most=3)]
        if not after[1][item.id].right:
            gold = f"right answer: {_gold(item, self.family)}"
            lines += folded(gold, width, indent="  ", most=3)
        return lines

    def _picture(self, kind: str, model: str, item: Item, raw: str, columns: int) -> list[str]:
        """The item's picture in half blocks, or the path of a PNG of it; marked either way."""
        image, wanted, points = next(iter(shown(item, raw, self.family, self.roots)))
        resize = same_size(image.size)
        if self.look.pictures:
            columns = min(MOST_COLUMNS, columns)
            small = draw.marked(image, resize, wanted, points, side=columns, dot=1)
            return half_blocks(small, columns)
        file = self.folder / (f"{model}-{kind}.png" if wanted else f"{kind}.png")
        stream = io.BytesIO()
        draw.marked(image, resize, wanted, points).save(stream, "PNG")
        atomic_write(file, stream.getvalue())
        return [str(file)]


def _gold(item: Item, family: Family) -> str:
    if isinstance(item.answer, Points):
        return "anywhere on the green"
    if isinstance(item.answer, Choice):
        return _option(item.answer)
    return wanted_words(item, family)


def _answer(said: Said, item: Item) -> str:
    if isinstance(item.answer, Choice):
        read = read_choice(said.raw, item.answer.options)
        if read is not None:
            return _option(msgspec.structs.replace(item.answer, index=read.value))
    answer = answer_words(said.raw, item)
    if isinstance(item.answer, Points) and answer[:1] in ("[", "("):
        return f"the red dot, {answer}"
    return answer


def _option(answer: Choice) -> str:
    """A letter with what it stands for."""
    return f"{answer.letter}, {answer.options[answer.index]}"


def _mark(said: Said, look: Look) -> str:
    if look.colour:
        return "✓" if said.right else "✗"
    return "(right)" if said.right else "(wrong)"


def _style(said: Said) -> str:
    return "green" if said.right else "red"

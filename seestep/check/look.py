"""Every check of one row, and what only all rows together tell."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from os.path import exists
from pathlib import Path

from seestep.answers.options import options_in
from seestep.answers.read import normal, read_choice, read_yes_no
from seestep.check.findings import Tally
from seestep.check.leaks import Benchmarks
from seestep.check.model import Model
from seestep.curate.leaks import leak
from seestep.errors import MediaError
from seestep.geometry.parse import Parsed
from seestep.media import exif_orientation, open_image, read_size
from seestep.sources.frames import Witness, asks_for_fractions, coordinates
from seestep.sources.rows import BOX, IMAGE, Row

MARKER = re.compile(r"<image\s+\d+\s*-\s*\d+>")
SPECIAL = re.compile(
    r"<\|(?:im_start|im_end|image_pad|video_pad|vision_start|vision_end|endoftext)\|>"
)
YES_NO = re.compile(r"yes or no|\byes/no\b", re.IGNORECASE)
DECODED = 200  # pictures that are decoded whole; of many, evenly spread ones
NARROW = 200  # smart_resize of Qwen-VL refuses pictures longer than this many times their width
TURN_TOKENS = 5  # <|im_start|>, role, line feed, <|im_end|>, line feed
PICTURE_TOKENS = 2  # the tokens around a picture's own
WITHIN = 0.01  # of an edge, by which rounding may put a number beyond it


@dataclass
class Lengths:
    """Predicted tokens of each sample, and of the pictures in it."""

    tokens: list[int] = field(default_factory=list)
    pictures: list[int] = field(default_factory=list)
    unsized: int = 0  # samples with pictures of unknown size, which are not among the above


class Looker:
    """Takes rows one by one; ``tally``, ``lengths`` and the witnesses hold what was seen."""

    def __init__(
        self,
        model: Model,
        images: Path | None,
        folder: Path,
        cutoff: int,
        benchmarks: Benchmarks | None = None,
    ) -> None:
        self.model, self.cutoff, self.benchmarks = model, cutoff, benchmarks
        self.roots = [p for p in (images, folder) if p is not None]
        self.tally, self.lengths = Tally(), Lengths()
        self.own, self.fractions = Witness(model.family), Witness(model.family)
        self.rows = self.pictures = self.found = self.pairs = 0
        self.boxes = self.boxes_unsized = self.decoded = 0
        self._stride = 1  # of the pictures that are decoded
        self.layouts: dict[str, int] = {}
        self._sizes: dict[str, tuple[int, int] | None] = {}
        self._seen: dict[bytes, int] = {}
        self._asked: dict[bytes, tuple[int, str]] = {}
        self._told: list[tuple[int, str, bool, Parsed, tuple[int, int] | None]] = []

    def __call__(self, row: Row) -> None:
        """Look at one row."""
        self.rows += 1
        if row.wrong:
            self._say("unreadable", row, row.wrong)
            return
        self.layouts[row.layout] = self.layouts.get(row.layout, 0) + 1
        self.pairs += row.rejected is not None
        self._turns(row)
        self._texts(row)
        sizes = self._pictures(row)
        self._length(row, sizes)
        self._answers(row)
        self._coordinates(row, sizes)
        self._boxes(row, sizes)
        self._repeats(row)
        if self.benchmarks is not None and (where := self.benchmarks.question(row.asked)):
            self._say("bench-question", row, f"{_cut(row.asked.replace(IMAGE, ''))!r} in {where}")

    def close(self) -> None:
        """Judge what needed all rows: numbers beyond the edge of the frame they are in."""
        frames = {False: self.own.tell(), True: self.fractions.tell()}
        for number, id, fractions, found, size in self._told:
            told = frames[fractions]
            if told is None or told.frame is None:
                continue
            resize = self.model.family.resize(size) if size else None
            if resize is not None:
                width, height = resize.extent(told.frame)
            elif told.frame in ("pixel", "pixel_resized"):
                continue
            else:
                width = height = {"unit": 1.0, "permille": 1000.0, "percent": 100.0}[told.frame]
            over = max(
                max(found.values[::2]) / width, max(found.values[1::2]) / height,
            )  # fmt: skip
            if over > 1 + WITHIN or min(found.values) < 0:
                text = f"{_short(found)} on {width:g} x {height:g}"
                self.tally.add("outside", number, id, text)

    # --- one row ---

    def _turns(self, row: Row) -> None:
        roles = [role for role, _ in row.turns if role != "system"]
        if not row.answer.strip():
            self._say("turns", row, "there is no answer")
        elif roles[-1] != "assistant":
            self._say("turns", row, f"the last turn is the {roles[-1]}'s")
        elif "tool" not in roles and roles != [
            ("user", "assistant")[i % 2] for i in range(len(roles))
        ]:
            self._say("turns", row, " > ".join(roles[:6]))
        if row.rejected is not None and row.rejected.strip() == row.answer.strip():
            self._say("pair", row, _cut(row.answer))

    def _texts(self, row: Row) -> None:
        whole = "\n".join(text for _, text in row.turns)
        if found := MARKER.search(whole):
            self._say("marker", row, found[0])
        if found := SPECIAL.search(whole):
            self._say("special", row, found[0])
        wanted = whole.count(IMAGE)
        if wanted != len(row.images) and not MARKER.search(whole):
            self._say(
                "placeholder", row, f"{wanted} {IMAGE}, {len(row.images)} in the list of pictures"
            )
        if row.videos:
            self._say("video", row, f"{row.videos} videos")

    def _pictures(self, row: Row) -> list[tuple[int, int] | None]:
        sizes: list[tuple[int, int] | None] = []
        for name in row.images:
            self.pictures += 1
            if not name or name.startswith("data:"):
                sizes.append(None)
            elif "://" in name and not name.startswith("file://"):
                self._say("remote", row, _cut(name))
                sizes.append(None)
            else:
                sizes.append(self._size(row, name.removeprefix("file://")))
        return sizes

    def _size(self, row: Row, name: str) -> tuple[int, int] | None:
        file = next((f for root in self.roots if exists(f := root / name)), None)
        if file is None:
            self._say("missing", row, _cut(name))
            return None
        self.found += 1
        if name not in self._sizes:
            self._sizes[name] = None
            try:
                size = read_size(file)
                if (self.found - 1) % self._stride == 0:
                    open_image(file)
                    self.decoded += 1
                    self._stride *= 2 if self.decoded % DECODED == 0 else 1
                if exif_orientation(file) != 1:
                    self._say("turned", row, name)
            except MediaError as error:
                self._say("damaged", row, f"{name}: {error.what}")
                return None
            if max(size) / min(size) > NARROW:
                self._say("narrow", row, "{}: {} x {}".format(name, *size))
                return None
            self._sizes[name] = size
            if self.benchmarks is not None and (copy := self.benchmarks.picture(file)):
                self._say("bench-picture", row, f"{name} is {copy}")
        return self._sizes[name]

    def _length(self, row: Row, sizes: list[tuple[int, int] | None]) -> None:
        if not row.turns:
            return
        known = [s for s in sizes if s is not None]
        if len(known) < len(sizes):
            self.lengths.unsized += 1
            return
        seen = sum(self.model.family.image_tokens(s) + PICTURE_TOKENS for s in known)
        texts = [self.model.count(text.replace(IMAGE, "")) + TURN_TOKENS for _, text in row.turns]
        total = sum(texts) + seen
        self.lengths.tokens.append(total)
        self.lengths.pictures.append(seen)
        if seen and self._last_picture(row, seen, texts) > self.cutoff:
            self._say(
                "image-cut", row, f"pictures end at token {self._last_picture(row, seen, texts):,}"
            )
        elif total > self.cutoff:
            self._say("long", row, f"{total:,} tokens")

    def _last_picture(self, row: Row, seen: int, texts: list[int]) -> int:
        """Tokens up to the end of the last picture."""
        last = max((i for i, (_, text) in enumerate(row.turns) if IMAGE in text), default=0)
        before = row.turns[last][1].rpartition(IMAGE)[0].replace(IMAGE, "")
        return sum(texts[:last]) + seen + self.model.count(before) + TURN_TOKENS

    def _answers(self, row: Row) -> None:
        asked, answer = row.asked, row.answer
        said = answer.partition("<answer>")[2].partition("</answer>")[0] or answer
        options = options_in(row.turns[-2][1]) if len(row.turns) > 1 else ()
        if options and options[0].label == "A":
            if said.strip() and read_choice(said, [text for _, text in options]) is None:
                letters = ", ".join(label for label, _ in options)
                self._say("option", row, f"{_cut(said)!r} of {letters}")
        elif YES_NO.search(asked[-400:]) and read_yes_no(said) is None and said.strip():
            self._say("yes-no", row, _cut(said))
        if (body := _as_json(said)) and not _decodes(body):
            self._say("json", row, _cut(body))
        if (found := leak(answer)) and found[0] != "broken_template":
            self._say("leak-words", row, found[1])

    def _coordinates(self, row: Row, sizes: list[tuple[int, int] | None]) -> None:
        size = sizes[0] if len(sizes) == 1 else None
        for asked, said in _exchanges(row):
            found = coordinates(said)
            if found is None or not found.values:
                continue
            fractions = asks_for_fractions(asked)
            (self.fractions if fractions else self.own).see(found, size)
            self._told.append((row.number, row.id, fractions, found, size))
            if "+sorted" in found.rule:
                self._say("reversed", row, _cut(said))

    def _boxes(self, row: Row, sizes: list[tuple[int, int] | None]) -> None:
        """The column "objects" of ms-swift, which its loader writes where <bbox> stands."""
        wanted = sum(text.count(BOX) for _, text in row.turns)
        if wanted != len(row.boxes):
            self._say("boxes", row, f"{wanted} {BOX}, {len(row.boxes)} in objects.bbox")
        self.boxes += len(row.boxes)
        size = sizes[0] if len(sizes) == 1 else None
        sides = {"norm1": (1, 1), "norm1000": (1000, 1000), "real": size}.get(row.box_frame)
        for box in row.boxes:
            told = _cut(str(list(box)))
            if len(box) not in (2, 4):
                self._say("boxes", row, f"{told} is neither a point nor two corners")
            elif len(box) == 4 and not (box[0] < box[2] and box[1] < box[3]):
                self._say("boxes", row, f"{told}: corners stand left, top, right, bottom")
            elif sides is None:
                self.boxes_unsized += 1
            elif min(box) < 0 or max(box[::2]) > sides[0] or max(box[1::2]) > sides[1]:
                self._say("outside", row, f"{told} on {sides[0]} x {sides[1]}")

    def _repeats(self, row: Row) -> None:
        shown = "\n".join(row.images)
        asked = _key(shown, normal(row.asked))
        boxes = str(row.boxes)
        whole = _key(shown, normal(row.asked), normal(row.answer), row.rejected or "", boxes)
        if (first := self._seen.setdefault(whole, row.number)) != row.number:
            self._say("repeat", row, f"as row {first}")
            return
        if not row.images or row.boxes:
            return  # of questions about boxes the words are alike
        number, answer = self._asked.setdefault(asked, (row.number, row.answer))
        if number != row.number and normal(answer) != normal(row.answer):
            self._say(
                "contradiction",
                row,
                f"{_cut(row.answer, 30)!r}; row {number}: {_cut(answer, 30)!r}",
            )

    def _say(self, kind: str, row: Row, text: str) -> None:
        self.tally.add(kind, row.number, row.id, text)


def _exchanges(row: Row) -> Iterator[tuple[str, str]]:
    """Each answer with all that was asked before it."""
    asked = ""
    for role, text in row.turns:
        if role == "assistant":
            yield asked, text
        else:
            asked += text + "\n"


def _as_json(said: str) -> str:
    body = said.strip().removeprefix("```json").removeprefix("```").removesuffix("```").strip()
    return body if body[:1] == "{" or body[:2] in ("[{", '["', "[\n") else ""


def _decodes(body: str) -> bool:
    try:
        json.loads(body)
    except (ValueError, RecursionError):
        return False
    return True


def _key(*parts: str) -> bytes:
    return hashlib.blake2b(
        "\0".join(parts).encode("utf-8", "surrogatepass"), digest_size=12
    ).digest()


def _short(found: Parsed) -> str:
    return "(" + ", ".join(f"{v:g}" for v in found.values[:4]) + ")"


def _cut(text: str, most: int = 60) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= most else flat[: most - 1] + "\u2026"

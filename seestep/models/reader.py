"""How a reward model reads records: written as tokens, packed by length, pictures seen ahead.

What is read is the published use of Skywork-VL-Reward: the chat template over the user's turns and
the answer as the assistant's, without a prompt for more, and the value of the very last token. The
answer is written as an export writes it for the family, in the frame of the resized picture, and
without thinking tags, as the model was trained on plain answers.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import torch

from seestep import media as files
from seestep.errors import DataError, GeometryError, MediaError, RunError, SeestepError
from seestep.families import Family
from seestep.families.prompt import answer_text, messages
from seestep.geometry.frames import Resize
from seestep.media import Roots
from seestep.models.chat import refuse_control, refuse_control_in, stills, with_sizes
from seestep.models.processor import Patches
from seestep.models.value_head import RewardModel
from seestep.records import Media, Record

EYES = 4  # threads that decode and resize pictures while the model reads
Seen: TypeAlias = list[tuple[torch.Tensor, torch.Tensor]]  # pixel values and grid of each picture


@dataclass(frozen=True, slots=True)
class Row:
    """A record as the model reads it; ``ids`` has a token for each visual token."""

    at: int
    id: str
    ids: Sequence[int]
    pictures: tuple[tuple[Media, Resize], ...]


class Reader:
    """Reads records with one reward model.

    ``longest`` is the most tokens of a record that are read, ``batch_tokens`` the most of a pass,
    ``max_pixels`` the most of a picture (None is the model's own cap).
    """

    def __init__(
        self,
        model: RewardModel,
        roots: Roots,
        *,
        longest: int = 8192,
        batch_tokens: int = 16384,
        max_pixels: int | None = None,
    ) -> None:
        loaded = model.loaded
        self.model, self.roots = model, roots
        self.longest, self.batch_tokens = longest, batch_tokens
        self.family = capped(loaded.family, max_pixels)
        self._processor, self._tokenizer = loaded.processor, loaded.tokenizer
        self._image_token = int(self._tokenizer.get_vocab()["<|image_pad|>"])
        self._patches = Patches(loaded.processor.image_processor)

    def score(self, records: Sequence[Record]) -> list[tuple[float | None, str]]:
        """A score, or None and why, for each record."""
        found: dict[int, tuple[float | None, str]] = {}
        rows = []
        for at, record in enumerate(records):
            try:
                rows.append(self.write(at, record))
            except SeestepError as error:
                found[at] = None, _why(error)
        packs = pack(rows, self.batch_tokens)
        with ThreadPoolExecutor(EYES) as pool:
            for looked in self._looked(packs, pool):
                found |= {row.at: (None, seen) for row, seen in looked if isinstance(seen, str)}
                shown = [(row, seen) for row, seen in looked if not isinstance(seen, str)]
                for (row, _), score in zip(shown, self._scores(shown), strict=True):
                    finite = math.isfinite(score)
                    found[row.at] = (score, "") if finite else (None, f"not_finite: {score}")
        return [found[at] for at in range(len(records))]

    def write(self, at: int, record: Record) -> Row:
        """The record as tokens; nothing is decoded. A ``SeestepError`` says why it cannot be."""
        record = with_sizes(record, self.roots)
        chat = messages(record, self.family)
        answer = answer_text(record.answer, record, self.family)
        refuse_control_in(chat, record.id)
        refuse_control([answer], record.id)
        chat.append({"role": "assistant", "content": [{"type": "text", "text": answer}]})
        pictures = tuple((one, self._resize(one)) for one in stills(record, chat))
        text = self._processor.apply_chat_template(
            chat, tokenize=False, add_generation_prompt=False
        )
        ids: list[int] = self._tokenizer(text)["input_ids"]
        if ids.count(self._image_token) != len(pictures):
            raise DataError(
                "the chat template does not show every image once",
                record=record.id,
                wanted=f"{len(pictures)} image tokens",
                got=str(ids.count(self._image_token)),
            )
        counts = iter(self.family.image_tokens(_size(one)) for one, _ in pictures)
        spread: list[int] = []
        for i in ids:
            spread.extend([i] * next(counts) if i == self._image_token else (i,))
        if len(spread) > self.longest:
            raise TooLong(f"{len(spread)} tokens, at most {self.longest} are read")
        return Row(at, record.id, spread, pictures)

    def _resize(self, one: Media) -> Resize:
        return self.family.resize(_size(one))

    def _see(self, row: Row) -> Seen | str:
        """The pictures of a row at the size that the model sees, or why there are none."""
        resample = self._processor.image_processor.resample
        seen: Seen = []
        try:
            for one, resize in row.pictures:
                image = files.open_image(one, self.roots)
                if image.size != (resize.width, resize.height):
                    raise MediaError("a picture has another size than its record says")
                size = resize.resized_width, resize.resized_height
                pixels = np.asarray(image.resize(size, resample=resample))
                seen.append(self._patches(pixels[None]))
        except MediaError as error:
            return _why(error)
        return seen

    def _looked(
        self, packs: Sequence[Sequence[Row]], pool: ThreadPoolExecutor
    ) -> Iterator[list[tuple[Row, Seen | str]]]:
        """Each pack with its pictures; those of the next are looked at meanwhile."""
        ahead: list[list[Future[Seen | str]]] = []
        for n, rows in enumerate(packs):
            for later in packs[n + len(ahead) : n + 2]:
                ahead.append([pool.submit(self._see, row) for row in later])
            yield [(row, one.result()) for row, one in zip(rows, ahead.pop(0), strict=True)]

    def _scores(self, shown: Sequence[tuple[Row, Seen]]) -> list[float]:
        """Scores of rows in one pass, or in halves where the GPU's memory ends."""
        if not shown:
            return []
        try:
            return self.model.score(self.inputs(shown))
        except torch.OutOfMemoryError as error:
            if len(shown) == 1:
                raise RunError(
                    "one record is more than this GPU can hold",
                    record=shown[0][0].id,
                    got=f"{len(shown[0][0].ids)} tokens",
                    hint="lower reward.longest or reward.max_pixels",
                ) from error
        half = len(shown) // 2
        return [*self._scores(shown[:half]), *self._scores(shown[half:])]

    def inputs(self, shown: Sequence[tuple[Row, Seen]]) -> dict[str, torch.Tensor]:
        """Tensors of one forward pass, padded on the right."""
        length = max(len(row.ids) for row, _ in shown)
        ids = torch.full((len(shown), length), int(self._tokenizer.pad_token_id))
        mask = torch.zeros((len(shown), length), dtype=torch.int64)
        for i, (row, _) in enumerate(shown):
            ids[i, : len(row.ids)] = torch.tensor(row.ids)
            mask[i, : len(row.ids)] = 1
        made = {
            "input_ids": ids,
            "attention_mask": mask,
            "mm_token_type_ids": (ids == self._image_token).long(),
        }
        if pictures := [picture for _, seen in shown for picture in seen]:
            made["pixel_values"] = torch.cat([values for values, _ in pictures])
            made["image_grid_thw"] = torch.cat([grid for _, grid in pictures])
        return made


class TooLong(DataError):
    """A record has more tokens than may be read."""


def pack(rows: Sequence[Row], most: int) -> list[list[Row]]:
    """Rows of like length together: at most ``most`` tokens a pack with padding, or one row."""
    packs: list[list[Row]] = []
    for row in sorted(rows, key=lambda r: (-len(r.ids), r.id)):
        if packs and (len(packs[-1]) + 1) * len(packs[-1][0].ids) <= most:
            packs[-1].append(row)
        else:
            packs.append([row])
    return packs


def capped(family: Family, max_pixels: int | None) -> Family:
    """The same family with pictures of at most so many pixels."""
    if max_pixels is None or max_pixels >= family.max_pixels:
        return family
    least = min(family.min_pixels, max_pixels)
    return family.with_processor(min_pixels=least, max_pixels=max_pixels)


def _size(one: Media) -> tuple[int, int]:
    if one.size is None:
        raise MediaError("the image size is not known")
    return one.size


def _why(error: SeestepError) -> str:
    kinds: Mapping[type[SeestepError], str] = {
        MediaError: "picture",
        GeometryError: "geometry",
        TooLong: "too_long",
    }
    return f"{kinds.get(type(error), 'record')}: {error.what}"

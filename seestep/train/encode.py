"""Records to token ids: the prompt exactly as generation writes it, the completions after it.

Lengths come from the tokenizer and the image headers; no picture is decoded here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from seestep.errors import DataError
from seestep.families import Family
from seestep.families.prompt import messages
from seestep.geometry.frames import Resize
from seestep.models.chat import refuse_control, refuse_control_in, stills, with_sizes
from seestep.records import Media, Pair, Record
from seestep.thought.wire import completion

Ids = NDArray[np.int64]
Trained = Record | Pair

# Generation may put "<think></think><answer>" before the answer, so the answer's tokens must not
# merge with those of the tags around it.
_SEAM = re.compile(r"(?<=<answer>)|(?=</answer>)")


@dataclass(frozen=True, slots=True)
class Picture:
    """One image of a prompt and the size the model sees it at."""

    media: Media
    resize: Resize


@dataclass(frozen=True, slots=True)
class Encoded:
    """A prompt and its completions (one for a record; chosen, rejected for a pair).

    ``prompt`` and ``completions`` are token ids; image tokens are already expanded.
    ``grids`` are (t, h, w) patch counts of the pictures. ``replayed``: shown again so that it is
    not forgotten, and not what the stage is to teach.
    """

    id: str
    prompt: Ids
    completions: tuple[Ids, ...]
    pictures: tuple[Picture, ...]
    grids: tuple[tuple[int, int, int], ...]
    merge: int
    shrunk: bool = False
    replayed: bool = False

    @property
    def visual_tokens(self) -> int:
        return sum(t * h * w for t, h, w in self.grids) // self.merge**2

    @property
    def answer_tokens(self) -> int:
        return sum(len(c) for c in self.completions)

    @property
    def longest(self) -> int:
        """Tokens of the longest sequence the model must hold for one completion."""
        return len(self.prompt) + max(len(c) for c in self.completions)

    @property
    def tokens(self) -> int:
        return len(self.prompt) + self.answer_tokens


class Encoder:
    """Writes records for one model. ``family`` carries the model's patch size and pixel caps."""

    def __init__(
        self,
        processor: Any,
        family: Family,
        *,
        roots: Mapping[str, Path],
        wire: Literal["tags", "plain"] = "tags",
        max_length: int = 4096,
        overlong: Literal["shrink", "drop", "fail"] = "shrink",
    ) -> None:
        self.family, self.roots, self.wire = family, dict(roots), wire
        self.max_length, self.overlong = max_length, overlong
        self._processor, self._tokenizer = processor, processor.tokenizer
        vocab = self._tokenizer.get_vocab()
        self.image_token = int(vocab["<|image_pad|>"])
        self.end_token = int(vocab["<|im_end|>"])
        self.pad_token = int(self._tokenizer.pad_token_id)

    def __call__(self, asked: Trained) -> Encoded:
        """Encode one record or pair.

        Raises ``DataError`` when it is too long and may not be shrunk, or cannot be written:
        vision spans and answers are never cut.
        """
        asked = with_sizes(asked, self.roots)
        encoded = self._encode(asked, self.family, shrunk=False)
        over = encoded.longest - self.max_length
        if over <= 0:
            return encoded
        if self.overlong == "shrink" and encoded.pictures:
            most = (encoded.visual_tokens - over) // len(encoded.pictures)
            for tokens in (most, most - max(1, most // 8)):
                smaller = self._shrink(tokens)
                if smaller is None:
                    break
                again = self._encode(asked, smaller, shrunk=True)
                if again.longest <= self.max_length:
                    return again
        raise TooLong(
            "the sample is longer than max_sequence_length",
            record=asked.id,
            wanted=f"at most {self.max_length} tokens",
            got=f"{encoded.longest} ({encoded.visual_tokens} of them visual)",
            hint="raise max_sequence_length or lower max_pixels",
        )

    def _shrink(self, tokens_an_image: int) -> Family | None:
        family = self.family
        cap = tokens_an_image * (family.patch * family.merge) ** 2
        if tokens_an_image < 1:
            return None
        return family.with_processor(min_pixels=min(family.min_pixels, cap), max_pixels=cap)

    def _encode(self, asked: Trained, family: Family, *, shrunk: bool) -> Encoded:
        chat = messages(asked, family)
        pictures = tuple(Picture(one, family.resize(_size(one))) for one in stills(asked, chat))
        text = self._processor.apply_chat_template(chat, tokenize=False, add_generation_prompt=True)
        refuse_control_in(chat, asked.id)
        ids = self._ids(text)
        if ids.count(self.image_token) != len(pictures):
            raise DataError(
                "the chat template does not show every image once",
                record=asked.id,
                wanted=f"{len(pictures)} image tokens",
                got=str(ids.count(self.image_token)),
            )
        grids = tuple(
            (1, p.resize.resized_height // family.patch, p.resize.resized_width // family.patch)
            for p in pictures
        )
        counts = iter(h * w // family.merge**2 for _, h, w in grids)
        prompt: list[int] = []
        for i in ids:
            prompt.extend([i] * next(counts) if i == self.image_token else (i,))
        completions = tuple(
            self._completion(asked.id, text) for text in _completions(asked, family, self.wire)
        )
        return Encoded(
            id=asked.id,
            prompt=np.asarray(prompt, dtype=np.int64),
            completions=completions,
            pictures=pictures,
            grids=grids,
            merge=family.merge,
            shrunk=shrunk,
        )

    def _completion(self, record: str, text: str) -> Ids:
        refuse_control([text], record)
        ids = [i for piece in _SEAM.split(text) for i in self._ids(piece)]
        return np.asarray([*ids, self.end_token], dtype=np.int64)

    def _ids(self, text: str) -> list[int]:
        found: list[int] = self._tokenizer(text, add_special_tokens=False)["input_ids"]
        return found


class TooLong(DataError):
    """A sample does not fit ``max_sequence_length``."""


def positions(
    prompt: Ids, grids: Iterable[tuple[int, int, int]], *, image_token: int, merge: int
) -> tuple[NDArray[np.int64], int]:
    """M-RoPE positions (3, len(prompt)) of time, height and width, and the position after them.

    Text counts up on all three rows; an image starts where the text stopped, counts rows and
    columns of its merged grid, and the text goes on after its longer side (Qwen2-VL section 2.1;
    the same numbers as transformers' ``get_rope_index`` for stills).
    """
    out = np.empty((3, len(prompt)), dtype=np.int64)
    at, here = 0, 0
    is_image = prompt == image_token
    for _, rows, columns in grids:
        height, width = rows // merge, columns // merge
        start = here + int(np.argmax(is_image[here:]))
        out[:, here:start] = at + np.arange(start - here)
        at += start - here
        stop = start + height * width
        out[0, start:stop] = at
        out[1, start:stop] = at + np.repeat(np.arange(height), width)
        out[2, start:stop] = at + np.tile(np.arange(width), height)
        at += max(height, width)
        here = stop
    out[:, here:] = at + np.arange(len(prompt) - here)
    return out, at + len(prompt) - here


def _completions(asked: Trained, family: Family, wire: Literal["tags", "plain"]) -> list[str]:
    if isinstance(asked, Pair):
        return [
            completion(asked.chosen, asked, family, asked.chosen_thought, wire),
            completion(asked.rejected, asked, family, asked.rejected_thought, wire),
        ]
    return [completion(asked.answer, asked, family, asked.thought, wire)]


def _size(item: Media) -> tuple[int, int]:
    if item.size is None:
        raise DataError("the image size is not known", record=item.key)
    return item.size

"""What a model family is: the frame and notation it speaks, and how it sees an image."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from seestep.errors import GeometryError
from seestep.geometry.frames import DECIMALS, Resize
from seestep.geometry.render import NOTATIONS
from seestep.geometry.resize import smart_resize

KINDS = ("point", "points", "box", "polygon", "path", "mask")


@dataclass(frozen=True, slots=True)
class Tokens:
    """Special tokens of the chat and vision interface."""

    image: str = "<|image_pad|>"
    video: str = "<|video_pad|>"
    vision_start: str = "<|vision_start|>"
    vision_end: str = "<|vision_end|>"
    turn_start: str = "<|im_start|>"
    turn_end: str = "<|im_end|>"
    pad: str = "<|endoftext|>"


@dataclass(frozen=True, slots=True)
class Family:
    """A family of checkpoints that speak and see alike.

    Attributes:
        model_types: values of ``config.model_type`` that load as this family.
        frame: the frame its numbers are in; ``frame_source`` says how we know.
        notations: kind -> notation of ``geometry.render``. A polygon is written as its corners;
            a mask as the outline of its largest part, or its box if the notation has only boxes.
        patch, merge: one visual token covers (patch * merge) squared pixels.
        min_pixels, max_pixels: area of an image after its resize.
        thinking: "tags" when it was trained to answer ``<think>..</think><answer>..</answer>``,
            "plain" otherwise.
        template: name of its chat template ("chatml" for all Qwen-VL relatives).
        sentences: kind -> its own wording of the answer format, where it has one.
    """

    name: str
    model_types: tuple[str, ...]
    frame: str
    frame_source: str
    notations: Mapping[str, str]
    patch: int
    merge: int
    min_pixels: int
    max_pixels: int
    thinking: str = "plain"
    template: str = "chatml"
    tokens: Tokens = Tokens()
    sentences: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.frame not in DECIMALS:
            raise GeometryError(f"family {self.name}: unknown frame", got=self.frame)
        missing = [k for k in KINDS if self.notations.get(k) not in NOTATIONS]
        if missing:
            raise GeometryError(f"family {self.name}: no known notation", got=", ".join(missing))
        if self.patch < 1 or self.merge < 1 or not 0 < self.min_pixels <= self.max_pixels:
            raise GeometryError(
                f"family {self.name}: impossible image limits",
                wanted="patch, merge >= 1 and 0 < min_pixels <= max_pixels",
                got=f"{self.patch}, {self.merge}, {self.min_pixels}, {self.max_pixels}",
            )

    @property
    def factor(self) -> int:
        """Sides of the resized image are multiples of this many pixels."""
        return self.patch * self.merge

    def with_processor(
        self,
        *,
        patch: int | None = None,
        merge: int | None = None,
        min_pixels: int | None = None,
        max_pixels: int | None = None,
    ) -> Family:
        """The same family behind another image processor (a tiny model, other pixel caps)."""
        return replace(
            self,
            patch=self.patch if patch is None else patch,
            merge=self.merge if merge is None else merge,
            min_pixels=self.min_pixels if min_pixels is None else min_pixels,
            max_pixels=self.max_pixels if max_pixels is None else max_pixels,
        )

    def with_frame(self, frame: str, source: str) -> Family:
        """The same family in another frame; ``source`` says who measured or decided it."""
        return replace(self, frame=frame, frame_source=source)

    def resize(self, size: tuple[int, int]) -> Resize:
        """How an upright image of ``size`` = (width, height) is resized for this family."""
        width, height = size
        high, wide = smart_resize(height, width, self.factor, self.min_pixels, self.max_pixels)
        return Resize(width, height, wide, high)

    def image_tokens(self, size: tuple[int, int]) -> int:
        """Visual tokens the language model sees for one image of ``size`` = (width, height)."""
        seen = self.resize(size)
        return (seen.resized_width // self.factor) * (seen.resized_height // self.factor)

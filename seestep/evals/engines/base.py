"""What every engine looks like: asks in, replies out, in order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from PIL.Image import Image

    from seestep.families import Family
    from seestep.records import Item
    from seestep.thought.grammar import Names, Think

NO_THINKING = "<think></think><answer>"  # RoboBrain 2.0 inference.py: thinking switched off


@dataclass(frozen=True)
class Ask:
    """One prompt: messages as ``families.prompt.messages`` writes them, and their images.

    ``images`` are upright RGB pictures in the order in which the messages mention them;
    ``prefix`` is put after the generation prompt and counted as part of the answer. ``kind`` names
    the answer that is wanted: a batch ends with its longest answer, so engines put like to like.
    ``grammar`` (Lark, from ``Engine.grammar``) holds the whole answer to a form; "" for none.
    """

    messages: list[dict[str, Any]]
    images: tuple[Image, ...] = ()
    prefix: str = ""
    kind: str = ""
    grammar: str = ""


@dataclass(frozen=True)
class Reply:
    """What came back, untouched (the prefix included)."""

    text: str
    finish: str  # "stop" or "length"
    prompt_tokens: int
    completion_tokens: int


class Engine(Protocol):
    """A source of answers. ``fingerprint`` changes whenever the answers might."""

    @property
    def family(self) -> Family: ...

    @property
    def fingerprint(self) -> str: ...

    def grammar(self, item: Item, *, think: Think, names: Names) -> str:
        """The form of an answer to ``item``, in this model's tags and numbers, for ``Ask``."""
        ...

    def generate(self, asks: Sequence[Ask], *, max_new_tokens: int) -> list[Reply]: ...

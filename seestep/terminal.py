"""What a terminal shows beyond plain lines: colour, small pictures, tables that fit its width."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from PIL.Image import Image

LEAST, MOST = 48, 120  # columns we set text in, however narrow or wide the terminal is
STYLES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}
ESCAPE = re.compile(r"\x1b\[[0-9;]*m")
TRUE_COLOUR = ("truecolor", "24bit")


@dataclass(frozen=True)
class Look:
    """How to write to a stream: columns, whether in colour, whether pictures can be shown."""

    width: int = 100
    colour: bool = False
    pictures: bool = False  # needs 24-bit colour

    def paint(self, text: str, *styles: str) -> str:
        """``text`` in styles of ``STYLES``, as it is where there is no colour."""
        if not self.colour or not styles or not text:
            return text
        return f"\x1b[{';'.join(STYLES[s] for s in styles)}m{text}\x1b[0m"


def look_of(stream: TextIO | None = None, env: Mapping[str, str] = os.environ) -> Look:
    """How ``stream`` (stdout) wants it. NO_COLOR, TERM=dumb and anything but UTF-8: plain text."""
    stream = stream or sys.stdout
    if not stream.isatty():
        return Look()
    width = min(MOST, max(LEAST, shutil.get_terminal_size((80, 24)).columns))
    utf8 = (getattr(stream, "encoding", "") or "").lower().replace("-", "") == "utf8"
    colour = utf8 and not env.get("NO_COLOR") and env.get("TERM", "dumb") != "dumb"
    return Look(width, colour, colour and env.get("COLORTERM", "").lower() in TRUE_COLOUR)


def half_blocks(image: Image, columns: int) -> list[str]:
    """An RGB picture as lines of upper half blocks, two pixels a character, in 24-bit colour.

    The picture becomes ``columns`` pixels wide and keeps its shape; an odd last row of pixels is
    drawn over the terminal's own ground.
    """
    from PIL import Image as images

    rows = max(1, round(columns * image.height / image.width))
    small = image.convert("RGB")
    if small.size != (columns, rows):
        small = small.resize((columns, rows), images.Resampling.LANCZOS)
    data = small.tobytes()
    pixels = [tuple(data[i : i + 3]) for i in range(0, len(data), 3)]
    lines = []
    for y in range(0, rows, 2):
        parts, last = [], ""
        for x in range(columns):
            above = pixels[y * columns + x]
            code = "38;2;{};{};{}".format(*above)
            if y + 1 < rows:
                code += ";48;2;{};{};{}".format(*pixels[(y + 1) * columns + x])
            parts.append("▀" if code == last else f"\x1b[{code}m▀")
            last = code
        lines.append("".join(parts) + "\x1b[0m")
    return lines


def shown_width(text: str) -> int:
    """Columns that a line of narrow letters takes, escape codes not counted."""
    return len(ESCAPE.sub("", text))


def pad(text: str, width: int) -> str:
    return text + " " * (width - shown_width(text))


def beside(blocks: Sequence[Sequence[str]], *, gap: int = 2) -> list[str]:
    """Blocks of lines side by side, each as wide as its widest line."""
    widths = [max(map(shown_width, block), default=0) for block in blocks]
    lines = []
    for i in range(max(map(len, blocks), default=0)):
        cells = [
            pad(block[i] if i < len(block) else "", width)
            for block, width in zip(blocks, widths, strict=True)
        ]
        lines.append((" " * gap).join(cells).rstrip())
    return lines


def folded(text: str, width: int, *, indent: str = "", most: int | None = None) -> list[str]:
    """Plain text in lines of ``width``; what does not fit into ``most`` lines ends in "..."."""
    return wrap(
        text,
        max(10, width),
        initial_indent=indent,
        subsequent_indent=indent,
        max_lines=most,
        placeholder=" ...",
    )


def fit_table(
    head: Sequence[str], rows: Sequence[Sequence[str]], width: int, *, drop: Sequence[int] = ()
) -> list[str]:
    """Lines of a table, first column left, others right; ``drop`` names columns that may go.

    They go in that order until the table is no wider than ``width``. Cells may hold escape codes.
    """
    kept = list(range(len(head)))
    for column in (None, *drop):
        if column is not None:
            kept.remove(column)
        widths = [max(shown_width(line[i]) for line in (head, *rows)) for i in kept]
        if sum(widths) + 2 * (len(kept) - 1) <= width:
            break
    lines = []
    for line in (head, *rows):
        cells = [
            pad(line[i], w) if i == 0 else " " * (w - shown_width(line[i])) + line[i]
            for i, w in zip(kept, widths, strict=True)
        ]
        lines.append("  ".join(cells).rstrip())
    return lines


def clock(seconds: float) -> str:
    """A span in words: "8 s", "1 min 20 s", "2 h 05 min"."""
    minutes, s = divmod(round(seconds), 60)
    hours, m = divmod(minutes, 60)
    return f"{hours} h {m:02d} min" if hours else f"{m} min {s:02d} s" if m else f"{s} s"


def about(seconds: float) -> str:
    """A rough span: seconds below a minute and a half in fives, else whole minutes."""
    if seconds < 90:
        return f"about {max(5, 5 * round(seconds / 5))} s"
    minutes = round(seconds / 60)
    return f"about {minutes} min" if minutes < 90 else f"about {minutes / 60:.1f} h"

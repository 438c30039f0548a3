"""Headings, words and tables that are written as Markdown and as HTML from one source."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Literal

Kind = Literal["", "up", "down", "quiet"]
LONG = 32  # characters; numbers with their interval are shorter and stay on one line


@dataclass(frozen=True)
class Value:
    """A cell: its text, smaller words below it, and its colour on the page."""

    text: str
    below: str = ""
    kind: Kind = ""


@dataclass(frozen=True)
class Grid:
    """A table; the first cell of every row is its heading."""

    head: Sequence[str]
    rows: Sequence[Sequence[Value]]


@dataclass(frozen=True)
class Words:
    """A paragraph, or a list where there are several lines."""

    lines: Sequence[str]
    listed: bool = False


@dataclass(frozen=True)
class Section:
    """A heading with what stands below it."""

    heading: str
    parts: Sequence[Grid | Words]


def markdown(title: str, lead: str, sections: Sequence[Section]) -> str:
    """The whole text; tables have pipes escaped, and what stands below a value follows it."""
    blocks = [f"# {title}", lead]
    for section in sections:
        blocks.append(f"## {section.heading}")
        blocks += [_part(part) for part in section.parts]
    return "\n\n".join(block for block in blocks if block) + "\n"


def html(sections: Sequence[Section]) -> str:
    """The sections as HTML; everything is escaped."""
    out = []
    for section in sections:
        out.append(f"<h2>{escape(section.heading)}</h2>")
        out += [_html_part(part) for part in section.parts]
    return "\n".join(out)


def _part(part: Grid | Words) -> str:
    if isinstance(part, Words):
        mark = "- " if part.listed else ""
        return ("\n" if part.listed else "\n\n").join(mark + line for line in part.lines)
    rows = [part.head, ["---"] * len(part.head)]
    rows += [[_in_line(value) for value in row] for row in part.rows]
    return "\n".join("| " + " | ".join(_piped(c) for c in row) + " |" for row in rows)


def _in_line(value: Value) -> str:
    if not value.below:
        return value.text
    nested = "(" in value.below
    return f"{value.text}, {value.below}" if nested else f"{value.text} ({value.below})"


def _piped(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _html_part(part: Grid | Words) -> str:
    if isinstance(part, Words):
        if part.listed:
            return "<ul>" + "".join(f"<li>{escape(line)}</li>" for line in part.lines) + "</ul>"
        return "".join(f"<p>{escape(line)}</p>" for line in part.lines)
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in part.head)
    rows = []
    for first, *others in part.rows:
        cells = "".join(f'<td class="{_css(v)}">{escape(v.text)}{_below(v)}</td>' for v in others)
        rows.append(f'<tr><th scope="row">{escape(first.text)}{_below(first)}</th>{cells}</tr>')
    return (
        f'<div class="scroll" tabindex="0"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def _css(value: Value) -> str:
    """Classes of a cell: its kind, and that long words may take several lines."""
    long = max(len(value.text), len(value.below)) > LONG
    return " ".join(filter(None, (value.kind, "wrap" if long else "")))


def _below(value: Value) -> str:
    return f'<small class="quiet">{escape(value.below)}</small>' if value.below else ""

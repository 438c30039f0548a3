"""Small SVG plots as text: no library, no script, readable in print."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

COLOURS = ("#1b6ca8", "#c8553d", "#2f7d4f", "#7a4fa3", "#8a6508", "#3c3c3c")
VERDICTS = {"better": "#2f7d4f", "worse": "#b3372a"}
LETTER = 6.2  # widest usual letter at the 11 px these plots are set in

Bar = tuple[str, int, int]  # label, kept, left out


def lines(
    series: Mapping[str, Sequence[tuple[float, float]]],
    *,
    x_label: str,
    y_label: str,
    width: int = 460,
    height: int = 240,
) -> str:
    """A line plot of (x, y) series; zero is always on the y axis, x counts whole steps.

    Points that are not finite are left out; a series of one point is drawn as a dot.
    """
    points = {
        name: [(x, y) for x, y in pairs if math.isfinite(x) and math.isfinite(y)]
        for name, pairs in series.items()
    }
    points = {name: pairs for name, pairs in points.items() if pairs}
    flat = [p for pairs in points.values() for p in pairs]
    if not flat:
        return '<p class="quiet">nothing was logged</p>'
    x0, x1 = _span([p[0] for p in flat])
    y0, y1 = _span([0.0, *(p[1] for p in flat)])
    left, right, top, bottom = 46, 12, 10, 36

    def at(x: float, y: float) -> tuple[float, float]:
        return (
            left + (x - x0) / (x1 - x0) * (width - left - right),
            height - bottom - (y - y0) / (y1 - y0) * (height - top - bottom),
        )

    said = ", ".join(f"{name} from {p[0][1]:.3g} to {p[-1][1]:.3g}" for name, p in points.items())
    parts = [_open(width, height, f"{y_label} over {x_label}: {said}")]
    for tick in ticks(y0, y1):
        _, y = at(x0, tick)
        parts.append(
            f'<line x1="{left}" x2="{width - right}" y1="{y:.1f}" y2="{y:.1f}" class="grid"/>'
            f'<text x="{left - 6}" y="{y + 4:.1f}" text-anchor="end">{tick:g}</text>'
        )
    for tick in ticks(x0, x1, least=1.0):
        x, _ = at(tick, y0)
        parts.append(
            f'<text x="{x:.1f}" y="{height - bottom + 15}" text-anchor="middle">{tick:g}</text>'
        )
    for colour, (name, pairs) in zip(_cycle(len(points)), points.items(), strict=True):
        title = f"<title>{escape(name)}</title>"
        if len(pairs) == 1:
            x, y = at(*pairs[0])
            parts.append(
                f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}">{title}</circle>'
            )
            continue
        path = " ".join("{:.1f},{:.1f}".format(*at(x, y)) for x, y in pairs)
        parts.append(
            f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2">'
            f"{title}</polyline>"
        )
    parts.append(
        f'<text x="{(left + width) / 2:.0f}" y="{height - 4}" text-anchor="middle">'
        f"{escape(x_label)}</text></svg>"
    )
    legend = "".join(
        f'<span><i style="background:{colour}"></i>{escape(name)}</span>'
        for colour, name in zip(_cycle(len(points)), points, strict=True)
    )
    caption = f'<figcaption class="legend">{legend}</figcaption>' if len(points) > 1 else ""
    return f"<figure>{''.join(parts)}{caption}</figure>"


def forest(
    rows: Sequence[tuple[str, float, float, float, str]], *, title: str, width: int = 640
) -> str:
    """Changes with their intervals around zero, one row each.

    A row is (label, change, low, high, verdict), changes in [-1, 1]; its colour is the verdict's,
    so that the plot never claims more than the table.
    """
    if not rows:
        return '<p class="quiet">no comparison to draw</p>'
    reach = max(0.01, *(abs(v) for row in rows for v in row[1:4]))
    left, right, row_height = _room([row[0] for row in rows]), 16, 22
    height = row_height * len(rows) + 30
    middle = left + (width - left - right) / 2

    def at(value: float) -> float:
        return middle + value / reach * (width - left - right) / 2

    parts = [_open(width, height, title)]
    parts.append(
        f'<line x1="{middle}" x2="{middle}" y1="4" y2="{height - 24}" stroke="#767676" '
        'stroke-dasharray="3 3"/>'
    )
    for i, (label, change, low, high, verdict) in enumerate(rows):
        y = row_height * i + 15
        colour = VERDICTS.get(verdict, "#666")
        parts.append(
            f'<text x="{left - 8}" y="{y + 4}" text-anchor="end">{escape(label)}</text>'
            f'<line x1="{at(low):.1f}" x2="{at(high):.1f}" y1="{y}" y2="{y}" stroke="{colour}" '
            f'stroke-width="2"/><circle cx="{at(change):.1f}" cy="{y}" r="4" fill="{colour}"/>'
        )
    for tick in ticks(-100 * reach, 100 * reach):
        words = f"{tick:+g}" if tick else "0"
        parts.append(
            f'<text x="{at(tick / 100):.1f}" y="{height - 8}" text-anchor="middle">{words}</text>'
        )
    return f"<figure>{''.join(parts)}</svg><figcaption>{escape(title)}</figcaption></figure>"


def funnel(steps: Sequence[Bar], *, width: int = 640, alone: bool = False) -> str:
    """One bar a step, all on one scale: what went on in colour, what was left out in grey.

    ``alone``: a file of its own, which no page gives its letters.
    """
    if not steps:
        return '<p class="quiet">nothing was counted</p>'
    most = max(1, *(kept + gone for _, kept, gone in steps))
    left, right, row_height = _room([step[0] for step in steps]), 170, 26
    parts = [_open(width, row_height * len(steps) + 6, "records that each step passed on")]
    for i, (label, kept, gone) in enumerate(steps):
        y = row_height * i + 4
        scale = (width - left - right) / most
        bar, rest = max(1.0, scale * kept), scale * gone
        note = f'<tspan class="quiet">, {gone:,} left out</tspan>' if gone else ""
        parts.append(
            f'<text x="{left - 8}" y="{y + 14}" text-anchor="end">{escape(label)}</text>'
            f'<rect x="{left}" y="{y}" width="{bar:.1f}" height="18" fill="#1b6ca8"/>'
            f'<rect x="{left + bar:.1f}" y="{y}" width="{rest:.1f}" height="18" fill="#b9c0c9"/>'
            f'<text x="{left + bar + rest + 6:.1f}" y="{y + 14}">{kept:,}{note}</text>'
        )
    if alone:
        parts.insert(1, ALONE)
    return "".join(parts) + "</svg>"


ALONE = "<style>text{font:11px system-ui,sans-serif}.quiet{fill:#5a6472}</style>"


def ticks(low: float, high: float, about: int = 4, *, least: float = 0.0) -> list[float]:
    """Round numbers inside [low, high], a 1-2-5 step of at least ``least`` apart."""
    raw = max((high - low) / about, least)
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(m * power for m in (1, 2, 5, 10) if m * power >= raw * (1 - 1e-9))
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [round(i * step, 10) + 0.0 for i in range(first, last + 1)]


def _open(width: int, height: int, title: str) -> str:
    # The width limit keeps letters near the page's own size on wide screens.
    return (
        f'<svg viewBox="0 0 {width} {height}" style="max-width:{width}px" role="img" '
        f'aria-label="{escape(title)}" xmlns="http://www.w3.org/2000/svg">'
    )


def _cycle(count: int) -> list[str]:
    return [COLOURS[i % len(COLOURS)] for i in range(count)]


def _room(labels: Sequence[str]) -> int:
    return 16 + round(LETTER * max(len(label) for label in labels))


def _span(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    return (low, high) if high > low else (low, low + 1.0)

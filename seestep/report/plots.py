"""Small SVG plots as text: no library, no script, readable in print."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

COLOURS = ("#1b6ca8", "#c8553d", "#2f7d4f", "#7a4fa3", "#b8860b", "#3c3c3c")


def lines(
    series: Mapping[str, Sequence[tuple[float, float]]],
    *,
    x_label: str,
    y_label: str,
    width: int = 460,
    height: int = 240,
) -> str:
    """A line plot of (x, y) series. Series without a finite point are left out of the axes."""
    points = {
        name: [(x, y) for x, y in pairs if math.isfinite(x) and math.isfinite(y)]
        for name, pairs in series.items()
    }
    flat = [p for pairs in points.values() for p in pairs]
    if not flat:
        return '<p class="quiet">nothing was logged</p>'
    x0, x1 = _span([p[0] for p in flat])
    y0, y1 = _span([0.0, *(p[1] for p in flat)])
    left, right, top, bottom = 46, 10, 10, 36

    def at(x: float, y: float) -> tuple[float, float]:
        return (
            left + (x - x0) / (x1 - x0) * (width - left - right),
            height - bottom - (y - y0) / (y1 - y0) * (height - top - bottom),
        )

    parts = [_open(width, height, f"{y_label} over {x_label}")]
    for tick in _ticks(y0, y1):
        _, y = at(x0, tick)
        parts.append(
            f'<line x1="{left}" x2="{width - right}" y1="{y:.1f}" y2="{y:.1f}" class="grid"/>'
            f'<text x="{left - 6}" y="{y + 4:.1f}" text-anchor="end">{tick:g}</text>'
        )
    for tick in _ticks(x0, x1):
        x, _ = at(tick, y0)
        parts.append(
            f'<text x="{x:.1f}" y="{height - bottom + 15}" text-anchor="middle">{tick:g}</text>'
        )
    for colour, (name, pairs) in zip(_cycle(len(points)), points.items(), strict=True):
        if not pairs:
            continue
        path = " ".join("{:.1f},{:.1f}".format(*at(x, y)) for x, y in pairs)
        parts.append(
            f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2">'
            f"<title>{escape(name)}</title></polyline>"
        )
    parts.append(
        f'<text x="{(left + width) / 2:.0f}" y="{height - 4}" text-anchor="middle">'
        f"{escape(x_label)}</text></svg>"
    )
    legend = "".join(
        f'<span><i style="background:{colour}"></i>{escape(name)}</span>'
        for colour, name in zip(_cycle(len(points)), points, strict=True)
    )
    return f'<figure>{"".join(parts)}<figcaption class="legend">{legend}</figcaption></figure>'


def forest(
    rows: Sequence[tuple[str, float, float, float]], *, width: int = 640, unit: str = "points"
) -> str:
    """Changes with their intervals, one row each: (label, change, low, high), around zero."""
    if not rows:
        return '<p class="quiet">no comparison to draw</p>'
    reach = max(1e-9, *(abs(v) for row in rows for v in row[1:]))
    left, right, row_height = 190, 16, 22
    height = row_height * len(rows) + 30
    middle = left + (width - left - right) / 2

    def at(value: float) -> float:
        return middle + value / reach * (width - left - right) / 2

    parts = [_open(width, height, "change against the base model, 95 % intervals")]
    parts.append(
        f'<line x1="{middle}" x2="{middle}" y1="4" y2="{height - 24}" stroke="#888" '
        'stroke-dasharray="3 3"/>'
    )
    for i, (label, change, low, high) in enumerate(rows):
        y = row_height * i + 15
        colour = "#2f7d4f" if low > 0 else "#b3372a" if high < 0 else "#666"
        parts.append(
            f'<text x="{left - 8}" y="{y + 4}" text-anchor="end">{escape(label)}</text>'
            f'<line x1="{at(low):.1f}" x2="{at(high):.1f}" y1="{y}" y2="{y}" stroke="{colour}" '
            f'stroke-width="2"/><circle cx="{at(change):.1f}" cy="{y}" r="4" fill="{colour}"/>'
        )
    for value in (-reach, 0.0, reach):
        anchor = "start" if value < 0 else "end" if value > 0 else "middle"
        parts.append(
            f'<text x="{at(value):.1f}" y="{height - 8}" text-anchor="{anchor}">'
            f"{100 * value:+.0f} {escape(unit)}</text>"
        )
    return "".join(parts) + "</svg>"


def funnel(steps: Sequence[tuple[str, int, str]], *, width: int = 640) -> str:
    """Bars of (label, count, note) scaled to the largest count."""
    if not steps:
        return '<p class="quiet">nothing was counted</p>'
    most = max(1, *(count for _, count, _ in steps))
    left, right, row_height = 210, 150, 26
    parts = [_open(width, row_height * len(steps) + 6, "records left after each step")]
    for i, (label, count, note) in enumerate(steps):
        y = row_height * i + 4
        bar = (width - left - right) * count / most
        parts.append(
            f'<text x="{left - 8}" y="{y + 14}" text-anchor="end">{escape(label)}</text>'
            f'<rect x="{left}" y="{y}" width="{max(1.0, bar):.1f}" height="18" fill="#1b6ca8"/>'
            f'<text x="{left + max(1.0, bar) + 6:.1f}" y="{y + 14}">{count:,}'
            f'<tspan class="quiet"> {escape(note)}</tspan></text>'
        )
    return "".join(parts) + "</svg>"


def _open(width: int, height: int, title: str) -> str:
    return (
        f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{escape(title)}" '
        'xmlns="http://www.w3.org/2000/svg">'
    )


def _cycle(count: int) -> list[str]:
    return [COLOURS[i % len(COLOURS)] for i in range(count)]


def _span(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    return (low, high) if high > low else (low, low + 1.0)


def _ticks(low: float, high: float, about: int = 4) -> list[float]:
    """Round numbers inside [low, high], a 1-2-5 step apart."""
    raw = (high - low) / about
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(m * power for m in (1, 2, 5, 10) if m * power >= raw)
    first = math.ceil(low / step)
    return [round(i * step, 10) for i in range(first, math.floor(high / step) + 1)]

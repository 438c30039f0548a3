"""The report as lines for a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import wrap

from seestep.check.findings import Finding, Mark
from seestep.check.run import Report
from seestep.terminal import Look

SIGNS: dict[Mark, tuple[str, tuple[str, ...]]] = {
    "fault": ("FAULT", ("bold", "red")),
    "warning": ("warning", ("yellow",)),
    "not checked": ("not checked", ("dim",)),
    "ok": ("ok", ("green",)),
}
WIDE = 13  # columns of the sign
LONG = 40  # signs of a row's id that are shown, the last ones


def lines(report: Report, look: Look) -> Iterator[str]:
    """The whole page, worst first."""
    yield look.paint(report.file, "bold")
    rows = f"{report.rows:,} rows ({report.layout})"
    pairs = f", {report.pairs:,} of them pairs" if report.pairs else ""
    pictures = f", {report.pictures:,} pictures" if report.pictures else ", no pictures"
    yield f"{rows}{pairs}{pictures}"
    yield f"for {report.model} (family {report.family}), cutoff {report.cutoff:,} tokens"
    if report.tokens:
        about = "" if report.exact_tokens else "about "
        seen = report.picture_tokens
        inside = f", of these {seen['median']:,} of pictures" if seen else ""
        yield (
            f"{about}{report.tokens['median']:,} tokens a sample{inside}; 95 % have at most "
            f"{report.tokens['p95']:,}, the longest {report.tokens['longest']:,}"
        )
        if not report.exact_tokens:
            yield look.paint(
                "estimated from characters; --model CHECKPOINT counts with its tokenizer", "dim"
            )
    for mark in SIGNS:
        found = [f for f in report.findings if f.mark == mark]
        if found:
            yield ""
        for finding in found:
            yield from _finding(finding, look)
    yield ""
    yield _verdict(report, look)


def _finding(finding: Finding, look: Look) -> Iterator[str]:
    sign, styles = SIGNS[finding.mark]
    share = f"{finding.count:,} of {finding.of:,}: " if finding.count < finding.of else ""
    told = wrap(f"{share}{finding.what}", look.width - WIDE)
    yield look.paint(f"{sign:<{WIDE}}", *styles) + told[0]
    indent = " " * WIDE
    yield from (indent + line for line in told[1:])
    for example in finding.examples:
        id = example.id if len(example.id) <= LONG else "\u2026" + example.id[-LONG:]
        name = f"row {example.row}" + (f" ({id})" if id else "")
        text = " ".join(f"{name}: {example.text}".split())
        cut = (
            text if len(text) <= look.width - WIDE - 2 else text[: look.width - WIDE - 3] + "\u2026"
        )
        yield indent + look.paint(f"  {cut}", "dim")
    if finding.fix:
        for number, line in enumerate(wrap(finding.fix, look.width - WIDE - 3)):
            yield indent + look.paint("-> " if not number else "   ", "cyan") + line


def _verdict(report: Report, look: Look) -> str:
    warnings = sum(f.mark == "warning" for f in report.findings)
    blind = sum(f.mark == "not checked" for f in report.findings)
    tail = f"{_many(warnings, 'warning')}, {blind} not checked"
    if report.faults:
        return look.paint(f"{_many(report.faults, 'fault')}", "bold", "red") + f", {tail}"
    return look.paint("no fault", "bold", "green") + f", {tail}"


def _many(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"

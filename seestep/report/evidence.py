"""The report of an evidence run: results.json, results.md and a page, all from ``Results``."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

import msgspec

from seestep.disk import atomic_write
from seestep.report import evidence_arms
from seestep.report.evidence_words import (
    MARKS,
    READ,
    change,
    change_of,
    group_word,
    points,
    rate,
    seldom_read,
    span,
)
from seestep.report.grid import Grid, Kind, Section, Value, Words, html, markdown
from seestep.report.tables import signed
from seestep.study.compare import Cell
from seestep.study.evidence import VERDICTS
from seestep.study.results import BASE, WRONG, Results
from seestep.study.stats import FEW


def write(results: Results, folder: Path) -> Path:
    """Write results.json, results.md and index.html; returns the page."""
    from jinja2 import Environment, StrictUndefined

    told = sections(results)
    data = msgspec.json.encode(results, order="deterministic")
    atomic_write(folder / "results.json", msgspec.json.format(data, indent=1) + b"\n")
    text = markdown(results.title, results.about, told)
    atomic_write(folder / "results.md", text.encode("utf-8"))
    template = files("seestep.report").joinpath("evidence.html.j2").read_text(encoding="utf-8")
    style = files("seestep.report").joinpath("style.css").read_text(encoding="utf-8")
    page = Environment(autoescape=True, undefined=StrictUndefined).from_string(template)
    made = page.render(title=results.title, lead=results.about, style=style, body=html(told))
    atomic_write(folder / "index.html", made.encode("utf-8"))
    return folder / "index.html"


def sections(results: Results) -> list[Section]:
    """Everything the report says, in order."""
    made = [
        Section("In short", [Words(short(results), listed=True)]),
        Section("Planning", _plans(results)),
        Section("Skill groups", _groups(results)),
        Section("Seed by seed", _seeds(results)),
        Section("Suites", _suites(results)),
    ]
    made += evidence_arms.sections(results)
    made.append(Section("How to read this", [Words(_reading(results), listed=True)]))
    facts = [f"{what}: {words}" for what, words in results.made.items()]
    if results.missing:
        facts.append(f"NOT RUN YET: {'; '.join(results.missing)}")
    made.append(Section("How this was made", [Words(facts, listed=True)]))
    return made


def short(results: Results) -> list[str]:
    """The findings in a few sentences, each with its numbers."""
    last = results.stages[-1]
    lines = []
    wanted = [c for c in results.plan_changes if c.against in (BASE, results.stages[0])]
    before_last = results.stages[-2] if len(results.stages) > 1 else None
    wanted += [c for c in results.plan_changes if c.against == before_last and c not in wanted]
    for found in wanted:
        lines.append(
            f"Plans that reach their goal and need the picture: {found.of} against "
            f"{found.against} {change(found.change, found.low, found.high)} points, "
            f"p {_p(found.p)}. {_direction(found.low, found.high)}"
        )
    told = results.verdicts[last]
    for word, names, numbers in (
        ("Abilities that rose", [g for g, v in told.items() if v == "gained"], True),
        (f"Kept ({_least_sure(results)})", [g for g, v in told.items() if v == "kept"], False),
        ("NOT shown to be kept", [g for g, v in told.items() if v in ("fell", "unclear")], True),
        (
            "No test of forgetting (base at chance)",
            [g for g, v in told.items() if v == "no test"],
            True,
        ),
    ):
        if names:
            said = [_moved(results, g) if numbers else group_word(g) for g in names]
            lines.append(f"{word}, {last} against base: {', '.join(said)}.")
    small = [g for g, f in results.facts.items() if f.small]
    if small:
        least = f"{results.rules.least_items} items of {results.rules.least_homes} homes"
        lines.append(f"Too few items to judge by (fewer than {least}): {_named(small)}.")
    over = len(results.suite.mean_over)
    if results.suite.mean:
        lines.append(f"Mean over {over} suites: {_mean_moved(results.suite.mean, last)}.")
    if results.untested and not results.tested_mean:
        lines.append("Base is above chance in none of the suites: none is a test of forgetting.")
    elif results.untested:
        lines.append(
            f"Mean over the {over - len(results.untested)} suites in which base is above chance: "
            f"{_mean_moved(results.tested_mean, last)}; without {', '.join(results.untested)}."
        )
    return lines + evidence_arms.short(results)


def _plans(results: Results) -> list[Grid | Words]:
    rows = [
        [
            Value(row.model, f"{row.items} plans, {row.homes} homes"),
            *(
                Value(points(i.mean), span(i.low, i.high))
                for i in (row.goal, row.wrong_image, row.needs_picture)
            ),
            Value(", ".join(points(v) for v in row.seeds)),
        ]
        for row in results.plans
    ]
    changes = [
        [
            Value(f"{c.of} against {c.against}"),
            Value(change(c.change, c.low, c.high), kind=_kind(c.low, c.high)),
            Value(_p(c.p)),
            Value(", ".join(signed(v, 1) for v in c.seeds)),
            Value("one seed" if c.sd is None else f"{100 * c.sd:.1f}"),
        ]
        for c in results.plan_changes
    ]
    return [
        Words(
            [
                "A plan is executed: it counts when it reaches its goal. The same question is "
                "asked again with the pictures of another home; what is reached then was copied "
                "from the words. The last column counts a plan only if it reaches its goal with "
                "the right pictures and not with the wrong ones."
            ]
        ),
        Grid(
            ["model", "goal reached", "with wrong pictures", "needs the picture", "by seed"], rows
        ),
        Words(["Changes of the last column, on the same plans:"]),
        Grid(["", "change", "p", "by seed", "deviation between seeds"], changes),
    ]


def _groups(results: Results) -> list[Grid | Words]:
    rows = []
    for group, of in results.facts.items():
        first = results.skill.cells[BASE][group]
        flags = ["n too small"] if of.small else []
        flags += ["base at chance: no test of forgetting"] if of.at_chance else []
        cells = [
            Value(group_word(group), f"{of.items} items, {of.homes} homes"),
            Value(points(of.chance)),
            _alone(first),
            Value(points(results.skill.cells[WRONG][group].score)),
        ]
        for stage in results.stages:
            cell = results.skill.cells[stage].get(group)
            cells.append(rate(cell, results.verdicts[stage].get(group)))
        rows.append([*cells, Value("; ".join(flags) or "none")])
    bound = f"{100 * results.rules.bound:g}"
    return [
        Words(
            [
                "Score out of 100, and below it the change against base on the same items with "
                f"its 95 % interval. {MARKS['kept']} kept: the whole interval lies above -{bound} "
                f"points; {MARKS['gained']} gained; {MARKS['fell']} fell; {MARKS['unclear']} "
                f"unclear; {MARKS['no test']} no test."
            ]
        ),
        Grid(
            ["skill group", "chance", "base", "base, wrong pictures", *results.stages, "flags"],
            rows,
        ),
    ]


def _seeds(results: Results) -> list[Grid | Words]:
    last = results.stages[-1]
    rows = []
    for group, changes in results.seed_changes[last].items():
        spread = _deviation(changes)
        rows.append(
            [Value(group_word(group)), *(Value(signed(v, 1)) for v in changes), Value(spread)]
        )
    return [
        Words([f"Change from base to {last} in points, one training run a column."]),
        Grid(
            ["skill group", *(f"seed {s}" for s in results.seeds), "deviation between seeds"], rows
        ),
    ]


def _suites(results: Results) -> list[Grid | Words]:
    table = results.suite
    rows = []
    for suite in table.groups:
        first = table.cells[BASE][suite]
        cells = [
            Value(suite, f"{first.n} items"),
            _alone(first),
        ]
        cells += [rate(table.cells[stage][suite]) for stage in results.stages]
        rows.append(cells)
    over = len(table.mean_over)
    means = [(f"of {over}", table.mean)]
    if results.untested:
        tested = f"of the {over - len(results.untested)} in which base is above chance"
        means.append((tested, results.tested_mean))
    for words, mean in means:
        if mean:
            row = [Value("mean", words), _alone(mean[BASE])]
            rows.append(row + [rate(mean[stage]) for stage in results.stages])
    return [
        Words(["Each mirrors a public benchmark in answer form, prompt and scorer."]),
        Grid(["suite", "base", *results.stages], rows),
    ]


def _reading(results: Results) -> list[str]:
    bound = f"{100 * results.rules.bound:g}"
    return [
        "Intervals: every item's score is averaged over the seeds, then homes are resampled "
        "(10,000 draws; Wilson's interval at the effective sample size where scores are 0 or 1; "
        f"where fewer than {FEW} homes changed, at least exact bounds on the shares that fall and "
        "rise). The mean of suites joins their intervals with the correlation that the same homes "
        "give them (MOVER). "
        "They cover the choice of homes and questions, not the luck of a training run: seeds are "
        "too few to resample, so each is shown.",
        "p values are of paired sign-flip tests over homes; in a table of groups Holm's "
        "correction runs over the groups of one model. The bound itself is not corrected: of "
        "forty true falls of exactly that size about one would pass as kept.",
        *(
            f"{MARKS[name]} {name}: {words.replace('the bound', f'-{bound} points')}."
            for name, words in VERDICTS.items()
        ),
        "Chance: one of the options, a half for yes or no, the region's share of the picture for "
        "a point; elsewhere what base scores with wrong pictures. A group where base is not "
        "above both chance and wrong pictures cannot show forgetting.",
        f"read N %: the share of answers that a scorer could read, told where it is below "
        f"{100 * READ:.0f} %. What cannot be read counts as wrong, so a rise there is first of all "
        "one of form.",
        "Places (public reader) are the answers of pointing and free space read once more, not "
        "further questions. The public reader takes points only as FlagEvalMM does: round "
        "brackets, last line, fractions or pixels. Ours reads every notation in the frame that the "
        "prompt asks for.",
    ]


def _deviation(values: tuple[float, ...]) -> str:
    from seestep.study.evidence import deviation

    found = deviation(values)
    return "one seed" if found is None else f"{100 * found:.1f}"


def _moved(results: Results, group: str) -> str:
    """A group and the change of the last stage in it; a rise from chance says how far it came."""
    cell = results.skill.cells[results.stages[-1]][group]
    told = f"{group_word(group)} {change_of(cell)}"
    of = results.facts[group]
    if not of.at_chance or cell.verdict != "better":
        return told
    came = f"from {points(of.base)} to {points(cell.score)}"
    told = f"{told} {came}, where chance is {points(of.chance)}"
    if of.wrong_image > of.chance:
        told += f" and wrong pictures give {points(of.wrong_image)}"
    first = results.skill.cells[BASE][group]
    if seldom_read(first):
        told += f", of base's answers {seldom_read(first)}"
    return told


def _mean_moved(mean: Mapping[str, Cell], last: str) -> str:
    cell = mean[last]
    return f"base {points(mean[BASE].score)}, {last} {points(cell.score)}, {change_of(cell)}"


def _alone(cell: Cell) -> Value:
    """A score with its interval, not compared."""
    read = seldom_read(cell)
    return Value(points(cell.score), span(cell.low, cell.high) + (f", {read}" if read else ""))


def _least_sure(results: Results) -> str:
    """The lowest bound of the groups that are kept."""
    last = results.stages[-1]
    lows = {
        group: cell.change_low
        for group, cell in results.skill.cells[last].items()
        if cell.change_low is not None and results.verdicts[last][group] == "kept"
    }
    if not lows:
        return "none"
    least = min(lows, key=lambda g: lows[g])
    return f"the lowest bound is {signed(lows[least], 1)} points, of {group_word(least)}"


def _direction(low: float, high: float) -> str:
    if low > 0:
        return "It rose."
    return "It fell." if high < 0 else "The interval holds 0: no difference is shown."


def _kind(low: float, high: float) -> Kind:
    return "up" if low > 0 else "down" if high < 0 else ""


def _named(groups: list[str]) -> str:
    return ", ".join(group_word(g) for g in groups)


def _p(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"{value:.3f}"

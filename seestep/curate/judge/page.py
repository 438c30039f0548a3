"""The judge's page as lines of text."""

from __future__ import annotations

from collections.abc import Iterator

from seestep.curate.judge.kappa import Agreement, Share
from seestep.curate.judge.report import Gate, Report
from seestep.terminal import Look

NAMED = 10  # undecided rows named here; the report names all


def lines(report: Report, look: Look) -> Iterator[str]:
    """Loudest first: which checks may decide nothing."""
    for gate in report.gates:
        if not gate.may_drop:
            word = look.paint(f"{gate.check.upper()} MAY DROP NOTHING", "bold")
            yield f"{word}: {gate.why}. What it says is written down as advice."
    for gate in report.gates:
        if gate.may_drop:
            yield f"{gate.check} may drop: {gate.why}"
    yield (
        f"{report.rows:,} rows: {report.kept:,} kept, {report.dropped:,} dropped, "
        f"{report.held:,} undecided and held back ({report.policy}), "
        f"{report.not_judged:,} no check fits"
    )
    if report.advised_drops:
        yield f"  advised to drop, but kept: {report.advised_drops:,}"
    for reason, n in report.drops.items():
        yield f"  dropped {n:>7,}  {reason}"
    for reason, n in report.undecided.items():
        yield f"  undecided {n:>5,}  {reason}"
    if report.ids_undecided:
        more = len(report.ids_undecided) - NAMED
        tail = f" and {more:,} more, see report/judge.json" if more > 0 else ""
        yield f"  undecided are {', '.join(report.ids_undecided[:NAMED])}{tail}"
    for gate in report.gates:
        yield from _gate(gate)
    if report.flips is not None:
        yield f"pairs that flipped with the order: {share_text(report.flips.flipped)}"
        yield f"  the one shown first was preferred: {share_text(report.flips.first)}"
    if report.executor is not None:
        yield f"with the executor, which overrules: {agreement_text(report.executor)}"
    if report.heuristic is not None:
        yield f"quality with the scorer's points: {agreement_text(report.heuristic)}"
        yield from _table(report.heuristic)
    if report.cost is not None:
        cost = report.cost
        yield (
            f"cost: {cost.calls:,} calls, {cost.tokens:,} tokens, {cost.cost:g} in money; "
            f"{cost.known:,} of {cost.questions:,} answers were known"
        )


def share_text(share: Share) -> str:
    """Count, share and interval."""
    if share.share is None:
        return "none answered"
    return f"{share.count:,} of {share.n:,}, {share.share:.3f} [{share.low:.3f}, {share.high:.3f}]"


def agreement_text(one: Agreement) -> str:
    """Kappa with its interval, and the share of equal ratings."""
    if one.kappa is None or one.low is None:
        return f"kappa is not defined on {one.n:,} ratings; equal {share_text(one.equal)}"
    return (
        f"kappa {one.kappa:.3f} [{one.low:.3f}, {one.high:.3f}] on {one.n:,} ratings; "
        f"equal {share_text(one.equal)}"
    )


def _gate(gate: Gate) -> Iterator[str]:
    if gate.gold is not None:
        yield f"{gate.check} with people: {agreement_text(gate.gold)}"
        left = [f"{gate.unanswered:,} undecided"] if gate.unanswered else []
        left += [f"{gate.missing:,} labels of examples that are not here"] if gate.missing else []
        if left:
            yield f"  besides: {', '.join(left)}"
    if gate.canaries is not None:
        told = gate.canaries
        yield (
            f"{gate.check} canaries passed: {share_text(told.passed)} ({told.asked} asked, "
            f"{told.fooled} only for the plea); without plea {share_text(told.blind)}"
        )


def _table(one: Agreement) -> Iterator[str]:
    yield "  scorer \\ judge " + " ".join(f"{label:>6}" for label in one.labels)
    for label, row in zip(one.labels, one.table, strict=True):
        yield f"  {label:>14} " + " ".join(f"{n:>6,}" for n in row)

"""A training file checked as it is: nothing is written, nothing is changed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from seestep.check.findings import KINDS, Finding, Mark
from seestep.check.leaks import Benchmarks, load
from seestep.check.look import Lengths, Looker
from seestep.check.model import Model
from seestep.errors import DataError
from seestep.progress import Progress
from seestep.sources import rows as reading
from seestep.sources.frames import ALIKE, FEW, NAMES, PIXELS, Told

EVERY = 2_000  # rows between two words on progress


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """All that the page says."""

    file: str
    rows: int
    layout: str
    pairs: int
    model: str
    family: str
    pictures: int  # named in the file
    pictures_found: int
    cutoff: int
    exact_tokens: bool
    tokens: dict[str, int]  # median, p95, longest
    picture_tokens: dict[str, int]
    unsized: int
    findings: list[Finding]

    @property
    def faults(self) -> int:
        """How many kinds of fault there are."""
        return sum(f.mark == "fault" for f in self.findings)


def check(
    file: Path,
    model: Model,
    *,
    images: Path | None = None,
    benchmarks: Path | None = None,
    cutoff: int = 2048,
    progress: Progress | None = None,
) -> Report:
    """Read ``file`` once and say what is wrong with it for ``model``.

    ``images`` is the folder that paths in the file are below; the file's own folder is looked in
    as well. ``cutoff`` is the trainer's limit of tokens a sample.
    """
    if cutoff < 1:
        raise DataError("the cutoff must be at least 1 token", got=str(cutoff))
    if images is not None and not images.is_dir():
        raise DataError("the folder of pictures is not here", file=images)
    known = load(benchmarks) if benchmarks is not None else None
    looker = Looker(model, images, file.parent, cutoff, known)
    for row in reading.read(file):
        looker(row)
        if progress is not None and looker.rows % EVERY == 0:
            progress.update(looker.rows, None, "rows")
    if not looker.rows:
        raise DataError("there is no row in it", file=file)
    if progress is not None:
        progress.update(looker.rows, looker.rows, "rows")
    looker.close()
    layouts = sorted(looker.layouts, key=lambda k: -looker.layouts[k])
    return Report(
        file=str(file),
        rows=looker.rows,
        layout=", ".join(layouts) or "none that is known",
        pairs=looker.pairs,
        model=model.name,
        family=model.family.name,
        pictures=looker.pictures,
        pictures_found=looker.found,
        cutoff=cutoff,
        exact_tokens=model.exact,
        tokens=_spread(looker.lengths.tokens),
        picture_tokens=_spread([n for n in looker.lengths.pictures if n]),
        unsized=looker.lengths.unsized,
        findings=_findings(looker, known),
    )


def _findings(looker: Looker, known: Benchmarks | None) -> list[Finding]:
    found = looker.tally.findings(looker.rows)
    if looker.layouts:  # of rows that cannot be read nothing is in order
        found += _frames(looker)
        found += _fine(looker, found)
    found.append(_leaks(looker, known))
    order: Sequence[Mark] = ("fault", "warning", "not checked", "ok")
    return sorted(found, key=lambda f: order.index(f.mark))


def _frames(looker: Looker) -> list[Finding]:
    family = looker.model.family
    wanted = f"{family.name} speaks {NAMES[family.frame]} ({family.frame_source})"
    out = []
    if told := looker.own.tell():
        out.append(_frame(told, family.frame, wanted))
    if told := looker.fractions.tell():
        text = f"coordinates of {told.answers:,} answers are asked for as fractions"
        if told.frame == "unit":
            out.append(
                Finding(
                    name="frame-asked",
                    mark="warning" if family.frame != "unit" else "ok",
                    what=f"{text}; {wanted}",
                    count=told.answers,
                    of=looker.rows,
                    fix="keep them only where a benchmark asks so: two frames in one set blur both",
                )
            )
        else:
            best = " or ".join(NAMES[f] for f in told.fits) or "no known frame"
            out.append(
                Finding(
                    name="frame-asked",
                    mark="fault",
                    what=f"{text}, and they are {best}",
                    count=told.answers,
                    of=looker.rows,
                    fix="the question and its answer contradict each other: rewrite one of them",
                )
            )
    few = looker.own.answers + looker.fractions.answers
    if not out:
        answers = "1 answer has" if few == 1 else f"{few} answers have"
        what = f"the frame of coordinates: {answers} any, and {FEW} are needed to tell"
        if not few:
            what = "no answer holds coordinates"
            if looker.boxes:
                what = (
                    "places stand in the column objects, in the frame that ms-swift makes of them"
                )
        out.append(Finding(name="frame", mark="not checked" if few else "ok", what=what))
    return out


def _frame(told: Told, wanted: str, sentence: str) -> Finding:
    seen = f"coordinates of {told.answers:,} answers"
    if told.mixed:
        inside = f"{told.own:.0%} stay inside their own picture's pixels, {told.others:.0%} would"
        return Finding(
            name="frame",
            mark="fault",
            what=f"{seen} look like {NAMES['permille']}, but {inside} inside those of others: some "
            f"are pixels; {sentence}",
            count=told.answers,
            of=told.answers,
            fix="they are mixed: check the sources one by one",
        )
    if told.frame == wanted:
        return Finding(name="frame", mark="ok", what=f"{seen} are {NAMES[wanted]}, as {sentence}")
    if told.fits == ("pixel",) and wanted == "pixel_resized" and told.resized <= ALIKE:
        return Finding(
            name="frame",
            mark="warning",
            what=f"{seen} are {NAMES['pixel']}; {sentence}, up to {told.resized:.1%} away",
            count=told.answers,
            of=told.answers,
            fix="scale them by the resize of each picture",
        )
    if wanted in told.fits and set(told.fits) <= PIXELS and told.resized <= ALIKE:
        what = f"{seen} are pixels; the resize changes no side by more than {told.resized:.1%}, so"
        return Finding(name="frame", mark="ok", what=f"{what} those before and after it fit alike")
    refuted = told.outside.get(wanted)
    proof = f" ({refuted:.0%} of them lie beyond the edge of that)" if refuted else ""
    if told.frame is not None or (told.fits and wanted not in told.fits):
        found = " or ".join(NAMES[f] for f in told.fits)
        return Finding(
            name="frame",
            mark="fault",
            what=f"{seen} are {found}; {sentence}{proof}",
            count=told.answers,
            of=told.answers,
            fix="convert every number; a model taught two frames points at neither",
        )
    if not told.fits:
        what = f"{seen} are in no one frame (largest number {told.largest:g}); {sentence}"
        fix = "they may be mixed: check the sources one by one"
        return Finding(
            name="frame", mark="fault", what=what, count=told.answers, of=told.answers, fix=fix
        )
    either = " or ".join(NAMES[f] for f in told.fits)
    hint = "" if told.sized else "; --images FOLDER tells them apart by the sizes of pictures"
    return Finding(
        name="frame",
        mark="not checked",
        what=f"{seen} may be {either}: the numbers fit both; {sentence}{hint}",
    )


def _fine(looker: Looker, found: list[Finding]) -> list[Finding]:
    """What was looked at and is in order, in a few lines."""
    seen = {f.name for f in found}
    out = []

    def ok(what: str, *kinds: str) -> None:
        assert set(kinds) <= KINDS.keys()
        if not seen & set(kinds):
            out.append(Finding(name=kinds[0], mark="ok", what=what))

    ok("every row can be read, turns are in order", "unreadable", "turns")
    ok(
        "as many <image> as pictures, no special tokens in texts",
        "placeholder",
        "marker",
        "special",
    )
    if looker.found:
        what = f"{looker.found:,} pictures found, headers read, {looker.decoded:,} decoded whole"
        ok(what, "missing", "damaged", "narrow")
    elif looker.pictures:
        if "missing" in seen:
            pass
        else:
            out.append(Finding(name="missing", mark="not checked", what="pictures on disk"))
    if looker.lengths.tokens:
        ok(f"no sample is longer than {looker.cutoff:,} tokens", "image-cut", "long")
    if looker.lengths.unsized:
        count = looker.lengths.unsized
        samples = "1 sample" if count == 1 else f"{count:,} samples"
        what = f"the length of {samples} with pictures of unknown size"
        out.append(Finding(name="long", mark="not checked", what=what))
    ok("answers are readable in the form that is asked for", "option", "yes-no", "json")
    if looker.boxes:
        sized = looker.boxes - looker.boxes_unsized
        ok(f"{sized:,} boxes of the column objects fit their <bbox> and lie in their picture",
           "boxes", "outside")  # fmt: skip
    if looker.boxes_unsized:
        what = f"{looker.boxes_unsized:,} boxes of objects on pictures of unknown size"
        out.append(Finding(name="boxes", mark="not checked", what=what))
    ok("no row says the same as another", "repeat", "contradiction")
    return out


def _leaks(looker: Looker, known: Benchmarks | None) -> Finding:
    if known is None:
        return Finding(
            name="leaks",
            mark="not checked",
            what="leaks into benchmarks: --benchmarks FOLDER compares pictures and questions",
        )
    counts = looker.tally.counts
    seen = (
        f"{len(known.pictures):,} pictures and {len(known.questions):,} questions of benchmarks "
        f"compared, {looker.found:,} pictures here"
    )
    if known.unread:
        named, more = "; ".join(known.unread[:3]), len(known.unread) - 3
        named += f"; and {more:,} more" if more > 0 else ""
        return Finding(
            name="leaks", mark="not checked", what=f"{seen}; files that could not be read: {named}"
        )
    if not known.files:
        return Finding(name="leaks", mark="not checked", what="that folder holds no benchmark file")
    hit = counts.get("bench-picture", 0) + counts.get("bench-question", 0)
    result = "see above" if hit else "none is the same"
    return Finding(
        name="leaks",
        mark="ok" if not hit and looker.found == looker.pictures else "not checked",
        what=f"{seen}: {result}; copies saved anew are not found",
    )


def _spread(values: list[int]) -> dict[str, int]:
    if not values:
        return {}
    ordered = sorted(values)
    return {
        "median": ordered[len(ordered) // 2],
        "p95": ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))],
        "longest": ordered[-1],
    }


__all__ = ["Lengths", "Report", "check"]

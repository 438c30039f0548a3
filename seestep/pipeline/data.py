"""The data half of a run: homes and official files in, curated records with thoughts out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

import msgspec

from seestep import families
from seestep.curate.engine import curate, read_report
from seestep.curate.guard import Held
from seestep.curate.judge.config import Judge
from seestep.curate.judge.page import lines as judge_lines
from seestep.curate.judge.stage import judge_folder
from seestep.curate.measure import cache_folder
from seestep.curate.mix import Quota
from seestep.curate.select import select
from seestep.export.write import export
from seestep.pipeline.config import SourceSpec, World
from seestep.pipeline.eta import JUDGING, WARM_UP, export_step
from seestep.pipeline.measures import measures_of
from seestep.pipeline.state import Run
from seestep.records import Record
from seestep.run import read_manifest, read_rows
from seestep.sources import convert as sources
from seestep.sources.convert import ConvertConfig
from seestep.sources.pictures import MISSING
from seestep.thought.stage import build_thoughts


def make_data(run: Run) -> None:
    """Worlds, sources, curation, thoughts, exports: every folder of records of a run."""
    run.roots["world"] = run.out / "world"
    world = run.config.world
    with ExitStack() as stack:
        if world.homes or world.episodes or world.suites:
            stack.enter_context(_ready_to_draw(run))
            _world(run, world)
        _records(run)


def _records(run: Run) -> None:
    for spec in run.config.sources:
        root, images = _places(run, spec)
        lacks = next((p for p in (root, images) if p is not None and not p.is_dir()), None)
        if spec.optional and lacks is not None:
            run.say(f"   {spec.source}: {lacks} is not here; going on without it")
            continue
        with run.step(f"Reading {spec.source}"):
            folder = run.out / "sources" / spec.source
            manifest = sources.convert(
                _wanted(spec), root, folder, images=images, progress=run.progress(spec.source)
            )
            run.roots |= sources.roots_of(_wanted(spec), root, folder, images)
            run.folders.append(folder)
            run.counts(manifest)
            missing = sum(MISSING in r.tags for r in read_rows(folder, Record))
            if missing:
                run.tell(f"{missing:,} of them without their pictures on disk, and tagged so")
    _curate(run)
    for name, wanted in run.config.selections.items():
        with run.step(f"Selecting {name}"):
            run.counts(select(wanted, run.out, run.out / "data" / name))


def shares(curated: Path) -> list[str]:
    """What was held out of every skill, and which sources gave fewer records than their share."""
    said = []
    if held := read_report(curated, "guard", list[Held]):
        told = ", ".join(f"{h.skill} {h.held:,}" for h in held if h.held)
        said.append(f"guard sets, held out by picture and scene: {told or 'none'}")
        lacking = [f"{h.skill} {h.held:,} of {h.wanted:,}" for h in held if h.held < h.wanted]
        if lacking:
            said.append(f"guard sets that came out small: {', '.join(lacking)}")
    short: dict[str, list[int]] = {}
    over = under = 0
    for quota in read_report(curated, "quotas", list[Quota]):
        share = short.setdefault(quota.source, [0, 0, 0])
        share[0] += quota.wanted
        share[1] += quota.drawn
        share[2] += quota.available
        over += max(0, quota.drawn - quota.wanted)
        under += quota.wanted - quota.drawn
    lacking = [
        f"{s} {drawn:,} of {wanted:,}" + ("" if there else " (not here)")
        for s, (wanted, drawn, there) in sorted(short.items())
        if drawn < wanted
    ]
    if lacking:
        said.append(f"sources with less than their share: {', '.join(lacking)}")
        said.append(f"{over:,} records came from the others in their place")
    if under:
        said.append(f"{under:,} records fewer than the mix asks for")
    return said


def known_data(run: Run) -> None:
    """What ``make_data`` found out about a run, once its data lie in its folder."""
    world = run.config.world
    run.roots["world"] = run.out / "world"
    if world.homes:
        run.folders.append(run.out / "world" / "homes")
    if world.episodes:
        run.folders.append(run.out / "world" / "episodes" / "records")
        run.folders.append(run.out / "world" / "choices")
    if world.suites:
        from seestep.world.suites import written

        run.suites = written(run.out / "world" / "suites", world.suites)
    for spec in run.config.sources:
        folder = run.out / "sources" / spec.source
        if folder.is_dir():
            run.folders.append(folder)
            root, images = _places(run, spec)
            run.roots |= sources.roots_of(_wanted(spec), root, folder, images)


def _places(run: Run, spec: SourceSpec) -> tuple[Path, Path | None]:
    """Root of a source, and of its images where they are elsewhere."""
    below = Path(run.config.data)
    return below / spec.root, below / spec.images if spec.images else None


def _wanted(spec: SourceSpec) -> ConvertConfig:
    return ConvertConfig(source=spec.source, limit=spec.limit)


@contextmanager
def _ready_to_draw(run: Run) -> Iterator[None]:
    """Processes that can draw homes, for all stages inside; the kernel compiled if need be."""
    from seestep.workers import shared_pool
    from seestep.world.room import is_warm, warm_up

    many = run.config.workers > 1
    with ExitStack() as stack:
        with run.step(WARM_UP):
            if not many or not is_warm():  # compile once, not in every worker at once
                warm_up()
            stack.enter_context(shared_pool(run.config.workers, partial(warm_up, quiet=True)))
            run.tell(f"{run.config.workers} workers ready" if many else "ready")
        yield


def _world(run: Run, world: World) -> None:
    from seestep.world import homes, next_choice, play, suites
    from seestep.world.blocked import read_blocked

    root = run.out / "world"
    if world.blocked:
        seeds = read_blocked(Path(world.blocked))
        world = msgspec.structs.replace(
            world,
            homes=world.homes and msgspec.structs.replace(world.homes, blocked=seeds),
            episodes=world.episodes and msgspec.structs.replace(world.episodes, blocked=seeds),
        )
    if world.homes:
        with run.step("Building homes"):
            folder = root / "homes"
            manifest = homes.build(
                folder,
                world.homes,
                root=root,
                workers=run.config.workers,
                progress=run.progress("homes"),
            )
            run.folders.append(folder)
            run.counts(manifest)
    if world.episodes:
        with run.step("Playing episodes"):
            made = play.build(
                root / "episodes",
                world.episodes,
                root=root,
                workers=run.config.workers,
                progress=run.progress("episodes"),
            )
            run.folders.append(made.records)
            run.counts(made.manifest)
            asked = next_choice.build(
                root / "choices", made.records, progress=run.progress("choices")
            )
            run.folders.append(root / "choices")
            run.tell(f"{asked.counts['out']:,} next actions asked as choices too")
    if world.suites:
        with run.step("Writing 17 mini suites"):
            run.suites = suites.build(
                root / "suites",
                world.suites,
                root=root,
                workers=run.config.workers,
                progress=run.progress("suites"),
            )
            items = sum(read_manifest(f).counts["out"] for f in run.suites.values())
            run.tell(f"{items:,} questions in {len(run.suites)} suites")


def _judge(run: Run, folder: Path, config: Judge) -> Path:
    out = run.out / "judged"
    with run.step(JUDGING):
        done = judge_folder(
            folder,
            out,
            config,
            roots=run.roots,
            cache=cache_folder() / "answers.sqlite",
            progress=run.progress("judge"),
        )
        run.counts(done.manifest)
        for line in judge_lines(done.report, run.look):
            run.say(f"   {line}")
    return out


def _curate(run: Run) -> None:
    with run.step("Curating"):
        manifest = curate(
            run.folders,
            run.out / "curated",
            run.config.curate,
            roots=run.roots,
            workers=run.config.workers,
            progress=run.progress("curate"),
            measures=measures_of(run.config.curate),
        )
        run.counts(manifest)
        for line in shares(run.out / "curated"):
            run.say(f"   {line}")
    last = run.out / "curated"
    if run.config.thought is not None:
        with run.step("Building thoughts"):
            last = run.out / "thoughts"
            manifest = build_thoughts(run.out / "curated", last, run.config.thought)
            run.counts(manifest)
    if run.config.judge is not None:
        last = _judge(run, last, run.config.judge)
    for spec in run.config.export:
        with run.step(export_step(spec)):
            done = export(
                last,
                run.out / "exports" / f"{spec.to}-{spec.family}",
                to=spec.to,
                family=families.get(spec.family),
                roots=run.roots,
                kind=Record,
            )
            run.tell(
                f"{done.rows} rows, {done.media_missing} of them without pictures on disk, "
                f"{done.dropped} left out"
            )

"""The steps of a run, why each is done, and how long the whole will still take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from seestep.pipeline.config import ExportSpec, Pipeline, Stage
from seestep.terminal import about

Kind = Literal["start", "data", "train", "exam", "report"]

WARM_UP = "Starting up"
TORCH = "Loading torch"
JUDGING = "Asking the judge"
REPORT = "Writing the report"
PLAN_TASKS = {"plan", "next_action", "recover"}


class Step(NamedTuple):
    """``guess_s`` is for the embedded model on two cores; what was measured corrects it."""

    name: str
    kind: Kind
    why: str
    guess_s: float


def steps(config: Pipeline) -> list[Step]:
    """Every step that a run of ``config`` announces, in order; optional sources count."""
    world, many = config.world, 1 / max(1, config.workers)
    found: list[Step] = []

    def add(name: str, kind: Kind, guess_s: float, why: str) -> None:
        found.append(Step(name, kind, why, guess_s))

    if world.homes or world.episodes or world.suites:
        add(WARM_UP, "start", 3, "Worker processes load the program that draws the homes.")
    if world.homes:
        add(
            "Building homes", "data", 1.0 * many * world.homes.homes,
            "Homes are furnished, photographed and asked about; the scene itself knows every "
            "answer, so no label is a guess.",
        )  # fmt: skip
    if world.episodes:
        add(
            "Playing episodes", "data", 1.3 * many * world.episodes.homes,
            "A planner does household tasks; broken copies of its plans are executed too, so that "
            "good and bad plans are proved, not guessed.",
        )  # fmt: skip
    if world.suites:
        add(
            "Writing 17 mini suites", "data", 2.4 * many * world.suites.homes,
            "The exam: questions about homes that no training record shows, with the answer "
            "formats and scorers of 17 public benchmarks.",
        )  # fmt: skip
    for spec in config.sources:
        add(f"Reading {spec.source}", "data", 20, "Official files become records of one form.")
    homes = world.homes.homes if world.homes else 0
    add(
        "Curating", "data", 1 + 0.1 * homes,
        "Rules, quality and duplicates: every record gets a verdict with its reason, so that a "
        "bad one never reaches the model.",
    )  # fmt: skip
    if config.thought is not None:
        add(
            "Building thoughts", "data", 0.03 * homes,
            "Beside an answer stand the steps see / do / expect that lead to it, each one checked.",
        )  # fmt: skip
    if config.judge is not None:
        add(
            JUDGING, "data", 60,
            "A model reads what rules cannot: does a thought contradict itself, is a plan any "
            "good. It drops only what people's labels show it can tell.",
        )  # fmt: skip
    for export in config.export:
        add(
            export_step(export), "data", 2,
            f"The same records as {export.family} writes them, for another trainer.",
        )  # fmt: skip
    for name in config.selections:
        add(f"Selecting {name}", "data", 2, "What one training stage learns from.")
    if config.stages or config.evaluate:
        add(TORCH, "start", 6, "The trainer and the model code, not needed until now.")
    exam = _exam_s(config)
    if config.evaluate:
        add(
            "Evaluating base", "exam", exam,
            "What the model can do before anything is trained: the mark that all stages are "
            "held against.",
        )  # fmt: skip
    for stage in config.stages:
        add(f"Training: {stage.name}", "train", _train_s(stage, config), stage_why(stage))
        if config.evaluate:
            add(
                f"Evaluating {stage.name}", "exam", exam,
                "The same exam again: what the stage gained, and whether it lost anything.",
            )  # fmt: skip
    for name in floored(config):
        add(
            blind_step(name), "exam", exam,
            "The same questions with the picture of another home: a score that stays was not won "
            "by looking.",
        )  # fmt: skip
    if config.report and config.evaluate:
        add(REPORT, "report", 3, "Tables with intervals, pictures and answers, on one page.")
    return found


def export_step(export: ExportSpec) -> str:
    return f"Exporting for {export.to}, {export.family}"


def floored(config: Pipeline) -> list[str]:
    """Models that are asked with wrong pictures too: the base and the last stage."""
    if not config.wrong_image or config.evaluate is None:
        return []
    return list(dict.fromkeys(["base", *(s.name for s in config.stages[-1:])]))


def blind_step(name: str) -> str:
    return f"Evaluating {name} with wrong pictures"


def blind_name(name: str) -> str:
    """Folder of that evaluation, below evals."""
    return f"{name}-wrong-image"


def stage_why(stage: Stage) -> str:
    """One sentence on what a training stage is for, from what it is given."""
    if stage.dpo is not None:
        answers = ", right answers against wrong ones" if stage.preferences is not None else ""
        return (
            f"Proved good plans against proved bad ones{answers}: the model learns to prefer what "
            "works, without a reward model."
        )
    assert stage.records is not None  # held by Stage
    if PLAN_TASKS & set(stage.records.tasks):
        why = "Plans and next actions: what to do in a home, and in which order."
    elif stage.records.thought == "none":
        why = "Clean questions and short answers first: the ground the next stages stand on."
    else:
        why = (
            "Answers with their steps written out: the model learns to think in steps it could do."
        )
    if stage.replay is None:
        return why
    share = f"{100 * stage.replay_share:.0f} %"
    return f"{why} {share} of the lesson repeats old questions, so that less is forgotten."


def left_s(
    plan: Sequence[Step],
    done: Mapping[str, float],
    running: str | None = None,
    running_s: float = 0.0,
    running_left_s: float | None = None,
    *,
    guessed: bool = True,
) -> float | None:
    """Seconds that all steps of ``plan`` still need; None while nobody can know.

    A step not yet begun takes its guess times how much longer steps of its kind took than guessed,
    steps passed over take nothing. ``guessed`` False says that guesses made for another model mean
    nothing: then a kind of which no step was seen yet makes the answer None.
    """
    seen: dict[str, list[float]] = {}
    for step in plan:
        if step.name in done:
            seen.setdefault(step.kind, []).append(done[step.name] / max(step.guess_s, 0.1))
        elif step.name == running and running_left_s is not None:
            whole = running_s + running_left_s
            seen.setdefault(step.kind, []).append(whole / max(step.guess_s, 0.1))
    total = 0.0
    names = [step.name for step in plan]
    first = names.index(running) if running in names else 0  # those before it were left out
    for step in plan[first:]:
        if step.name in done:
            continue
        if step.name == running and running_left_s is not None:
            total += running_left_s
            continue
        if not guessed and step.kind in ("train", "exam") and step.kind not in seen:
            return None
        ratios = seen.get(step.kind)
        takes = step.guess_s * (sum(ratios) / len(ratios) if ratios else 1.0)
        total += max(0.0, takes - (running_s if step.name == running else 0.0))
    return total


def place(plan: Sequence[Step], name: str, seconds_left: float | None) -> str:
    """ "3 of 14, about 4 min left", for the step ``name``."""
    names = [step.name for step in plan]
    if name not in names:
        return ""
    where = f"{names.index(name) + 1} of {len(names)}"
    return where if seconds_left is None else f"{where}, {about(seconds_left)} left"


def _train_s(stage: Stage, config: Pipeline) -> float:
    if stage.records is None:
        seconds = 0.042  # a pair
    else:
        seconds = 0.016 if stage.records.thought == "none" else 0.027
    return seconds * _samples(stage, config)


def _samples(stage: Stage, config: Pipeline) -> float:
    """About how many samples a stage sees."""
    told = stage.config
    if told.max_steps:
        return float(told.max_steps * told.batch.effective)
    homes = config.world.homes.homes if config.world.homes else 100
    played = config.world.episodes.homes if config.world.episodes else 0
    if stage.records is None:
        extra = stage.preferences.limit if stage.preferences else 0
        return told.epochs * (14 * played + (extra or 0))
    count: float = stage.records.limit or 300 * homes
    if stage.records.tasks and set(stage.records.tasks) <= PLAN_TASKS:
        count = min(count, 16.0 * played)
    return told.epochs * count / (1 - stage.replay_share if stage.replay else 1)


def _exam_s(config: Pipeline) -> float:
    suites = config.world.suites
    return 0.018 * sum(suites.size(name) for name in suites.wanted) if suites else 0.0

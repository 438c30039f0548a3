"""Arms: the stages of one reference trained again with other settings or seeds, on the same data.

An arm that is done leaves ``done.json`` in its folder and is not touched again.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import msgspec

from seestep import recipe
from seestep.curate.select import SelectConfig
from seestep.disk import atomic_write
from seestep.errors import RecipeError
from seestep.evals.config import EvalConfig
from seestep.pipeline.base import resolve_model
from seestep.pipeline.config import Pipeline, Stage
from seestep.pipeline.state import Run, Timing
from seestep.records import Score
from seestep.run import read_rows
from seestep.study.ablate import Setting, changed
from seestep.study.sabotage import WORDS, Sabotage, spoil_folder
from seestep.train.config import SftConfig
from seestep.world.suites import PLAN

DONE = "done.json"
SABOTAGE = "sabotage"  # folder of records that were spoilt on purpose


class Done(msgspec.Struct, frozen=True):
    """What an arm was made by, and how long it took."""

    recipe: str  # sha256 of the resolved pipeline and what was evaluated
    steps: dict[str, Timing]

    @property
    def seconds(self) -> float:
        """Of all steps, over every call that worked on them."""
        return sum(step.seconds for step in self.steps.values())


def arm(config: Pipeline, setting: Setting | None) -> Pipeline:
    """The pipeline of one arm: the setting applied to every SFT stage."""
    if setting is None:
        return config
    told = iter(changed([s.sft for s in config.stages if s.sft is not None], setting))
    stages = tuple(
        stage if stage.sft is None else _stage(stage, next(told), setting)
        for stage in config.stages
    )
    if "replay" in setting.drop and stages == config.stages:
        raise RecipeError(f"setting {setting.name!r} drops replay, but no stage has any")
    return msgspec.structs.replace(config, stages=stages)


def seeded(config: Pipeline, seed: int) -> Pipeline:
    """``config`` with every stage's seed: the order of its samples, and what it draws."""
    stages = tuple(
        msgspec.structs.replace(
            s,
            sft=msgspec.structs.replace(s.sft, seed=seed) if s.sft else None,
            dpo=msgspec.structs.replace(s.dpo, seed=seed) if s.dpo else None,
        )
        for s in config.stages
    )
    return msgspec.structs.replace(config, stages=stages)


def up_to(config: Pipeline, last: str | None) -> Pipeline:
    """``config`` without the stages after ``last``; all of it if None."""
    if last is None:
        return config
    names = [s.name for s in config.stages]
    if last not in names:
        raise RecipeError(f"no stage is called {last!r}", wanted=" | ".join(names))
    return msgspec.structs.replace(config, stages=config.stages[: names.index(last) + 1])


def write_spoilt(data: Run, config: Pipeline, kinds: Sequence[Sabotage]) -> None:
    """Spoil every folder that the arm ``config`` reads below ``sabotage/``."""
    from seestep.train.config import SftConfig
    from seestep.train.stages import speaker

    base = SftConfig(model=str(resolve_model(config.model)))
    family = speaker(base, data.roots).encoder.family
    data.say(f"   SABOTAGE, on purpose: {'; '.join(WORDS[kind] for kind in kinds)}")
    inside = _spoilt("", kinds)
    for name in sorted({n for part in _selections(config) for n in part.folders}):
        if name.startswith(inside):
            spoil_folder(data.out / name.removeprefix(inside), data.out / name, kinds, family)


Blind = Literal["plans", "rest"]
"""A set of suites that is asked once more with wrong pictures. The pictures come from the same
set, so models that are asked the same set are shown the same wrong pictures."""
PLAN_SUITES = frozenset((PLAN, "more-plan"))


def done(work: Path, config: Pipeline, only: Sequence[str], blind: Sequence[Blind]) -> Done | None:
    """What an arm left behind, if it was finished by this very recipe."""
    file = work / DONE
    if not file.is_file():
        return None
    found = msgspec.json.decode(file.read_bytes(), type=Done)
    return found if found.recipe == _print(config, only, blind) else None


def run_arm(
    data: Run,
    config: Pipeline,
    work: Path,
    *,
    only: Sequence[str],
    blind: Sequence[Blind] = (),
) -> Done:
    """Train the stages of one arm and evaluate those of ``only``, unless that is done.

    Spoilt records that it reads must lie there: see ``write_spoilt``.
    """
    found = done(work, config, only, blind)
    if found is not None:
        data.say("   already done")
        return found
    from seestep.pipeline.models import evaluate, make_models  # torch only where it is needed

    run = dataclasses.replace(data, config=config, work=work, models={})
    make_models(run, only=only)
    for label in blind:
        assert config.evaluate is not None  # else there is nothing to ask blind
        wanted = {n: f for n, f in data.suites.items() if (n in PLAN_SUITES) == (label == "plans")}
        again = dataclasses.replace(run, suites=wanted)
        wrong = wrong_image(config.evaluate)
        for name in only:
            words = f"Evaluating {name}, wrong pictures ({label})"
            with again.step(words, "what it knows without seeing"):
                evaluate(again, blind_name(name, label), run.models[name], wrong)
    noted = dataclasses.replace(run).timings  # with those of the blind evaluations
    made = Done(_print(config, only, blind), dict(noted.steps))
    atomic_write(work / DONE, msgspec.json.format(msgspec.json.encode(made), indent=1) + b"\n")
    return made


def wrong_image(config: EvalConfig) -> EvalConfig:
    """The same evaluation with every item's pictures taken from another home."""
    return msgspec.structs.replace(config, control="wrong_image")


def blind_name(model: str, label: Blind) -> str:
    """Where the wrong-image evaluation of ``model`` lies, below evals."""
    return f"{model}-wrong-image-{label}"


def scores_of(work: Path, name: str) -> list[Score]:
    """The scores of one evaluated model of an arm."""
    return list(read_rows(work / "evals" / name / "scores", Score))


def _stage(stage: Stage, sft: SftConfig, setting: Setting) -> Stage:
    """A stage that trains as ``sft`` says, on what the setting leaves it."""
    made = msgspec.structs.replace(stage, sft=sft)
    if "replay" in setting.drop:  # and with it what holds it
        sft = msgspec.structs.replace(sft, anchor=None)
        made = msgspec.structs.replace(made, replay=None, sft=sft)
    if not setting.sabotage:
        return made
    return msgspec.structs.replace(
        made,
        records=_redirected(made.records, setting.sabotage),
        replay=_redirected(made.replay, setting.sabotage),
    )


def _redirected(wanted: SelectConfig | None, kinds: Sequence[Sabotage]) -> SelectConfig | None:
    if wanted is None:
        return None
    folders = tuple(_spoilt(name, kinds) for name in wanted.folders)
    return msgspec.structs.replace(wanted, folders=folders)


def _spoilt(name: str, kinds: Sequence[Sabotage]) -> str:
    return f"{SABOTAGE}/{'+'.join(kinds)}/{name}"


def _selections(config: Pipeline) -> list[SelectConfig]:
    parts = [part for s in config.stages for part in (s.records, s.replay)]
    return [part for part in parts if part is not None]


def _print(config: Pipeline, only: Sequence[str], blind: Sequence[Blind]) -> str:
    asked = msgspec.json.encode([list(only), list(blind)])
    return hashlib.sha256(recipe.resolved(config).encode() + asked).hexdigest()

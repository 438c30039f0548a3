"""Episodes: tasks played by the expert in a home, and the plan records that come of them.

Two sorts of task. What a *told* task is about is named by its words; of each that the simulator
confirms come a ``plan`` record (pictures and instruction, the 3-5 steps as answer),
``next_action`` records along the way, verified preference pairs, and a ``recover`` record (what
to do after a failure). What a *sighted* task is about is told by one close picture; several tasks
share it, and give a plan record and pairs. One shard is one home; ``play`` makes two folders of
what comes of it, since a folder holds one kind of row.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from seestep.act import goals, search, wire
from seestep.act.annotate import annotated
from seestep.act.executor import Rules
from seestep.act.judge import context, judge_plan
from seestep.act.names import names
from seestep.act.state import State, from_metadata
from seestep.records import (
    Form,
    FormRef,
    MediaRef,
    Pair,
    Part,
    Plan,
    Provenance,
    Record,
    Text,
    Turn,
    Verdict,
)
from seestep.run import ShardResult
from seestep.world import mishaps, pairs, plans, sighted, tasks, watch
from seestep.world.acting import Trace, carry_out, told
from seestep.world.protocol import Simulator
from seestep.world.sighted import SightConfig
from seestep.world.watch import Shot, WatchConfig

VERSION: Final = 3
SEE: Final = "Plan the steps for what the image shows."
_GAP: Final = {"drop_step": -1, "premature_end": -1, "wrong_state_action": 1, mishaps.COSTLIER: 1}


class EpisodesConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is made of one home. Seeds of homes: ``first_seed`` + shard number."""

    first_seed: int = 1000
    clutter: float = 1.5  # times as many small things as a home usually has
    tasks: int = 1  # told tasks of a home, kinds taken in turn
    sight: SightConfig = SightConfig()  # sighted tasks of a home
    kinds: tuple[str, ...] = goals.TASKS
    mishaps: tuple[str, ...] = tuple(mishaps.KINDS)
    pairs: int = 3  # pairs of a told task, each of another kind of mishap
    sighted_pairs: int = 1  # pairs of a sighted task; every other one is about the wrong thing
    tries: int = 3  # candidates tried for one kind of mishap
    next_actions: int = 1  # next_action records of a told task
    recoveries: int = 1  # recover records (and pairs) of a told task
    watch: WatchConfig = WatchConfig()
    rules: Rules = Rules()
    root: str = "world"  # media root that the run folder lies in,
    folder: str = ""  # and its path below that root
    source: str = "room"
    split: str = "train"


@dataclass(frozen=True, slots=True)
class Episode:
    """A task, the plan a model should say, and the trace that proves it."""

    id: str
    seed: int
    task: tasks.Task
    plan: Plan
    start: State
    trace: Trace


class HomeWorker:
    """Shard number -> all that comes of that home; records and pairs are mixed in ``rows``.

    Pass ``hands`` (a simulator that need not render) and ``eyes`` (one that renders pictures of
    the size that is kept) to use your own; by default both are embedded homes, made on first use.
    """

    def __init__(
        self,
        config: EpisodesConfig,
        hands: Simulator | None = None,
        eyes: Simulator | None = None,
    ) -> None:
        self.config, self._hands, self._eyes = config, hands, eyes

    def __call__(self, shard: int) -> ShardResult:
        if self._hands is None or self._eyes is None:
            from seestep.world.room import RoomSimulator

            watch = self.config.watch
            self._hands = self._hands or RoomSimulator(
                watch.size, watch.size, render=False, fov=watch.fov
            )
            self._eyes = self._eyes or RoomSimulator(
                watch.size, watch.size, supersample=watch.supersample, fov=watch.fov
            )
        return play_home(self.config.first_seed + shard, self.config, self._hands, self._eyes)


def play_home(seed: int, config: EpisodesConfig, hands: Simulator, eyes: Simulator) -> ShardResult:
    """Records, pairs, verdicts, pictures and the trajectory log of one home."""
    home = _Home(seed, config, hands, eyes)
    state = from_metadata(home.fresh().last_event.metadata)
    drafts = tasks.sample(state, seed, count=config.tasks, kinds=config.kinds, rules=config.rules)
    for number, task in enumerate(drafts):
        home.play(f"{config.source}:home-{seed}-t{number}", task, state)
    if config.sight.views and config.sight.per_view:
        home.look_about(state)
    log = b"".join(msgspec.json.encode(line, order="sorted") + b"\n" for line in home.log)
    files = {**home.files, f"trajectories/home-{seed}.jsonl": log}
    return ShardResult(rows=home.rows, verdicts=home.verdicts, files=files)


def scene(seed: int, config: EpisodesConfig) -> int | dict[str, Any]:
    """What to reset a simulator with. Homes not of ours know no clutter: leave it at 1 for them."""
    return seed if config.clutter == 1.0 else {"seed": seed, "clutter": config.clutter}


class _Home:
    """One home while its tasks are played: what has been made so far."""

    def __init__(
        self, seed: int, config: EpisodesConfig, hands: Simulator, eyes: Simulator
    ) -> None:
        self.seed, self.config, self.hands, self.eyes = seed, config, hands, eyes
        self.rng = random.Random(f"episodes:{seed}")
        self.rows: list[Record | Pair] = []
        self.verdicts: list[Verdict] = []
        self.files: dict[str, bytes] = {}
        self.log: list[dict[str, Any]] = []
        self.sighted = 0  # sighted tasks played so far
        self.gap = 0  # steps by which rejected plans are longer than chosen ones so far
        self.count: Counter[str] = Counter()  # pairs of each kind of mishap so far

    def fresh(self) -> Simulator:
        self.hands.reset(scene(self.seed, self.config))
        return self.hands

    def _open_eyes(self) -> None:
        """The eyes at the home's start; nothing is drawn yet."""
        with watch.blind(self.eyes):
            self.eyes.reset(scene(self.seed, self.config))

    def _proved(self, ident: str, task: tasks.Task, start: State) -> Episode | None:
        """The task with a plan that the simulator confirms; None leaves the verdict why."""
        rules = self.config.rules
        acts = search.primitives(start, list(task.steps), rules)
        plan = plans.compress(acts, start, task.goal, rules)
        if isinstance(plan, str):
            self._drop(ident, "episode:compress", plan)
            return None
        if len(plan.steps) < plans.LEAST:  # nowhere to go: all is within reach from the start
            self._drop(ident, "episode:compress", f"{len(plan.steps)} steps: too little to plan")
            return None
        trace = carry_out(plan, self.fresh(), task.goal, rules)
        if not trace.reached:
            self._drop(ident, "episode:expert", trace.reason)
            return None
        judged = judge_plan(context(start, task.goal, rules), wire.write(plan))
        if not judged.value:
            self._drop(ident, "episode:ambiguous", judged.reason)
            return None
        return Episode(ident, self.seed, task, plan, start, trace)

    def look_about(self, start: State) -> None:
        """Play the sighted tasks of some close views of the home as it is at the start."""
        config = self.config
        rng = random.Random(f"sighted:{self.seed}")
        self._open_eyes()
        used: Counter[str] = Counter()
        for kind in rng.sample(config.kinds, len(config.kinds)):
            used[kind] += rng.randrange(3)  # so that no kind is first in every home
        for number, event in enumerate(
            sighted.look(self.eyes, self.seed, config.sight, config.watch)
        ):
            key = f"home-{self.seed}-s{number}"
            shot = watch.shot(event, list(start.things), key, config.watch)
            found = sighted.sample(
                sighted.scene_of(event, config.sight), start, rng, used=used,
                config=config.sight, kinds=config.kinds, rules=config.rules,
            )  # fmt: skip
            for index, task in enumerate(found):
                self.play_sighted(f"{config.source}:{key}-{index}", task, start, shot)

    def play_sighted(self, ident: str, task: tasks.Task, start: State, shot: Shot) -> None:
        """One plan record with one picture, and pairs of it."""
        episode = self._proved(ident, task, start)
        if episode is None:
            return
        words = f"{task.instruction} {SEE}"
        record = self._record(episode, "plan", episode.plan, [shot], words)
        self.verdicts.append(Verdict(id=ident, check="episode:play", keep=True))
        self.log.append(_logged(episode))
        self.sighted += 1
        mistaken = ("wrong_object",) if self.sighted % 2 else ()
        self._pairs(record, episode, self.config.sighted_pairs, mistaken, shot.seen)

    def play(self, ident: str, task: tasks.Task, start: State) -> None:
        """Play one told task: every record it yields, or the verdict why it yields none."""
        episode = self._proved(ident, task, start)
        if episode is None:
            return
        plan = episode.plan
        self._open_eyes()
        things = _to_see(task, plan, start)
        shots, unseen = watch.observe(self.eyes, things, _key(ident), self.config.watch)
        if unseen or not shots:
            called = names(start)
            self._drop(ident, "episode:unseen", ", ".join(called[t] for t in unseen) or "no view")
            return
        everything = list(start.things)
        shots = [watch.shot(s.event, everything, s.key, self.config.watch) for s in shots]
        record = self._record(episode, "plan", plan, shots, f"{task.instruction} Plan the steps.")
        self.verdicts.append(Verdict(id=ident, check="episode:play", keep=True))
        self.log.append(_logged(episode))
        failed = self._pairs(record, episode, self.config.pairs)
        self._next_actions(episode)
        for kind, bad in failed[: self.config.recoveries]:
            self._recover(episode, kind, bad)

    def _record(
        self, episode: Episode, task: str, plan: Plan, shots: Sequence[Shot], words: str
    ) -> Record:
        ident = (
            f"{episode.id}-{task}" if task != "next_action" else f"{episode.id}-{shots[0].key[-2:]}"
        )
        config = self.config
        origin = f"home:{episode.seed}"
        media, files = watch.media(shots, config.folder, config.root, config.watch, origin)
        self.files.update(files)
        answer, boxes = watch.grounded(plan, shots)
        parts: tuple[Part, ...] = (
            *(MediaRef(media=m.key) for m in media),
            Text(text=words),
            FormRef(),
        )
        record = Record(
            id=ident,
            source=config.source,
            task=task,
            media=media,
            turns=(Turn(role="user", parts=parts),),
            geometry=boxes,
            form=Form(kind="plan"),
            answer=answer,
            clusters=(origin,),
            split=config.split,  # type: ignore[arg-type]  # checked by msgspec when read
            licence=config.watch.licence,
            provenance=Provenance(
                reader="world.episodes", version=str(VERSION), row=f"home-{episode.seed}"
            ),
            tags=(episode.task.kind, *([episode.task.how] if episode.task.how else [])),
        )
        self.rows.append(record)
        return record

    def _pairs(
        self,
        record: Record,
        episode: Episode,
        count: int,
        first: Sequence[str] = (),
        seen: Collection[str] = (),
    ) -> list[tuple[str, Plan]]:
        """Add ``count`` pairs, mishaps ``first`` before all; returns those that failed at a step.

        ``seen``: what the picture shows and might be taken for what is meant.
        """
        left = self.rng.sample(self.config.mishaps, len(self.config.mishaps))
        made, failed = 0, []
        while left and made < count:
            kind = min(left, key=lambda k: (k not in first, *self._used(k)))
            left.remove(kind)
            bad = self._pair(record, episode, kind, seen)
            if bad is None:
                continue
            made += 1
            self.count[kind] += 1
            self.gap += len(bad.steps) - len(episode.plan.steps)
            if kind != mishaps.COSTLIER:
                failed.append((kind, bad))
        return failed

    def _used(self, kind: str) -> tuple[int, int]:
        """Which kind comes next: one that keeps lengths even, then the one least used so far."""
        return max(0, abs(self.gap + _GAP.get(kind, 0)) - 1), self.count[kind]

    def _pair(
        self, record: Record, episode: Episode, kind: str, seen: Collection[str]
    ) -> Plan | None:
        goal, rules = episode.task.goal, self.config.rules
        options = mishaps.inject(kind, episode.plan, episode.start, goal, record.id, rules, seen)
        for _, bad in zip(range(self.config.tries), options, strict=False):
            proof = pairs.verify(
                episode.plan,
                bad,
                kind,
                state=episode.start,
                goal=goal,
                good=episode.trace,
                fresh=self.fresh,
                rules=rules,
            )
            if proof.problem:
                self.verdicts.append(pairs.dropped(record.id, kind, proof, bad))
                continue
            made = pairs.pair(record, pairs.boxed(bad, record), kind, proof)
            self.rows.append(made)
            self.verdicts.append(pairs.kept(made))
            return bad
        return None

    def _next_actions(self, episode: Episode) -> None:
        """After some of the steps: what is the next one? Pictures are the agent's own view."""
        steps = plans.atoms(episode.plan)
        wanted = self.rng.sample(
            range(1, len(steps)), min(self.config.next_actions, len(steps) - 1)
        )
        self._open_eyes()
        for k in range(1, max(wanted, default=0) + 1):
            with watch.blind(self.eyes):
                single = _sub(episode.plan, k - 1, k)
                carry_out(single, self.eyes, episode.task.goal, self.config.rules)
            if k not in wanted:
                continue
            here = from_metadata(self.eyes.last_event.metadata)
            follow = annotated([steps[k]], here, self.config.rules)
            shots = [self._own_view(f"{_key(episode.id)}-k{k}", list(here.things))]
            if steps[k][-1] not in shots[0].seen and not here.concealed(steps[k][-1]):
                extra, _ = watch.observe(
                    self.eyes, [steps[k][-1]], f"{_key(episode.id)}-k{k}x", self.config.watch
                )
                shots += extra
            told = wire.write(_sub(episode.plan, 0, k))
            words = f"{episode.task.instruction} Done so far: {told} What is the next step?"
            self._record(episode, "next_action", follow, shots, words)

    def _recover(self, episode: Episode, kind: str, bad: Plan) -> None:
        """After a mishap: the steps that still reach the goal, against doing the same again."""
        goal, rules = episode.task.goal, self.config.rules
        ident = f"{episode.id}-recover"
        failure = carry_out(bad, self.fresh(), goal, rules)
        here = failure.state
        steps = search.expert(here, goal, rules, most_states=400)
        if not steps:
            self._drop(ident, "episode:recover", "no way from the failure to the goal")
            return
        mended = plans.compress(search.primitives(here, steps, rules), here, goal, rules)
        if isinstance(mended, str):
            self._drop(ident, "episode:recover", mended)
            return
        proof = carry_out(mended, self.hands, goal, rules)
        if not proof.reached:
            self._drop(ident, "episode:recover", proof.reason)
            return
        self._open_eyes()
        with watch.blind(self.eyes):
            carry_out(bad, self.eyes, goal, rules)
        shots = [self._own_view(f"{_key(episode.id)}-r0", list(here.things))]
        at = failure.first_bad_step
        done = _sub(bad, 0, len(bad.steps) if at is None else at)
        told = wire.write(done) if done.steps else "nothing."
        why = _spoken(failure.reason, here)
        tried = "" if at is None else f" Then {wire.write(_sub(bad, at, at + 1))} failed."
        words = f"{episode.task.instruction} Done so far: {told}{tried} {why}. Plan what to do now."
        record = self._record(episode, "recover", mended, shots, words)
        self.verdicts.append(Verdict(id=ident, check="episode:recover", keep=True))
        if at is not None and (again := _again(bad, at, here, mended, goal, rules)) is not None:
            made = pairs.pair(
                record,
                pairs.boxed(again, record),
                "repeat_failure",
                pairs.Proof("", failure.reason, 0),
            )
            self.rows.append(made)
            self.verdicts.append(pairs.kept(made))

    def _own_view(self, key: str, things: list[str]) -> Shot:
        return watch.shot(self.eyes.step("Done"), things, key, self.config.watch)

    def _drop(self, ident: str, check: str, reason: str) -> None:
        self.verdicts.append(Verdict(id=ident, check=check, keep=False, reason=reason))


def _to_see(task: tasks.Task, plan: Plan, state: State) -> list[str]:
    """What the pictures must show: what the task is about, or what it is shut away in."""
    out: list[str] = []
    for thing in task.things:
        if not state.concealed(thing):
            out.append(thing)
        else:
            out += [a for a in state.ancestors(thing) if not state.concealed(a)][:1]
    return list(dict.fromkeys(out))


def _sub(plan: Plan, start: int, end: int) -> Plan:
    return msgspec.structs.replace(plan, steps=plan.steps[start:end])


def _again(
    bad: Plan, at: int, here: State, mended: Plan, goal: goals.Goal, rules: Rules
) -> Plan | None:
    """The failed step and what was to follow it, once more; None if that is, or reads as, a cure.

    The failure may have left the home changed, so that what failed once works now.
    """
    again = annotated(plans.atoms(bad)[at:], here, rules)
    text = wire.write(again)
    cures = text == wire.write(mended) or judge_plan(context(here, goal, rules), text).value
    return None if cures else again


def _spoken(reason: str, state: State) -> str:
    """A simulator's message with names in place of objectIds."""
    for thing, name in sorted(names(state).items(), key=lambda item: -len(item[0])):
        reason = reason.replace(thing, name)
    return reason.rstrip(".!")


def _key(ident: str) -> str:
    return ident.split(":", 1)[1]


def _logged(episode: Episode) -> dict[str, Any]:
    """One line of the trajectory log: what was asked, said, done, and what changed."""
    return {
        "id": episode.id,
        "task": episode.task.kind,
        "instruction": episode.task.instruction,
        "goal": goals.to_json(episode.task.goal),
        "plan": [list(a) for a in plans.atoms(episode.plan)],
        "acts": told(episode.trace),
        "success": episode.trace.reached,
    }

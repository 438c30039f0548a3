"""What a stage will do, known before it starts: samples kept and dropped, steps, tokens, memory."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from seestep.errors import DataError, GeometryError, MediaError, RecipeError, SeestepError
from seestep.media import resolve
from seestep.records import Verdict
from seestep.train import memory
from seestep.train.config import AnyConfig, SftConfig
from seestep.train.encode import Encoded, Encoder, TooLong, Trained
from seestep.train.order import Schedule, fingerprint, schedule

CHECK = "train"


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """The numbers of a stage. Tokens and samples are of the whole run unless said otherwise."""

    records: int
    kept: int
    replay: int
    dropped: dict[str, int]
    shrunk: int
    steps: int
    samples: int
    epochs: float
    tokens: int
    visual_tokens: int
    answer_tokens: int
    median: int  # tokens of a sample
    longest: int
    padding: float  # share of padded positions in the micro-batches
    refused: str  # why the run would not start, or ""
    data: str  # fingerprint of the samples in order
    memory: memory.Estimate | None


@dataclass(frozen=True, slots=True)
class Prepared:
    """The samples (main first, replay after them), their order, the verdicts and the plan."""

    samples: list[Encoded]
    schedule: Schedule
    verdicts: list[Verdict]
    plan: Plan


def prepare(
    config: AnyConfig,
    encoder: Encoder,
    records: Iterable[Trained],
    replay: Iterable[Trained] = (),
    *,
    dry: bool = False,
) -> Prepared:
    """Encode all samples and lay out the run.

    ``dry`` tells of too many drops instead of raising, and leaves open whether pictures whose size
    is known are on disk: a dry run may be made where the data are not.

    A sample that cannot be trained on is dropped with a verdict, and so is one of another split
    than train: what is held out for measuring is never learnt from. Raises ``DataError`` when more
    than ``data.most_dropped`` of them are, when nothing is left, or when one is too long under
    ``overlong: fail``; ``RecipeError`` when the warm-up is longer than the run.
    """
    if isinstance(config, SftConfig) and config.anchor and not config.data.replay_share:
        raise RecipeError(
            "anchor is set, and nothing is replayed that it could hold",
            hint="give the stage replay and a replay_share, or leave anchor out",
        )
    verdicts: list[Verdict] = []
    own = _encode(config, encoder, records, verdicts, dry)
    shown = _encode(config, encoder, replay, verdicts, dry)
    again = [dataclasses.replace(s, replayed=True) for s in shown]
    refused = _losses(config, verdicts)
    if refused is not None and not (dry and own):
        raise refused
    if config.data.replay_share and not again:
        raise DataError("no replay record is left to train on", hint="look at data.replay")
    samples = own + again
    data = fingerprint([s.id for s in samples])
    lengths = [s.longest for s in samples]
    order = schedule(
        lengths,
        main=len(own),
        replay_share=config.data.replay_share,
        effective=config.batch.effective,
        micro=config.batch.micro,
        epochs=config.epochs,
        max_steps=config.max_steps,
        seed=config.seed,
        data=data,
    )
    if config.optim.schedule != "constant" and config.optim.warmup_steps >= order.steps:
        raise RecipeError(
            "the warm-up is as long as the whole run",
            wanted=f"optim.warmup_steps below {order.steps}, the steps of this run",
            got=str(config.optim.warmup_steps),
        )
    return Prepared(
        samples, order, verdicts, _plan(config, samples, order, verdicts, data, refused)
    )


def _encode(
    config: AnyConfig,
    encoder: Encoder,
    records: Iterable[Trained],
    verdicts: list[Verdict],
    dry: bool,
) -> list[Encoded]:
    out: list[Encoded] = []
    seen: set[str] = set()
    there: set[Path] = set()
    for record in records:
        if config.data.limit is not None and len(out) >= config.data.limit:
            break
        try:
            if record.id in seen:
                raise DataError("the id was seen before", record=record.id)
            seen.add(record.id)
            if record.split != "train":
                raise DataError(f"held out: split {record.split}", record=record.id)
            sample = encoder(record)
            if not dry:
                _on_disk(record, encoder, there)
        except SeestepError as error:
            if isinstance(error, TooLong) and config.overlong == "fail":
                raise
            verdicts.append(
                Verdict(
                    id=record.id,
                    check=CHECK,
                    keep=False,
                    reason=_reason(error),
                    evidence=str(error)[:300],
                )
            )
            continue
        verdicts.append(
            Verdict(
                id=record.id,
                check=CHECK,
                keep=True,
                reason="pictures shrunk" if sample.shrunk else "",
                score=float(sample.longest),
                threshold=float(config.max_sequence_length),
            )
        )
        out.append(sample)
    return out


def _on_disk(record: Trained, encoder: Encoder, there: set[Path]) -> None:
    """Raise ``MediaError`` now for a picture that a later step would miss."""
    for item in record.media:
        for frame in range(max(1, len(item.frames))):
            name = item.frames[frame] if item.frames else item.path
            path = Path(encoder.roots.get(item.root, "")) / name
            if path not in there:
                there.add(resolve(item, encoder.roots, frame=frame))


def _reason(error: SeestepError) -> str:
    if isinstance(error, TooLong):
        return "too long"
    if isinstance(error, MediaError):
        return "media"
    return "geometry" if isinstance(error, GeometryError) else error.what


def _losses(config: AnyConfig, verdicts: Sequence[Verdict]) -> DataError | None:
    lost = [v for v in verdicts if not v.keep]
    most = config.data.most_dropped * len(verdicts)
    if not verdicts:
        return DataError("there is no record to train on", hint="look at data.records")
    if len(lost) <= most and len(lost) < len(verdicts):
        return None
    counts = Counter(v.reason for v in lost).most_common(3)
    return DataError(
        f"{len(lost)} of {len(verdicts)} records cannot be trained on: "
        + ", ".join(f"{n} {reason}" for reason, n in counts)
        + f"; first: {lost[0].evidence}",
        wanted=f"at most {most:.0f}",
        got=str(len(lost)),
        hint="mend the records, or raise data.most_dropped when that is what you want",
    )


def _plan(
    config: AnyConfig,
    samples: Sequence[Encoded],
    order: Schedule,
    verdicts: Sequence[Verdict],
    data: str,
    refused: DataError | None,
) -> Plan:
    times = np.bincount(order.indices, minlength=len(samples))
    tokens = np.array([s.tokens for s in samples])
    visual = np.array([s.visual_tokens for s in samples])
    answer = np.array([s.answer_tokens for s in samples])
    lengths = np.array([s.longest for s in samples])
    micro = lengths[order.indices].reshape(-1, config.batch.micro)
    worst = samples[int(lengths.argmax())]
    shape = memory.read_shape(config.model, config.shape)
    expected = None
    if shape is not None:
        expected = memory.estimate(
            shape,
            config,
            longest=int(lengths.max()),
            visual=int(visual.max()),
            answer=worst.answer_tokens,
        )
    return Plan(
        records=len(verdicts),
        kept=len(samples),
        replay=int((order.indices >= order.main).sum()),
        dropped=dict(Counter(v.reason for v in verdicts if not v.keep)),
        shrunk=sum(s.shrunk for s in samples),
        steps=order.steps,
        samples=len(order.indices),
        epochs=order.epoch_of(order.steps),
        tokens=int(tokens @ times),
        visual_tokens=int(visual @ times),
        answer_tokens=int(answer @ times),
        median=int(np.median(lengths)),
        longest=int(lengths.max()),
        padding=float(1 - micro.sum() / (micro.max(axis=1) * config.batch.micro).sum()),
        refused=str(refused or ""),
        data=data,
        memory=expected,
    )


def describe(plan: Plan) -> dict[str, Any]:
    """The plan as lines a person reads: name -> value."""
    length = f"median {plan.median}, longest {plan.longest}, padding {plan.padding:.1%}"
    lines: dict[str, Any] = {
        "records": f"{plan.kept} of {plan.records} kept",
        "dropped": ", ".join(f"{n} {r}" for r, n in plan.dropped.items()) or "none",
        "pictures shrunk": plan.shrunk,
        "steps": plan.steps,
        "samples": f"{plan.samples} ({plan.replay} of them replay), {plan.epochs:.2f} epochs",
        "tokens": f"{plan.tokens:,} ({plan.visual_tokens:,} visual, {plan.answer_tokens:,} answer)",
        "sample length": length,
    }
    if plan.refused:
        lines["the run would refuse to start"] = plan.refused
    if plan.memory is not None:
        lines["memory a rank"] = describe_memory(plan.memory)
    return lines


def describe_memory(found: memory.Estimate) -> str:
    """One line: total and parts in GiB, and where the shape came from."""
    parts = ("weights", "gradients", "optimizer", "activations", "logits")
    named = ", ".join(f"{p} {getattr(found, p) / memory.GIB:.2f}" for p in parts)
    return (
        f"{found.total / memory.GIB:.2f} GiB ({named}); "
        f"{found.trainable / 1e6:,.1f} M trainable; shape from {found.source}"
    )

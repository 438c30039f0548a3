"""Run a training stage from record folders to a final checkpoint; killed anywhere, run it again."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import torch
import torch.distributed as dist
from transformers import TrainingArguments, set_seed
from transformers.utils.logging import disable_progress_bar

from seestep import __version__, disk, ledger
from seestep.errors import RunError
from seestep.heap import keep_freed
from seestep.models import card as cards
from seestep.models.card import Card
from seestep.models.load import Loaded, family_of, load, read_model_type, save
from seestep.models.processor import load_processor
from seestep.progress import Progress
from seestep.records import Pair, Record
from seestep.run import atomic_write, read_rows, to_builtins
from seestep.train import checkpoint, engine
from seestep.train.adapt import merge_adapters, prepare_model
from seestep.train.ahead import batches
from seestep.train.anchor import start_of
from seestep.train.collate import Collator, Pictures, Samples
from seestep.train.config import AnyConfig, DpoConfig, SftConfig
from seestep.train.dpo import REFERENCE, DpoTrainer, reference_of
from seestep.train.encode import Encoder, Trained
from seestep.train.keep import keep_start
from seestep.train.plan import Plan, Prepared, prepare
from seestep.train.seen import Looks, looking_once
from seestep.train.trainer import METRICS, BaseTrainer, SftTrainer, group_of

VERSION = 2
FINAL = "final"
STAGE = "stage.json"
PLAN = "plan.json"
LEDGER = "ledger.parquet"
MANIFEST = "manifest.json"
CHECKPOINTS = "checkpoints"
# Where things lie and how a run is watched: changing these does not change what is learnt.
WATCHING = (
    "model",
    "shape",
    "ranks",
    "save_steps",
    "keep_checkpoints",
    "log_steps",
    "cache_mb",
    "workers",
    "regression",
)


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """How a stage ended, as ``manifest.json`` says."""

    stage: str
    method: str
    version: str
    fingerprint: str
    steps: int
    loss: float | None  # the last one logged
    stopped: str  # why it ended early, or ""
    bad_steps: int
    data: str
    weights_sha256: str
    config: dict[str, Any]


def run_sft(
    config: SftConfig,
    out: Path,
    *,
    records: Iterable[Record] | None = None,
    replay: Iterable[Record] | None = None,
    roots: Mapping[str, Path] | None = None,
    progress: Progress | None = None,
) -> Path:
    """Fine-tune on records; returns the folder of the final checkpoint, ``out/final``.

    Records, replay and roots come from ``config.data`` where they are not given. A finished
    ``out`` is returned as it is; an interrupted one goes on from its last complete checkpoint,
    and ends with the same weights as an uninterrupted run (on CPU, bit for bit).

    Raises ``RunError`` when ``out`` belongs to another recipe, model or other data.
    """
    own = list(records) if records is not None else list(_rows(config.data.records, Record))
    again = list(replay) if replay is not None else list(_rows(config.data.replay, Record))
    return _run(config, Path(out), own, again, roots, progress)


def run_dpo(
    config: DpoConfig,
    out: Path,
    *,
    pairs: Iterable[Pair] | None = None,
    roots: Mapping[str, Path] | None = None,
    progress: Progress | None = None,
) -> Path:
    """Align on preference pairs; like ``run_sft``. The reference is ``config.model`` itself."""
    own = list(pairs) if pairs is not None else list(_rows(config.data.records, Pair))
    return _run(config, Path(out), own, [], roots, progress)


def read_result(out: Path) -> Result:
    """The manifest of a finished stage."""
    return msgspec.json.decode((Path(out) / MANIFEST).read_bytes(), type=Result)


@dataclass(frozen=True, slots=True)
class Speaker:
    """All of a model but its weights: enough to plan a stage."""

    processor: Any
    encoder: Encoder
    card: Card


def speaker(config: AnyConfig, roots: Mapping[str, Path] | None = None) -> Speaker:
    """Processor, encoder and the card the trained checkpoint will carry; no weights are read."""
    folder = Path(config.model)
    model_type = read_model_type(folder)
    processor = load_processor(folder, model_type)
    found = cards.read(folder)
    if found is not None:
        cards.check(found, processor, model_type, file=folder / cards.NAME)
    size = processor.image_processor.size
    if config.min_pixels is not None:
        size["shortest_edge"] = config.min_pixels
    if config.max_pixels is not None:
        size["longest_edge"] = config.max_pixels
    name = config.family or (found.family if found else None)
    family = family_of(processor, model_type, name)
    roots = roots if roots is not None else {k: Path(v) for k, v in config.data.roots.items()}
    encoder = Encoder(
        processor,
        family,
        roots=roots,
        wire=config.wire,
        max_length=config.max_sequence_length,
        overlong=config.overlong,
    )
    card = cards.describe(family, processor, wire=config.wire, source_run=config.stage)
    return Speaker(processor, encoder, card)


def plan_only(
    config: AnyConfig,
    records: Iterable[Trained],
    replay: Iterable[Trained] = (),
    roots: Mapping[str, Path] | None = None,
) -> Prepared:
    """What the stage would do, for a dry run."""
    return prepare(config, speaker(config, roots).encoder, records, replay, dry=True)


def stage_rows(config: AnyConfig) -> tuple[Iterator[Trained], Iterator[Trained]]:
    """Rows and replay rows of ``config.data``."""
    if isinstance(config, DpoConfig):
        return _rows(config.data.records, Pair), iter(())
    return _rows(config.data.records, Record), _rows(config.data.replay, Record)


def _rows(folders: Sequence[str], kind: type[Any]) -> Iterator[Any]:
    for folder in folders:
        yield from read_rows(Path(folder), kind)


def _run(
    config: AnyConfig,
    out: Path,
    own: Sequence[Trained],
    again: Sequence[Trained],
    roots: Mapping[str, Path] | None,
    progress: Progress | None,
) -> Path:
    out.mkdir(parents=True, exist_ok=True)
    if engine.rank() > 0:  # rank 0 owns the folder
        return _train(config, out, own, again, roots, None)
    with disk.locked(out):
        disk.sweep(out)
        return _train(config, out, own, again, roots, progress)


def _train(
    config: AnyConfig,
    out: Path,
    own: Sequence[Trained],
    again: Sequence[Trained],
    roots: Mapping[str, Path] | None,
    progress: Progress | None,
) -> Path:
    spoken = speaker(config, roots)
    ready = prepare(config, spoken.encoder, own, again)
    print_ = _fingerprint(config, ready)
    main = engine.rank() == 0
    if main:
        _claim(out, config, print_)
    if (out / MANIFEST).is_file():
        return out / FINAL
    if main:
        _describe(out, ready)
    loaded = _loaded(config, spoken)
    if not torch.cuda.is_available():
        keep_freed()
    pictures = Pictures(spoken.encoder, spoken.processor.image_processor, cache_mb=config.cache_mb)
    with looking_once(loaded.model, config.states_mb) as looks:
        job = _Job(config, out, spoken, ready, print_, progress)
        args = engine.arguments(config, out / CHECKPOINTS, steps=ready.schedule.steps)
        if looks is not None:  # before anything else asks about a picture
            loaded.model.to(args.device)
            narrow = config.precision == "bf16"
            with torch.autocast(args.device.type, torch.bfloat16, enabled=narrow):
                looks.all_ahead(batches(ready, config.batch.micro, pictures, progress))
        trainer = _trainer(job, loaded, args, pictures, looks)
        last = checkpoint.last_complete(out / CHECKPOINTS)
        if main:
            trim(out / METRICS, int(last.name.removeprefix(checkpoint.PREFIX)) if last else 0)
        trainer.train(resume_from_checkpoint=str(last) if last else None)
        trainer.forget_start()
    _finish(config, out, trainer, ready.plan, print_, spoken)
    return out / FINAL


def _loaded(config: AnyConfig, spoken: Speaker) -> Loaded:
    """The starting weights, with what the recipe freezes frozen or adapters around them."""
    quiet()
    loaded = load(
        config.model,
        dtype=engine.load_dtype(config),
        attn=config.attention,
        family=config.family,
    )
    set_seed(config.seed)  # adapters start from random numbers
    model = prepare_model(loaded, config)
    return Loaded(model, spoken.processor, spoken.encoder.family, spoken.card)


@dataclass(frozen=True, slots=True)
class _Job:
    """What a trainer is told besides the model."""

    config: AnyConfig
    out: Path
    spoken: Speaker
    ready: Prepared
    print_: str
    progress: Progress | None


def _trainer(
    job: _Job, loaded: Loaded, args: TrainingArguments, pictures: Pictures, looks: Looks | None
) -> BaseTrainer:
    config, out, spoken, ready = job.config, job.out, job.spoken, job.ready
    model = loaded.model
    sees = any(p.requires_grad and group_of(n) != "language" for n, p in model.named_parameters())
    layout = config.layout if isinstance(config, DpoConfig) else "split"
    collator = Collator(
        spoken.encoder,
        pictures,
        layout=layout,
        average=config.average if isinstance(config, SftConfig) else "token",
        dummy_vision=engine.ranks() > 1 and (sees or config.sharding in ("zero3", "fsdp2")),
    )
    shared: dict[str, Any] = {
        "samples": Samples(ready.samples, ready.schedule.indices),
        "collator": collator,
        "schedule": ready.schedule,
        "folder": out,
        "progress": job.progress,
    }
    if isinstance(config, SftConfig):
        start = None
        if config.anchor is not None:
            start = start_of(config, config.anchor, model, looks, args.device)
        return SftTrainer(loaded, config, args, start=start, **shared)
    before = reference_of(
        model.to(args.device),
        ready.samples,
        collator,
        out / REFERENCE,
        fingerprint=job.print_,
        micro=config.batch.micro,
        device=args.device,
        autocast=config.precision == "bf16",
        rank=engine.rank(),
        ranks=engine.ranks(),
    )
    return DpoTrainer(loaded, config, args, reference=before, **shared)


def _finish(
    config: AnyConfig, out: Path, trainer: BaseTrainer, plan: Plan, print_: str, spoken: Speaker
) -> None:
    final = out / FINAL
    if config.lora is None and config.sharding == "none":
        if engine.rank() == 0:
            save(
                trainer.loaded,
                final,
                wire=config.wire,
                source_run=config.stage,
                dtype=_final_dtype(config),
            )
    else:
        trainer.save_model(str(final))
    if engine.rank() == 0:
        if config.lora is not None:
            merge_adapters(config, final, spoken.processor, spoken.card)
        if config.keep:
            keep_start(config, final)
        lines = _metrics(out / METRICS)
        losses = [line["loss"] for line in lines if "loss" in line]
        result = Result(
            stage=config.stage,
            method=config.method,
            version=__version__,
            fingerprint=print_,
            steps=trainer.state.global_step,
            loss=losses[-1] if losses else None,
            stopped=trainer.stopped,
            bad_steps=sum("bad_batch" in line for line in lines),
            data=plan.data,
            weights_sha256=checkpoint.weights_sha256(final),
            config=to_builtins(config),
        )
        atomic_write(out / MANIFEST, msgspec.json.format(msgspec.json.encode(result)) + b"\n")
    if engine.ranks() > 1:
        dist.barrier()


def _final_dtype(config: AnyConfig) -> str | None:
    """bf16 for a bf16 run from a bf16 checkpoint; else the precision that was trained in."""
    plain = json.loads((Path(config.model) / "config.json").read_bytes())
    started = plain.get("dtype") or plain.get("torch_dtype")
    return "bfloat16" if config.precision == "bf16" and started == "bfloat16" else None


def _fingerprint(config: AnyConfig, ready: Prepared) -> str:
    """Of all that decides the weights: recipe, samples (ids, tokens, which pictures they show and
    at what size) and starting weights. A picture is known by its path, and by its hash where its
    record has one."""
    digest = hashlib.sha256(f"train {VERSION}\n".encode())
    plain = to_builtins(config)
    for key in WATCHING:
        plain.pop(key)
    plain["data"] = {k: v for k, v in plain["data"].items() if k not in ("records", "replay")}
    plain["data"].pop("roots")
    if isinstance(config, SftConfig) and config.anchor is not None and config.anchor.to:
        plain["anchor"]["to"] = checkpoint.weights_sha256(Path(config.anchor.to))
    digest.update(json.dumps(plain, sort_keys=True).encode())
    for sample in ready.samples:
        digest.update(f"{'replayed ' if sample.replayed else ''}{sample.id}".encode())
        digest.update(sample.prompt.tobytes())
        for part in sample.completions:
            digest.update(part.tobytes())
        for shown in sample.pictures:
            one, seen = shown.media, shown.resize
            size = f"{seen.resized_width}x{seen.resized_height}"
            digest.update(f"{one.root}:{one.path} {one.sha256} {size}\n".encode())
    digest.update(checkpoint.weights_sha256(Path(config.model)).encode())
    return digest.hexdigest()


def _claim(out: Path, config: AnyConfig, print_: str) -> None:
    file = out / STAGE
    if file.is_file():
        found = json.loads(file.read_bytes())
        if found.get("fingerprint") != print_:
            raise RunError(
                "this folder was made with another recipe, other data or another model",
                file=out,
                wanted=print_[:12],
                got=str(found.get("fingerprint"))[:12],
                hint="choose another --out, or delete this folder to train anew",
            )
        return
    data = {"stage": config.stage, "fingerprint": print_, "config": to_builtins(config)}
    atomic_write(file, json.dumps(data, indent=2, sort_keys=True).encode() + b"\n")


def _describe(out: Path, ready: Prepared) -> None:
    atomic_write(out / PLAN, msgspec.json.format(msgspec.json.encode(ready.plan)) + b"\n")
    kept = [v.id for v in ready.verdicts if v.keep]
    atomic_write(out / LEDGER, ledger.encode(kept, ready.verdicts))


def trim(file: Path, step: int) -> None:
    """Forget metrics of steps after the checkpoint that training goes on from."""
    kept = [line for line in _metrics(file) if line.get("step", 0) <= step]
    atomic_write(file, b"".join(json.dumps(line).encode() + b"\n" for line in kept))


def _metrics(file: Path) -> list[dict[str, Any]]:
    if not file.is_file():
        return []
    out = []
    for line in file.read_bytes().split(b"\n"):
        try:
            found = json.loads(line)
        except ValueError:  # a killed run may have torn the last line
            continue
        out.append(found)
    return out


def quiet() -> None:
    logging.getLogger("transformers").setLevel(logging.ERROR)
    logging.getLogger("accelerate").setLevel(logging.ERROR)
    disable_progress_bar()  # type: ignore[no-untyped-call]

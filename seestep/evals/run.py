"""Ask a model every item, keep its raw words, then score them in a second, repeatable step."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import msgspec

from seestep import answers
from seestep.errors import DataError
from seestep.evals.config import EvalConfig
from seestep.evals.constrain import home_names
from seestep.evals.control import images_of, wrong_images
from seestep.evals.engines.base import NO_THINKING, Ask, Engine
from seestep.families import Family
from seestep.families.prompt import messages
from seestep.media import Roots, open_image, resolve
from seestep.records import Item, Prediction, Score
from seestep.run import MANIFEST, Progress, ShardResult, read_manifest, read_rows, shard_stage
from seestep.thought.grammar import Names, Think, answer_kind

if TYPE_CHECKING:
    from PIL.Image import Image

SHARD_ITEMS = 128
PREDICT_VERSION = 2
SCORE_VERSION = 2
CUT = "cut at max_new_tokens"


def predict(
    engine: Engine,
    items_folders: Sequence[Path],
    out: Path,
    config: EvalConfig,
    roots: Roots,
    *,
    progress: Progress | None = None,
) -> None:
    """Write a run folder of ``Prediction`` rows, in the order of the items.

    Resumes by shard; a folder made with another model, prompt or setting is refused.
    """
    items = load_items(items_folders, config.limit)
    shards = [items[i : i + SHARD_ITEMS] for i in range(0, len(items), SHARD_ITEMS)]
    lent = wrong_images(items) if config.control == "wrong_image" else {}

    def work(shard: int) -> ShardResult:
        asks = asks_of(shards[shard], engine, config, roots, lent)
        replies = engine.generate(asks, max_new_tokens=config.max_new_tokens)
        rows = [
            Prediction(
                item=item.id,
                prompt_sha256=prompt_sha256(ask),
                raw=reply.text,
                finish=reply.finish,
                prompt_tokens=reply.prompt_tokens,
                completion_tokens=reply.completion_tokens,
                constrained=bool(ask.grammar),
            )
            for item, ask, reply in zip(shards[shard], asks, replies, strict=True)
        ]
        return ShardResult(rows=rows)

    shard_stage(
        out,
        stage="evals.predict",
        version=PREDICT_VERSION,
        config={"eval": config, "engine": engine.fingerprint},
        inputs=list(items_folders),
        shards=len(shards),
        work=work,
        progress=progress,
    )


def score(
    predictions: Path,
    items_folders: Sequence[Path],
    out: Path,
    family: Family,
    *,
    limit: int | None = None,
) -> list[Score]:
    """Score a folder of predictions; writes a run folder of ``Score`` rows and returns them.

    Raises ``DataError`` when an item has no prediction or the other way round.
    """
    items = {item.id: item for item in load_items(items_folders, limit)}
    said = list(read_rows(predictions, Prediction))
    missing = items.keys() ^ {p.item for p in said}
    if missing:
        raise DataError(
            f"{len(missing)} items and predictions do not match",
            file=predictions,
            record=min(missing),
            hint="evaluate again with the same suites",
        )

    def work(_: int) -> ShardResult:
        return ShardResult(rows=[score_one(items[p.item], p, family) for p in said])

    shard_stage(
        out,
        stage="evals.score",
        version=SCORE_VERSION,
        config={"family": family.name},
        inputs=[predictions, *items_folders],
        shards=1,
        work=work,
    )
    return list(read_rows(out, Score))


def score_one(item: Item, said: Prediction, family: Family) -> Score:
    """The score of one prediction.

    A constrained answer that the token limit cut is unread: under a grammar every beginning looks
    well-formed, and a part of an answer is not one.
    """
    found = answers.score(item, said.raw, family)
    if said.constrained and said.finish == "length":
        cut = {"value": 0.0, "parsed": False, "rule": "", "answer": "", "notes": (CUT,)}
        found = msgspec.structs.replace(found, **cut)
    return msgspec.structs.replace(found, constrained=said.constrained)


def item_folders(paths: Sequence[Path]) -> list[Path]:
    """``paths`` with every folder of suites (RUN/world/suites) replaced by the suites in it.

    A folder of suites is one that is no run folder itself; of the run folders in it those written
    by ``world.suites`` count. Raises ``DataError`` where there are none.
    """
    found: list[Path] = []
    for path in paths:
        if (path / MANIFEST).exists():
            found.append(path)
            continue
        inner = sorted(p.parent for p in path.glob(f"*/{MANIFEST}"))
        suites = [p for p in inner if read_manifest(p).stage == "world.suites"]
        if not suites:
            raise DataError(
                "there are no suites here",
                file=path,
                wanted="a run folder of items, or a folder of such folders",
                hint="RUN/world/suites, or one of the folders in it",
            )
        found += suites
    return found


def load_items(folders: Sequence[Path], limit: int | None = None) -> list[Item]:
    """Items of several folders in order, at most ``limit`` a suite; ids must be unique."""
    items: dict[str, Item] = {}
    taken: dict[str, int] = {}
    for folder in folders:
        for item in read_rows(folder, Item):
            if item.id in items:
                raise DataError("an item id appears twice", file=folder, record=item.id)
            taken[item.suite] = taken.get(item.suite, 0) + 1
            if limit is None or taken[item.suite] <= limit:
                items[item.id] = item
    if not items:
        raise DataError("there are no items to evaluate", file=", ".join(map(str, folders)))
    return list(items.values())


def prompt_sha256(ask: Ask) -> str:
    """Hash of everything the model is shown (messages, prefix, pixels) and held to (grammar)."""
    told = [ask.messages, ask.prefix, *([ask.grammar] if ask.grammar else [])]
    digest = hashlib.sha256(json.dumps(told, sort_keys=True).encode())
    for image in ask.images:
        digest.update(repr(image.size).encode() + image.tobytes())
    return digest.hexdigest()


def asks_of(
    items: Sequence[Item],
    engine: Engine,
    config: EvalConfig,
    roots: Roots,
    lent: Mapping[str, Item] = MappingProxyType({}),
) -> list[Ask]:
    """What the model is shown and held to for each item; ``lent`` as ``wrong_images`` gives it."""
    names = home_names() if config.names == "home" else ()

    @functools.lru_cache(maxsize=256)  # many questions show the same picture
    def opened(path: Path) -> Image:
        return open_image(path)

    def look(item: Item) -> list[Image]:
        return [opened(resolve(m, roots, frame=i)) for m, i in images_of(item)]

    return [_ask(i, look(lent.get(i.id, i)), engine, config, names) for i in items]


def _ask(item: Item, images: list[Image], engine: Engine, config: EvalConfig, names: Names) -> Ask:
    written = messages(item, engine.family)
    if config.control == "wrong_image":  # a foreign picture must not betray itself by its size
        sizes = [m.size for m, _ in images_of(item)]
        images = [
            image.resize(size) if size else image for image, size in zip(images, sizes, strict=True)
        ]
    if config.control == "no_image":
        images = []
        written = [
            {**m, "content": [p for p in m["content"] if p["type"] != "image"]} for m in written
        ]
    think: Think = "empty" if config.thinking == "off" else "optional"
    prefix = NO_THINKING if think == "empty" else ""
    held = config.constrain == "all" or (config.constrain == "plan" and answer_kind(item) == "plan")
    grammar = engine.grammar(item, think=think, names=names) if held else ""
    return Ask(written, tuple(images), prefix, item.scorer, grammar)

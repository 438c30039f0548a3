"""Leaks that are planted on purpose: how many an audit finds, and what else it takes for one.

    python benchmarks/leaks.py [homes]

Records of train homes are audited against a benchmark that is made of other homes: pictures that
look alike and questions that share their templates, none of which is a leak. Beside them stand
records with a picture of the benchmark (saved anew, scaled, mirrored, cropped, brightened), with a
picture that only its name gives away, and with a question of the benchmark in other dress.

Columns: planted; found by the layer that should; share with its 95 % interval (Wilson). Below them
the unrelated records that any layer took for leaks.
"""

from __future__ import annotations

import io
import json
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from PIL import Image, ImageOps

from seestep.curate.contamination.audit import audit
from seestep.curate.contamination.result import LAYERS
from seestep.records import Choice, Media, MediaRef, Record, Text, Turn
from seestep.run import ShardResult, read_rows, shard_stage
from seestep.study.stats import wilson
from seestep.world.homes import HomesConfig, build
from seestep.world.questions import AskConfig
from seestep.world.views import ViewConfig

EACH = 40  # leaks of a kind
SIDE = 192  # pixels of a picture's sides
WHO = ("violinist", "gardener", "welder", "nurse", "pilot", "potter", "diver", "baker")
WHERE = ("harbour", "orchard", "quarry", "chapel", "stadium", "viaduct", "glacier", "market")
WHAT = ("ladder", "banner", "crate", "lantern", "anvil", "kayak", "trophy", "telescope")


def jpeg(image: Image.Image) -> Image.Image:
    """Sixty per cent of the sides, saved with loss."""
    stream = io.BytesIO()
    image.resize((SIDE * 3 // 5, SIDE * 3 // 5)).save(stream, "JPEG", quality=50)
    return Image.open(stream).convert("RGB")


def crop(image: Image.Image, left: float, top: float, side: float) -> Image.Image:
    """A square part; all three are shares of the sides."""
    w, h = image.size
    return image.crop((int(left * w), int(top * h), int((left + side) * w), int((top + side) * h)))


COPIES: dict[str, tuple[str, Callable[[Image.Image], Image.Image]]] = {
    "the same pixels": ("pixels", lambda image: image),
    "smaller, as JPEG": ("looks", jpeg),
    "mirrored": ("looks", ImageOps.mirror),
    "cropped to 80 %": ("looks", lambda image: crop(image, 0.07, 0.13, 0.8)),
    "cropped to 65 %": ("looks", lambda image: crop(image, 0.31, 0.04, 0.65)),
    "mirrored, cropped": ("looks", lambda image: ImageOps.mirror(crop(image, 0.1, 0.1, 0.85))),
    "brighter": ("looks", lambda image: image.point(lambda v: min(255, int(v * 1.2)))),
}


def record(id: str, asked: str, path: str = "", origins: tuple[str, ...] = ()) -> Record:
    media = (Media(key="m", path=path, root="planted", origins=origins),) if path else ()
    parts = (*(MediaRef(media="m") for _ in media), Text(text=asked))
    return Record(
        id=id,
        source="planted",
        task="relation",
        media=media,
        turns=(Turn(role="user", parts=parts),),
        answer=Choice(options=("the left one", "the right one"), index=0),
        licence="made up",
    )


def homes(folder: Path, purpose: str, count: int) -> list[Record]:
    config = HomesConfig(
        homes=count,
        purpose=purpose,  # type: ignore[arg-type]
        views=ViewConfig(size=SIDE, close=3, wide=1, orbits=0, turns=0),
        ask=AskConfig(per_family=1, benchmark_forms=0.5),
    )
    build(folder / "rows", config, root=folder, workers=2)
    return list(read_rows(folder / "rows", Record))


def benchmark(folder: Path, rows: list[Record], sentences: list[str], root: Path) -> list[str]:
    """Write its pictures and questions; the names of its pictures."""
    (folder / "images").mkdir(parents=True)
    names: dict[str, str] = {}
    with (folder / "questions.jsonl").open("w") as stream:
        for row in rows:
            for media in row.media:
                if media.path not in names:
                    names[media.path] = f"images/{len(names):05d}.png"
                    Image.open(root / media.path).save(folder / names[media.path])
            asked = " ".join(p.text for t in row.turns for p in t.parts if isinstance(p, Text))
            told = {"question": asked, "answer": "A"}
            told |= {"image": names[row.media[0].path]} if row.media else {}
            stream.write(json.dumps(told) + "\n")
        for n, sentence in enumerate(sentences):
            told = {"question": sentence, "choice_a": "the left one", "choice_b": "the right one"}
            stream.write(json.dumps(told | {"answer": "the left one"}) + "\n")
            name = f"val2017/{10_000 + n:012d}.jpg"
            stream.write(json.dumps({"question": "?", "answer": "A", "file_name": name}) + "\n")
    return list(names.values())


def sentences(rng: random.Random) -> Iterator[str]:
    """Questions that nobody else asks."""
    for n in range(EACH):
        who, where, what = rng.choice(WHO), rng.choice(WHERE), rng.choice(WHAT)
        yield (
            f"When the {who} comes back from the {where} for the {n}. time, which {what} does "
            f"the {rng.choice(WHO)} near the {rng.choice(WHERE)} have to lift first?"
        )


def plant(folder: Path, marks: Path, names: list[str], asked: list[str]) -> Iterator[Record]:
    """Records that stand in the benchmark, called "KIND:NUMBER"."""
    shown = iter(names)
    for k, (kind, (_, change)) in enumerate(COPIES.items()):
        for n in range(EACH):
            path = f"{k}-{n}.png"
            change(Image.open(marks / next(shown)).convert("RGB")).save(folder / path)
            yield record(f"{kind}:{n}", f"What is the thing number {n} here?", path)
    for n, sentence in enumerate(asked):
        yield record(f"asked in other dress:{n}", f"Please: {sentence.upper().replace(',', ' ,')}")
        origin = (f"coco:{10_000 + n}",)
        yield record(f"named by its source:{n}", f"Is thing {n} here?", "gone.png", origin)


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 60
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        mine = homes(folder / "mine", "train", count)
        theirs = homes(folder / "theirs", "val", count)
        asked = list(sentences(random.Random(0)))
        marks = folder / "benchmarks" / "made-up"
        names = benchmark(marks, theirs, asked, folder / "theirs")
        if len(names) < EACH * len(COPIES):
            sys.exit(f"{len(names)} pictures, {EACH * len(COPIES)} are needed: name more homes")
        (folder / "planted").mkdir()
        rows = [*mine, *plant(folder / "planted", marks, names, asked)]
        shard_stage(
            folder / "all", stage="leaks", version=1, config={}, inputs=[], shards=1,
            work=lambda _: ShardResult(rows=rows),
        )  # fmt: skip
        began = time.perf_counter()
        roots = {"world": folder / "mine", "planted": folder / "planted"}
        result = audit(folder / "all", [marks], folder / "out", roots=roots, workers=2)
        seconds = time.perf_counter() - began
    layers = {kind: layer for kind, (layer, _) in COPIES.items()}
    layers |= {"asked in other dress": "texts", "named by its source": "ids"}
    print(f"{'planted':22} {'layer':8} {'found':>9}   share (95 %)")
    for kind, layer in layers.items():
        found = {x.record for x in result.leaks if x.layer == layer}
        hits = sum(f"{kind}:{n}" in found for n in range(EACH))
        low, high = wilson(hits / EACH, EACH)
        print(
            f"{kind:22} {layer:8} {hits:4}/{EACH:<4}   {hits / EACH:.3f} ({low:.3f} to {high:.3f})"
        )
    print(f"\n{'taken for leaks':22} {'layer':8} {'records':>9}   share (95 %)")
    clean = {row.id for row in mine}
    for layer in (*LAYERS[:-1], "any"):
        wrong = {x.record for x in result.leaks if layer in (x.layer, "any")} & clean
        low, high = wilson(len(wrong) / len(clean), len(clean))
        share = f"{len(wrong) / len(clean):.4f} ({low:.4f} to {high:.4f})"
        print(f"{'unrelated':22} {layer:8} {len(wrong):4}/{len(clean):<6} {share}")
    pictures = len({m.path for row in mine for m in row.media})
    print(f"\n{len(rows):,} records with {pictures:,} pictures against {len(theirs) + EACH:,} "
          f"questions with {len(names):,}: {seconds:.0f} s")  # fmt: skip


if __name__ == "__main__":
    main()

"""Elements a second and peak memory of the JSON reader beside ijson's fastest backend, and records
a second of the converters, written to disk.

    python benchmarks/json_lists.py [--mb 200] [--runs 3] [--folder DIR] [--convert 30]

Files are made up to the shapes of Visual Genome's relationships.json and of an LVIS annotation
file; seestep decodes into the rows its converters use, ijson into dicts. Each reader runs in a
process of its own, in turn. Processor seconds count, so that other work on the machine counts
little; imports do not.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

READERS = ("seestep", "ijson")
KEYS = {"vg": None, "lvis": "annotations"}


def vg(rng: random.Random, number: int) -> dict:
    def thing() -> dict:
        x, y = rng.randrange(600), rng.randrange(400)
        return {
            "object_id": rng.randrange(10**7), "x": x, "y": y, "w": rng.randrange(1, 200),
            "h": rng.randrange(1, 200), "name": rng.choice(("cup", "table", "man", "tree trunk")),
            "synsets": ["thing.n.01"],
        }  # fmt: skip

    relations = [
        {
            "predicate": rng.choice(("ON", "next to", "wears")),
            "object": thing(),
            "relationship_id": rng.randrange(10**7),
            "synsets": ["along.r.01"],
            "subject": thing(),
        }
        for _ in range(rng.randrange(5, 40))
    ]
    return {"image_id": number, "relationships": relations}


def lvis(rng: random.Random, number: int) -> dict:
    ring = [round(rng.uniform(0, 640), 2) for _ in range(2 * rng.randrange(8, 80))]
    return {
        "area": round(rng.uniform(1, 9000), 2), "id": number, "segmentation": [ring],
        "image_id": number // 12, "bbox": [round(rng.uniform(0, 400), 2) for _ in range(4)],
        "category_id": rng.randrange(1, 1204),
    }  # fmt: skip


def write(shape: str, path: Path, size: int) -> int:
    """Write a file of about ``size`` bytes; how many elements it has."""
    rng, number = random.Random(0), 0
    make = {"vg": vg, "lvis": lvis}[shape]
    with path.open("w") as out:
        out.write("[" if shape == "vg" else '{"info": {"year": 2020}, "annotations": [')
        while out.tell() < size:
            block = [json.dumps(make(rng, number + i)) for i in range(200)]
            out.write((", " if number else "") + ", ".join(block))
            number += 200
        out.write("]" if shape == "vg" else '], "images": []}')
    return number


def read(reader: str, shape: str, path: Path) -> None:
    """Read a file in this process and print what it took."""
    count = 0
    if reader == "seestep":
        from seestep.sources import lvis, vg_rows
        from seestep.sources.read import json_items

        kind = {"vg": vg_rows.Relations, "lvis": lvis.Annotation}[shape]
        start = time.process_time()
        for _ in json_items(path, KEYS[shape], kind):
            count += 1
    else:
        import ijson.backends.yajl2_c as ijson

        start = time.process_time()
        prefix = "item" if KEYS[shape] is None else f"{KEYS[shape]}.item"
        with path.open("rb") as stream:
            for _ in ijson.items(stream, prefix, use_float=True):
                count += 1
    took = time.process_time() - start
    rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": took, "count": count, "rss": rss}))


NAMES = tuple(f"{a} {b}" for a in ("red", "old", "tall", "white") for b in ("cup", "man", "tree"))


def data_set(shape: str, folder: Path, mb: int) -> None:
    """A folder as the owners of a data set lay it out, of about ``mb`` MB; no pictures."""
    rng = random.Random(1)
    size, number = mb << 20, 0
    rows: list[dict] = []
    while size > 0:
        number += 1
        if shape == "vg":
            row = vg(rng, number)
            for relation in row["relationships"]:
                for thing in (relation["object"], relation["subject"]):
                    thing["name"] = f"{rng.choice(NAMES)} {rng.randrange(40)}"
        else:
            row = lvis(rng, number)
        rows.append(row)
        size -= len(json.dumps(row))
    if shape == "vg":
        sides = {"width": 900, "height": 700, "url": "https://x/VG_100K/1.jpg"}
        images = [{"image_id": r["image_id"]} | sides for r in rows]
        (folder / "image_data.json").write_text(json.dumps(images))
        (folder / "relationships.json").write_text(json.dumps(rows))
        return
    images = [
        {"id": i, "width": 900, "height": 700, "coco_url": f"http://x/train2017/{i:012}.jpg",
         "not_exhaustive_category_ids": [], "neg_category_ids": [i % 1203 + 1]}
        for i in range(number // 12 + 1)
    ]  # fmt: skip
    kinds = [{"id": i, "name": f"thing_{i}", "synonyms": [f"thing_{i}"]} for i in range(1, 1205)]
    told = {"images": images, "annotations": rows, "categories": kinds}
    (folder / "lvis_v1_train.json").write_text(json.dumps(told))


def convert(shape: str, folder: Path) -> None:
    """Convert a made-up data set in this process and print what it took."""
    from seestep.sources.convert import ConvertConfig
    from seestep.sources.convert import convert as stage

    source = {"vg": "visual_genome", "lvis": "lvis"}[shape]
    with tempfile.TemporaryDirectory(dir=folder) as out:
        start = time.process_time()
        counts = stage(ConvertConfig(source=source), folder, Path(out) / "run").counts
        took = time.process_time() - start
    rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": took, "counts": counts, "rss": rss}))


def converters(mb: int, runs: int, within: Path) -> None:
    for shape in KEYS:
        folder = within / f"{shape}-set"
        folder.mkdir()
        data_set(shape, folder, mb)
        words = [sys.executable, __file__, "--read", "convert", shape, str(folder)]
        found = [
            json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout)
            for _ in range(runs)
        ]
        rate = statistics.median(x["counts"]["out"] / x["seconds"] for x in found)
        counts, rss = found[0]["counts"], max(x["rss"] for x in found)
        print(
            f"{shape} {mb} MB, converted: {rate:,.0f} validated records/s of a core "
            f"({counts['out']:,} kept, {counts['dropped']:,} left out), peak {rss:.0f} MB",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mb", type=int, nargs="+", default=[200])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--convert", type=int, default=30, help="MB of the converters' data sets")
    parser.add_argument("--read", nargs=3, help=argparse.SUPPRESS)
    told = parser.parse_args()
    if told.read:
        what, shape, path = told.read
        convert(shape, Path(path)) if what == "convert" else read(what, shape, Path(path))
        return
    with tempfile.TemporaryDirectory(dir=told.folder) as folder:
        for shape in KEYS:
            for mb in told.mb:
                path = Path(folder) / f"{shape}-{mb}.json"
                number = write(shape, path, mb << 20)
                compare(shape, path, mb, number, told.runs)
                path.unlink()
        if told.convert:
            converters(told.convert, told.runs, Path(folder))


def compare(shape: str, path: Path, mb: int, number: int, runs: int) -> None:
    found: dict[str, list[dict]] = {reader: [] for reader in READERS}
    for _ in range(runs):
        for reader in READERS:
            words = [sys.executable, __file__, "--read", reader, shape, str(path)]
            said = subprocess.run(words, check=True, capture_output=True, text=True).stdout
            found[reader].append(json.loads(said))
            assert found[reader][-1]["count"] == number
    rates = {r: statistics.median(number / x["seconds"] for x in found[r]) for r in READERS}
    for reader in READERS:
        rss = max(x["rss"] for x in found[reader])
        print(f"{shape} {mb} MB, {reader}: {rates[reader]:,.0f} elements/s, peak {rss:.0f} MB")
    print(f"{shape} {mb} MB: {rates['seestep'] / rates['ijson']:.1f} times ijson", flush=True)


if __name__ == "__main__":
    main()

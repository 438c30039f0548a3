"""What each source is: what it teaches, its licence, its official layout, how a user gets it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

from seestep.errors import DataError
from seestep.records import Media, Provenance, Record, Split, Verdict
from seestep.sources import (
    alfred,
    bad,
    bridge,
    bridge_forms,
    ego4d,
    epic_kitchens,
    lrv_instruction,
    lvis,
    lvis_points,
    make,
    paco,
    pixmo_points,
    robopoint,
    sharerobot,
    vg_rows,
    vg_things,
    visual_genome,
)
from seestep.sources.read import (
    csv_rows,
    json_items,
    json_pairs,
    json_value,
    parquet_rows,
    text_lines,
)

Found: TypeAlias = Record | Verdict | tuple[Record, dict[str, bytes]]
Reader: TypeAlias = Callable[[Path, Callable[[Path], Provenance]], Iterator[Found]]


@dataclass(frozen=True)
class Source:
    """A public data set that seestep can read from its official files."""

    name: str
    title: str
    teaches: str
    licence: str
    layout: tuple[str, ...]  # glob patterns below the root; the first must match something
    get: str
    read: Reader
    media_root: str
    embeds_media: bool = False  # pictures are inside the annotation files
    folders: tuple[str, ...] = ()  # a picture that is not in the first of these is in another
    beside: str = ""  # media root of pictures that lie beside annotation files, where others do not
    scaled: bool = False  # pictures may be scaled copies of what was measured
    find: Callable[[Path], list[Path]] | None = None  # its files, where globbing is too slow

    def files(self, root: Path) -> list[Path]:
        """The annotation files found below ``root``, sorted; ``DataError`` if there are none."""
        if not root.is_dir():
            raise DataError("data root not found", file=root, hint=f"get it: {self.get}")
        found = self._below(root)
        if not found:
            folders = [p for p in sorted(root.iterdir()) if p.is_dir() and self._below(p)]
            if not folders and self._below(root.resolve().parent):
                folders = [root.resolve().parent]  # a folder of the layout itself was named
            near = " or ".join(str(p) for p in folders)
            raise DataError(
                f"no {self.title} files here",
                file=root,
                wanted=" or ".join(self.layout),
                hint=f"name the folder that has them: {near}" if near else f"get it: {self.get}",
            )
        return found

    def _below(self, root: Path) -> list[Path]:
        if self.find is not None:
            return self.find(root)
        return sorted({p for pattern in self.layout for p in root.glob(pattern)})


def _visual_genome(root: Path, at: Callable[[Path], Provenance]) -> Iterator[Found]:
    images = _vg_images(_one(root, VG_IMAGES))
    told = next((root / name for name in VG_ALIASES if (root / name).exists()), None)
    alias = visual_genome.aliases(text_lines(told)) if told is not None else {}
    parts: tuple[tuple[str, Any, Any], ...] = (
        ("relationships.json", partial(visual_genome.relations, aliases=alias), vg_rows.Relations),
        ("region_descriptions.json", visual_genome.regions, vg_rows.Regions),
        ("question_answers.json", visual_genome.questions, vg_rows.Questions),
        ("objects.json", vg_things.objects, vg_rows.Objects),
        ("attributes.json", vg_things.attributes, vg_rows.Attributes),
    )
    for name, convert, kind in parts:
        path = root / name
        if path.exists():
            yield from convert(json_items(path, kind=kind), images, at(path))


def _vg_images(path: Path) -> dict[int, Media]:
    images: dict[int, Media] = {}
    for number, row in enumerate(json_items(path, kind=vg_rows.Image)):
        media = visual_genome.media(row)
        if images.setdefault(row.image_id, media) != media:
            reason = "the image stands twice, told otherwise; the first entry counts"
            bad.count(path, f"row {number}", reason)
    return images


def _lrv(root: Path, at: Callable[[Path], Provenance]) -> Iterator[Found]:
    known = next((root / name for name in VG_IMAGES if (root / name).exists()), None)
    images = _vg_images(known) if known is not None else {}
    asked: set[bytes] = set()
    for path in sorted(root.glob("filter_cap*.json")):
        yield from lrv_instruction.convert(json_items(path), images, at(path), asked)


def _robopoint(root: Path, at: Callable[[Path], Provenance]) -> Iterator[Found]:
    for path in sorted(root.glob("robopoint_*.json")):
        yield from robopoint.convert(json_items(path), at(path))


def _pixmo(root: Path, at: Callable[[Path], Provenance]) -> Iterator[Found]:
    for path in sorted({p for pattern in PARQUET for p in root.glob(pattern)}):
        rows = parquet_rows(path, pixmo_points.COLUMNS)
        yield from pixmo_points.convert(rows, at(path))


def _held(split: Split, rows: Iterator[Record | Verdict]) -> Iterator[Found]:
    """The rows of a file that its owners hold out, marked so."""
    for row in rows:
        if isinstance(row, Record) and row.split != split:
            row = make.marked(row, split=split)
        yield row


def _lvis(root: Path, at: Callable[[Path], Provenance]) -> Iterator[Found]:
    seen: set[int] = set()
    # of images that two releases hold, the newer one's annotations count
    for path in sorted(root.glob("lvis_*.json"), key=lambda p: ("v0.5" in p.name, p.name)):
        if "image_info" in path.name:
            reason = "a list of images alone: their annotations are kept back"
            yield make.dropped(f"lvis:{path.name}", "part", reason)
            continue
        rows = lvis.convert(
            json_items(path, "images", lvis.Image),
            json_items(path, "annotations", lvis.Annotation),
            json_items(path, "categories", lvis.Category),
            at(path),
            json_items(path, "annotations", lvis_points.Outline),
            seen,
        )
        yield from _held("val" if "_val" in path.name else "train", rows)


def _paco(root: Path, at: Callable[[Path], Provenance]) -> Iterator[Found]:
    for path in sorted(root.glob("paco_lvis_*.json")):
        kinds = json_value(path, "attr_type_to_attr_idxs")
        rows = paco.convert(
            json_items(path, "images", lvis.Image),
            json_items(path, "annotations", paco.Annotation),
            json_items(path, "categories", lvis.Category),
            json_items(path, "attributes", paco.Attribute),
            kinds,
            at(path),
        )
        held: Split = "train" if "_train" in path.name else "val"
        yield from _held("test" if "_test" in path.name else held, rows)


def _epic(root: Path, at: Callable[[Path], Provenance]) -> Iterator[Found]:
    files: tuple[tuple[str, Split], ...] = (
        ("EPIC_100_train.csv", "train"),
        ("EPIC_100_validation.csv", "val"),
    )
    for name, split in files:
        path = root / name
        if path.exists():
            rows = epic_kitchens.convert(csv_rows(path, epic_kitchens.COLUMNS), at(path))
            yield from _held(split, rows)


def _ego4d(root: Path, at: Callable[[Path], Provenance]) -> Iterator[Found]:
    for path in _newest(root, EGO4D_FOLDERS, EGO4D_FILES):
        held: Split = "val" if "_val" in path.name else "train"
        yield from _held(held, _ego4d_rows(path, at(path)))


def _ego4d_rows(path: Path, where: Provenance) -> Iterator[Record | Verdict]:
    if path.name.startswith("narration"):
        videos = json_pairs(path, "videos")
        yield from ego4d.narrations(((k, v) for k, v in videos if isinstance(v, dict)), where)
    elif path.name.startswith("fho_lta_"):
        yield from ego4d.anticipation(json_items(path, "clips", ego4d.Action), where)
    elif path.name.startswith("fho_sta_"):
        sizes = (json_value(path, "info") or {}).get("video_metadata") or {}
        nouns = {int(c["id"]): str(c["name"]) for c in json_value(path, "noun_categories")}
        moments = json_items(path, "annotations", ego4d.Moment)
        yield from ego4d.contacts(moments, sizes, nouns, where)
    else:
        yield from ego4d.hands(json_items(path, "videos"), where)


def _newest(root: Path, folders: Sequence[str], names: Sequence[str]) -> list[Path]:
    """The files of the first folder that has any: releases tell the same things twice."""
    for folder in folders:
        if found := [p for name in names if (p := root / folder / f"{name}.json").exists()]:
            return found
    return []


def _alfred(root: Path, at: Callable[[Path], Provenance]) -> Iterator[Found]:
    seen: set[Path] = set()
    # full_2.1.0 comes with pictures and holds json_2.1.0 whole
    for path in sorted(p for pattern in ALFRED for p in root.glob(pattern)):
        folder = path.parent.relative_to(root)
        below = Path(*folder.parts[1:])
        if below in seen:
            reason = "the trajectory is read from another folder of the layout"
            yield make.dropped(f"alfred:{folder.as_posix()}", "repeat", reason)
            continue
        seen.add(below)
        told = folder.parts[1]
        split: Split = "train" if told == "train" else "test" if "test" in told else "val"
        try:
            trajectory = json_value(path)
        except DataError as error:
            bad.skip(error, path, folder.as_posix())
            continue
        read = partial(_trajectory, folder.as_posix(), at(path))
        yield from _held(split, bad.each([trajectory], at(path), read, f"{folder}, row"))


def _trajectory(
    folder: str, where: Provenance, _: int, told: Mapping[str, Any]
) -> Iterator[Record | Verdict]:
    return alfred.convert(told, folder, where)


def _sharerobot(root: Path, at: Callable[[Path], Provenance]) -> Iterator[Found]:
    names = sharerobot.Names()
    for path in sorted(root.glob("planning/jsons/*_task.json")):
        yield from sharerobot.planning(json_items(path), at(path), names)
    for pattern, convert in (
        ("affordance/*.json", sharerobot.affordance),
        ("trajectory/trajectory.json", sharerobot.trajectory),
    ):
        for path in sorted(root.glob(pattern)):
            yield from convert(json_items(path), at(path))


TASKS, SPLITS = ("lta", "sta"), ("train", "val")
EGO4D_FILES = ("narration", "fho_main", *(f"fho_{t}_{s}" for t in TASKS for s in SPLITS))
EGO4D_FOLDERS = ("v2/annotations", "v1/annotations", "annotations", ".")
EGO4D = tuple(f"{folder}/{name}.json" for folder in EGO4D_FOLDERS for name in EGO4D_FILES)
ALFRED = tuple(f"{name}_2.1.0/*/*/*/traj_data.json" for name in ("full", "json"))
VG_IMAGES = ("image_data.json", "../image_data.json")
VG_ALIASES = ("relationship_alias.txt", "../relationship_alias.txt")
PARQUET = ("train-*.parquet", "data/train-*.parquet")

SOURCES: Mapping[str, Source] = {
    s.name: s
    for s in (
        Source(
            "visual_genome",
            "Visual Genome",
            "relations, things and referred regions, what things are like, free questions",
            visual_genome.LICENCE,
            (
                "relationships.json",
                "region_descriptions.json",
                "question_answers.json",
                "objects.json",
                "attributes.json",
            ),
            "homes.cs.washington.edu/~ranjay/visualgenome, JSON files and images side by side",
            _visual_genome,
            "visual_genome",
        ),
        Source(
            "lvis",
            "LVIS",
            "locating, pointing, counting, legal absences",
            "annotations CC BY 4.0; images COCO/Flickr, per image",
            ("lvis_*.json",),
            "lvisdataset.org, images: COCO train2017 and val2017",
            _lvis,
            "coco",
        ),
        Source(
            "paco",
            "PACO-LVIS",
            "parts to point at, colour, pattern and material, counting, legal absences",
            paco.LICENCE,
            ("paco_lvis_*.json",),
            "github.com/facebookresearch/paco, images: COCO train2017 and val2017",
            _paco,
            "coco",
        ),
        Source(
            "robopoint",
            "RoboPoint",
            "free space, pointing at things, free questions",
            robopoint.LICENCE,
            ("robopoint_*.json",),
            "huggingface.co/datasets/wentao-yuan/robopoint-data, archives unpacked side by side",
            _robopoint,
            "robopoint",
        ),
        Source(
            "pixmo_points",
            "PixMo-Points",
            "pointing at one or all, counting, absences",
            pixmo_points.LICENCE,
            PARQUET,
            "huggingface.co/datasets/allenai/pixmo-points; pictures by image_url, "
            "saved as <image_sha256>.jpg",
            _pixmo,
            "pixmo_points",
        ),
        Source(
            "lrv_instruction",
            "LRV-Instruction",
            "free questions, many about things that are not there",
            lrv_instruction.LICENCE,
            ("filter_cap*.json",),
            "github.com/FuxiaoLiu/LRV-Instruction, images: Visual Genome; its image_data.json "
            "beside them tells sizes",
            _lrv,
            "visual_genome",
            folders=lrv_instruction.FOLDERS,
        ),
        Source(
            "epic_kitchens",
            "EPIC-KITCHENS-100",
            "the next action in first-person video, what follows",
            epic_kitchens.LICENCE,
            ("EPIC_100_*.csv",),
            "epic-kitchens.github.io, annotations from its repository",
            _epic,
            "epic_kitchens",
        ),
        Source(
            "ego4d",
            "Ego4D",
            "the next action and object in first-person video, hands, what follows",
            ego4d.LICENCE,
            EGO4D,
            "ego4ddataset.com (signed licence), ego4d --datasets annotations --benchmarks FHO; "
            "frames saved as object_frames/<video_uid>_<frame>.jpg",
            _ego4d,
            "ego4d",
        ),
        Source(
            "alfred",
            "ALFRED (AI2-THOR)",
            "plans and next actions in households",
            alfred.LICENCE,
            ALFRED,
            "github.com/askforalfred/alfred, json_2.1.0 or full_2.1.0",
            _alfred,
            "ai2thor",
        ),
        Source(
            "sharerobot",
            "ShareRobot",
            "affordance areas, gripper trajectories, planning questions",
            sharerobot.LICENCE,
            ("affordance/*.json", "trajectory/trajectory.json", "planning/jsons/*_task.json"),
            "huggingface.co/datasets/BAAI/ShareRobot",
            _sharerobot,
            "sharerobot",
            scaled=True,
        ),
        Source(
            "bridge",
            "BridgeData V2",
            "instructions of robots, their movements, next actions and plans, gripper state",
            bridge.LICENCE,
            bridge_forms.LAYOUT,
            "rail-berkeley.github.io/bridgedata: the tfds folder, or the demos and scripted "
            "archives unpacked, or what its owners' scripts make of these",
            bridge_forms.read,
            bridge.ROOT,
            embeds_media=True,
            beside=bridge.BESIDE,
            find=bridge_forms.files,
        ),
    )
}


def get(name: str) -> Source:
    """The source called ``name``; ``DataError`` with the nearest names if there is none."""
    if name not in SOURCES:
        from difflib import get_close_matches

        near = get_close_matches(name, SOURCES, n=1)
        raise DataError(
            f"there is no source called {name!r}",
            wanted=", ".join(SOURCES),
            hint=f"did you mean {near[0]}?" if near else None,
        )
    return SOURCES[name]


def _one(root: Path, names: tuple[str, ...]) -> Path:
    for name in names:
        if (root / name).exists():
            return root / name
    raise DataError("a file is missing", file=root / names[0], hint="it comes with the same page")

"""The official files themselves, where they are on disk (never part of the project)."""

import json
import os
from collections import Counter
from pathlib import Path

import pytest

from seestep.errors import DataError
from seestep.records import Freeform, Provenance, Record, Verdict, YesNo
from seestep.sources import catalog, lrv_instruction, vg_things
from seestep.sources.read import json_items, tf_example, tfrecords

SHARED = Path(os.environ.get("SEESTEP_SHARED", Path(__file__).parents[2].parent / "shared"))
REAL = SHARED / "data" / "sources"
FOLDERS = {
    "visual_genome": "visual_genome/v1.2",
    "lvis": "lvis",
    "lrv_instruction": "lrv_instruction",
    "robopoint": "robopoint",
    "epic_kitchens": "epic_kitchens",
    "alfred": "ai2thor_alfred",
    "sharerobot": "sharerobot",
    "bridge": "bridge_v2",
}
real = pytest.mark.skipif(not REAL.is_dir(), reason="real samples of the sources are not on disk")


def read(name: str, folder: str | None = None) -> tuple[Counter[str], Counter[str], list[Record]]:
    source = catalog.get(name)
    tasks: Counter[str] = Counter()
    drops: Counter[str] = Counter()
    records = []
    for found in source.read(REAL / (folder or FOLDERS[name]), lambda p: Provenance(file=p.name)):
        row = found[0] if isinstance(found, tuple) else found
        if isinstance(row, Verdict):
            drops[row.check] += 1
        else:
            tasks[row.task] += 1
            records.append(row)
    return tasks, drops, records


@real
@pytest.mark.parametrize("name", FOLDERS)
def test_every_row_becomes_a_record_or_a_verdict_and_ids_are_unique(name: str) -> None:
    _, _, records = read(name)
    assert records
    assert len({r.id for r in records}) == len(records)


@real
def test_visual_genome_counts_match_the_file() -> None:
    tasks, drops, records = read("visual_genome")
    # 158 relationships, 1278 regions, 721 questions in the five images (ORIGIN.md)
    assert tasks["vqa"] == 721
    rows = json.loads((REAL / "visual_genome/v1.2/objects.json").read_text())
    names = sum(len({o["names"][0].lower() for o in row["objects"]}) for row in rows)
    found = [r for r in records if "-attribute-" in r.id]
    coloured = [r for r in found if r.task == "locate"]
    asked = tasks["locate"] - len(coloured) + tasks["relation"] + drops["source:ambiguous"]
    left = asked - (1278 + 158 + names)  # attributes of things that no colour singles out
    assert 0 <= left < 60
    assert all(r.geometry[0].label.split()[0] in vg_things.COLOURS for r in coloured)
    older, _, _ = read("visual_genome", "visual_genome/v1.0")
    assert set(older) == {"relation", "locate", "vqa", "attribute"}


@real
def test_what_the_owners_hold_out_stays_held_out() -> None:
    splits = {
        name: {r.split for r in read(name)[2]}
        for name in ("lvis", "alfred", "epic_kitchens", "bridge")
    }
    assert splits == {
        "lvis": {"val"}, "alfred": {"train"}, "epic_kitchens": {"train"}, "bridge": {"val"}
    }  # fmt: skip


@real
def test_lvis_never_claims_an_absence_outside_the_negative_list() -> None:
    (path,) = (REAL / "lvis").glob("lvis_*.json")
    negatives = {i["id"]: set(i["neg_category_ids"]) for i in json_items(path, "images")}
    _, _, records = read("lvis")
    absent = [r for r in records if r.id.endswith("-absent")]
    assert len(absent) == sum(map(len, negatives.values()))
    for record in absent:
        image, category = record.id.removeprefix("lvis:").split("-c")
        assert int(category.removesuffix("-absent")) in negatives[int(image)]


@real
def test_bridge_checksums_hold_and_a_flipped_byte_is_found(tmp_path: Path) -> None:
    (path,) = (REAL / "bridge_v2").glob("**/*.tfrecord-*")
    payloads = list(tfrecords(path))
    assert len(payloads) == 17
    assert tf_example(payloads[5])["steps/language_instruction"][0] == b"put carrot on plate"
    data = bytearray(path.read_bytes())
    data[5000] ^= 1
    bad = tmp_path / "bad.tfrecord"
    bad.write_bytes(data)
    with pytest.raises(DataError, match="fails its checksum"):
        list(tfrecords(bad))
    bad.write_bytes(path.read_bytes()[:-7])
    with pytest.raises(DataError, match="torn record"):
        list(tfrecords(bad))


@real
def test_a_cut_json_list_names_the_file(tmp_path: Path) -> None:
    whole = (REAL / "sharerobot/trajectory/trajectory.json").read_bytes()
    cut = tmp_path / "trajectory.json"
    cut.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match=r"trajectory\.json: byte"):
        list(json_items(cut))


def test_an_unknown_source_suggests_the_nearest() -> None:
    with pytest.raises(DataError, match="did you mean visual_genome"):
        catalog.get("visual_genom")


@real
def test_the_robopoint_record_of_its_readme_keeps_its_points_in_fractions() -> None:
    tasks, drops, (record,) = read("robopoint")
    assert tasks == {"free_space": 1} and not drops
    assert record.find_geometry("places").pairs[0] == (0.461, 0.527)
    assert record.find_geometry("places").frame == "unit"


@real
def test_lrv_evaluation_rows_of_the_older_schema_lose_what_tells_of_a_text() -> None:
    """Read by eye: 41 answers speak of a text and deny nothing that "Is there" could ask for."""
    path = REAL / "lrv_instruction" / "evaluation_set_2023-08-11_first200.json"
    found = list(lrv_instruction.convert(json_items(path), {}, Provenance()))
    assert len(found) == 200
    kept = [r for r in found if isinstance(r, Record)]
    words = " ".join(r.answer.text.lower() for r in kept if isinstance(r.answer, Freeform))
    assert "mention" not in words and "described as" not in words
    dropped = [v for v in found if isinstance(v, Verdict)]
    assert {v.check for v in dropped} <= {"source:leak", "source:place", "source:box"}
    assert sum(v.check == "source:leak" for v in dropped) == 41
    denied = [r for r in kept if r.task == "exists" and r.answer == YesNo(yes=False)]
    assert len(denied) == 18

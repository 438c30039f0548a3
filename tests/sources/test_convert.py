"""The convert stage on files small enough to write here."""

import json
from pathlib import Path

import pytest
from PIL import Image

from seestep.records import Record
from seestep.run import read_rows, read_verdicts
from seestep.sources.convert import ConvertConfig, convert
from seestep.sources.pictures import MISSING

SHARE = ConvertConfig(source="sharerobot")


def share_root(tmp_path: Path, ids: list[int]) -> Path:
    root = tmp_path / "root"
    (root / "trajectory/images").mkdir(parents=True)
    rows = [
        {
            "id": i,
            "meta_data": {"original_width": 64, "original_height": 48},
            "instruction": "reach",
            "points": [[1, 2], [30, 40]],
        }
        for i in ids
    ]
    (root / "trajectory/trajectory.json").write_text(json.dumps(rows))
    return root


def picture(root: Path, id: int, size: tuple[int, int] = (64, 48)) -> Path:
    path = root / f"trajectory/images/{id}.png"
    Image.effect_noise(size, 50).convert("RGB").save(path)
    return path


def test_pictures_on_disk_are_hashed_and_missing_ones_tagged(tmp_path: Path) -> None:
    root = share_root(tmp_path, [1, 2])
    picture(root, 1)
    manifest = convert(SHARE, root, tmp_path / "out")
    there, gone = read_rows(tmp_path / "out", Record)
    assert there.media[0].sha256 and MISSING not in there.tags
    assert gone.media[0].sha256 is None and MISSING in gone.tags
    assert manifest.counts == {"in": 2, "out": 2, "dropped": 0}


def test_a_picture_of_another_size_drops_its_record_with_a_reason(tmp_path: Path) -> None:
    root = share_root(tmp_path, [1])
    picture(root, 1, (48, 64))
    manifest = convert(SHARE, root, tmp_path / "out")
    (verdict,) = read_verdicts(tmp_path / "out")
    assert verdict.check == "source:media" and "another size" in verdict.reason
    assert manifest.counts == {"in": 1, "out": 0, "dropped": 1}


@pytest.mark.parametrize("limit", [1, 3])
def test_limit_counts_records(tmp_path: Path, limit: int) -> None:
    root = share_root(tmp_path, [1, 2, 3, 4])
    convert(ConvertConfig(source="sharerobot", limit=limit), root, tmp_path / "out")
    assert len(list(read_rows(tmp_path / "out", Record))) == limit


def test_chunks_are_the_same_whatever_was_read_before(tmp_path: Path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr("seestep.sources.convert.SHARD_ROWS", 2)
    root = share_root(tmp_path, [1, 2, 3, 4, 5])
    manifest = convert(SHARE, root, tmp_path / "a")
    assert manifest.shards == 3
    ids = [r.id for r in read_rows(tmp_path / "a", Record)]
    assert ids == [f"sharerobot:trajectory-{i}" for i in (1, 2, 3, 4, 5)]
    parts = {p.name: p.read_bytes() for p in sorted((tmp_path / "a").glob("part-*"))}
    (tmp_path / "a/commit-00001.json").unlink()
    (tmp_path / "a/manifest.json").unlink()
    convert(SHARE, root, tmp_path / "a")
    assert parts == {p.name: p.read_bytes() for p in sorted((tmp_path / "a").glob("part-*"))}


@pytest.mark.parametrize(("rows", "shards"), [(0, 1), (4, 2), (5, 3)])
def test_rows_are_read_once_and_shards_are_as_many_as_they_need(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: int, shards: int
) -> None:
    from seestep.sources import convert as module
    from seestep.sources import read

    opened: list[Path] = []
    whole = read.open_regular
    monkeypatch.setattr(read, "open_regular", lambda path: opened.append(path) or whole(path))
    monkeypatch.setattr(module, "SHARD_ROWS", 2)
    root = share_root(tmp_path, list(range(rows)))
    manifest = convert(SHARE, root, tmp_path / "out")
    assert (manifest.shards, manifest.counts["out"]) == (shards, rows)
    assert len(opened) == 1
    assert len(list(read_rows(tmp_path / "out", Record))) == rows

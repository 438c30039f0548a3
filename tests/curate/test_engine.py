"""The curate stage on folders of small records: reasons, conservation, determinism."""

from __future__ import annotations

from collections import Counter
from functools import partial
from pathlib import Path

import msgspec
import pytest
from PIL import Image

from seestep import run
from seestep.curate.engine import CurateConfig, curate
from seestep.curate.guard import Guard
from seestep.curate.mix import Mix
from seestep.curate.quality import Quality
from seestep.errors import DataError
from seestep.records import (
    Freeform,
    Geometry,
    Media,
    MediaRef,
    Points,
    Record,
    Text,
    Turn,
    Verdict,
    YesNo,
)


def ask(key: str, words: str, answer=None, *, image: str = "a.png", sha: str | None = "aa", **more):
    """A record about one picture."""
    media = Media(key="v", path=image, root="world", width=40, height=30, sha256=sha)
    turn = Turn(role="user", parts=(MediaRef(media="v"), Text(text=words)))
    return Record(
        id=f"t:{key}",
        source=more.pop("source", "t"),
        task=more.pop("task", "exists"),
        media=(media,),
        turns=(turn,),
        answer=answer or YesNo(yes=True),
        **more,
    )


def make_part(n: int, *, parts) -> run.ShardResult:
    return run.ShardResult(rows=parts[n])


def folder_of(path: Path, *parts: list[Record]) -> Path:
    work = partial(make_part, parts=parts)
    run.shard_stage(
        path, stage="toy", version=1, config={}, inputs=[], shards=len(parts), work=work
    )
    return path


MUG = "Is there a red mug on the table?"
TOY = [
    ask("good", MUG),
    ask("twin", "is there a red  mug on the table"),
    ask("other-picture", MUG, sha="bb"),
    ask("other-question", "Is there a red mug under the table?"),
    ask("empty", MUG, Freeform(text=" ")),
    ask("leak", "What is on the table?", Freeform(text="The cup is not mentioned in the image.")),
    ask(
        "outside",
        "Point to the mug.",
        Points(geometry="p"),
        geometry=(Geometry(key="p", kind="point", media="v", frame="pixel", values=(50, 10)),),
        task="point",
    ),
    ask("loop", "What do you see here?", Freeform(text="a mug and " * 20)),
]


def trusting(**changes) -> CurateConfig:
    return CurateConfig(look="trust", **changes)


def test_every_drop_has_its_reason_and_the_rest_is_kept(tmp_path):
    made = folder_of(tmp_path / "in", TOY[:4], TOY[4:])
    manifest = curate([made], tmp_path / "out", trusting())
    kept = [r.id for r in run.read_rows(tmp_path / "out", Record)]
    assert kept == ["t:good", "t:other-picture", "t:other-question"]
    assert manifest.drops == {
        "exact_duplicate:twin": 1,
        "geometry_range:out_of_range": 1,
        "has_output:no_output": 1,
        "no_leak:not_in_image": 1,
        "repetition:repeats": 1,
    }
    assert manifest.counts == {"in": 8, "out": 3, "dropped": 5}


def test_each_record_has_one_verdict_of_every_check_it_reached(tmp_path):
    made = folder_of(tmp_path / "in", TOY)
    curate([made], tmp_path / "out", trusting())
    said: dict[str, list[Verdict]] = {}
    for verdict in run.read_verdicts(tmp_path / "out"):
        said.setdefault(verdict.id, []).append(verdict)
    assert set(said) == {r.id for r in TOY}
    for about in said.values():
        assert max(Counter(v.check for v in about).values()) == 1
        assert all(v.keep for v in about[:-1])  # the first no is the last word
    assert [v.check for v in said["t:good"]] == [
        "pictures",
        "has_output",
        "references",
        "answer_format",
        "answer_among_options",
        "length",
        "language",
        "repetition",
        "no_leak",
        "geometry_range",
        "quality",
        "exact_duplicate",
        "near_duplicate",
    ]
    twin = said["t:twin"][-1]
    assert twin.evidence == "twin t:good jaccard 1.000000"


def test_workers_do_not_change_a_byte(tmp_path):
    made = folder_of(tmp_path / "in", TOY[:3], TOY[3:5], TOY[5:])
    one = curate([made], tmp_path / "one", trusting())
    two = curate([made], tmp_path / "two", trusting(), workers=2)
    assert one.commits == two.commits


def test_shards_do_not_change_what_is_kept(tmp_path):
    split = folder_of(tmp_path / "a", TOY[5:], TOY[:5])
    whole = folder_of(tmp_path / "b", TOY)
    curate([split], tmp_path / "one", trusting())
    curate([whole], tmp_path / "two", trusting())
    ids = [{r.id for r in run.read_rows(tmp_path / n, Record)} for n in ("one", "two")]
    assert ids[0] == ids[1]


def test_a_folder_given_twice_is_refused(tmp_path):
    made = folder_of(tmp_path / "in", TOY[:1])
    with pytest.raises(DataError, match=r"t:good.*same id"):
        curate([made, made], tmp_path / "out", trusting())


def test_one_id_twice_in_a_folder_is_refused_by_its_name(tmp_path):
    made = folder_of(tmp_path / "in", [*TOY[:3], TOY[1]])
    with pytest.raises(DataError, match=f"{TOY[1].id}.*same id"):
        curate([made], tmp_path / "out", trusting())


def test_probe_fills_in_sizes_and_hashes(tmp_path):
    Image.new("RGB", (40, 30), "red").save(tmp_path / "a.png")
    bare = Media(key="v", path="a.png", root="world")
    record = msgspec.structs.replace(ask("x", MUG), media=(bare,))
    made = folder_of(tmp_path / "in", [record])
    curate([made], tmp_path / "out", CurateConfig(), roots={"world": tmp_path})
    (kept,) = run.read_rows(tmp_path / "out", Record)
    assert kept.media[0].size == (40, 30)
    assert kept.media[0].sha256 is not None


def test_a_missing_or_cut_picture_drops_its_record(tmp_path):
    Image.effect_noise((64, 48), 50).convert("RGB").save(tmp_path / "whole.png")
    data = (tmp_path / "whole.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(data[: len(data) // 2])
    rows = [
        msgspec.structs.replace(
            ask(name, MUG), media=(Media(key="v", path=f"{name}.png", root="world"),)
        )
        for name in ("whole", "cut", "gone")
    ]
    made = folder_of(tmp_path / "in", rows)
    manifest = curate(
        [made], tmp_path / "out", CurateConfig(look="decode"), roots={"world": tmp_path}
    )
    assert [r.id for r in run.read_rows(tmp_path / "out", Record)] == ["t:whole"]
    assert manifest.drops == {"pictures:unreadable": 2}


def test_a_record_known_to_lack_its_pictures_is_kept_or_dropped_as_the_recipe_says(tmp_path):
    made = folder_of(tmp_path / "in", [ask("bare", MUG, tags=("media-missing",))])
    keep = curate([made], tmp_path / "keep", CurateConfig())
    drop = curate([made], tmp_path / "drop", CurateConfig(missing="drop"))
    assert (keep.counts["out"], drop.drops) == (1, {"pictures:missing": 1})


def test_a_copy_in_another_file_format_is_the_same_picture(tmp_path):
    picture = Image.effect_noise((64, 48), 50).convert("RGB")
    picture.save(tmp_path / "a.png")
    picture.save(tmp_path / "b.bmp")
    rows = [
        msgspec.structs.replace(ask(name, MUG), media=(Media(key="v", path=name, root="world"),))
        for name in ("a.png", "b.bmp")
    ]
    made = folder_of(tmp_path / "in", rows)
    roots = {"world": tmp_path}
    by_bytes = curate([made], tmp_path / "bytes", CurateConfig(look="probe"), roots=roots)
    by_pixels = curate([made], tmp_path / "pixels", CurateConfig(look="decode"), roots=roots)
    assert (by_bytes.counts["out"], by_pixels.counts["out"]) == (2, 1)


def test_a_quota_is_filled_and_reported(tmp_path):
    rows = [ask(f"{i}", f"{MUG} Look at shelf number {i}.", sha=f"{i}") for i in range(9)]
    rows += [ask("lone", "Where is it?", Freeform(text="On the shelf."), task="where")]
    made = folder_of(tmp_path / "in", rows)
    manifest = curate([made], tmp_path / "out", trusting(mix=Mix(total=6)))
    quotas = msgspec.json.decode((tmp_path / "out" / "report" / "quotas.json").read_bytes())
    assert manifest.counts["out"] == 6
    assert [(q["task"], q["wanted"], q["drawn"]) for q in quotas] == [
        ("exists", 3, 5),
        ("where", 3, 1),
    ]


def test_guard_sets_are_written_as_such_and_no_quota_is_filled_with_them(tmp_path):
    words = f"{MUG} Look at the shelf of number"
    rows = [
        ask(f"{i}-{k}", f"{words} {i} and {k}.", image=f"{i}.png", sha=f"{i}")
        for i in range(20)
        for k in range(3)
    ]
    made = folder_of(tmp_path / "in", rows[:31], rows[31:])
    config = trusting(near=None, guard=Guard(per_skill=6, most=0.5), mix=Mix(total=30))
    manifest = curate([made], tmp_path / "out", config)
    kept = list(run.read_rows(tmp_path / "out", Record))
    guard = {r.media[0].path for r in kept if r.split == "guard"}
    train = {r.media[0].path for r in kept if r.split == "train"}
    assert (len(guard), len(kept)) == (2, 36) and not guard & train
    assert manifest.counts["in"] == 60 == manifest.counts["out"] + manifest.counts["dropped"]
    (held,) = msgspec.json.decode((tmp_path / "out" / "report" / "guard.json").read_bytes())
    assert held == {"skill": "yes_no", "wanted": 6, "available": 60, "held": 6, "scenes": 2}
    curate([made], tmp_path / "two", config, workers=2)
    assert list(run.read_rows(tmp_path / "two", Record)) == kept


def test_quality_below_the_threshold_is_dropped_with_its_points(tmp_path):
    rows = [ask("low", "mug table", Freeform(text="perhaps")), ask("high", MUG)]
    made = folder_of(tmp_path / "in", rows)
    curate([made], tmp_path / "out", trusting(quality=Quality(least=4)))
    scores = {v.id: v for v in run.read_verdicts(tmp_path / "out") if v.check == "quality"}
    assert scores["t:low"].evidence == "-ask +input -form -match -teach"
    assert (scores["t:low"].score, scores["t:low"].keep) == (2.0, False)
    assert (scores["t:high"].score, scores["t:high"].keep) == (5.0, True)

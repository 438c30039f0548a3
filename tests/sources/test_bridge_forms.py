"""BridgeData V2 recorded, as numpy, as TFRecord and as RLDS: one episode, whatever its form."""

import os
import pickle
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from seestep.errors import DataError
from seestep.media import open_image
from seestep.records import Choice, Record, YesNo
from seestep.sources import bridge, bridge_raw, catalog
from seestep.sources.convert import ConvertConfig, roots_of
from seestep.sources.found import look
from tests.sources.bridge_made import (
    NEW,
    OLD,
    TASKS,
    convert_numpy,
    convert_rlds,
    convert_tfrecord,
    record,
)
from tests.sources.bridge_read import read, run


@pytest.fixture
def recorded(tmp_path: Path) -> list[Path]:
    """Six trajectories, of which two were recorded when pictures came late."""
    raw = tmp_path / "raw"
    return [record(raw, i, date=OLD if i < 2 else NEW) for i in range(6)]


def answers(records: dict[str, Record]) -> dict[str, object]:
    return {
        id: (r.task, r.turns, r.answer, r.form, [m.origins for m in r.media])
        for id, r in records.items()
    }


def test_recorded_numpy_and_tfrecord_are_the_same_records(tmp_path: Path, recorded) -> None:
    file = convert_numpy(tmp_path / "numpy", recorded, split="val")
    convert_tfrecord(tmp_path / "tfrecord", file)
    raw, _ = read(tmp_path / "raw", every=True)
    numpy, _ = read(tmp_path / "numpy", every=True)
    tfrecord, _ = read(tmp_path / "tfrecord", every=True)
    tasks = Counter(r.task for r in raw.values())
    assert tasks["instruction"] == tasks["gripper"] == tasks["movement"] == 6
    assert answers(raw) == answers(numpy) == answers(tfrecord)
    assert {r.tags for r in raw.values()} == {()}
    assert {r.tags for r in [*numpy.values(), *tfrecord.values()]} == {("val",)}
    assert {r.split for r in [*numpy.values(), *tfrecord.values()]} == {"val"}


def test_rlds_names_the_same_motion_under_a_name_of_its_own(tmp_path: Path, recorded) -> None:
    file = convert_numpy(tmp_path / "numpy", recorded)
    convert_rlds(tmp_path / "rlds", file)
    numpy, _ = read(tmp_path / "numpy")
    rlds, _ = read(tmp_path / "rlds")
    assert not numpy.keys() & rlds.keys()
    # its last origin is the name of the other forms, so that curation sees one scene
    by_motion = {(r.task, r.media[0].origins[-1]): r for r in rlds.values()}
    assert len(by_motion) == 12
    for one in numpy.values():
        other = by_motion[one.task, one.media[0].origins[0]]
        assert one.turns == other.turns
        if isinstance(one.answer, Choice) and isinstance(other.answer, Choice):
            assert one.answer.options[one.answer.index] == other.answer.options[other.answer.index]
        else:
            assert one.answer == other.answer


def test_trajectories_recorded_early_lose_the_first_picture_and_the_last_action(recorded) -> None:
    root = recorded[0].parents[7]
    early, later = (bridge_raw.episode(root, recorded[i]) for i in (0, 2))
    states = pickle.loads((recorded[0] / "obs_dict.pkl").read_bytes())["full_state"]
    actions = pickle.loads((recorded[0] / "policy_out.pkl").read_bytes())
    assert early.state.tolist() == states[1:4].astype(np.float32).tolist()
    assert early.action.tolist() == [a["actions"].astype(np.float32).tolist() for a in actions[:3]]
    assert [p[-8:] for p in early.frames["image_0"].paths] == ["im_1.jpg", "im_2.jpg", "im_3.jpg"]
    assert len(later.state) == len(later.action) == 4
    assert later.frames["image_1"].paths[0].endswith("images1/im_0.jpg")


def test_recorded_pictures_stay_where_they_are_and_others_are_written(tmp_path, recorded) -> None:
    convert_numpy(tmp_path / "numpy", recorded)
    for form, size in (("raw", (64, 48)), ("numpy", (16, 16))):
        out = tmp_path / f"out-{form}"
        records, _ = run(tmp_path / form, out)
        roots = roots_of(ConvertConfig(source="bridge"), tmp_path / form, out)
        for media in (m for r in records.values() for m in r.media):
            assert media.size == size and media.sha256
            assert open_image(media, roots).size == size
        assert (out / "media").is_dir() == (form == "numpy")


def test_other_words_for_the_same_are_no_wrong_answer(tmp_path: Path) -> None:
    for i in range(5):
        record(tmp_path, i)
    record(tmp_path, 5, words=f"move the carrot\n{TASKS[0]}\n{TASKS[1]}\n")
    records, _ = read(tmp_path)
    (asked,) = (r for r in records.values() if "move the carrot" in str(r.answer) and right(r))
    assert {TASKS[0], TASKS[1]}.isdisjoint(asked.answer.options)


def right(record: Record) -> bool:
    answer = record.answer
    return isinstance(answer, Choice) and answer.options[answer.index] == "move the carrot"


def test_what_has_no_instruction_tells_why_and_is_asked_about_the_gripper(tmp_path: Path) -> None:
    missing = [None, "\n \n", "confidence: 1\n", "x" * 70_000]
    for i, words in enumerate(missing):
        record(tmp_path, i, words=words)
    (record(tmp_path, 4) / "lang.txt").write_bytes("把胡萝卜".encode("gb18030"))
    folder = record(tmp_path, 5)
    (folder / "lang.txt").unlink()
    os.mkfifo(folder / "lang.txt")
    records, verdicts = read(tmp_path)
    assert [r.task for r in records.values()] == ["gripper"] * 6
    assert sorted(v.reason for v in verdicts if v.check == "source:language") == [
        "lang.txt cannot be opened",
        "lang.txt has more than 65,536 bytes",
        "lang.txt is empty",
        "lang.txt is not UTF-8",
        "lang.txt tells confidence alone",
        "there is no lang.txt",
    ]


def test_files_without_language_tell_that_their_script_leaves_it_out(tmp_path, recorded) -> None:
    file = convert_numpy(tmp_path / "numpy", recorded, language=False)
    convert_tfrecord(tmp_path / "tfrecord", file)
    for form in ("numpy", "tfrecord"):
        records, verdicts = read(tmp_path / form)
        assert {r.task for r in records.values()} == {"gripper"}
        assert {v.reason for v in verdicts} == {
            "its file holds no language: the script that wrote it leaves it out"
        }


def test_the_gripper_is_told_by_state_and_command(tmp_path: Path) -> None:
    record(tmp_path, 0, closes=True)
    record(tmp_path, 1, closes=False)
    records, _ = read(tmp_path)  # "flip pot" stands before "put carrot on plate"
    assert [r.answer for r in records.values()] == [YesNo(yes=False), YesNo(yes=True)]


# --- more than one form -------------------------------------------------------------------------


def test_of_several_forms_one_is_read_and_the_others_are_told(tmp_path: Path, recorded) -> None:
    file = convert_numpy(tmp_path / "numpy", recorded)
    convert_tfrecord(tmp_path / "tfrecord", file)
    expected = {"raw": 12, "TFRecord": 12}
    for form, count in expected.items():
        records, verdicts = read(tmp_path)
        assert len(records) == count
        told = {v.id: v.reason for v in verdicts if v.check == "source:form"}
        assert f"bridge:{form}" not in told and "bridge:numpy" in told
        assert f"not read where there is {form} too" in told["bridge:numpy"]
        shutil.rmtree(tmp_path / {"raw": "raw", "TFRecord": "tfrecord"}[form])
    assert len(read(tmp_path)[0]) == 12
    convert_rlds(tmp_path, file)
    records, verdicts = read(tmp_path)
    assert len(records) == 12 and [v.id for v in verdicts] == ["bridge:numpy"]


def test_one_motion_in_two_places_is_read_once(tmp_path: Path, recorded) -> None:
    shutil.copytree(recorded[3], recorded[3].with_name("traj99"))
    records, verdicts = read(tmp_path)
    assert len(records) == 12
    (twice,) = verdicts
    assert twice.check == "source:repeat" and twice.id.endswith("traj99")
    file = convert_numpy(tmp_path / "numpy", [*recorded, recorded[0]])
    records, verdicts = read(file.parent)
    assert len(records) == 12 and [v.check for v in verdicts] == ["source:repeat"]


def test_any_folder_of_the_tree_can_be_named(tmp_path: Path, recorded) -> None:
    whole, _ = read(tmp_path)
    one = bridge_raw.episode(tmp_path, recorded[0]).key
    for root in (recorded[0], *list(recorded[0].parents)[:6]):
        assert f"bridge:{one}-gripper" in read(root)[0] and f"bridge:{one}-gripper" in whole
    (found,) = look(recorded[0].parents[7])
    assert catalog.get("bridge").files(found.root) and found.files == 18
    (found,) = look(recorded[0].parents[1])
    assert found.root == recorded[0] and found.files == 3


# --- what is bad in files -----------------------------------------------------------------------


def test_a_damaged_or_escaping_picture_drops_its_trajectory(tmp_path: Path) -> None:
    root = tmp_path / "root"
    folders = [record(root, i, cameras=1) for i in range(7)]
    (tmp_path / "elsewhere.jpg").write_bytes((folders[0] / "images0/im_0.jpg").read_bytes())
    for folder, name in zip(
        folders, ("im_0.jpg", "im_0.jpg", "im_0.jpg", "im_3.jpg"), strict=False
    ):
        (folder / "images0" / name).unlink()
    os.mkfifo(folders[0] / "images0/im_0.jpg")
    (folders[1] / "images0/im_0.jpg").symlink_to(tmp_path / "elsewhere.jpg")
    (folders[2] / "images0/im_0.jpg").write_bytes(b"no picture")
    (folders[3] / "images0/im_3.jpg").symlink_to(tmp_path / "elsewhere.jpg")
    records, verdicts = run(root, tmp_path / "out")
    assert len(records) == 6
    reasons = Counter(v.reason for v in verdicts if v.check == "source:media")
    assert reasons == {
        "this is not a regular file": 1,
        "this link leads out of its root": 3,
        "this is not a picture Pillow can read": 1,
    }
    assert not any(str(tmp_path) in v.evidence for v in verdicts)


def test_pictures_of_one_colour_are_no_camera(tmp_path: Path) -> None:
    from PIL import Image

    folder = record(tmp_path, 0)
    for t in range(5):
        Image.new("RGB", (64, 48), "black").save(folder / "images0" / f"im_{t}.jpg")
    (found,) = read(tmp_path)[0].values()
    assert "/images1/" in found.media[0].path
    assert bridge.CAMERAS[0] == "image_0"


def test_links_to_folders_are_told_and_not_followed(tmp_path: Path, recorded) -> None:
    (tmp_path / "raw" / "again").symlink_to(recorded[0].parents[7], target_is_directory=True)
    (tmp_path / "raw" / "up").symlink_to(tmp_path, target_is_directory=True)
    records, verdicts = read(tmp_path / "raw")
    assert len(records) == 12
    assert {(v.check, v.evidence) for v in verdicts} == {
        ("source:path", "again"),
        ("source:path", "up"),
    }
    (tmp_path / "named").symlink_to(tmp_path / "raw", target_is_directory=True)
    assert len(read(tmp_path / "named")[0]) == 12


def test_no_file_from_elsewhere_gets_into_records(tmp_path: Path) -> None:
    root = tmp_path / "root"
    folders = [record(root, i) for i in range(6)]
    (tmp_path / "secret.txt").write_text("a password\n")
    for folder, name in ((folders[0], "lang.txt"), (folders[1], "obs_dict.pkl")):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
        (folder / name).unlink()
        (folder / name).symlink_to(tmp_path / ("secret.txt" if name == "lang.txt" else name))
    records, verdicts = run(root, tmp_path / "out")
    assert len(records) == 9 and "password" not in str(records)
    assert {v.reason for v in verdicts} == {
        "lang.txt cannot be opened",
        "this link leads out of its root",
    }


def test_what_is_no_file_is_told_and_does_not_stand_for_a_form(tmp_path: Path, recorded) -> None:
    os.mkfifo(tmp_path / "bridge_dataset-train.tfrecord-00000-of-00001")
    os.mkfifo(tmp_path / "out.npy")
    (tmp_path / "out.tfrecord").symlink_to(tmp_path / "gone")
    records, verdicts = read(tmp_path)
    assert len(records) == 12
    assert {v.reason for v in verdicts} == {"not a regular file"} and len(verdicts) == 3


def test_a_folder_whose_name_is_not_utf_8_is_told(tmp_path: Path) -> None:
    root = tmp_path / "root"
    folders = [record(root, i) for i in range(3)]
    place = os.fsencode(folders[1].parents[4])
    os.rename(place, os.path.dirname(place) + b"/caf\xe9")
    records, verdicts = run(root, tmp_path / "out")
    assert len(records) == 2
    assert [v.evidence for v in verdicts if v.check == "source:path"] == [
        "berkeley/toykitchen1/caf\\udce9"
    ]


def test_folders_of_pictures_are_not_walked_through(tmp_path: Path, monkeypatch) -> None:
    for i in range(3):
        record(tmp_path, i)
    opened: list[str] = []
    whole = os.scandir
    monkeypatch.setattr(os, "scandir", lambda path: opened.append(str(path)) or whole(path))
    catalog.get("bridge").files(tmp_path)
    assert not [path for path in opened if "traj0" in path or "images" in path]


def test_lmdb_is_left_out_as_by_its_owners(tmp_path: Path) -> None:
    folder = record(tmp_path, 0, date="2022-03-04_10-20-30_lmdb")
    assert folder.is_dir()
    records, (verdict,) = read(tmp_path)
    assert not records and verdict.check == "source:lmdb"


# --- bad numpy and TFRecord files ---------------------------------------------------------------


def test_a_cut_off_file_gives_what_it_can_and_tells_the_rest(tmp_path: Path, recorded) -> None:
    file = convert_numpy(tmp_path / "numpy", recorded)
    tfrecord = convert_tfrecord(tmp_path / "tfrecord", file)
    for path in (file, tfrecord):
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        records, verdicts = run(path.parent, tmp_path / f"out-{path.suffix[1:]}")
        assert {r.task for r in records.values()} >= {"gripper"} and len(records) < 12
        (cut,) = (v for v in verdicts if v.check == "source:unreadable")
        assert "after 2 trajectories" in cut.evidence or "after 3 trajectories" in cut.evidence
        with pytest.raises(DataError, match=r"cut off|torn"):
            read(path.parent)


def test_one_bad_trajectory_of_a_file_is_counted(tmp_path: Path, recorded, monkeypatch) -> None:
    from tests.sources import bridge_made

    whole = bridge_made.trajectory

    def spoilt(folder: Path, **kind: bool) -> dict:
        made = whole(folder, **kind)
        if folder == recorded[1]:
            made["actions"] = made["actions"][:-1]
        if folder == recorded[4]:
            made["observations"][1]["state"] = made["observations"][1]["state"][:3]
        return made

    monkeypatch.setattr(bridge_made, "trajectory", spoilt)
    file = convert_numpy(tmp_path / "numpy", recorded)
    records, verdicts = run(file.parent, tmp_path / "out")
    assert len(records) == 8
    assert [(v.evidence, v.reason.split(" (")[0]) for v in verdicts] == [
        ("trajectory 1", "its parts have other lengths than each other"),
        ("trajectory 4", "observations/state of step 1"),
    ]


def test_the_memory_for_a_numpy_file_does_not_grow_with_it(tmp_path: Path) -> None:
    import tracemalloc

    folder = record(tmp_path / "raw", 0, steps=20)
    peaks = []
    for count in (4, 40):
        file = convert_numpy(tmp_path / f"numpy{count}", [folder] * count)
        tracemalloc.start()
        read(file.parent)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.5 * peaks[0]

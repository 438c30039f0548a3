"""Recorded trajectories of BridgeData V2 that cannot be read are counted, each with its place."""

import os
import pickle
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from seestep.errors import DataError
from tests.sources.bridge_made import record
from tests.sources.bridge_read import read, run


def broken(name: str, folder: Path) -> None:
    states = folder / "obs_dict.pkl"
    actions = folder / "policy_out.pkl"
    obs = pickle.loads(states.read_bytes())
    if name == "torn":
        states.write_bytes(states.read_bytes()[:-40])
    elif name == "empty":
        actions.write_bytes(b"")
    elif name == "no states":
        states.unlink()
    elif name == "FIFO":
        actions.unlink()
        os.mkfifo(actions)
    elif name == "no full_state":
        states.write_bytes(pickle.dumps({"state": obs["state"]}))
    elif name == "six numbers":
        states.write_bytes(pickle.dumps({"full_state": obs["full_state"][:, :6]}))
    elif name == "NaN":
        states.write_bytes(pickle.dumps({"full_state": obs["full_state"] * np.nan}))
    elif name == "texts":
        states.write_bytes(pickle.dumps({"full_state": [["1"] * 7] * 5}))
    elif name == "too few actions":
        actions.write_bytes(pickle.dumps(pickle.loads(actions.read_bytes())[:-1]))
    elif name == "no actions in a step":
        actions.write_bytes(pickle.dumps([{"actions": np.zeros(7)}, {}]))
    elif name == "a picture too few":
        (folder / "images1" / "im_2.jpg").unlink()
    elif name == "no pictures":
        for camera in folder.glob("images*"):
            shutil.rmtree(camera)
    elif name == "code":
        states.write_bytes(b"cos\nsystem\n(S'touch /tmp/owned'\ntR.")
    elif name == "undated":
        folder.parents[2].rename(folder.parents[2].with_name("2022"))


BROKEN = {
    "torn": "cut off",
    "empty": "cut off",
    "no states": "file not found",
    "FIFO": "not a regular file",
    "no full_state": "there is no full_state",
    "six numbers": r"full_state \(wanted \(steps, 7\) of numbers, got \(5, 6\) float64\)",
    "NaN": "not finite",
    "texts": "not 7 numbers",
    "too few actions": "as there are 5 pictures and 5 states, got 3",
    "no actions in a step": "a step has no actions",
    "a picture too few": "a picture is missing",
    "no pictures": "there are no pictures",
    "code": "asks for os.system, which is not run",
    "undated": "it is not known when this was recorded",
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_trajectory_that_cannot_be_read_is_counted_with_its_place(tmp_path, name) -> None:
    root = tmp_path / "root"
    folders = [record(root, i) for i in range(5)]
    broken(name, folders[2])
    records, verdicts = run(root, tmp_path / "out")
    assert len(records) == 8
    (verdict,) = verdicts
    assert verdict.check == "source:unreadable" and verdict.evidence.endswith("traj_group0/traj2")
    with pytest.raises(DataError, match=BROKEN[name]):
        read(root)  # where nobody counts

    assert re.search(BROKEN[name], verdict.reason)


def test_many_are_fatal(tmp_path: Path) -> None:
    for i in range(25):
        broken("torn", record(tmp_path / "root", i, cameras=1, steps=2))
    with pytest.raises(DataError, match="too many rows cannot be read; the last: this pickle is"):
        run(tmp_path / "root", tmp_path / "out")

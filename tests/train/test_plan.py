"""What is left out before training starts, and why."""

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from seestep.errors import DataError
from seestep.models.load import save
from seestep.models.tiny import build as tiny
from seestep.records import Form, FormRef, Media, MediaRef, Number, Record, Text, Turn
from seestep.train.config import Batch, Data, Optim, SftConfig
from seestep.train.plan import prepare
from seestep.train.stages import speaker


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    save(tiny.build("qwen3_vl"), folder)
    return folder


def record(i: int) -> Record:
    media = Media(key="im", path=f"{i}.png", root="t", width=96, height=96)
    parts = (MediaRef(media="im"), Text(text="How many?"), FormRef())
    return Record(
        id=f"t:{i}",
        source="t",
        task="count",
        media=(media,),
        turns=(Turn(role="user", parts=parts),),
        form=Form(kind="number"),
        answer=Number(value=i),
    )


def plan(checkpoint: Path, tmp_path: Path, **changes: Any) -> Any:
    config = SftConfig(
        model=str(checkpoint),
        batch=Batch(effective=1),
        optim=Optim(warmup_steps=0),
        data=Data(most_dropped=0.5),
    )
    encoder = speaker(config, {"t": tmp_path}).encoder
    return prepare(config, encoder, [record(1), record(2)], **changes)


def test_a_picture_that_is_not_there_is_found_before_the_first_step(
    checkpoint: Path, tmp_path: Path
) -> None:
    Image.new("RGB", (96, 96)).save(tmp_path / "1.png")
    ready = plan(checkpoint, tmp_path)
    assert [s.id for s in ready.samples] == ["t:1"]
    (lost,) = [v for v in ready.verdicts if not v.keep]
    assert lost.id == "t:2" and "cannot be found" in lost.evidence


def test_a_dry_run_leaves_that_open(checkpoint: Path, tmp_path: Path) -> None:
    assert len(plan(checkpoint, tmp_path, dry=True).samples) == 2


def test_nothing_on_disk_stops_the_stage(checkpoint: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="2 of 2 records cannot be trained on: 2 media"):
        plan(checkpoint, tmp_path)

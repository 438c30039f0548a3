"""The judge of a whole run: what it passes on is the folder ``judged``."""

from __future__ import annotations

from pathlib import Path

from seestep.curate.engine import CurateConfig
from seestep.pipeline import data, eta
from seestep.pipeline.config import Pipeline, SourceSpec
from seestep.pipeline.state import Run
from seestep.records import Record
from seestep.run import read_manifest, read_rows
from tests.curate.judging import case_of, folder_of, graded, record, settings
from tests.endpoint.server import Server


def test_the_folder_judged_holds_what_the_judge_lets_pass(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("SEESTEP_CACHE", str(tmp_path / "cache"))
    rows = [record(n) for n in range(6)]
    read = folder_of(tmp_path / "in", rows)
    with Server(lambda text, n: graded(1 if case_of(text) == 3 else 5)) as server:
        config = Pipeline(
            name="toy",
            sources=(SourceSpec(source="lvis", root="none", optional=True),),
            data=str(tmp_path),
            curate=CurateConfig(look="trust"),
            judge=settings(server),
            report=False,
        )
        told: list[str] = []
        run = Run(config, tmp_path / "out", tmp_path / "out", mode="none", say=told.append)
        run.folders.append(read)
        data._curate(run)
    passed = [r.id for r in read_rows(tmp_path / "out" / "judged", Record)]
    assert passed == [f"t:{n}" for n in range(6) if n != 3]
    assert read_manifest(tmp_path / "out" / "judged").counts["dropped"] == 1
    assert any("quality may drop: " in line for line in told)
    assert eta.JUDGING in {step.name for step in eta.steps(config)}

"""Pictures once a session."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.consumers import corpus


@pytest.fixture(scope="session")
def roots(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The media root of the corpus; exports are written beside it."""
    return {"pics": corpus.draw(tmp_path_factory.mktemp("consumers") / "pics")}


@pytest.fixture
def place(roots: dict[str, Path], request: pytest.FixtureRequest) -> Path:
    """A folder for one test's export, beside the pictures; readers take brackets for a pattern."""
    folder = roots["pics"].parent / re.sub(r"\W+", "-", request.node.name)
    folder.mkdir()
    return folder

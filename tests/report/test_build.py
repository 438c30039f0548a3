"""The page and results.json of a small hand-made run."""

import dataclasses
import html
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from seestep.records import Score
from seestep.report import sections
from seestep.report.build import build
from seestep.run import read_rows
from seestep.study.compare import table
from tests.report.runs import make, results

EVIL = "</script></style><img src=x onerror=alert(1)><b>\"'&amp;"
VOID = {"meta", "img", "br", "link", "input"}


class Page(HTMLParser):
    """Elements and attributes of a page, and whether every element is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1:] != ["style"]:
            self.text += data


def read(path: Path) -> Page:
    page = Page()
    page.feed(path.read_text(encoding="utf-8"))
    page.close()
    assert not page.open
    return page


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Path]:
    root = tmp_path_factory.mktemp("run")
    inputs = make(root)
    return inputs, build(inputs, root / "report")


def test_cells_of_the_page_are_those_of_the_comparison(built: tuple[Any, Path]) -> None:
    inputs, page = built
    runs = {m.name: list(read_rows(m.scores, Score)) for m in inputs.models}
    wanted = table(runs, apart=["mini-plan"])
    words = html.unescape(re.sub(r"<[^>]+>", " ", page.read_text(encoding="utf-8")))
    words = re.sub(r"\s+", " ", words)
    base, dpo = (wanted.cells[m]["mini-sat"] for m in ("base", "dpo"))
    assert (base.score, dpo.score, dpo.change) == (0.5, 1.0, 0.5)
    cells = f"50.0 {100 * base.low:.0f} to {100 * base.high:.0f} 100.0 {100 * dpo.low:.0f} to 100"
    assert f"mini-sat 8 items, 4 scenes {cells} +50.0 (" in words
    stored = results(page)["tables"]["suite"]
    assert stored["cells"]["dpo"]["mini-sat"]["score"] == 1.0
    assert stored["mean"]["dpo"]["score"] == wanted.mean["dpo"].score == 1.0


def test_what_a_model_lacks_is_listed_and_out_of_the_mean(built: tuple[Any, Path]) -> None:
    page = read(built[1])
    text = re.sub(r"\s+", " ", page.text)
    assert "of the 1 above" in text
    assert "Not in the mean: base lacks mini-where2place." in text
    assert "not in the mean: a model lacks it" in text
    assert results(built[1])["tables"]["suite"]["mean_over"] == ["mini-sat"]
    mean = text.index("of the 1 above")
    assert text.index("mini-sat8 items") < mean < text.index("mini-plan2 items")


def test_executed_plans_are_an_ability_of_their_own(
    built: tuple[Any, Path], tmp_path: Path
) -> None:
    # both suites have the same skill; without a suite of executed plans they are one group
    assert results(built[1])["tables"]["skill"]["cells"]["dpo"]["attribute"]["n"] == 10
    page = build(dataclasses.replace(built[0], plans="mini-plan"), tmp_path)
    cells = results(page)["tables"]["skill"]["cells"]["dpo"]
    assert (cells["attribute"]["n"], cells["plans"]["n"]) == (8, 2)
    assert "all steps of a household task, executed" in read(page).text


def test_results_hold_everything_a_cell_was_judged_by(built: tuple[Any, Path]) -> None:
    cell = results(built[1])["tables"]["suite"]["cells"]["dpo"]["mini-sat"]
    told = {
        "n",
        "clusters",
        "parse_rate",
        "score",
        "low",
        "high",
        "change",
        "change_low",
        "change_high",
        "p",
        "p_holm",
        "mde",
        "gained",
        "lost",
        "verdict",
        "test",
    }
    assert told <= {key for key, value in cell.items() if value is not None}
    assert (cell["n"], cell["clusters"], cell["gained"], cell["lost"]) == (8, 4, 4, 0)


def test_the_same_data_elsewhere_give_the_same_bytes(tmp_path: Path) -> None:
    made = [build(make(tmp_path / n), tmp_path / n / "report") for n in ("one", "two")]
    assert made[0].read_bytes() == made[1].read_bytes()
    first, second = (p.with_name("results.json").read_bytes() for p in made)
    assert first == second
    assert str(tmp_path).encode() not in first


def test_no_text_can_become_markup(tmp_path: Path) -> None:
    plain = read(build(make(tmp_path / "plain"), tmp_path / "a"))
    inputs = make(tmp_path / "evil", word=EVIL, raw=f"<think>{EVIL}</think><answer>{EVIL}</answer>")
    evil = read(build(inputs, tmp_path / "b"))
    assert {tag for tag, _ in evil.seen} == {tag for tag, _ in plain.seen}
    assert [tag for tag, _ in evil.seen if tag == "img"] == [t for t, _ in plain.seen if t == "img"]
    assert not {"script", "link", "iframe", "object", "form"} & {tag for tag, _ in evil.seen}
    assert evil.text.count(EVIL) >= 12
    assert json.loads((tmp_path / "b" / "results.json").read_bytes())["title"] == f"run of {EVIL}"


def test_the_page_asks_no_host_and_every_picture_is_described(built: tuple[Any, Path]) -> None:
    page = read(built[1])
    policies = [a["content"] for t, a in page.seen if a.get("http-equiv")]
    assert policies == ["default-src 'none'; img-src data:; style-src 'unsafe-inline'"]
    pictures = [a for t, a in page.seen if t == "img"]
    assert pictures
    for attributes in pictures:
        assert attributes["alt"]
        assert (attributes["src"] or "").startswith("data:image/png;base64,")
    for _, attributes in page.seen:
        assert not any(name.startswith("on") for name in attributes)
        assert not (attributes.get("href") or "#").strip("#").startswith(("http", "//"))
    targets = {a["href"] for t, a in page.seen if t == "a"}
    assert targets <= {f"#{a['id']}" for _, a in page.seen if "id" in a}


def test_curves_show_what_training_logged(built: tuple[Any, Path]) -> None:
    inputs, page = built
    labels = [a["aria-label"] or "" for t, a in read(page).seen if t == "svg"]
    assert any("loss from 1 to 0.25" in label for label in labels)
    assert any("chosen from 0.01 to 0.04, rejected from -0.1 to -0.4" in s for s in labels)
    assert len(sections.metrics(inputs.models[1].training)) == 4
    assert sections.metrics(page.parent) == []
    assert "dpo stopped early: red mug" in read(page).text


def test_left_out_records_are_counted_with_their_reason(built: tuple[Any, Path]) -> None:
    text = read(built[1]).text
    assert "1 left out" in text
    assert "names red mug twice" in text


def test_one_model_has_nothing_to_be_compared_with(tmp_path: Path) -> None:
    inputs = make(tmp_path)
    from dataclasses import replace

    page = read(build(replace(inputs, models=inputs.models[:1], pairs=None), tmp_path / "r"))
    assert "There is only one model" in page.text
    assert "no comparison to draw" in page.text
    assert "This run made no preference pairs." in page.text
    assert "Nothing was trained in this run." in page.text

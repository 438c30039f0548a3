"""The page that draws records: what is counted, which are shown, what is where on a picture."""

import base64
import io
import json
import re
from pathlib import Path

import pytest
from PIL import Image

from seestep.cli import main
from seestep.records import (
    Box,
    Choice,
    Geometry,
    GeometryRef,
    Media,
    MediaRef,
    Pair,
    Record,
    Text,
    Turn,
    YesNo,
)
from seestep.report.draw import TOLD, WANTED
from seestep.report.gallery import GREY, Drawn, card, page


def record(number: int, *, task: str = "locate", file: str = "a.png", told: bool = False) -> Record:
    box = Geometry(
        key="b", kind="box", media="m", frame="unit", values=(0.25, 0.25, 0.75, 0.75), label="cup"
    )
    asked = (MediaRef(media="m"), Text(text="Where <it> is?"))
    where = (GeometryRef(geometry="b"),) if told else ()
    return Record(
        id=f"made:{number}",
        source="made",
        task=task,
        media=(Media(key="m", path=file, root="r"),),
        turns=(Turn(role="user", parts=(*asked, *where)),),
        geometry=(box,),
        answer=YesNo(yes=True) if told else Box(geometry="b"),
    )


def pictures(html: str) -> list[Image.Image]:
    found = re.findall(r'src="data:image/png;base64,([^"]+)"', html)
    return [Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB") for data in found]


@pytest.fixture
def roots(tmp_path: Path) -> dict[str, Path]:
    Image.new("RGB", (64, 48), (9, 9, 9)).save(tmp_path / "a.png")
    return {"r": tmp_path}


def test_places_are_drawn_where_they_are_in_the_colour_of_their_part(roots):
    for told, colour in ((False, WANTED), (True, TOLD)):
        (image,) = pictures(card(record(1, told=told), roots))
        scale = image.width / 64
        coloured = [
            (x, y)
            for x in range(image.width)
            for y in range(image.height)
            if image.getpixel((x, y)) == colour
        ]
        xs, ys = [x for x, _ in coloured], [y for _, y in coloured]
        found = [v / scale for v in (min(xs), min(ys), max(xs), max(ys))]
        assert found == pytest.approx([16, 12, 48, 36], abs=1)


def test_what_is_not_on_disk_is_a_canvas_and_comes_after_what_is(roots):
    drawn = Drawn(2)
    drawn.add([record(1, file="away.png"), record(2), record(3, file="b.png")], roots)
    assert [r.id for r in drawn.cards()["made", "locate"]] == ["made:2", "made:1"]
    assert drawn.away == {"r"} and drawn.counts == {("made", "locate"): 3}
    (image,) = pictures(card(record(1, file="away.png"), roots))
    assert image.getpixel((image.width - 2, image.height - 2)) == GREY


def test_the_page_counts_and_escapes(roots):
    drawn = Drawn(1)
    drawn.add([record(1), record(2), record(3, task="exists", told=True)], roots)
    html = page(drawn, roots, title="x < y")
    assert "3 records" in html and "x &lt; y" in html and "Where &lt;it&gt; is?" in html
    rows = dict(re.findall(r'<th scope="row">(\w+)</th>((?:<td>\d*</td>)+)', html))
    assert rows == {
        "exists": "<td>1</td><td>1</td>",
        "locate": "<td>2</td><td>2</td>",
        "all": "<td>3</td><td>3</td>",
    }
    assert len(pictures(html)) == 2 and "box cup (0.25, 0.25, 0.75, 0.75) in unit" in html


def test_options_and_pairs_are_told(roots):
    chosen = Choice(options=("left", "right"), index=1)
    pair = Pair(
        id="made:p",
        source="made",
        task="relation",
        media=record(1).media,
        turns=record(1).turns,
        geometry=record(1).geometry,
        instruction="",
        observation="",
        chosen=chosen,
        rejected=Choice(options=("left", "right"), index=0),
        mishap="wrong_answer",
        reason="the cup is right",
        verified_by="rule",
    )
    told = card(pair, roots)
    assert "chosen</b> B. right" in told and "rejected</b> A. left" in told
    assert "the cup is right" in told


def test_the_verb_draws_a_run_folder_and_tells_whose_pictures_it_cannot_find(tmp_path, capsys):
    source = tmp_path / "in"
    source.mkdir()
    turns = [
        {"from": "human", "value": "<image>\nPoint at the cup."},
        {"from": "gpt", "value": "[(0.25, 0.5), (0.5, 0.5)]"},
    ]
    row = {"id": "region_ref/1", "image": "region_ref/1.png", "conversations": turns}
    (source / "robopoint_1432k.json").write_text(json.dumps([row]))
    assert main(["convert", "robopoint", str(source), "--out", str(tmp_path / "run")]) == 0
    out = tmp_path / "page.html"
    capsys.readouterr()
    assert main(["show", str(tmp_path / "run"), "--out", str(out)]) == 0
    told = capsys.readouterr().out
    assert "drawn on a canvas" in told and "robopoint" in told
    assert len(pictures(out.read_text())) == len(re.findall('class="card"', out.read_text())) > 0

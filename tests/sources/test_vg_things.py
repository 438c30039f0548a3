"""Visual Genome's objects, attributes and aliases; the rows are made here, to the official keys."""

import json
from pathlib import Path

from msgspec import convert as typed

from seestep.records import Freeform, Provenance, Record, Verdict
from seestep.run import read_rows
from seestep.sources import vg_rows, vg_things, visual_genome
from seestep.sources.convert import ConvertConfig, convert

AT = Provenance(file="rows.json", sha256="0" * 64)
IMAGES = {3: visual_genome.media(vg_rows.Image(3, "a/VG_100K/3.jpg", 640, 480))}


def thing(number: int, x: int, name: str, *words: str, old: bool = False) -> dict:
    box = {"x": x, "y": 10, "w": 50, "h": 40, "attributes": list(words)}
    if old:
        return box | {"id": number, "object_names": [name]}
    return box | {"object_id": number, "names": [name], "synsets": []}


def described(*things: dict, old: bool = False) -> dict[str, Record | Verdict]:
    rows = typed([{"id" if old else "image_id": 3, "attributes": things}], list[vg_rows.Attributes])
    return {found.id: found for found in vg_things.attributes(rows, IMAGES, AT)}


def test_only_thing_of_its_name_is_located_and_one_of_two_is_not() -> None:
    things = [thing(1, 0, "Cup"), thing(2, 200, "dog"), thing(3, 300, "dog"), thing(4, 2, "cup")]
    rows = typed([{"image_id": 3, "objects": things}], list[vg_rows.Objects])
    cup, dog = vg_things.objects(rows, IMAGES, AT)
    assert isinstance(cup, Record) and cup.geometry[0].values == (0, 10, 50, 50)
    assert cup.geometry[0].label == "cup"  # twice annotated, one thing
    assert isinstance(dog, Verdict) and dog.check == "source:ambiguous"


def test_words_of_a_thing_that_v1_0_repeats_come_together() -> None:
    found = described(
        thing(1, 0, "clock", "green", old=True), thing(1, 0, "clock", "Tall ", old=True), old=True
    )
    (record,) = found.values()
    assert record.id == "visual_genome:3-attribute-1"
    assert isinstance(record, Record) and record.answer == Freeform(text="green, tall")


def test_thing_of_which_nothing_is_said_is_not_asked_about() -> None:
    assert not described(thing(1, 0, "clock"))


def test_colour_singles_out_one_thing_where_every_other_has_another() -> None:
    found = described(thing(1, 0, "car", "red", "parked"), thing(2, 300, "car", "black"))
    red, black = found.values()
    assert isinstance(red, Record) and red.geometry[0].label == "red car"
    assert red.geometry[0].values == (0, 10, 50, 50)
    assert isinstance(black, Record) and black.geometry[0].values == (300, 10, 350, 50)


def test_colour_that_another_thing_may_have_too_singles_out_none() -> None:
    unsaid = described(thing(1, 0, "car", "red"), thing(2, 300, "car", "parked"))
    same = described(thing(1, 0, "car", "grey"), thing(2, 300, "car", "gray"))
    for found in (*unsaid.values(), *same.values()):
        assert isinstance(found, Verdict) and found.check == "source:ambiguous"


def test_aliases_beside_the_files_make_one_predicate_of_many(tmp_path: Path) -> None:
    url = {"url": "a/VG_100K/3.jpg", "width": 640, "height": 480}
    one = {"x": 0, "y": 10, "w": 50, "h": 40, "name": "cup"}
    other = one | {"x": 100, "name": "table"}
    related = {"relationship_id": 7, "predicate": "sat ON", "subject": one, "object": other}
    rows = [{"image_id": 3, "relationships": [related]}]
    (tmp_path / "image_data.json").write_text(json.dumps([{"image_id": 3} | url]))
    (tmp_path / "relationships.json").write_text(json.dumps(rows))
    (tmp_path / "relationship_alias.txt").write_text("on,sat on,on top of\nnear,by\n")
    convert(ConvertConfig(source="visual_genome"), tmp_path, tmp_path / "out")
    (record,) = read_rows(tmp_path / "out", Record)
    assert record.answer == Freeform(text="on")

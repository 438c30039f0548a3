from __future__ import annotations

import io

import pytest
from PIL import Image

from seestep import terminal
from seestep.terminal import Look, about, beside, clock, fit_table, folded, half_blocks, look_of


class Terminal(io.TextIOWrapper):
    def __init__(self, encoding: str = "utf-8") -> None:
        super().__init__(io.BytesIO(), encoding=encoding)

    def isatty(self) -> bool:
        return True


FULL = {"TERM": "xterm-256color", "COLORTERM": "truecolor"}


def test_two_pixels_make_one_character():
    image = Image.new("RGB", (1, 2))
    image.putpixel((0, 0), (255, 0, 0))
    image.putpixel((0, 1), (0, 0, 255))
    assert half_blocks(image, 1) == ["\x1b[38;2;255;0;0;48;2;0;0;255m▀\x1b[0m"]


def test_neighbours_of_one_colour_share_a_code():
    (line,) = half_blocks(Image.new("RGB", (5, 2), (1, 2, 3)), 5)
    assert line == "\x1b[38;2;1;2;3;48;2;1;2;3m▀▀▀▀▀\x1b[0m"


def test_an_odd_last_row_has_the_terminal_behind_it():
    lines = half_blocks(Image.new("RGB", (2, 3), (9, 9, 9)), 2)
    assert lines[1] == "\x1b[38;2;9;9;9m▀▀\x1b[0m"


def test_a_picture_keeps_its_shape():
    lines = half_blocks(Image.new("RGB", (96, 48)), 32)
    assert len(lines) == 8  # 16 rows of pixels
    assert {terminal.shown_width(line) for line in lines} == {32}


@pytest.mark.parametrize(
    ("stream", "env", "wanted"),
    [
        (Terminal(), FULL, (True, True)),
        (Terminal(), FULL | {"COLORTERM": ""}, (True, False)),
        (Terminal(), FULL | {"NO_COLOR": "1"}, (False, False)),
        (Terminal(), FULL | {"TERM": "dumb"}, (False, False)),
        (Terminal("latin-1"), FULL, (False, False)),
        (io.StringIO(), FULL, (False, False)),
    ],
)
def test_what_is_shown_depends_on_the_stream_and_on_what_its_user_asks_for(stream, env, wanted):
    look = look_of(stream, env)
    assert (look.colour, look.pictures) == wanted


def test_without_colour_text_stays_as_it_is():
    assert Look().paint("a", "bold") == "a"
    assert Look(colour=True).paint("a", "bold", "red") == "\x1b[1;31ma\x1b[0m"


def test_blocks_stand_side_by_side_whatever_their_colours():
    red = "\x1b[31mab\x1b[0m"
    assert beside([[red, "c"], ["x", "y", "z"]], gap=1) == [f"{red} x", "c  y", "   z"]


def test_a_table_drops_columns_until_it_fits():
    head, rows = ["a", "n", "first", "last"], [["row", "10", "1.0", "2.0"]]
    assert fit_table(head, rows, 40) == ["a     n  first  last", "row  10    1.0   2.0"]
    assert fit_table(head, rows, 17, drop=[1, 2]) == ["a    first  last", "row    1.0   2.0"]
    assert fit_table(head, rows, 9, drop=[1, 2]) == ["a    last", "row   2.0"]


def test_long_text_is_cut_visibly():
    assert folded("one two three four", 10, most=1) == ["one ..."]
    assert folded("one two", 12, indent="  ") == ["  one two"]


def test_spans_of_time_read_like_speech():
    assert [clock(s) for s in (8, 80, 7500)] == ["8 s", "1 min 20 s", "2 h 05 min"]
    spoken = [about(s) for s in (1, 42, 200, 7200)]
    assert spoken == ["about 5 s", "about 40 s", "about 3 min", "about 2.0 h"]

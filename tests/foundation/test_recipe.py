from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import msgspec
import pytest

from seestep import recipe
from seestep.errors import RecipeError


class Optim(msgspec.Struct, frozen=True):
    lr: float = 1e-5
    warmup_steps: Annotated[int, msgspec.Meta(ge=0)] = 0
    schedule: Literal["cosine", "linear"] = "cosine"


class Length(msgspec.Struct, frozen=True, tag_field="filter", tag="length"):
    least: int = 1


class Simhash(msgspec.Struct, frozen=True, tag_field="filter", tag="simhash"):
    bits: int = 3


class Recipe(msgspec.Struct, frozen=True):
    model: str
    optim: Optim = Optim()
    frozen: bool = False
    filters: tuple[Length | Simhash, ...] = ()
    roots: dict[str, Path] = {}
    stages: dict[str, Optim] = {}
    sizes: tuple[int, int] = (1, 1)
    limit: int | None = None

    def __post_init__(self) -> None:
        if self.frozen and self.optim.lr > 0.5:
            raise ValueError("a frozen model has no learning rate above 0.5")


def write(folder: Path, text: str, name: str = "recipe.yaml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def load(folder: Path, text: str, *overrides: str) -> Recipe:
    return recipe.load(write(folder, text), overrides, Recipe)


def message(folder: Path, text: str, *overrides: str) -> str:
    with pytest.raises(RecipeError) as caught:
        load(folder, text, *overrides)
    return str(caught.value)


def test_a_bare_exponent_is_a_number(tmp_path):
    assert load(tmp_path, "model: m\noptim: {lr: 2e-5}").optim.lr == 2e-5
    assert load(tmp_path, "model: m", "optim.lr=1e-6").optim.lr == 1e-6
    assert load(tmp_path, "model: m\noptim: {lr: '3e-5'}").optim.lr == 3e-5


def test_no_is_a_word_where_a_word_is_wanted_and_false_where_a_bool_is(tmp_path):
    read = load(tmp_path, "model: no\nfrozen: no")
    assert (read.model, read.frozen) == ("no", False)
    assert load(tmp_path, "model: 2024-01-01").model == "2024-01-01"
    assert load(tmp_path, "model: 12:30\nfrozen: on").frozen is True


def test_a_number_where_a_word_is_wanted_tells_to_quote_it(tmp_path):
    assert 'put it in quotes, "3"' in message(tmp_path, "model: 3")
    assert "model" in message(tmp_path, "model: true")


def test_a_misspelt_key_names_file_key_and_nearest(tmp_path):
    said = message(tmp_path, "model: m\noptim: {warmup_step: 3}")
    assert str(tmp_path / "recipe.yaml") in said
    assert "optim.warmup_step: there is no such key" in said
    assert "did you mean optim.warmup_steps?" in said


def test_a_key_in_the_wrong_place_is_sent_to_its_place(tmp_path):
    assert "did you mean optim.lr?" in message(tmp_path, "model: m\nlr: 3")
    assert "did you mean frozen?" in message(tmp_path, "model: m\noptim: {frozen: true}")


def test_a_misspelt_key_inside_lists_and_mappings_has_its_full_name(tmp_path):
    text = "model: m\nfilters: [{filter: length}, {filter: simhash, bit: 3}]"
    assert "filters.1.bit: there is no such key" in message(tmp_path, text)
    assert "did you mean filters.1.bits?" in message(tmp_path, text)
    said = message(tmp_path, "model: m\nstages: {align: {lrr: 1}}")
    assert "stages.align.lrr" in said and "did you mean stages.align.lr?" in said


def test_a_misspelt_kind_names_the_kinds(tmp_path):
    said = message(tmp_path, "model: m\nfilters: [{filter: simhsh}]")
    assert "filters.0.filter" in said and "did you mean simhash?" in said
    assert "filters.0.filter: this key must be given" in message(
        tmp_path, "model: m\nfilters: [{}]"
    )


def test_a_wrong_word_of_a_closed_set_names_the_nearest(tmp_path):
    said = message(tmp_path, "model: m\noptim: {schedule: cosin}")
    assert "optim.schedule" in said and "cosine | linear" in said
    assert "did you mean cosine?" in said


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("optim: {lr: fast}", "optim.lr"),
        ("optim: {warmup_steps: 1.5}", "optim.warmup_steps"),
        ("optim: {warmup_steps: -1}", "optim.warmup_steps"),
        ("optim: 3", "optim"),
        ("sizes: [1, 2, 3]", "sizes"),
        ("sizes: [1, x]", "sizes.1"),
        ("frozen: maybe", "frozen"),
        ("filters: {filter: length}", "filters"),
        ("limit: lots", "limit"),
        ("roots: {coco: 3}", "roots.coco"),
    ],
)
def test_a_wrong_type_names_its_key(tmp_path, text, key):
    assert f"recipe.yaml: {key}: " in message(tmp_path, f"model: m\n{text}")


def test_a_missing_key_is_named(tmp_path):
    assert "model: this key must be given" in message(tmp_path, "frozen: true")
    assert "model: this key must be given" in message(tmp_path, "")


def test_an_impossible_combination_fails_while_loading(tmp_path):
    said = message(tmp_path, "model: m\nfrozen: true\noptim: {lr: 0.9}")
    assert "no learning rate above 0.5" in said


def test_bases_merge_mappings_and_replace_lists(tmp_path):
    write(
        tmp_path,
        "model: a\noptim: {lr: 0.1, warmup_steps: 5}\nfilters: [{filter: length}]",
        "a.yaml",
    )
    (tmp_path / "sub").mkdir()
    path = write(
        tmp_path / "sub",
        "base: ../a.yaml\noptim: {lr: 0.2}\nfilters: [{filter: simhash}]\n",
    )
    read = recipe.load(path, [], Recipe)
    assert read.optim == Optim(lr=0.2, warmup_steps=5)
    assert read.filters == (Simhash(),)
    assert read.model == "a"


def test_later_bases_win_over_earlier_and_the_file_over_both(tmp_path):
    write(tmp_path, "model: a\nlimit: 1\nfrozen: true", "a.yaml")
    write(tmp_path, "model: b\nlimit: 2", "b.yaml")
    read = load(tmp_path, "base: [a.yaml, b.yaml]\nlimit: 3")
    assert (read.model, read.limit, read.frozen) == ("b", 3, True)


def test_a_wrong_key_in_a_base_names_the_base(tmp_path):
    write(tmp_path, "model: a\noptim: {lrr: 1}", "a.yaml")
    assert f"{tmp_path / 'a.yaml'}: optim.lrr" in message(tmp_path, "base: a.yaml\nlimit: 1")


def test_a_circle_of_bases_is_told(tmp_path):
    write(tmp_path, "base: recipe.yaml", "a.yaml")
    assert "recipe.yaml -> a.yaml -> recipe.yaml" in message(tmp_path, "base: a.yaml")


def test_a_missing_base_is_named(tmp_path):
    assert "nowhere.yaml: there is no such recipe" in message(tmp_path, "base: nowhere.yaml")


def test_an_override_changes_one_place_of_a_value_that_stands_in_several(tmp_path):
    text = "one: &a {k: 1, list: [1]}\ntwo: *a\n"
    values = recipe.read(write(tmp_path, text), ["one.k=2", "one.list.0=3"])
    assert values == {"one": {"k": 2, "list": [3]}, "two": {"k": 1, "list": [1]}}


def test_overrides_reach_into_lists(tmp_path):
    text = "model: m\nfilters: [{filter: length}, {filter: simhash}]"
    read = load(tmp_path, text, "filters.1.bits=5", "stages.align.lr=2", "model=x", "limit=null")
    assert read.filters == (Length(), Simhash(bits=5))
    assert read.stages == {"align": Optim(lr=2)}
    assert load(tmp_path, text, "filters=[]").filters == ()


@pytest.mark.parametrize(
    ("override", "part"),
    [
        ("filters.2.bits=5", "filters is a list of 1"),
        ("filters.x=5", "filters is a list of 1"),
        ("model.x=5", "there is nothing below it"),
        ("model", "cannot read the override"),
        ("=5", "cannot read the override"),
        ("a..b=5", "cannot read the override"),
        ("optim.lrr=5", "override 'optim.lrr=5': optim.lrr: there is no such key"),
        ("sizes.0=5", "give it whole"),
        ("model=[", "not YAML"),
    ],
)
def test_a_bad_override_is_told(tmp_path, override, part):
    assert part in message(tmp_path, "model: m\nfilters: [{filter: length}]", override)


def test_the_resolved_text_loads_as_the_same_recipe(tmp_path):
    read = load(
        tmp_path,
        "model: 'no'\noptim: {lr: 2e-5}\nfilters: [{filter: simhash}]\nroots: {coco: /data}\n"
        "stages: {a: {lr: 1}}",
    )
    again = load(tmp_path, recipe.resolved(read))
    assert again == read
    assert "warmup_steps: 0" in recipe.resolved(read)


def test_the_resolved_text_keeps_words_that_look_like_numbers(tmp_path):
    for word in ("2e-5", "1.0", "0x1", "true", "null", "~", ".inf", "2024-01-01", "1:30", "no"):
        read = recipe.decode({"model": word}, Recipe)
        assert load(tmp_path, recipe.resolved(read)).model == word


def test_a_bomb_of_aliases_is_refused_at_once(tmp_path):
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 10)]
    assert "more than" in message(tmp_path, "\n".join(lines))
    assert "more than" in message(tmp_path, "model: &a [*a]")


@pytest.mark.parametrize(
    "text",
    [
        "model: !!python/object/apply:os.system ['true']",
        "model: [1, 2",
        "model: a\nmodel: b",
        "- model",
        "[" * 5000,
        "\tmodel: a",
    ],
)
def test_what_is_no_recipe_is_refused(tmp_path, text):
    assert str(tmp_path / "recipe.yaml") in message(tmp_path, text)


def test_other_encodings_are_refused(tmp_path):
    (tmp_path / "recipe.yaml").write_bytes("model: 模型".encode("gb18030"))
    with pytest.raises(RecipeError, match="not UTF-8"):
        recipe.load(tmp_path / "recipe.yaml", [], Recipe)
    (tmp_path / "recipe.yaml").write_bytes(b"\xef\xbb\xbf" + "model: 模型".encode())
    assert recipe.load(tmp_path / "recipe.yaml", [], Recipe).model == "模型"


def test_a_missing_recipe_is_named(tmp_path):
    with pytest.raises(RecipeError, match="there is no such recipe"):
        recipe.load(tmp_path / "none.yaml", [], Recipe)

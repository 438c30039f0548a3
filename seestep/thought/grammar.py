"""One grammar for a whole completion: thought and answer, for constrained decoding (llguidance).

The thought is the JSON schema of ``schema``; the answer is the form the question asks for. What
the grammar cannot hold (ids that resolve, boxes in order) is left to ``wire.read_thought``.
vLLM takes the same text as ``structured_outputs={"grammar": ...}`` with the guidance backend.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Sequence
from typing import Literal, TypeAlias

from seestep.act.vocabulary import VERBS
from seestep.act.wire import MOST_STEPS
from seestep.errors import DataError
from seestep.families import Family
from seestep.records import Choice, Pair
from seestep.thought.schema import json_schema
from seestep.thought.wire import ANSWER, END_ANSWER, END_THINK, THINK, Asked, Style, wire_frame

Think: TypeAlias = Literal["required", "optional", "empty"]
Names: TypeAlias = Sequence[Sequence[str]]
"""What a plan may call a thing: lists of words in order, of which all but the last are optional."""

TAGS = (THINK, END_THINK, ANSWER, END_ANSWER)

_INT = "INT: /0|[1-9][0-9]{0,4}/"
_PERMILLE = "INT: /0|[1-9][0-9]{0,2}|1000/"
_UNIT = r"UNIT: /0(\.[0-9]{1,4})?|1(\.0{1,4})?/"
_PERCENT = r"PERCENT: /0(\.[0-9])?|[1-9][0-9]?(\.[0-9])?|100(\.0)?/"
_NUMBERS = {
    "pixel": ("INT", _INT),
    "pixel_resized": ("INT", _INT),
    "permille": ("INT", _PERMILLE),
    "unit": ("UNIT", _UNIT),
    "percent": ("PERCENT", _PERCENT),
}
# notation -> the rules that write it; N stands for the frame's number
_LABEL = r"""(", \"label\": \"" LABEL "\"")?"""
_LABEL_RULE = r"LABEL: /[^\"\\\n<]{1,80}/"
_FOUR = 'N ", " N ", " N ", " N'
_JSON_POINT = rf"""place: "{{\"point_2d\": [" N ", " N "]" {_LABEL} "}}" """.rstrip()
_JSON_BOX = rf"""place: "{{\"bbox_2d\": [" {_FOUR} "]" {_LABEL} "}}" """.rstrip()
_BARE = 'ans: "[" place (", " place)* "]"'
_FENCED = r"""ans: "```json\n[\n\t" place (",\n\t" place)* "\n]\n```" """.rstrip()
_PLACES: dict[str, tuple[str, ...]] = {
    "tuples": ('ans: "[" place (", " place)* "]"', 'place: "(" N ", " N ")"'),
    "lists": ('ans: "[" place (", " place)* "]"', 'place: "[" N ", " N "]"'),
    "json_point_2d": (_FENCED, _JSON_POINT, _LABEL_RULE),
    "json_point_2d_bare": (_BARE, _JSON_POINT, _LABEL_RULE),
    "json_bbox_2d": (_FENCED, _JSON_BOX, _LABEL_RULE),
    "json_bbox_2d_bare": (_BARE, _JSON_BOX, _LABEL_RULE),
    "bracket_box": (f'ans: "[" {_FOUR} "]"',),
}
_ALONE = {"tuple": ("(", ")"), "list": ("[", "]")}  # one point or one box, by kind


def completion_grammar(
    asked: Asked,
    family: Family,
    *,
    think: Think = "optional",
    style: Style = "tags",
    tags_are_tokens: bool | Collection[str] = False,
    names: Names = (),
) -> str:
    """Lark grammar of a completion for this question: think tags, then answer tags.

    Of the right answer it knows the kind and of a choice how many options there are, both of which
    the prompt says too: nothing in it helps to find the answer.

    Args:
        think: "required" wants a thought, "empty" forbids one, "optional" leaves it to the model.
        style: "plain" is the native answer alone, whatever ``think`` says.
        tags_are_tokens: which of the four tags are special tokens of the tokenizer, not plain
            text; True for all.
        names: what a plan may call things; any short string if empty.

    Raises ``DataError`` for a notation that has no grammar, or a choice without options.
    """
    answer = answer_rules(asked, family, names)
    if style == "plain":
        return "\n".join(("start: ans", *answer)) + "\n"
    special = TAGS if tags_are_tokens is True else tags_are_tokens or ()
    before, after, said, end = (tag if tag in special else f'"{tag}"' for tag in TAGS)
    middle = {"required": " thought", "optional": " thought?", "empty": ""}[think]
    rules = [f"start: {before}{middle} {after} {said} ans {end}"]
    if think != "empty":
        # no spaces between the parts: what ``wire.write_thought`` writes
        schema = json_schema(wire_frame(family)) | {"x-guidance": {"whitespace_flexible": False}}
        rules.append(f"thought: %json {json.dumps(schema, separators=(',', ':'))}")
    return "\n".join((*rules, *answer)) + "\n"


def answer_rules(asked: Asked, family: Family, names: Names = ()) -> list[str]:
    """Lark rules of the native answer; the first defines ``ans``."""
    kind = answer_kind(asked)
    if kind == "choice":
        letters = (f'"{chr(ord("A") + i)}"' for i in range(_options(asked)))
        rules = ["ans: " + " | ".join(letters)]
    elif kind == "number":
        rules = ["ans: NUMBER", r"NUMBER: /-?(0|[1-9][0-9]{0,8})(\.[0-9]{1,6})?/"]
    elif kind == "yes_no":
        rules = ['ans: "yes" | "no"']
    elif kind == "plan":
        rules = _plan_rules(names)
    elif kind == "text":
        rules = ["ans: LINE", r"LINE: /[^<]{1,2000}/"]
    else:
        rules = _place_rules(kind, asked, family)
    prompt = asked.form.prompt if asked.form is not None else None
    if prompt and "Answer: " in prompt:
        head, *rest = rules
        rules = ['ans: "Answer: " native', head.replace("ans:", "native:", 1), *rest]
    return rules


def answer_kind(asked: Asked) -> str:
    """The kind of answer asked for: the form's, else that of the right answer."""
    if asked.form is not None:
        return asked.form.kind
    answer = asked.chosen if isinstance(asked, Pair) else asked.answer
    return _KINDS[type(answer).__name__]


_KINDS = {
    "Choice": "choice",
    "Number": "number",
    "YesNo": "yes_no",
    "Points": "points",
    "Box": "box",
    "Path": "path",
    "Plan": "plan",
    "Freeform": "text",
}


def _place_rules(kind: str, asked: Asked, family: Family) -> list[str]:
    form = asked.form
    frame = (form.frame if form else None) or family.frame
    notation = (form.notation if form else None) or family.notations[kind]
    number, rule = _NUMBERS[frame]
    if notation in _ALONE:
        left, right = _ALONE[notation]
        inside = _FOUR if kind == "box" else 'N ", " N'
        rules: tuple[str, ...] = (f'ans: "{left}" {inside} "{right}"',)
    elif notation in _PLACES:
        rules = _PLACES[notation]
    else:
        raise DataError(
            "this notation has no grammar",
            record=asked.id,
            wanted=" | ".join((*_ALONE, *_PLACES)),
            got=notation,
        )
    return [*(re.sub(r"\bN\b", number, r) for r in rules), rule]


def _plan_rules(names: Names) -> list[str]:
    """[["pick","red mug"],...]: the verb with as many names as it takes."""
    steps = []
    for verb, (least, most) in VERBS.items():
        words = "".join(' "," NAME' for _ in range(least))
        words += "".join(' ("," NAME)?' for _ in range(most - least))
        steps.append(f'"[\\"{verb}\\""{words} "]"')
    return [
        f'ans: "[" step ("," step){{0,{MOST_STEPS - 1}}} "]"',
        "step: " + "\n  | ".join(steps),
        _name_rule(names),
    ]


def _name_rule(names: Names) -> str:
    if not names:
        return r"NAME: /\"[^\"\\\n<]{1,60}\"/"
    *before, kinds = ["|".join(re.escape(word) for word in words) for words in names]
    optional = "".join(f"(({words}) )?" for words in before)
    return rf"NAME: /\"{optional}({kinds})\"/".replace("\\ ", " ")


def _options(asked: Asked) -> int:
    answer = asked.chosen if isinstance(asked, Pair) else asked.answer
    if isinstance(answer, Choice):
        return len(answer.options)
    raise DataError("a choice needs its options to be constrained", record=asked.id)

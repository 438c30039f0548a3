"""What the tokenizer knows besides the questions: fixed phrases, and the words of later stages."""

from __future__ import annotations

from collections.abc import Iterator

from seestep.act.vocabulary import PREDICATES, VERBS, words
from seestep.families import wording
from seestep.world.questions import FORMS
from seestep.world.room.catalog import KINDS

KEYS = ("xcot/1", "frame", "n1000", "objs", "views", "from", "to", "same", "cam", "steps", "next")
REPEAT = 40  # often enough that BPE merges each into one or two tokens


def form_phrases() -> tuple[str, ...]:
    """Sentences that ask for an answer's form, and the JSON around a point and a box."""
    asked = [
        *(form.prompt for forms in FORMS.values() for form in forms if form.prompt),
        *(wording.sentence(kind, "", "") for kind in ("number", "yes_no", "plan", "text")),
        *(wording.sentence(k, "permille", "json_point_2d") for k in ("point", "points", "path")),
        *(wording.sentence(k, "unit", "tuples") for k in ("point", "points", "path")),
        wording.sentence("box", "permille", "json_bbox_2d"),
    ]
    fences = ('```json\n[\n\t{"point_2d": [', '```json\n[\n\t{"bbox_2d": [', '"}\n]\n```')
    return tuple(dict.fromkeys([*asked, *fences, '], "label": "']))


def domain_texts() -> Iterator[str]:
    """Names, steps and facts as they stand in plan answers and in the JSON of a thought."""
    names = [words(kind) for kind in KINDS]
    for round_ in range(REPEAT):
        for i, name in enumerate(names):
            color = KINDS[list(KINDS)[i]].colors[round_ % len(KINDS[list(KINDS)[i]].colors)]
            yield f'"{color} {name}" {color} {name}'
            yield f'{{"id":"o{i % 8 + 1}","n":"{color} {name}","im":0,"b":[120,340,560,780]}}'
        for verb in VERBS:
            yield f'["{verb}","o1"],["{verb}","red mug"] {verb} the'
            yield f'{{"see":"red mug","pre":[["visible","o1"]],"do":["{verb}","o1","o2"],"expect":'
        for fact in PREDICATES:
            yield f'["{fact}","o1"],["!{fact}","o1","o2"]'
        yield "".join(f'"{key}":' for key in KEYS)

"""Which verb a recipe is for, told from its keys, so that a wrong verb names the right one."""

from __future__ import annotations

import sys
from pathlib import Path

from seestep import recipe as recipes
from seestep.errors import RecipeError

# The first kind of which a recipe has a key; recipes/evidence.yaml is a pipeline with one key more.
SIGNS = {
    "evidence": ({"evidence"}, "a comparison of several runs"),
    "pretrain": ({"vision", "joint", "phases"}, "the pretraining of a base"),
    "run": ({"world", "sources", "pipeline", "settings", "stages"}, "a whole run"),
    "eval": ({"items", "ask"}, "an evaluation"),
    "train": ({"optim", "batch", "epochs", "method"}, "one training stage"),
    "curate": ({"look", "rules", "exact", "near"}, "curation"),
}


def verb_of(keys: set[str]) -> str | None:
    """The verb of a recipe with these top-level keys; None where no key tells."""
    return next((verb for verb, (signs, _) in SIGNS.items() if signs & keys), None)


def expect(verb: str, recipe: Path) -> None:
    """Raise ``RecipeError`` where ``recipe`` is of another verb's kind."""
    found = verb_of(set(recipes.read(recipe)))
    if found not in (verb, None):
        raise RecipeError(
            f"this recipe is of {SIGNS[found][1]}, not of {SIGNS[verb][1]}",
            file=recipe,
            hint=f"seestep {found} {recipe}",
        )


def warn_of_precision(precision: str) -> None:
    """Say on stderr where bf16 would make a CPU many times slower than fp32."""
    from seestep.checkup import bf16_is_slow

    if precision == "bf16" and bf16_is_slow():
        print(
            "seestep: precision is bf16 and this CPU has no instructions for it: a step takes 10 to"
            " 20 times as long. Try: precision=fp32",
            file=sys.stderr,
        )

"""What to call a thing, so that someone who looks at the home knows which one is meant."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable

from seestep.act.state import State, Thing
from seestep.act.vocabulary import words
from seestep.records import Entity

_RECENT: deque[tuple[State, dict[str, str]]] = deque(maxlen=4)


def names(state: State) -> dict[str, str]:
    """objectId -> name, the shortest of type, colour + type, size + colour + type that is its own.

    Things that can be carried always show their colour ("red mug"), furniture only to tell it from
    another ("sofa"). Things alike in all three share a name; ``judge.ground`` says what a plan
    that uses it means.
    """
    for known, called in tuple(_RECENT):
        if known is state:  # states never change, and one state is asked about many times over
            return dict(called)
    forms = {t.id: _forms(t) for t in state.things.values()}
    taken = Counter(form for mine in forms.values() for form in dict.fromkeys(mine))
    called = {
        thing: min(mine, key=lambda form: taken[form])  # of equals the first, which is the shortest
        for thing, mine in forms.items()
    }
    _RECENT.append((state, called))
    return dict(called)


def entities(state: State, things: Iterable[str]) -> tuple[Entity, ...]:
    """Entities o1, o2, ... for objectIds, in the order given, each once.

    "?purple vase" stands for a thing that is not there: an entity of that name without ``sim``.
    """
    called = names(state)
    return tuple(
        Entity(
            id=f"o{n}",
            name=thing.removeprefix("?") if thing not in called else called[thing],
            sim=thing if thing in called else "",
        )
        for n, thing in enumerate(dict.fromkeys(things), 1)
    )


def _forms(thing: Thing) -> list[str]:
    kind = words(thing.type)
    if thing.is_sliced and not thing.type.endswith("Sliced"):
        kind = f"sliced {kind}"
    colored = " ".join(w for w in (thing.color, kind) if w)
    sized = " ".join(w for w in (thing.size, colored) if w)
    return [colored, sized] if thing.pickupable else [kind, colored, sized]

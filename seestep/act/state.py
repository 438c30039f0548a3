"""The symbolic state of a home: what there is, how it stands, what the agent holds.

Built from the ``objects`` of an AI2-THOR 5.x ``Event.metadata`` and changed only by ``executor``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from seestep.act.vocabulary import SHUTS
from seestep.errors import DataError


class Thing(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """One object. ``parents`` are the receptacles it is directly in or on."""

    id: str
    type: str
    color: str = ""
    size: str = ""
    pickupable: bool = False
    receptacle: bool = False
    openable: bool = False
    toggleable: bool = False
    sliceable: bool = False
    cookable: bool = False
    dirtyable: bool = False
    moveable: bool = False
    fillable: bool = False
    is_open: bool = False
    is_on: bool = False
    is_sliced: bool = False
    is_cooked: bool = False
    is_dirty: bool = False
    is_filled: bool = False
    temperature: str = "RoomTemp"  # RoomTemp, Hot or Cold
    parents: tuple[str, ...] = ()
    controls: tuple[str, ...] = ()  # what it switches: a stove knob its burner

    @property
    def shut(self) -> bool:
        """True if it is a closed receptacle: nothing can be seen, put or taken in it."""
        return self.type in SHUTS and self.openable and not self.is_open


class State(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A home at one moment. Treat ``things`` as read-only: states share their things.

    ``near`` holds the ids within the agent's reach; it matters only to an executor whose rules
    ask for explicit ``goto`` steps.
    """

    things: dict[str, Thing]
    holding: str = ""
    near: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        if self.holding and self.holding not in self.things:
            raise ValueError(f"the agent holds {self.holding!r}, which is not in the home")

    def ancestors(self, thing: str) -> Iterator[str]:
        """Ids of every receptacle around ``thing``, innermost first."""
        seen: set[str] = set()
        todo = list(self.things[thing].parents)
        while todo:
            parent = todo.pop(0)
            if parent in seen or parent not in self.things:
                continue
            seen.add(parent)
            yield parent
            todo.extend(self.things[parent].parents)

    def contents(self, receptacle: str) -> list[str]:
        """Ids of the things directly in or on ``receptacle``, in order of id."""
        return sorted(t.id for t in self.things.values() if receptacle in t.parents)

    def within(self, receptacle: str) -> list[str]:
        """Ids of all things in or on ``receptacle``, however deep, in order of id."""
        return sorted(t for t in self.things if receptacle in self.ancestors(t))

    def gone(self, thing: str) -> bool:
        """True if the thing was cut up and its slices stand for it, as in AI2-THOR."""
        if not self.things[thing].is_sliced:
            return False
        prefix = f"{thing}|{self.things[thing].type}Sliced"
        return any(other.startswith(prefix) for other in self.things)

    def concealed(self, thing: str) -> bool:
        """True if the thing lies in a closed receptacle or is gone."""
        if self.gone(thing):
            return True
        around = (self.things[a] for a in self.ancestors(thing))
        return any(a.shut for a in around)

    def key(self) -> tuple[Any, ...]:
        """What distinguishes two states of one home: hashable, without ``near``."""
        return (
            self.holding,
            tuple(
                (t.id, t.parents, t.is_open, t.is_on, t.is_sliced, t.is_dirty, t.temperature)
                for t in self.things.values()
            ),
        )


def from_metadata(metadata: Mapping[str, Any]) -> State:
    """The symbolic state behind an AI2-THOR 5.x ``Event.metadata``.

    AI2-THOR lists outer receptacles among ``parentReceptacles`` too; only the innermost stay.
    A held thing has no parents. Raises DataError when a needed key is missing.
    """
    try:
        objects = metadata["objects"]
        raw = {o["objectId"]: _thing(o) for o in objects}
        near = frozenset(o["objectId"] for o in objects if o.get("isInteractable"))
        held = [o["objectId"] for o in metadata.get("inventoryObjects") or ()]
    except KeyError as error:
        raise DataError(
            f"event metadata lacks the key {error}",
            wanted="an AI2-THOR 5.x Event.metadata",
            hint="pass event.metadata of the simulator unchanged",
        ) from error
    picked = [o["objectId"] for o in objects if o.get("isPickedUp")]
    holding = next((h for h in (*held, *picked) if h in raw), "")
    things = {}
    for thing in raw.values():
        parents = tuple(dict.fromkeys(p for p in thing.parents if p in raw and p != thing.id))
        outer = {a for p in parents for a in _around(raw, p)}
        inner = tuple(p for p in parents if p not in outer)
        if thing.id == holding:
            inner = ()
        things[thing.id] = msgspec.structs.replace(thing, parents=inner)
    return State(things, holding, near)


def to_json(state: State) -> dict[str, Any]:
    """Plain JSON of a state; defaults are left out."""
    plain: dict[str, Any] = msgspec.to_builtins(state, order="sorted")
    plain["things"] = list(plain["things"].values())
    return plain


def from_json(plain: Mapping[str, Any]) -> State:
    """The state that ``to_json`` wrote. Raises DataError if it is not one."""
    try:
        data = dict(plain)
        data["things"] = {t["id"]: t for t in data["things"]}
        return msgspec.convert(data, State)
    except (KeyError, TypeError, msgspec.ValidationError) as error:
        raise DataError(
            f"not a symbolic state: {error}", wanted="what act.state.to_json wrote"
        ) from error


def replaced(state: State, *things: Thing, **fields: Any) -> State:
    """``state`` with some things and fields exchanged."""
    merged = dict(state.things)
    merged.update((t.id, t) for t in things)
    return msgspec.structs.replace(state, things=merged, **fields)


def _thing(o: Mapping[str, Any]) -> Thing:
    return Thing(
        id=o["objectId"],
        type=o["objectType"],
        color=o.get("color") or "",
        size=o.get("size") or "",
        pickupable=o["pickupable"],
        receptacle=o["receptacle"],
        openable=o["openable"],
        toggleable=o["toggleable"],
        sliceable=o["sliceable"],
        cookable=o.get("cookable", False),
        dirtyable=o.get("dirtyable", False),
        moveable=o.get("moveable", False),
        fillable=o.get("canFillWithLiquid", False),
        is_open=o["isOpen"],
        is_on=o["isToggled"],
        is_sliced=o["isSliced"],
        is_cooked=o.get("isCooked", False),
        is_dirty=o.get("isDirty", False),
        is_filled=o.get("isFilledWithLiquid", False),
        temperature=o.get("temperature") or "RoomTemp",
        parents=tuple(o.get("parentReceptacles") or ()),
        controls=tuple(o.get("controlledObjects") or ()),
    )


def _around(raw: Mapping[str, Thing], thing: str) -> set[str]:
    seen: set[str] = set()
    todo = list(raw[thing].parents)
    while todo:
        parent = todo.pop()
        if parent in raw and parent != thing and parent not in seen:
            seen.add(parent)
            todo.extend(raw[parent].parents)
    return seen

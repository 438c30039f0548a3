"""A small kitchen to reason about by hand, and the way to make others."""

from seestep.act.state import State, Thing, replaced


def thing(kind, number=1, parent="", **facts):
    """One Thing with the properties that its kind has in AI2-THOR."""
    from seestep.act import vocabulary as v

    return Thing(
        id=f"{kind}|{number}",
        type=kind,
        pickupable=kind in v.PICKUPABLE,
        receptacle=kind in v.HOLDS,
        openable=kind in v.OPENABLE,
        toggleable=kind in v.TOGGLEABLE,
        sliceable=kind in v.SLICEABLE,
        cookable=kind == "Potato",
        dirtyable=kind in v.DIRTYABLE,
        parents=(parent,) if parent else (),
        **facts,
    )


def home(*things):
    return State({t.id: t for t in things})


def kitchen():
    """Apple, dirty red mug, knife and book on the counter; a cold potato in the closed fridge."""
    return home(
        thing("CounterTop"),
        thing("DiningTable"),
        thing("Fridge"),
        thing("Microwave"),
        thing("SinkBasin"),
        thing("Faucet"),
        thing("Cabinet"),
        thing("DeskLamp", parent="DiningTable|1"),
        thing("Apple", parent="CounterTop|1", color="green"),
        thing("Mug", parent="CounterTop|1", color="red", is_dirty=True),
        thing("Bowl", parent="DiningTable|1", color="blue"),
        thing("Spoon", parent="DiningTable|1", color="gray"),
        thing("Potato", parent="Fridge|1", color="brown", temperature="Cold"),
        thing("Book", parent="DiningTable|1", color="red"),
        thing("Book", 2, parent="CounterTop|1", color="blue"),
        thing("Knife", parent="CounterTop|1"),
    )


__all__ = ["home", "kitchen", "replaced", "thing"]

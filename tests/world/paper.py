"""A home on paper: a Simulator with AI2-THOR's own navigation actions and no pictures."""

from seestep.act.executor import Rules, apply
from seestep.act.vocabulary import ACTIONS
from seestep.world.protocol import Event

VERBS = {actions[0]: verb for verb, actions in ACTIONS.items() if len(actions) == 1}


class PaperHome:
    """Wraps a State. Poses are numbered things; standing at one is being near that thing."""

    capabilities = frozenset({*VERBS, "GetInteractablePoses", "TeleportFull"})

    def __init__(self, state):
        self.first = self.state = state
        self.reset(0)

    def reset(self, scene, *, seed=0):
        self.state = self.first
        return self._event("Reset", "")

    def step(self, action, **arguments):
        target = arguments.get("objectId", "")
        if action == "GetInteractablePoses":
            if target not in self.state.things:
                return self._event(action, "Object ID appears to be invalid.")
            hidden = self.state.concealed(target)
            return self._event(
                action, "", [] if hidden else [{"x": sorted(self.state.things).index(target)}]
            )
        if action == "TeleportFull":
            act = ("goto", sorted(self.state.things)[arguments["x"]])
        else:
            act = (VERBS[action], target) if target else (VERBS[action],)
        self.state, reason = apply(self.state, act, Rules(approach=False))
        return self._event(action, reason)

    def close(self):
        pass

    def _event(self, action, reason, value=None):
        objects = [
            {
                "objectId": t.id,
                "objectType": t.type,
                "color": t.color,
                "size": t.size,
                "pickupable": t.pickupable,
                "receptacle": t.receptacle,
                "openable": t.openable,
                "toggleable": t.toggleable,
                "sliceable": t.sliceable,
                "cookable": t.cookable,
                "dirtyable": t.dirtyable,
                "isOpen": t.is_open,
                "isToggled": t.is_on,
                "isSliced": t.is_sliced,
                "isCooked": t.is_cooked,
                "isDirty": t.is_dirty,
                "temperature": t.temperature,
                "isPickedUp": t.id == self.state.holding,
                "isInteractable": t.id in self.state.near,
                "parentReceptacles": list(t.parents),
                "controlledObjects": list(t.controls),
            }
            for t in self.state.things.values()
        ]
        self.last_event = Event(
            {
                "objects": objects,
                "inventoryObjects": [{"objectId": self.state.holding}]
                if self.state.holding
                else [],
                "agent": {"position": {"x": 0.0, "y": 0.9, "z": 0.0}, "rotation": {"y": 0.0}},
                "lastAction": action,
                "lastActionSuccess": not reason,
                "errorMessage": reason,
                "actionReturn": value,
            }
        )
        return self.last_event

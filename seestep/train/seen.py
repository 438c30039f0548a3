"""A frozen vision tower looks at each picture once.

Where the tower does not learn, what its blocks make of a picture stays the same for the whole run,
and a picture is shown many times: once an epoch, once for every question about it. Only the
mergers, which may learn, run again.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor

from seestep.errors import RecipeError

MIB = 2**20


@contextmanager
def looking_once(model: Any, mb: int) -> Iterator[Looks | None]:
    """Within it the vision tower of ``model`` (a Qwen3-VL) remembers up to ``mb`` MiB of states.

    While a weight before the mergers can learn, the tower runs as ever. A picture is looked at
    alone, so what is remembered does not depend on what else a batch held, and a run that goes on
    after a kill ends bit for bit where an uninterrupted one does. Who knows the pictures beforehand
    has them looked at in batches that are always the same (``Looks.ahead`` of what this yields),
    in a third of the time; those are never forgotten. Nothing is done for ``mb`` 0.
    """
    if mb == 0:
        yield None
        return
    visual = _tower(model)
    looks = visual.forward = Looks(visual, mb)
    try:
        yield looks
    finally:
        looks.forget()
        del visual.forward


class Looks:
    """The forward of a tower: states before its mergers from memory, those of new pictures made.

    ``made`` and ``found`` count pictures that were looked at and that were remembered.
    """

    def __init__(self, visual: Any, mb: int) -> None:
        self._visual, self._forward = visual, visual.forward
        self._sharing: list[Any] = []
        self._ahead: dict[bytes, list[Tensor]] = {}
        self._states: OrderedDict[bytes, list[Tensor]] = OrderedDict()
        self._room = mb * MIB
        self._patch_bytes = 0  # states of one patch, once a picture was looked at
        self.made = self.found = 0

    @property
    def device(self) -> torch.device:
        """Where pictures are looked at."""
        return next(self._visual.parameters()).device  # type: ignore[no-any-return]

    def __call__(self, hidden_states: Tensor, grid_thw: Tensor, **kwargs: Any) -> Any:
        """As ``Qwen3VLVisionModel.forward``: patches (n, C*T*P*P) and grids (pictures, 3)."""
        if not frozen(self._visual):
            return self._forward(hidden_states, grid_thw=grid_thw, **kwargs)
        return self._merged(self._visual, hidden_states, grid_thw, **kwargs)

    def share(self, visual: Any) -> None:
        """Let a tower with the very weights of this one, and mergers of its own, have what this one
        looks at, as long as this one stays frozen. One with other weights goes on looking for
        itself, and so does any if this one learns."""
        if frozen(self._visual) and _same(self._visual, visual):
            self._sharing.append(visual)
            visual.forward = partial(self._merged, visual)

    def forget(self) -> None:
        """Let go of all states, and of the towers they were shared with."""
        self._ahead.clear()
        self._states.clear()
        for visual in self._sharing:
            del visual.forward
        self._sharing.clear()

    def _merged(self, visual: Any, hidden_states: Tensor, grid_thw: Tensor, **kwargs: Any) -> Any:
        """The states of pictures through the mergers of ``visual``."""
        from transformers.models.qwen3_vl.modeling_qwen3_vl import (
            BaseModelOutputWithDeepstackFeatures,
        )

        patches = torch.split(hidden_states, grid_thw.prod(1).tolist())
        found = [self._of(p, g[None], kwargs) for p, g in zip(patches, grid_thw, strict=True)]
        *deep, last = (torch.cat(states) for states in zip(*found, strict=True))
        mergers = visual.deepstack_merger_list
        return BaseModelOutputWithDeepstackFeatures(
            last_hidden_state=last,
            pooler_output=visual.merger(last),
            deepstack_features=[merge(x) for merge, x in zip(mergers, deep, strict=True)],
        )

    def all_ahead(self, batches: Iterable[tuple[Tensor, Tensor]]) -> None:
        """Look at batches of pictures, patches and grids each, while there is room; at none if the
        tower learns."""
        if not frozen(self._visual):
            return
        for patches, grids in batches:
            if not self.ahead(patches.to(self.device), grids.to(self.device)):
                return

    def ahead(self, hidden_states: Tensor, grid_thw: Tensor) -> bool:
        """Look at the pictures of a batch, patches and grids as in a call, before they are asked
        about. False, and nothing is remembered, where there is no room for them all."""
        sizes = grid_thw.prod(1).tolist()
        if self._room < self._patch_bytes * sum(sizes):
            return False
        hidden_states = hidden_states.to(self._visual.dtype)  # as the model does before a call
        made = [torch.split(states, sizes) for states in self._look(hidden_states, grid_thw, {})]
        self._patch_bytes = sum(map(_size, made)) // sum(sizes)
        room = self._room - sum(map(_size, made))
        if room < 0:
            return False
        patches = torch.split(hidden_states, sizes)
        for p, g, *states in zip(patches, grid_thw, *made, strict=True):
            # copies: a part of a batch would keep the whole batch in memory
            self._ahead[_key(p, g[None])] = [x.clone() for x in states]
        self.made, self._room = self.made + len(sizes), room
        return True

    def _of(self, patches: Tensor, grid: Tensor, kwargs: dict[str, Any]) -> list[Tensor]:
        """States of one picture at each deepstack layer and at the last one."""
        key = _key(patches, grid)
        states = self._ahead.get(key) or self._states.get(key)
        if states is not None:
            if key in self._states:
                self._states.move_to_end(key)
            self.found += 1
            return states
        self.made += 1
        states = self._states[key] = self._look(patches, grid, kwargs)
        self._room -= _size(states)
        while self._room < 0 and len(self._states) > 1:
            self._room += _size(self._states.popitem(last=False)[1])
        return states

    @torch.no_grad()
    def _look(self, patches: Tensor, grid: Tensor, kwargs: dict[str, Any]) -> list[Tensor]:
        states: list[Tensor] = []
        mergers = [*self._visual.deepstack_merger_list, self._visual.merger]
        taps = [
            m.register_forward_pre_hook(lambda _, inputs: states.append(inputs[0])) for m in mergers
        ]
        try:
            self._forward(patches, grid_thw=grid, **kwargs)
        finally:
            for tap in taps:
                tap.remove()
        return states


def frozen(visual: Any) -> bool:
    """True if nothing in the tower learns but its mergers."""
    return not any(p.requires_grad for n, p in visual.named_parameters() if "merger" not in n)


def _same(one: Any, other: Any) -> bool:
    """True if two towers have the same weights before their mergers."""
    theirs = dict(other.named_parameters())
    return all(torch.equal(p, theirs[n]) for n, p in one.named_parameters() if "merger" not in n)


def _tower(model: Any) -> Any:
    from transformers.models.qwen3_vl.modeling_qwen3_vl import Qwen3VLVisionModel

    for module in model.modules():
        if isinstance(module, Qwen3VLVisionModel):
            return module
    raise RecipeError(
        "states_mb is for the vision tower of a Qwen3-VL",
        wanted="0 for other families",
        got=type(model).__name__,
    )


def _key(patches: Tensor, grid: Tensor) -> bytes:
    digest = hashlib.blake2b(grid.cpu().numpy().tobytes(), digest_size=16)
    digest.update(patches.float().cpu().numpy().tobytes())
    return digest.digest()


def _size(states: Iterable[Tensor]) -> int:
    return sum(x.numel() * x.element_size() for x in states)

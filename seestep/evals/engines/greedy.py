"""Greedy decoding of a batch without the waste of a general-purpose ``generate``.

Same tokens as ``transformers``' own greedy search, for less: keys and values are written into room
set aside once instead of being copied at every step, rows that have ended leave the batch,
pictures of one size go through the vision tower together, and each distinct picture only once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from types import MethodType, SimpleNamespace
from typing import TYPE_CHECKING, Any

import torch
from torch.nn.functional import scaled_dot_product_attention
from transformers import Cache, DynamicLayer
from transformers.models.qwen3_vl.modeling_qwen3_vl import apply_rotary_pos_emb_vision

if TYPE_CHECKING:
    from PIL.Image import Image

    from seestep.evals.constrain import Masks

KEEP = 0.75
"""Ended rows leave once fewer than this share of the batch still speak: leaving copies the rest."""

_PLAIN = {
    *("bos_token_id", "eos_token_id", "pad_token_id", "max_length", "max_new_tokens", "use_cache"),
    *("do_sample", "temperature", "top_p", "top_k"),  # of sampling, which greedy search is not
    *("transformers_version", "_from_model_config"),
}
_OFF = (None, False, 0)
_NEUTRAL = dict.fromkeys(("repetition_penalty", "num_beams", "length_penalty"), (*_OFF, 1))


def obstacle(model: Any) -> str:
    """Why ``model`` needs its own ``generate``; "" if ``decode`` says the same."""
    told = model.generation_config.to_diff_dict()
    more = sorted(
        key
        for key, value in told.items()
        if key not in _PLAIN and value not in _NEUTRAL.get(key, _OFF)
    )
    if more:
        return f"its generation_config sets {', '.join(more)}"
    inner: Any = getattr(model, "model", None)
    if not all(hasattr(inner, name) for name in ("language_model", "visual", "get_rope_index")):
        return f"{type(model).__name__} is not built like a Qwen-VL"
    if getattr(inner.language_model, "has_sliding_layers", False):
        return "some of its layers attend in a sliding window"
    return ""


@torch.inference_mode()
def decode(
    model: Any,
    inputs: Any,
    pictures: Pictures | None,
    images: Sequence[Image],
    *,
    max_new_tokens: int,
    stop_ids: Collection[int],
    masks: Masks | None = None,
) -> list[list[int]]:
    """The tokens that each row says, its stop token last if it came to one.

    Args:
        inputs: what the processor made of a batch, left-padded.
        pictures: where features of ``images`` are kept; None if the batch shows none.
        images: the pictures of all rows, in the order of ``inputs["image_grid_thw"]``.
        masks: holds rows to their grammars.
    """
    ids, seen = inputs["input_ids"], inputs["attention_mask"].bool()
    count, width = ids.shape
    lm, embed = model.model.language_model, model.get_input_embeddings()
    dense = model.config.text_config._attn_implementation == "sdpa"
    shown: dict[str, Any] = {}
    if pictures is None:
        places = (seen.long().cumsum(-1) - 1).clamp(min=0).expand(3, -1, -1)
    else:
        grid = inputs["image_grid_thw"]
        places, _ = model.model.get_rope_index(
            ids,
            mm_token_type_ids=inputs["mm_token_type_ids"],
            image_grid_thw=grid,
            attention_mask=inputs["attention_mask"],
        )
        shown["mm_encoder_outputs"] = {"image": pictures.look(images, inputs["pixel_values"], grid)}
    cache = Cache(layers=[_Room(width + max_new_tokens) for _ in lm.layers])
    hidden = model.model(
        input_ids=ids,
        attention_mask=inputs["attention_mask"],
        position_ids=places,
        past_key_values=cache,
        use_cache=True,
        **shown,
    ).last_hidden_state
    place = places.amax((0, 2)) + 1  # of the next token, on all three axes
    seen = torch.cat([seen, seen.new_ones(count, max_new_tokens)], dim=1)
    said: list[list[int]] = [[] for _ in range(count)]
    rows = list(range(count))  # which answer each row of the shrinking batch is
    while True:
        logits = model.lm_head(hidden[:, -1]).float()
        speaking = [i for i, row in enumerate(rows) if not _ended(said[row], stop_ids)]
        if masks is not None:
            logits = logits.index_copy(
                0,
                torch.tensor(speaking, device=logits.device),
                masks.apply(logits[speaking], [rows[i] for i in speaking]),
            )
        best = logits.argmax(-1)
        tokens = best.tolist()
        for i in speaking:
            said[rows[i]].append(tokens[i])
        speaking = [i for i in speaking if tokens[i] not in stop_ids]
        if masks is not None:
            masks.advance([tokens[i] for i in speaking], [rows[i] for i in speaking])
        if not speaking or len(said[rows[speaking[0]]]) == max_new_tokens:
            return said
        if len(speaking) < KEEP * len(rows):
            kept = torch.tensor(speaking, device=best.device)
            rows = [rows[i] for i in speaking]
            best, place, seen = best[kept], place[kept], seen[kept]
            cache.batch_select_indices(kept)
        end = cache.get_seq_length() + 1
        hidden = lm(
            inputs_embeds=embed(best[:, None]),
            attention_mask=seen[:, None, None, :end] if dense else seen[:, :end].long(),
            position_ids=place.expand(3, -1)[..., None],
            past_key_values=cache,
            use_cache=True,
        ).last_hidden_state
        place = place + 1


class Pictures:
    """Visual features of the pictures of one call, each distinct picture seen once.

    Kept for one call only, so that an answer never depends on what was asked before it; ``budget``
    bytes at most, beyond which a picture that comes back is looked at again.
    """

    def __init__(self, model: Any, *, budget: int = 1 << 29) -> None:
        self._model, self._left = model, budget
        self._kept: dict[str, tuple[torch.Tensor, ...]] = {}

    def look(self, images: Sequence[Image], pixels: Any, grid: torch.Tensor) -> Any:
        """What ``get_image_features`` returns for these pictures, in their order."""
        keys = [_digest(image) for image in images]
        first = {key: i for i, key in reversed(list(enumerate(keys)))}
        new = sorted(i for key, i in first.items() if key not in self._kept)
        found = {key: self._kept[key] for key in first if key in self._kept}
        if new:
            parts = pixels.split(grid.prod(-1).tolist())
            with together(self._model.model.visual):
                out = self._model.model.get_image_features(
                    torch.cat([parts[i] for i in new]), grid[new], return_dict=True
                )
            deep = getattr(out, "deepstack_features", None) or ()
            for n, i in enumerate(new):
                found[keys[i]] = (out.pooler_output[n], *(level[n] for level in deep))
                size = sum(t.nbytes for t in found[keys[i]])
                if size <= self._left:  # clones: a view would keep the whole batch's memory
                    self._kept[keys[i]] = tuple(t.clone() for t in found[keys[i]])
                    self._left -= size
        levels = list(zip(*(found[key] for key in keys), strict=True))
        return SimpleNamespace(pooler_output=levels[0], deepstack_features=levels[1:])


@contextmanager
def together(visual: Any) -> Iterator[None]:
    """Within it, pictures (or windows) of one size attend in one batch, not one after the other."""
    blocks = list(visual.blocks) if visual.config._attn_implementation == "sdpa" else []
    for block in blocks:
        block.attn.forward = MethodType(_attend, block.attn)
    try:
        yield
    finally:
        for block in blocks:
            del block.attn.forward


def _attend(
    self: Any,
    hidden_states: torch.Tensor,
    cu_seqlens: torch.Tensor,
    position_embeddings: tuple[torch.Tensor, torch.Tensor],
    **more: Any,
) -> torch.Tensor:
    """The vision attention of Qwen2.5-VL and Qwen3-VL for chunks of one length."""
    if len(set(cu_seqlens.diff().tolist())) > 1:
        usual: torch.Tensor = type(self).forward(
            self, hidden_states, cu_seqlens, position_embeddings=position_embeddings, **more
        )
        return usual
    tokens, chunks = hidden_states.shape[0], len(cu_seqlens) - 1
    q, k, v = self.qkv(hidden_states).view(tokens, 3, self.num_heads, -1).unbind(1)
    q, k = apply_rotary_pos_emb_vision(q, k, *position_embeddings)
    q, k, v = (
        x.view(chunks, tokens // chunks, self.num_heads, -1).transpose(1, 2) for x in (q, k, v)
    )
    out = scaled_dot_product_attention(q, k, v, scale=self.scaling)
    joined: torch.Tensor = self.proj(out.transpose(1, 2).reshape(tokens, -1))
    return joined


class _Room(DynamicLayer):  # type: ignore[no-untyped-call]
    """Keys and values of one layer in room for ``capacity`` tokens, filled from the left."""

    def __init__(self, capacity: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._capacity, self._length = capacity, 0

    def lazy_initialization(self, key_states: torch.Tensor, value_states: torch.Tensor) -> None:
        self.dtype, self.device = key_states.dtype, key_states.device
        self.keys, self.values = (
            x.new_empty(*x.shape[:2], self._capacity, x.shape[3])
            for x in (key_states, value_states)
        )
        self.is_initialized = True

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *_: Any, **__: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        assert self.keys is not None and self.values is not None
        start, self._length = self._length, self._length + key_states.shape[2]
        self.keys[:, :, start : self._length] = key_states
        self.values[:, :, start : self._length] = value_states
        return self.keys[:, :, : self._length], self.values[:, :, : self._length]

    def get_seq_length(self) -> int:
        return self._length


def _ended(said: list[int], stop_ids: Collection[int]) -> bool:
    return bool(said) and said[-1] in stop_ids


def _digest(image: Image) -> str:
    return hashlib.blake2b(repr(image.size).encode() + image.tobytes()).hexdigest()

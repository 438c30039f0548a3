"""Attention for packed questions and equal pictures on a CPU: same sums, far fewer of them.

Dense masked attention over [pictures][question 1][question 2]... computes every question against
every other and throws most of it away, and the vision tower attends picture by picture in a Python
loop. Here each question meets only the pictures and itself, and all pictures go in one batch, their
patches embedded and turned by their places in as few passes over memory as there can be.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import MethodType
from typing import Any

import torch
from torch.nn import functional as F
from transformers import AttentionInterface

NAME = "seestep_packed"


@contextmanager
def packed_attention(model: Any) -> Iterator[None]:
    """Within it, ``model`` (a Qwen3-VL) takes ``slots`` and ``in_prefix`` besides its usual inputs.

    ``slots`` (B, Q, N): where in the row the tokens of each question are, L for padding;
    ``in_prefix`` (B, L) bool. All pictures of a batch must have the same size. Logits are computed
    in float32 under autocast too: with a thousand tokens it costs nothing.
    """
    AttentionInterface.register(NAME, _packed)
    text = model.config.text_config
    usual = text._attn_implementation
    blocks = list(model.model.visual.blocks)
    text._attn_implementation = NAME
    for block in blocks:
        block.attn.forward = MethodType(_picture_attention, block.attn)
    embed = model.model.visual.patch_embed
    embed.forward = MethodType(_patches, embed)
    model.lm_head.forward = MethodType(_logits, model.lm_head)
    try:
        yield
    finally:
        del model.lm_head.forward, embed.forward
        text._attn_implementation = usual
        for block in blocks:
            del block.attn.forward


def _packed(
    module: Any,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    scaling: float,
    *,
    slots: torch.Tensor,
    in_prefix: torch.Tensor,
    **unused: Any,
) -> tuple[torch.Tensor, None]:
    """query, key, value (B, heads, L, width) -> (B, L, heads, width).

    Tokens are moved as whole rows of all heads: on a CPU the gradient of gathering them element by
    element took longer than all the sums.
    """
    batch, heads, length, width = query.shape
    prefix = int(in_prefix.sum(1).max())
    key_seen = in_prefix[:, None, None, :prefix]
    query = query * scaling
    seen, told = key[:, :, :prefix], value[:, :, :prefix]

    # the prefix: causally to itself
    scores = query[:, :, :prefix] @ seen.transpose(2, 3)
    scores = scores.masked_fill(~(_causal(prefix, query) & key_seen), -torch.inf)
    ahead = scores.softmax(-1).to(value.dtype) @ told
    starts = torch.arange(batch, device=slots.device) * length
    made = [ahead.transpose(1, 2).reshape(-1, heads * width)]
    places = [(starts[:, None] + torch.arange(prefix, device=slots.device)).flatten()]

    # the questions: to the pictures, and causally to themselves
    q, k, v = (x.transpose(1, 2).reshape(batch * length, -1) for x in (query, key, value))
    for row, own in _alike(slots, length):
        count, longest = own.shape
        at = (own.clamp(max=length - 1) + starts[row, None]).flatten()
        mine, keys, values = (
            x.index_select(0, at).view(count, longest, heads, width).transpose(1, 2)
            for x in (q, k, v)
        )
        to_prefix = mine @ seen.index_select(0, row).transpose(2, 3)
        to_prefix = to_prefix.masked_fill(~key_seen[row], -torch.inf)
        to_self = mine @ keys.transpose(2, 3)
        to_self = to_self.masked_fill(~_causal(longest, query), -torch.inf)
        both = torch.cat([to_prefix, to_self], dim=-1).softmax(-1).to(value.dtype)
        out = both[..., :prefix] @ told.index_select(0, row)
        out = out + both[..., prefix:] @ values
        made.append(out.transpose(1, 2).reshape(-1, heads * width))
        places.append(torch.where(own < length, own + starts[row, None], batch * length).flatten())

    # back to where each token came from; padding is 0
    made.append(query.new_zeros(1, heads * width))
    rows = torch.cat(made)
    back = torch.full((batch * length + 1,), len(rows) - 1, device=slots.device)
    done = 0
    for at in places:  # one after another: a question may begin where another row's pictures end
        back[at] = torch.arange(done, done + len(at), device=slots.device)
        done += len(at)
    return rows.index_select(0, back[:-1]).view(batch, length, heads, width), None


def _alike(
    slots: torch.Tensor, length: int, parts: int = 4
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """The questions of ``slots`` (B, Q, N), those of like length together: row (n,), slots (n, m).

    Padded all alike, one long question among a hundred would be paid for a hundred times.
    """
    per_row, own = slots.shape[1], slots.flatten(0, 1)
    counts = (own < length).sum(1)
    for some in counts.argsort(stable=True).chunk(parts):
        longest = int(counts[some].max())
        if longest:
            yield some // per_row, own[some, :longest]


def _logits(self: Any, hidden: torch.Tensor) -> torch.Tensor:
    with torch.autocast(hidden.device.type, enabled=False):
        return F.linear(hidden.float(), self.weight)


def _causal(length: int, like: torch.Tensor) -> torch.Tensor:
    return torch.ones(length, length, dtype=torch.bool, device=like.device).tril()


def _picture_attention(
    self: Any,
    hidden_states: torch.Tensor,
    cu_seqlens: torch.Tensor,
    position_embeddings: tuple[torch.Tensor, torch.Tensor],
    **_: Any,
) -> torch.Tensor:
    """``Qwen3VLVisionAttention.forward`` for pictures of one size, all at once.

    The sums are written out, and under autocast all in bfloat16: on a CPU with gradients torch's
    fused attention takes 1.6 times as long for the whole tower (32 pictures of 144 patches).
    Without gradients, as the local engine decodes, the fused one is used.
    """
    tokens, pictures = hidden_states.shape[0], len(cu_seqlens) - 1
    each = tokens // pictures
    cos, sin = (x[:each, : x.shape[1] // 2] for x in position_embeddings)
    parts = self.qkv(hidden_states).view(pictures, each, 3, self.num_heads, -1)
    parts = parts.permute(2, 0, 3, 1, 4)
    with torch.autocast(hidden_states.device.type, enabled=False):
        scale = cos.new_tensor([self.scaling, 1.0]).view(2, 1, 1, 1, 1)
        q, k = Turned.apply(parts[:2], cos * scale, sin * scale)  # type: ignore[no-untyped-call]
        weights = (q @ k.transpose(2, 3)).softmax(-1)
        seen = (weights @ parts[2]).transpose(1, 2).reshape(tokens, -1)
    out: torch.Tensor = self.proj(seen)
    return out


class Turned(torch.autograd.Function):
    """Rotary embedding: the two halves (a, b) of the last axis become
    (a cos - b sin, b cos + a sin); the gradient is turned back.

    x (..., P, d); cos and sin (..., P, d / 2), broadcast, in which no gradient is wanted. As one
    step it reads and writes its input once; out of transformers' eight, in float32 under autocast,
    came a tenth of the vision tower's time.
    """

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
        cos, sin = cos.to(x.dtype), sin.to(x.dtype)
        ctx.save_for_backward(cos, sin)
        return _turn(x, cos, sin)

    @staticmethod
    def backward(ctx: Any, grad: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        cos, sin = ctx.saved_tensors
        return _turn(grad, cos, -sin), None, None


def _turn(x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
    out = torch.empty(x.shape, dtype=x.dtype, device=x.device)
    (a, b), (first, second) = x.chunk(2, -1), out.chunk(2, -1)
    torch.mul(a, cos, out=first).addcmul_(b, sin, value=-1)
    torch.mul(b, cos, out=second).addcmul_(a, sin)
    return out


def _patches(self: Any, pixels: torch.Tensor) -> torch.Tensor:
    """``Qwen3VLVisionPatchEmbed.forward``: patches do not overlap, so the convolution is a product,
    which takes a tenth of the time with its gradient."""
    return F.linear(pixels.flatten(1), self.proj.weight.flatten(1), self.proj.bias)

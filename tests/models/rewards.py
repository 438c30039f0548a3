"""A small reward model in the published layout, records it reads, and how the example reads."""

from __future__ import annotations

import msgspec
import torch
from safetensors.torch import load_file, save_file

from seestep.families.prompt import answer_text, messages
from seestep.media import open_image
from seestep.models.load import load
from seestep.models.reader import Reader
from seestep.records import (
    Form,
    FormRef,
    Freeform,
    Geometry,
    GeometryRef,
    Media,
    MediaRef,
    Points,
    Provenance,
    Record,
    Text,
    Turn,
    YesNo,
)

WIDTH = 32


def head(seed=0, width=WIDTH):
    rng = torch.Generator().manual_seed(seed)
    return {
        "v_head.summary.weight": torch.randn(1, width, generator=rng),
        "v_head.summary.bias": torch.randn(1, generator=rng),
    }


def relaid(published, target, rename=lambda name: name, **more):
    """The same weights in one file, under other names, with ``more`` among them."""
    target.mkdir()
    for file in published.iterdir():
        if file.suffix in (".json", ".jinja") and "index" not in file.name:
            (target / file.name).write_bytes(file.read_bytes())
    weights = {}
    for file in published.glob("model-*.safetensors"):
        weights |= {rename(name): tensor for name, tensor in load_file(file).items()}
    save_file(weights | more, target / "model.safetensors", metadata={"format": "pt"})
    return target


def record(key, question, answer, *pictures, **more):
    shown = tuple(MediaRef(media=name) for name in pictures)
    return Record(
        id=f"made:{key}",
        source="made",
        task="vqa",
        media=tuple(Media(key=n, kind="image", root="here", path=f"{n}.png") for n in pictures),
        turns=(Turn(role="user", parts=(*shown, Text(text=question), *more.pop("parts", ()))),),
        answer=answer,
        provenance=Provenance(file="made", sha256="0" * 64, row="0", reader="made", version=1),
        **more,
    )


def records():
    point = Geometry(
        key="g", kind="point", media="wide", frame="pixel", values=(150.5, 40.5), label="mug"
    )
    box = Geometry(key="b", kind="box", media="wide", frame="pixel", values=(20, 10, 120, 80))
    return [
        record("yes", "Is there a red mug?", YesNo(yes=True), "square"),
        record("no", "Is there a red mug?", YesNo(yes=False), "square"),
        record(
            "point",
            "Point to the mug in ",
            Points(geometry="g"),
            "wide",
            geometry=(point, box),
            parts=(GeometryRef(geometry="b"), FormRef()),
            form=Form(kind="point"),
        ),
        record("two", "How many apples are there?", Freeform(text="two apples"), "tall", "wide"),
        record("text", "What comes after A and B, then?", Freeform(text="The letter C.")),
        record("long", "Where is the blue bowl? " * 8, Freeform(text="left " * 30), "tall"),
    ]


def by_hand(folder, rows, roots, side="right"):
    """What the published example does: processor, template, hidden states, linear head."""
    loaded = load(folder, beside=lambda name: "v_head" in name)
    linear = torch.nn.Linear(WIDTH, 1)
    linear.load_state_dict({k.rsplit(".")[-1]: v for k, v in head().items()})
    texts, images = [], []
    for row in rows:
        sized = msgspec.structs.replace(
            row,
            media=tuple(
                msgspec.structs.replace(
                    m, **dict(zip(("width", "height"), open_image(m, roots).size, strict=True))
                )
                for m in row.media
            ),
        )
        said = answer_text(row.answer, sized, loaded.family)
        chat = [*messages(sized, loaded.family), {"role": "assistant", "content": said}]
        texts.append(loaded.processor.apply_chat_template(chat, tokenize=False))
        images.append([open_image(m, roots) for m in row.media])
    inputs = loaded.processor(
        text=texts,
        images=images if any(images) else None,
        padding=True,
        padding_side=side,
        return_tensors="pt",
    )
    with torch.no_grad():
        out = loaded.model(**inputs, output_hidden_states=True, use_cache=False)
        values = linear(out.hidden_states[-1]).squeeze(-1)
    if side == "left":
        return values[:, -1].tolist(), texts
    ends = inputs["attention_mask"].sum(dim=-1, keepdim=True) - 1
    return values.gather(dim=-1, index=ends)[:, 0].tolist(), texts


def scores(model, rows, roots, **more):
    found = Reader(model, roots, **more).score(rows)
    assert all(why == "" for _, why in found)
    return [score for score, _ in found]

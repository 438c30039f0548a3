"""Pictures that an image encoder takes for the same are found; what it did not see is told."""

import json

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.numpy import load_file, save_file
from transformers import (
    CLIPConfig,
    CLIPImageProcessorPil,
    CLIPModel,
    Dinov2Config,
    Dinov2Model,
    ViTConfig,
    ViTModel,
)

from seestep.cli import main
from seestep.curate.contamination.audit import AuditConfig, audit
from seestep.errors import DataError
from seestep.models.image_encoder import ImageEncoder
from seestep.records import Choice, Media, MediaRef, Record, Text, Turn
from seestep.run import ShardResult, shard_stage
from tests.curate.photos import photo, saved

LAYER = "image_embeddings"
SMALL = {
    "hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2,
}  # fmt: skip
SEEN = {"image_size": 32, "patch_size": 8}


def record(name):
    return Record(
        id=f"made:{name}", source="made", task="relation", licence="test",
        media=(Media(key="m", path=name, root="pics"),),
        turns=(Turn(role="user", parts=(MediaRef(media="m"), Text(text=f"Where is {name}?"))),),
        answer=Choice(options=("left", "right"), index=0),
    )  # fmt: skip


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    """Records of five pictures; a benchmark of seven, of which two are quarter turns of mine."""
    root = tmp_path_factory.mktemp("likeness")
    (root / "pics").mkdir()
    (root / "marks" / "turned").mkdir(parents=True)
    for n in range(5):
        (root / "pics" / f"{n}.png").write_bytes(saved(photo(n)))
    for n in range(7):
        image = photo(n).transpose(Image.Transpose.ROTATE_90) if n in (1, 3) else photo(50 + n)
        (root / "marks" / "turned" / f"t{n}.png").write_bytes(saved(image))
    (root / "marks" / "turned" / "torn.png").write_bytes(saved(photo(60))[:400])
    rows = [record(f"{n}.png") for n in range(5)] + [record("absent.png")]
    shard_stage(
        root / "run", stage="made.up", version=1, config={}, inputs=[], shards=2,
        work=lambda n: ShardResult(rows=rows[n::2]),
    )  # fmt: skip
    return root


class Colours:
    """How often each of 512 colours is in a picture, wherever it is: turning changes nothing."""

    def parameters(self):
        return {"colours": 512}

    def __call__(self, pictures):
        out = []
        for picture in pictures:
            r, g, b = (np.asarray(picture) // 32).reshape(-1, 3).astype(int).T
            out.append(np.bincount(r * 64 + g * 8 + b, minlength=512))
        counts = np.array(out, dtype=np.float32)
        return counts / np.linalg.norm(counts, axis=1, keepdims=True)


colours = Colours()


def test_what_looks_do_not_find_an_encoder_finds(places, tmp_path):
    roots = {"pics": places / "pics"}
    result = audit(places / "run", [places / "marks"], tmp_path / "out", roots=roots, see=colours)
    found = {(x.record, x.layer): x for x in result.leaks}
    assert set(found) == {("made:1.png", LAYER), ("made:3.png", LAYER)}
    leak = found["made:1.png", LAYER]
    assert leak.where == "t1.png" and leak.evidence == "pics:1.png"
    assert leak.score == pytest.approx(1.0, abs=1e-3)
    (cell,) = (c for c in result.cells if c.layer == LAYER)
    assert (cell.records, cell.checked, cell.matched, cell.theirs) == (6, 5, 2, 7)
    assert result.kept == 4
    again = audit(places / "run", [places / "marks"], tmp_path / "out", roots=roots, see=colours)
    assert again == result


def test_from_where_on_pictures_are_alike_is_the_users_choice(places, tmp_path):
    result = audit(
        places / "run", [places / "marks"], tmp_path / "out", AuditConfig(image_cosine=-1.0),
        roots={"pics": places / "pics"}, see=colours,
    )  # fmt: skip
    assert {x.record for x in result.leaks if x.layer == LAYER} == {
        f"made:{n}.png" for n in range(5)
    }


def test_pictures_that_no_encoder_saw_are_not_called_clean(places, tmp_path):
    roots = {"pics": places / "pics"}
    blind = audit(places / "run", [places / "marks"], tmp_path / "a", roots=roots)
    (cell,) = (c for c in blind.cells if c.layer == LAYER)
    assert (cell.checked, cell.unchecked) == (0, "no image encoder was given")
    away = audit(places / "run", [places / "marks"], tmp_path / "b", see=colours)
    (cell,) = (c for c in away.cells if c.layer == LAYER)
    assert (cell.checked, cell.unchecked) == (0, "no picture of these records is here")


def made_clip():
    return CLIPModel(
        CLIPConfig(
            text_config=SMALL | {"vocab_size": 99}, vision_config=SMALL | SEEN, projection_dim=16
        )
    )


def made_dino():
    return Dinov2Model(Dinov2Config(**SMALL, **SEEN))


def made_vit():
    return ViTModel(ViTConfig(**SMALL, **SEEN), add_pooling_layer=False)


MODELS = {
    "clip": (made_clip, lambda m, x: m.visual_projection(m.vision_model(x).pooler_output)),
    "dinov2": (made_dino, lambda m, x: m(x).pooler_output),
    "vit": (made_vit, lambda m, x: m(x).last_hidden_state[:, 0]),
}


def write_encoder(folder, kind):
    torch.manual_seed(0)
    model = MODELS[kind][0]().eval()
    model.save_pretrained(folder)
    size = {"height": 32, "width": 32}
    processor = CLIPImageProcessorPil(size={"shortest_edge": 32}, crop_size=size)
    processor.save_pretrained(folder)
    return model, processor


@pytest.mark.parametrize("kind", MODELS)
def test_vectors_are_those_of_the_checkpoint_itself(kind, tmp_path):
    model, processor = write_encoder(tmp_path, kind)
    pictures = [photo(n) for n in range(3)]
    got = ImageEncoder(tmp_path)(pictures)
    assert got.shape == (3, 16 if kind == "clip" else 32) and got.dtype == np.float32
    for picture, mine in zip(pictures, got, strict=True):
        inputs = processor(images=[picture], return_tensors="pt")
        with torch.no_grad():
            want = MODELS[kind][1](model, inputs["pixel_values"])[0]
        np.testing.assert_allclose(mine, (want / want.norm()).numpy(), atol=1e-5)
    assert ImageEncoder(tmp_path)([]).shape[0] == 0


def test_a_folder_without_an_image_encoder_is_an_error(tmp_path):
    with pytest.raises(DataError, match="not an image encoder"):
        ImageEncoder(tmp_path)


def changed(folder, change):
    """The encoder in a folder, its weights changed."""
    file = folder / "model.safetensors"
    weights = {k: np.asarray(change(w)) for k, w in load_file(file).items()}
    save_file(weights, file, metadata={"format": "pt"})
    return ImageEncoder(folder)


def test_damaged_weights_are_one_error(tmp_path):
    write_encoder(tmp_path, "dinov2")
    with pytest.raises(DataError, match="makes no number of a picture"):
        changed(tmp_path, lambda w: w * np.float32("nan"))([photo(1)])
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(DataError, match="not an image encoder"):
        ImageEncoder(tmp_path)


def test_another_encoder_in_a_folder_of_the_same_name_is_another_audit(places, tmp_path, capsys):
    for place in ("a", "b", "c"):
        write_encoder(tmp_path / place / "clip", "clip")
    changed(tmp_path / "c" / "clip", lambda w: w * 1.1)
    words = ["audit", str(places / "run"), "--benchmarks", str(places / "marks")]
    words += ["--root", f"pics={places / 'pics'}", "--out", str(tmp_path / "out")]
    codes = [
        main([*words, "--image-encoder", str(tmp_path / place / "clip")]) for place in ("a", "b")
    ]
    assert codes[0] == codes[1] < 2
    capsys.readouterr()
    assert main([*words, "--image-encoder", str(tmp_path / "c" / "clip")]) == 2
    assert "encoder.model" in capsys.readouterr().err


def test_the_verb_takes_an_image_encoder(places, tmp_path, capsys):
    write_encoder(tmp_path / "clip", "clip")
    words = ["audit", str(places / "run"), "--benchmarks", str(places / "marks"), "--json"]
    words += ["--root", f"pics={places / 'pics'}", "--image-encoder", str(tmp_path / "clip")]
    code = main([*words, "--out", str(tmp_path / "out")])
    told = json.loads(capsys.readouterr().out)
    (cell,) = (c for c in told["cells"] if c["layer"] == LAYER)
    assert (cell["checked"], cell["theirs"]) == (5, 7)
    assert code == (1 if told["leaking"] else 0)

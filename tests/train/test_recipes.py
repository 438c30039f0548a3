"""The 7B recipes resolve without weights or data, and their very settings run on tiny models."""

import json
from pathlib import Path

import msgspec
import pytest

from seestep import recipe as recipes
from seestep.cli.app import main
from seestep.models import load as models
from seestep.models.load import load
from seestep.models.tiny.build import SMALL, build
from seestep.records import Item, Pair, Record
from seestep.run import ShardResult, shard_stage
from seestep.train import memory, preview, stages
from seestep.train.config import Batch, Data, DpoConfig, SftConfig

HERE = Path(__file__).parents[2] / "recipes"
STAGES = ("align", "inject", "fuse", "dpo")
ALL = [
    HERE / model / f"{stage}{kind}.yaml"
    for model in ("robobrain2-7b", "qwen3-vl-8b")
    for stage in STAGES
    for kind in ("", "-lora")
]


def read(path: Path) -> SftConfig | DpoConfig:
    kind = DpoConfig if path.stem.startswith("dpo") else SftConfig
    return recipes.load(path, (), kind=kind)


@pytest.mark.parametrize("path", ALL, ids=lambda p: f"{p.parent.name}/{p.stem}")
def test_a_recipe_resolves_and_fits_its_gpu(path):
    config = read(path)
    found = preview.look(config)
    assert found.plan is None and len(found.missing) >= 2
    gpu = 48 if "lora" in path.stem else 80
    assert 5 < found.worst.total / memory.GIB < gpu
    assert (config.batch.effective, config.precision) == (32, "bf16")
    assert "vision" in config.freeze
    assert (config.lora is not None) == ("lora" in path.stem)
    if config.method == "sft":
        assert config.epochs == 3 and config.optim.warmup_steps == 80
        assert bool(config.data.replay_share) == (not path.stem.startswith("align"))
    else:
        assert config.epochs == 1 and config.sft_weight == 1.0


@pytest.fixture(scope="module")
def tiny(tmp_path_factory, make):
    """Tiny checkpoints called as the 7B ones are, and closed run folders of rows."""
    folder = tmp_path_factory.mktemp("tiny")
    for family in ("qwen3_vl", "robobrain2"):
        models.save(build(family, shape=SMALL), folder / family)
    for name, rows in (("records", make.records()), ("pairs", make.pairs())):
        kind: type = Record if name == "records" else Pair
        assert all(isinstance(r, kind) for r in rows)
        shard_stage(
            folder / name,
            stage=name,
            version=1,
            config={},
            inputs=[],
            shards=1,
            work=lambda n, rows=rows: ShardResult(rows=rows),
        )
    return folder


@pytest.mark.parametrize("path", ALL, ids=lambda p: f"{p.parent.name}/{p.stem}")
def test_the_same_settings_train_a_tiny_model(path, tiny, roots, tmp_path):
    config = read(path)
    rows = str(tiny / ("pairs" if config.method == "dpo" else "records"))
    replay = (str(tiny / "records"),) if config.data.replay_share else ()
    small = msgspec.structs.replace(
        config,
        model=str(tiny / config.family),
        data=Data(
            records=(rows,),
            replay=replay,
            replay_share=config.data.replay_share,
            roots={k: str(v) for k, v in roots.items()},
        ),
        optim=msgspec.structs.replace(config.optim, warmup_steps=0),
        batch=Batch(effective=2, micro=1),
        max_steps=1,
        max_pixels=None,
        save_steps=0,
        device="cpu",
        sharding="none",
        ranks=1,
        attention="sdpa",
        workers=0,
    )
    run = stages.run_dpo if config.method == "dpo" else stages.run_sft
    final = run(small, tmp_path / "out")
    loaded = load(final)
    assert loaded.card.family == config.family
    assert loaded.card.source_run == config.stage
    assert stages.read_result(tmp_path / "out").steps == 1


# --- the verb ---------------------------------------------------------------------------------


def recipe(folder, tiny, roots, **more):
    plain = {
        "model": str(tiny / "qwen3_vl"),
        "data": {
            "records": [str(tiny / "records")],
            "roots": {k: str(v) for k, v in roots.items()},
        },
        "optim": {"lr": 1e-3, "warmup_steps": 0},
        "batch": {"effective": 4, "micro": 2},
        "epochs": 1,
        "device": "cpu",
        "precision": "fp32",
        **more,
    }
    file = folder / "tiny.yaml"
    file.write_text(json.dumps(plain))
    return file


def test_a_dry_run_tells_steps_tokens_memory_and_drops_and_writes_nothing(
    tiny, roots, tmp_path, capsys
):
    file = recipe(tmp_path, tiny, roots)
    assert main(["train", str(file), "--dry-run", "--out", str(tmp_path / "out")]) == 0
    text = capsys.readouterr().out
    assert "# steps: 3" in text and "# dropped: none" in text
    assert "# memory a rank:" in text and "# tokens:" in text
    assert main(["train", str(file), "--dry-run", "--json", "max_sequence_length=120"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["recipe"]["max_sequence_length"] == 120
    assert found["plan"]["shrunk"] > 0 and found["plan"]["longest"] <= 120
    assert main(["train", str(file), "--dry-run", "max_sequence_length=75"]) == 0
    assert "# the run would refuse to start: 7 of 12 records" in capsys.readouterr().out
    assert not (tmp_path / "out").exists()


def test_the_verb_trains_and_says_where_the_checkpoint_is(tiny, roots, tmp_path, capsys):
    file = recipe(tmp_path, tiny, roots)
    words = ["train", str(file), "max_steps=1", "--out", str(tmp_path / "out"), "--json"]
    assert main(words) == 0
    last = json.loads(capsys.readouterr().out.strip().splitlines()[-1])
    assert last["result"]["steps"] == 1
    load(last["checkpoint"])


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("optim.learning_rate=3", "learning_rate"),
        ("batch.micro=3", "multiple of batch.micro"),
        ("model=nowhere", "shape is not known"),
    ],
)
def test_a_mistake_is_one_sentence(change, says, tiny, roots, tmp_path, capsys):
    file = recipe(tmp_path, tiny, roots)
    assert main(["train", str(file), change, "--dry-run"]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert says in line


@pytest.mark.parametrize("model", ["robobrain2-7b", "qwen3-vl-8b"])
@pytest.mark.parametrize("name", ["eval", "eval-lora"])
def test_an_evaluation_recipe_resolves_and_tells_what_is_missing(model, name, capsys):
    assert main(["eval", str(HERE / model / f"{name}.yaml"), "ask.limit=3", "--dry-run"]) == 0
    text = capsys.readouterr().out
    assert "limit: 3" in text and text.count("# missing:") == 2
    assert "# weights: 15.4 GiB" in text or "# weights: 16.3 GiB" in text


def test_an_evaluation_recipe_asks_a_tiny_model(tiny, roots, make, tmp_path, capsys):
    record = make.records(1)[0]  # a yes/no question about a picture
    fields = {n: getattr(record, n) for n in record.__struct_fields__ if n != "thought"}
    item = Item(**fields, suite="mini-sat", scorer="yes_no", skill="relation")
    shard_stage(
        tmp_path / "items",
        stage="items",
        version=1,
        config={},
        inputs=[],
        shards=1,
        work=lambda n: ShardResult(rows=[item]),
    )
    plain = {
        "model": str(tiny / "robobrain2"),
        "family": "robobrain2",
        "items": [str(tmp_path / "items")],
        "roots": {k: str(v) for k, v in roots.items()},
        "device": "cpu",
        "ask": {"max_new_tokens": 3},
    }
    (tmp_path / "ask.yaml").write_text(json.dumps(plain))
    assert main(["eval", str(tmp_path / "ask.yaml"), "--out", str(tmp_path / "out")]) == 0
    assert "mini-sat" in capsys.readouterr().out

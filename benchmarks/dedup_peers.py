"""One way to find near duplicates, run alone so that its time and memory are its own.

    python benchmarks/dedup_peers.py METHOD FILE OUT

FILE holds one {"text": ...} a line, OUT gets the numbers of the rows that are removed as JSON.
Every method reads the same file itself, works with one thread, and is told: sets of five signs,
near from a Jaccard similarity of 0.7. See ``dedup.py``, which starts it.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

for _name in ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS", "RAYON_NUM_THREADS"):
    os.environ[_name] = "1"
SIZE, LEAST = 5, 0.7


def texts_of(file: Path) -> list[str]:
    with open(file, encoding="utf-8") as lines:
        return [json.loads(line)["text"] for line in lines]


def seestep(file: Path, out: Path) -> list[int]:
    """The verb, with its copies, ledger and summary."""
    import pyarrow.parquet as pq

    from seestep.curate.rows import RowsConfig, dedup_rows

    dedup_rows(file, out.with_suffix(".d"), RowsConfig(text_fields=("text",), threshold=LEAST))
    told = pq.ParquetFile(out.with_suffix(".d") / "ledger.parquet").read(["id", "keep"])
    gone = [i for i, keep in zip(*(c.to_pylist() for c in told.columns), strict=True) if not keep]
    return [int(i.rsplit(":", 1)[1]) - 1 for i in gone]


def data_juicer(permutations: int) -> Callable[[Path, Path], list[int]]:
    """document_minhash_deduplicator over a dataset, as its executor calls it."""

    def run(file: Path, out: Path) -> list[int]:
        import datasets
        from data_juicer.ops.deduplicator.document_minhash_deduplicator import (
            DocumentMinhashDeduplicator,
        )

        datasets.disable_progress_bars()
        texts = texts_of(file)
        made = datasets.Dataset.from_dict({"text": texts, "row": list(range(len(texts)))})
        op = DocumentMinhashDeduplicator(
            tokenization="character",
            window_size=SIZE,
            num_permutations=permutations,
            jaccard_threshold=LEAST,
        )
        hashed = made.map(op.compute_hash, load_from_cache_file=False)
        kept, _ = op.process(hashed)
        return sorted(set(range(len(texts))) - set(kept["row"]))

    return run


def rensa(file: Path, out: Path) -> list[int]:
    """RMinHash of 128 permutations in 16 bands, candidates checked by their estimated Jaccard."""
    from rensa import RMinHash, RMinHashLSH

    texts = texts_of(file)
    lsh = RMinHashLSH(threshold=LEAST, num_perm=128, num_bands=16)
    made, removed = {}, []
    for row, text in enumerate(texts):
        sketch = RMinHash(num_perm=128, seed=42)
        sketch.update([text[i : i + SIZE] for i in range(max(1, len(text) - SIZE + 1))])
        if any(made[c].jaccard(sketch) >= LEAST for c in lsh.query(sketch)):
            removed.append(row)
            continue
        lsh.insert(row, sketch)
        made[row] = sketch
    return removed


METHODS: dict[str, Callable[[Path, Path], list[int]]] = {
    "seestep": seestep,
    "data-juicer-128": data_juicer(128),
    "data-juicer-256": data_juicer(256),
    "rensa": rensa,
}

if __name__ == "__main__":
    name, source, target = sys.argv[1:4]
    found = METHODS[name](Path(source), Path(target))
    Path(target).write_text(json.dumps(found))

"""Near-duplicate detection: ours beside the usual recipe, on the same planted set.

    python benchmarks/dedup_pictures.py [records]

The set: short questions about shared pictures with 10 % planted near-copies (a typo, a polite
word, other punctuation) and as many near-misses that are NOT duplicates (left for right, another
picture). Beside ours runs what most tools do, written plainly: minhash LSH over character
5-grams, candidates trusted, connected components, first record kept; once with the text alone as
the key, once also asking for the same picture.

Columns: seconds; planted copies removed; near-misses wrongly removed; other records removed.
"""

from __future__ import annotations

import hashlib
import random
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from seestep.curate.batch import Batch
from seestep.curate.dedup import ExactDuplicates, NearDuplicates, find_exact, find_near
from seestep.curate.near import normalise, shingles

COLORS = ["red", "blue", "green", "white", "black", "yellow", "purple", "orange"]
THINGS = ["mug", "bowl", "plate", "lamp", "pillow", "book", "bottle", "vase", "kettle", "laptop"]
PLACES = ["kitchen table", "wooden shelf", "counter top", "bedside dresser", "coffee table"]
FORMS = [
    "Is the {c} {t} on the left side of the {p} in this picture?",
    "Where is the {c} {t} placed with respect to the {p}?",
    "How many {c} {t}s stand on the {p} next to the window?",
    "Could the {c} {t} be moved to the {p} without touching anything?",
]


class Planted(NamedTuple):
    batch: Batch
    copies: frozenset[str]
    misses: frozenset[str]


def planted_set(records: int, seed: int = 0) -> Planted:
    """Records with known copies and known near-misses."""
    rng = random.Random(seed)
    rows: list[tuple[str, str, str, str]] = []
    taken: set[tuple[str, str]] = set()
    while len(rows) < records * 8 // 10:
        text = rng.choice(FORMS).format(
            c=rng.choice(COLORS), t=rng.choice(THINGS), p=rng.choice(PLACES)
        )
        picture = f"img{rng.randrange(records // 8)}"
        if (text, picture) not in taken:
            taken.add((text, picture))
            rows.append((f"base{len(rows):06d}", text, rng.choice(["yes", "no", "2"]), picture))
    base = list(rows)
    for n in range(records // 10):
        _, text, answer, picture = rng.choice(base)
        rows.append((f"copy{n:06d}", _copied(text, rng), answer, picture))
        _, text, answer, picture = rng.choice(base)
        missed = _missed(text, rng)
        other = picture if (missed, picture) not in taken else f"other{n}"
        taken.add((missed, other))
        rows.append((f"miss{n:06d}", missed, answer, other))
    ids, texts, answers, pictures = zip(*rows, strict=True)
    blank = ("",) * len(rows)
    batch = Batch(ids, blank, blank, texts, answers, pictures, ())
    pick = {kind: frozenset(i for i in ids if i.startswith(kind)) for kind in ("copy", "miss")}
    return Planted(batch, pick["copy"], pick["miss"])


def _copied(text: str, rng: random.Random) -> str:
    kind = rng.randrange(3)
    if kind == 0:
        long = [w for w in text.split() if len(w) > 5]
        word = rng.choice(long)
        at = rng.randrange(1, len(word) - 1)
        return text.replace(word, word[:at] + word[at + 1 :], 1)
    return f"Please tell me: {text}" if kind == 1 else text.upper().replace("?", " ?!")


def _missed(text: str, rng: random.Random) -> str:
    """Another question: left for right, another colour; or the same words for another picture."""
    kind = rng.randrange(3)
    if kind == 0 and "left" in text:
        return text.replace("left", "right")
    if kind == 1:
        color = next(c for c in COLORS if f" {c} " in text)
        return text.replace(color, rng.choice([c for c in COLORS if c != color]), 1)
    return text


def ours(batch: Batch) -> set[str]:
    """Exact, then near with verification, keyed by text and picture."""
    gone = {v.id for v in find_exact(ExactDuplicates(), batch) if not v.keep}
    rest = batch.take([i for i, rid in enumerate(batch.ids) if rid not in gone])
    return gone | {v.id for v in find_near(NearDuplicates(), rest) if not v.keep}


def usual(batch: Batch, *, by_picture: bool = False, bands: int = 20, rows: int = 6) -> set[str]:
    """Minhash LSH in plain Python: no verification, union-find."""
    rng = random.Random(0)
    prime = (1 << 61) - 1
    mixers = [(rng.randrange(1, prime), rng.randrange(prime)) for _ in range(bands * rows)]
    parent = list(range(len(batch)))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    buckets: dict[tuple[int, str, tuple[int, ...]], int] = {}
    for i, text in enumerate(batch.prompts):
        hashes = [
            int.from_bytes(hashlib.blake2b(s.encode(), digest_size=8).digest(), "big")
            for s in shingles(normalise(text))
        ]
        signature = [min((a * h + b) % prime for h in hashes) for a, b in mixers]
        for band in range(bands):
            picture = batch.images[i] if by_picture else ""
            key = (band, picture, tuple(signature[band * rows : (band + 1) * rows]))
            j = buckets.setdefault(key, i)
            low, high = sorted((root(i), root(j)))
            parent[high] = low
    return {batch.ids[i] for i in range(len(batch)) if root(i) != i}


def main() -> None:
    records = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    planted = planted_set(records)
    print(f"{'method':14} {'s':>7} {'copies':>13} {'misses lost':>13} {'others lost':>13}")
    methods: dict[str, Callable[[Batch], set[str]]] = {
        "ours": ours,
        "text only": usual,
        "text + picture": partial(usual, by_picture=True),
    }
    for name, method in methods.items():
        began = time.perf_counter()
        gone = method(planted.batch)
        seconds = time.perf_counter() - began
        others = len(gone - planted.copies - planted.misses)
        print(
            f"{name:14} {seconds:7.2f} "
            f"{len(gone & planted.copies):6}/{len(planted.copies):<6} "
            f"{len(gone & planted.misses):6}/{len(planted.misses):<6} "
            f"{others:6}/{len(planted.batch) - len(planted.copies) - len(planted.misses):<6}"
        )


if __name__ == "__main__":
    main()

"""Near copies of pictures: the same question and answer about one photograph under two files.

A picture saved anew or scaled has another hash of its bytes and is the same picture to a model. A
perceptual hash (64 bits, as in ``contamination.looks``) finds candidates, grey values and colours
verify them. A mirrored picture is another one (left is right in it), and so is a crop (every place
in it has other coordinates). Records whose pictures are the same in this sense are duplicates when
their texts are equal or near, as ``dedup`` has it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec

from seestep.columns import texts
from seestep.curate.batch import Batch, media_identity
from seestep.curate.dedup import ExactDuplicates, NearDuplicates, find_exact, find_near
from seestep.curate.measure import Measure
from seestep.errors import MediaError
from seestep.media import Roots, open_image
from seestep.records import Record, Verdict
from seestep.sources.pictures import MISSING

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

NEAR = 10  # bits of 64 a candidate may differ in
ROWS = 128  # pictures whose candidates are held at a time
NO_PICTURE = "not measured: no picture"
VIDEO = "not measured: frames of a video"


class NearPictures(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Drop records that say what a better one says about a near copy of the same pictures.

    ``alike`` is the correlation of grey values from which two pictures are copies of each other;
    ``text`` says which texts are near.
    """

    alike: float = 0.97
    text: NearDuplicates = NearDuplicates()

    name = "near_picture"
    version = 2

    def __post_init__(self) -> None:
        if not 0 < self.alike <= 1:
            raise ValueError(f"alike must be in (0, 1], got {self.alike}")

    def measure(self) -> Measure:
        return Copies()

    def decide(self, batch: Batch, table: pa.Table, *, seed: int = 0) -> list[Verdict]:
        """One verdict a row. Of one picture with others near it, the others take its name."""
        why = table["why"].to_pylist()
        shown = table["pictures"].to_pylist()
        copies: dict[str, bytes] = {}
        for pictures in shown:
            copies |= {one["name"]: one["copy"] for one in pictures}
        stands_for = group(copies, self.alike)
        names = [
            f"row {row}"  # nobody's twin
            if why[row]
            else "+".join(stands_for[one["name"]] for one in shown[row])
            for row in range(len(batch))
        ]
        twins = self._twins(replace(batch, images=tuple(names)), shown, seed)
        return [
            twins.get(row) or Verdict(id=rid, check=self.name, keep=True, evidence=why[row])
            for row, rid in enumerate(batch.ids)
        ]

    def _twins(
        self, same: Batch, shown: list[list[dict[str, Any]]], seed: int
    ) -> dict[int, Verdict]:
        """Verdicts of the rows that go. What shares a name need not be alike (two colourings of
        one grey picture), so the pictures of a twin are compared, and rows whose twin shows other
        pictures are looked through again among themselves, until none is left."""
        place = {rid: row for row, rid in enumerate(same.ids)}
        gone: dict[int, Verdict] = {}
        rows = list(range(len(same)))
        while rows:
            part = same.take(rows)
            exact = find_exact(ExactDuplicates(), part)
            kept = [i for i, said in enumerate(exact) if said.keep]
            near = dict(zip(kept, find_near(self.text, part.take(kept), seed=seed), strict=True))
            said = {row: near.get(i, exact[i]) for i, row in enumerate(rows)}
            rows = []
            for row, text in said.items():
                if text.keep:
                    continue
                twin = place[text.evidence.removeprefix("twin ").rpartition(" jaccard ")[0]]
                least = _least_alike(shown[row], shown[twin], self.alike)
                if least is None:
                    rows.append(row)
                    continue
                gone[row] = Verdict(
                    id=text.id,
                    check=self.name,
                    keep=False,
                    reason="twin",
                    score=text.score,
                    threshold=text.threshold,
                    evidence=f"{text.evidence}, pictures {least:.4f} alike",
                )
        return gone


class Copies(msgspec.Struct, frozen=True):
    """Columns ``pictures`` (of each its name and a small copy) and ``why`` there are none."""

    name = NearPictures.name
    version = 1
    reads = ("json",)  # it tells the hash of each file
    loads_model = False

    def parameters(self) -> dict[str, Any]:
        return {}

    def __call__(self, batch: Batch, roots: Roots) -> pa.Table:
        import pyarrow as pa

        known: dict[str, bytes | str] = {}
        found = [_shown(record, roots, known) for record in batch.records]
        kind = pa.list_(pa.struct([("name", pa.string()), ("copy", pa.binary())]))
        return pa.table(
            {
                "pictures": pa.array([[] if isinstance(f, str) else f for f in found], kind),
                "why": texts([f if isinstance(f, str) else "" for f in found]),
            }
        )


def group(copies: dict[str, bytes], alike: float) -> dict[str, str]:
    """Which picture each one stands for: itself, or the first by name that it is a near copy of."""
    from seestep.curate.contamination.looks import tinted_alike
    from seestep.curate.hamming import Close

    names = sorted(copies)
    if not names:
        return {}
    grey, colors, hashes, flat = unpack([copies[name] for name in names])
    stands_for = {name: name for name in names}
    close = Close(hashes, NEAR)
    live = ~flat  # and stands for itself
    for start in range(0, len(names), ROWS):
        for a, b in zip(*close.pairs(start, start + ROWS, live), strict=True):
            if not live[a] or not live[b]:
                continue
            score = float(grey[a] @ grey[b])
            if score >= alike and tinted_alike(colors[a], colors[b]):
                stands_for[names[b]], live[b] = names[a], False
    return stands_for


def _least_alike(
    ours: list[dict[str, Any]], theirs: list[dict[str, Any]], alike: float
) -> float | None:
    """How alike two records' pictures are, in order; of several the least. None if any differ."""
    from seestep.curate.contamination.looks import tinted_alike

    least = 1.0
    if len(ours) != len(theirs):
        return None
    for one, other in zip(ours, theirs, strict=True):
        if one["name"] == other["name"]:
            continue
        grey, colors, _, _ = unpack([one["copy"], other["copy"]])
        score = float(grey[0] @ grey[1])
        if score < alike or not tinted_alike(colors[0], colors[1]):
            return None
        least = min(least, score)
    return least


def pack(copy: NDArray[np.uint8]) -> bytes:
    """A copy of ``contamination.looks.small`` as what two whole pictures are compared by: 32 x 32
    grey values, then 8 x 8 of Cb and of Cr."""
    import numpy as np

    from seestep.curate.contamination.looks import CHROMA, SIDE, THUMB

    step, coarse = THUMB // SIDE, CHROMA // 8
    grey = copy[:THUMB].reshape(SIDE, step, SIDE, step).mean(axis=(1, 3))
    planes = copy[THUMB:].reshape(2, 8, coarse, 8, coarse).mean(axis=(2, 4))
    return np.concatenate([grey.ravel(), planes.ravel()]).round().astype(np.uint8).tobytes()


def unpack(
    packed: list[bytes],
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.uint64], NDArray[np.bool_]]:
    """(n, 1024) grey values of mean 0 and length 1, (n, 2, 8, 8) colours around 0, (n,) hashes, and
    (n,) which pictures show nothing."""
    import numpy as np

    from seestep.curate.contamination.looks import FLAT, SIDE, dct_hashes

    every = np.frombuffer(b"".join(packed), dtype=np.uint8).reshape(len(packed), -1)
    raw = every[:, : SIDE * SIDE].astype(np.float32)
    hashes = dct_hashes(raw.reshape(-1, SIDE, SIDE))
    grey = raw - raw.mean(axis=1, keepdims=True)
    length = np.linalg.norm(grey, axis=1)
    colors = every[:, SIDE * SIDE :].astype(np.float32).reshape(-1, 2, 8, 8) - np.float32(128)
    return grey / np.maximum(length, 1)[:, None], colors, hashes, length < FLAT * SIDE


def _shown(
    record: Record, roots: Roots, known: dict[str, bytes | str]
) -> list[dict[str, Any]] | str:
    """Name and small copy of each picture of a record, or why there are none."""
    from seestep.curate.contamination.looks import small

    if not record.media or MISSING in record.tags:
        return NO_PICTURE
    if any(one.kind != "image" for one in record.media):
        return VIDEO
    found = []
    for one in record.media:
        name = media_identity(one)
        if name not in known:
            try:
                known[name] = pack(small(open_image(one, roots)))
            except MediaError as error:
                known[name] = f"not measured: {error.what}"
        copy = known[name]
        if isinstance(copy, str):
            return copy
        found.append({"name": name, "copy": copy})
    return found

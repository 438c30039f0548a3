"""``seestep dedup``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter


def dedup(
    data: Path,
    *,
    text_fields: str,
    out: Path,
    image_field: str = "",
    images: Path | None = None,
    best: str = "",
    threshold: float = 0.7,
    same_words: Annotated[bool, Parameter(negative="")] = False,
    shingle: str = "char:5",
    json: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Take the duplicates out of any JSON lines; every row that goes names the one that stays.

    Rows are twins when they show the same pictures and their texts have a Jaccard similarity of
    THRESHOLD or more, counted exactly. Writes kept.jsonl, removed.jsonl, unreadable.jsonl,
    ledger.parquet and summary.json.

    Parameters
    ----------
    data
        A file with one JSON object a line.
    text_fields
        The fields that are compared, with commas: question,answer. A field inside another is a.b,
        in a list a.0.
    out
        The folder to write.
    image_field
        The field that names a row's pictures, one or a list. The same text about other pictures is
        no duplicate.
    images
        The folder of those pictures: one file under two names is then one picture.
    best
        A field with a number: of twins the row with the higher one stays. Else the first.
    threshold
        The least similarity of two texts that are near.
    same_words
        Twins must also say the same words in the same order, but for typos and words that only
        dress a question: without it "left of the mug" and "right of the mug" may be twins.
    shingle
        What texts are sets of: char:5 (five signs), or word:3 (three words).
    json
        Print the summary as one JSON object.
    """
    import msgspec

    from seestep.curate.rows import RowsConfig, dedup_rows
    from seestep.errors import RecipeError
    from seestep.progress import Progress

    try:
        config = RowsConfig(
            text_fields=tuple(name.strip() for name in text_fields.split(",")),
            image_field=image_field,
            best=best,
            threshold=threshold,
            same_words=same_words,
            shingle=shingle,
        )
    except ValueError as error:
        raise RecipeError(str(error)) from error
    with Progress(data.name, mode="none" if json else "auto") as progress:
        found = dedup_rows(data, out, config, images=images, progress=progress)
    if json:
        print(msgspec.json.encode(found).decode())
        return
    gone = sum(found.removed.values())
    tiers = ", ".join(f"{n:,} {_WORDS[tier]}" for tier, n in found.removed.items())
    print(
        f"{found.rows:,} rows: {found.kept:,} kept, {gone:,} removed"
        + (f" ({tiers})" if gone else "")
    )
    if found.unreadable:
        print(f"{found.unreadable:,} lines cannot be read: {out / 'unreadable.jsonl'}")
    if found.no_text:
        print(f"{found.no_text:,} kept rows have no text and were compared with nothing")
    if found.no_picture_file:
        print(f"{found.no_picture_file:,} pictures are known by name alone: no file below {images}")
    print(f"{out / 'kept.jsonl'}, and why in {out / 'ledger.parquet'}")


_WORDS = {
    "exact": "the same text",
    "simhash": "near, found by simhash",
    "minhash": "near, found by minhash",
    "group": "near, among the rows of one picture",
}

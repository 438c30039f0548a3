"""Images from files nobody checked: found below a named root, measured first, decoded whole.

Everything here speaks of the EXIF-upright original, in RGB. A file that is missing, cut off, too
large, or not a regular file raises ``MediaError``; nothing is ever replaced or half read.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import stat
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import msgspec

from seestep.disk import kind_of, sha256_file
from seestep.errors import DataError, MediaError
from seestep.records import Media

if TYPE_CHECKING:
    from PIL.Image import Image

Roots: TypeAlias = Mapping[str, Path]  # root name of a Media -> the folder it stands for

MAX_PIXELS = 50_000_000
_ORIENTATION = 0x0112
_TURNED = frozenset({5, 6, 7, 8})  # EXIF orientations that swap width and height
# what Pillow's decoders were seen to raise on files with changed or missing bytes
_DAMAGE = (OSError, SyntaxError, ValueError, EOFError, RuntimeError, struct.error)


def resolve(media: Media, roots: Roots, *, frame: int = 0) -> Path:
    """The file of a media (of its ``frame``-th frame when it is a list of frames).

    Raises ``MediaError`` when the root has no folder, the file is missing or not regular, or a
    symbolic link leads out of the root.
    """
    path = media.frames[frame] if media.kind == "frames" else media.path
    root = roots.get(media.root)
    if root is None:
        raise MediaError(
            f"no folder is given for media root {media.root!r}",
            record=media.key,
            wanted=f"one of {sorted(roots)}" if roots else "a root",
            hint="name it under roots in the recipe",
        )
    if not path:
        raise MediaError("this media has no path", record=media.key)
    found = Path(root) / path
    _regular(found)
    real = found.resolve()
    if not real.is_relative_to(Path(root).resolve()):
        raise MediaError("this link leads out of its root", file=found, got=str(real))
    return found


def open_image(
    media: Media | Path | str,
    roots: Roots | None = None,
    *,
    max_pixels: float = MAX_PIXELS,
) -> Image:
    """The whole picture, upright, RGB.

    Palette, grey, transparent (laid on white) and CMYK pictures are converted, 16-bit ones scaled
    to 8 bits, and the first frame of an animation is taken. Raises ``MediaError``.
    """
    path = _path(media, roots)
    with _opened(path, max_pixels) as image:
        image.load()  # a cut-off file is found here and only here
        return _rgb(_upright(image))


def open_bytes(data: bytes, *, max_pixels: float = MAX_PIXELS) -> Image:
    """The same of a picture that lies in a table. Raises ``MediaError``."""
    with _opened(io.BytesIO(data), max_pixels) as image:
        image.load()
        return _rgb(_upright(image))


def read_size(path: Path | str, *, max_pixels: float = MAX_PIXELS) -> tuple[int, int]:
    """(width, height) of the upright picture, from its header; nothing is decoded."""
    path = _path(path, None)
    with _opened(path, max_pixels) as image:
        width, height = image.size
        turned = _exif(image, path).get(_ORIENTATION) in _TURNED
        return (height, width) if turned else (width, height)


def exif_orientation(path: Path | str, *, max_pixels: float = MAX_PIXELS) -> int:
    """1 where the raster is stored upright, 2 to 8 where EXIF says to mirror or turn it."""
    path = _path(path, None)
    with _opened(path, max_pixels) as image:
        told = _exif(image, path).get(_ORIENTATION, 1)
    return int(told) if told in range(2, 9) else 1  # type: ignore[call-overload]


def pixel_sha256(image: Image) -> str:
    """Hash of what is seen: mode, size and pixels, whatever the file format was."""
    digest = hashlib.sha256(f"{image.mode} {image.width}x{image.height}\n".encode())
    digest.update(image.tobytes())
    return digest.hexdigest()


def probe(media: Media, roots: Roots) -> Media:
    """The same media with its size read and its sha256 verified or filled in.

    Of a list of frames the first gives the size, and the hash is over the hashes of all frames.
    Raises ``MediaError`` when a recorded size or hash does not fit the file.
    """
    paths = [resolve(media, roots, frame=i) for i in range(max(1, len(media.frames)))]
    hashes = [sha256_file(path) for path in paths]
    sha256 = hashes[0]
    if media.kind == "frames":
        sha256 = hashlib.sha256("".join(hashes).encode()).hexdigest()
    if media.sha256 is not None and media.sha256 != sha256:
        raise MediaError(
            "this file is not the one the record was made from",
            file=paths[0],
            wanted=f"sha256 {media.sha256[:12]}",
            got=sha256[:12],
        )
    if media.kind == "video":
        return msgspec.structs.replace(media, sha256=sha256)
    width, height = read_size(paths[0])
    if media.size is not None and media.size != (width, height):
        raise MediaError(
            "this picture has another size than its record says",
            file=paths[0],
            wanted="{}x{}".format(*media.size),
            got=f"{width}x{height}",
            hint="records hold the size of the upright (EXIF-turned) picture",
        )
    return msgspec.structs.replace(media, width=width, height=height, sha256=sha256)


def _path(media: Media | Path | str, roots: Roots | None) -> Path:
    if isinstance(media, Media):
        return resolve(media, roots or {})
    _regular(Path(media))
    return Path(media)


def _regular(path: Path) -> None:
    """Look before opening: opening a FIFO would wait for ever."""
    try:
        mode = os.stat(path).st_mode
    except OSError as error:
        raise MediaError(f"this file cannot be found: {error.strerror}", file=path) from error
    if not stat.S_ISREG(mode):
        raise MediaError("this is not a regular file", file=path, got=kind_of(mode))


@contextlib.contextmanager
def _opened(path: Path | io.BytesIO, max_pixels: float) -> Iterator[Image]:
    """A picture whose header was read and found small enough; decoding errors inside the block
    become ``MediaError``."""
    import warnings

    from PIL import Image as images
    from PIL import UnidentifiedImageError

    file = path if isinstance(path, Path) else None

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", images.DecompressionBombWarning)  # our cap is lower
            with images.open(path) as image:
                width, height = image.size
                if width * height > max_pixels:
                    raise MediaError(
                        "this picture is too large",
                        file=file,
                        wanted=f"at most {max_pixels:,.0f} pixels",
                        got=f"{width}x{height}",
                        hint="scale it down, or raise max_pixels",
                    )
                if image.mode == "F":
                    raise MediaError(
                        "these are numbers without a range that is black to white",
                        file=file,
                        wanted="8 or 16 bits a channel",
                        got="32-bit floats",
                        hint="convert it to 8 bits with the range you mean",
                    )
                yield image
    except UnidentifiedImageError as error:
        raise MediaError("this is not a picture Pillow can read", file=file) from error
    except images.DecompressionBombError as error:
        raise MediaError(f"this picture is too large: {error}", file=file) from error
    except _DAMAGE as error:
        raise MediaError(f"this picture is damaged or cut off: {error}", file=file) from error


def _upright(image: Image) -> Image:
    """The picture as EXIF says it should be seen.

    ``ImageOps.exif_transpose`` also rewrites the EXIF and fails on cameras' malformed tags.
    """
    from PIL.Image import Transpose

    turn = {
        2: Transpose.FLIP_LEFT_RIGHT,
        3: Transpose.ROTATE_180,
        4: Transpose.FLIP_TOP_BOTTOM,
        5: Transpose.TRANSPOSE,
        6: Transpose.ROTATE_270,
        7: Transpose.TRANSVERSE,
        8: Transpose.ROTATE_90,
    }.get(image.getexif().get(_ORIENTATION, 1))
    return image if turn is None else image.transpose(turn)


def _exif(image: Image, path: Path) -> Mapping[int, object]:
    """The EXIF of an opened picture without decoding it.

    Pillow decodes a PNG to learn whether metadata follow the pixels; looking at the chunk names
    tells, and only then is it decoded.
    """
    from PIL import Image as images

    if image.format == "PNG" and not _png_metadata_late(path):
        return images.Image.getexif(image)
    return image.getexif()


def _png_metadata_late(path: Path) -> bool:
    pixels_seen = False
    with open(path, "rb") as file:
        file.seek(8)
        while len(head := file.read(8)) == 8:
            kind = head[4:]
            pixels_seen = pixels_seen or kind == b"IDAT"
            if pixels_seen and kind in (b"eXIf", b"tEXt", b"zTXt", b"iTXt"):
                return True
            file.seek(int.from_bytes(head[:4], "big") + 4, os.SEEK_CUR)
    return False


def _rgb(image: Image) -> Image:
    from PIL import Image as images

    if image.mode == "RGB":
        return image.copy()
    if image.mode.startswith("I;16") or image.mode == "I":
        # convert("RGB") would clip everything above 255 to white
        return image.point(lambda value: value * (1 / 257), "F").convert("L").convert("RGB")
    if image.mode in ("LA", "PA", "RGBA", "La", "RGBa") or "transparency" in image.info:
        rgba = image.convert("RGBA")
        paper = images.new("RGBA", rgba.size, "white")
        return images.alpha_composite(paper, rgba).convert("RGB")
    return image.convert("RGB")


__all__ = [
    "DataError",
    "MediaError",
    "Roots",
    "exif_orientation",
    "open_image",
    "pixel_sha256",
    "probe",
    "read_size",
    "resolve",
    "sha256_file",
]

"""Made-up photographs, and what people do to photographs."""

import io

import numpy as np
from PIL import Image, ImageDraw, ImageFilter


def photo(seed, size=(320, 240)):
    """Something with large and small structure, as photographs have; each seed another."""
    rng = np.random.default_rng(seed)
    image = Image.new("RGB", size, tuple(rng.integers(40, 216, 3).tolist()))
    draw = ImageDraw.Draw(image)
    for _ in range(24):
        x, y = rng.integers(0, size[0]), rng.integers(0, size[1])
        w, h = rng.integers(12, size[0] // 2), rng.integers(12, size[1] // 2)
        color = tuple(rng.integers(0, 256, 3).tolist())
        shape = draw.ellipse if rng.random() < 0.5 else draw.rectangle
        shape((int(x), int(y), int(x + w), int(y + h)), fill=color)
    return image.filter(ImageFilter.GaussianBlur(1))


def saved(image, kind="PNG", **more):
    stream = io.BytesIO()
    image.save(stream, kind, **more)
    return stream.getvalue()


def crop(image, left, top, side):
    w, h = image.size
    return image.crop((int(left * w), int(top * h), int((left + side) * w), int((top + side) * h)))

"""Pictures of a filled stage: colour, owner of each pixel and planar depth, by mujoco-warp."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module, metadata
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seestep.errors import need
from seestep.world.room.axes import Vec
from seestep.world.room.stage import LIGHTS, Slots, stage

SKY = (0.72, 0.82, 0.92, 1.0)
DEVICE = "cpu"  # the same bytes on every machine; views are too small to gain from a GPU


@dataclass(frozen=True)
class Lights:
    """LIGHTS lights: (n, 3) positions, directions, diffuse colours, ambient colours."""

    pos: Vec
    dir: Vec
    diffuse: Vec
    ambient: Vec


@dataclass(frozen=True)
class Shot:
    """What the camera saw. ``owner`` is 0 where the building or nothing is seen."""

    rgb: NDArray[np.uint8]
    owner: NDArray[np.int32]
    depth: NDArray[np.float32]


@lru_cache(maxsize=1)
def _quiet_warp() -> Any:
    """warp, initialised without its banner and without its notice that there is no CUDA driver."""
    need("mujoco_warp", "world")
    warp: Any = import_module("warp")
    warp.config.log_level = warp.LOG_ERROR
    with tempfile.TemporaryFile("w+") as caught:
        sys.stderr.flush()
        kept = os.dup(2)  # the notice is written by native code, past sys.stderr
        os.dup2(caught.fileno(), 2)
        try:
            warp.init()
        finally:
            os.dup2(kept, 2)
            os.close(kept)
        caught.seek(0)
        for line in caught:
            if "CUDA driver" not in line:
                sys.stderr.write(line)
    return warp


@lru_cache(maxsize=1)
def _device_model() -> tuple[Any, Any]:
    import mujoco

    warp = _quiet_warp()
    import mujoco_warp

    model = stage().model
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    with warp.ScopedDevice(DEVICE):
        return mujoco_warp.put_model(model), mujoco_warp.put_data(model, data)


@lru_cache(maxsize=8)
def _context(width: int, height: int, fov: float) -> Any:
    """Render context of one picture size. All contexts share one compiled kernel."""
    warp = _quiet_warp()
    import mujoco_warp

    model = stage().model
    _device_model()
    model.cam_fovy[0] = fov
    with warp.ScopedDevice(DEVICE):
        return mujoco_warp.create_render_context(
            model, nworld=1, cam_res=(width, height), render_rgb=True, render_depth=True,
            render_seg=True, use_shadows=True, use_textures=True, background_color=SKY,
            shadow_light_fraction=0.35,
        )  # fmt: skip


def render(
    slots: Slots,
    lights: Lights,
    position: Vec,
    axes: Vec,
    *,
    width: int,
    height: int,
    fov: float,
    supersample: int = 1,
) -> Shot:
    """Draw the slots from a camera whose right, up and backward axes are columns of ``axes``.

    ``supersample`` draws n times finer each way and averages the colours; owners and depth are
    taken from the middle of each block, so they stay exact values. An even block has no middle: its
    pixel to the lower right is taken, so that masks lie up to a quarter pixel to the upper left.
    """
    warp = _quiet_warp()
    import mujoco_warp
    from mujoco_warp._src.bvh import compute_bvh_group_roots

    wide, high = width * supersample, height * supersample
    context = _context(wide, high, fov)
    model, data = _device_model()
    with warp.ScopedDevice(DEVICE):
        _assign(model.geom_type, slots.kind)
        _assign(model.geom_dataid, slots.mesh[None])
        _assign(model.geom_matid, slots.material[None])
        _assign(model.geom_size, slots.size[None])
        _assign(model.geom_rgba, slots.rgba[None])
        _assign(data.geom_xpos, slots.pos[None])
        _assign(data.geom_xmat, slots.rot[None])
        _assign(model.light_diffuse, lights.diffuse[None])
        _assign(model.light_ambient, lights.ambient[None])
        _assign(model.light_specular, lights.diffuse[None] * 0.5)
        _assign(data.light_xpos, lights.pos[None])
        _assign(data.light_xdir, lights.dir[None])
        _assign(data.cam_xpos, position[None, None])
        _assign(data.cam_xmat, axes[None, None])
        # The tree is built anew: refitting one that was built for another home is slow to trace.
        context.bvh_ngeom = slots.count
        mujoco_warp.refit_bvh(model, data, context)
        n = slots.count
        context.bvh = warp.Bvh(
            context.lower[:n], context.upper[:n], groups=context.group[:n], constructor="sah"
        )
        context.bvh_id = context.bvh.id
        warp.launch(
            compute_bvh_group_roots, dim=1, inputs=[context.bvh.id], outputs=[context.group_root]
        )
        mujoco_warp.render(model, data, context)
        packed = context.rgb_data.numpy().reshape(high, wide)
        seen = context.seg_data.numpy().reshape(high, wide, 2)[..., 0]
        depth = context.depth_data.numpy().reshape(high, wide)
    rgb = np.stack([(packed >> 16) & 255, (packed >> 8) & 255, packed & 255], axis=-1)
    owner = np.where(seen >= 0, slots.owner[np.maximum(seen, 0)], 0).astype(np.int32)
    if supersample > 1:
        k, mid = supersample, supersample // 2
        rgb = rgb.reshape(height, k, width, k, 3).mean(axis=(1, 3)).round()
        owner, depth = owner[mid::k, mid::k], depth[mid::k, mid::k]
    return Shot(
        rgb.astype(np.uint8), np.ascontiguousarray(owner), np.ascontiguousarray(depth, np.float32)
    )


def _assign(target: Any, values: NDArray[Any]) -> None:
    """Copy to the device; trailing axes are warp's vectors and matrices."""
    kind = np.int32 if values.dtype.kind == "i" else np.float32
    target.assign(
        np.ascontiguousarray(values, dtype=kind).reshape(target.shape + values.shape[target.ndim :])
    )


def is_warm() -> bool:
    """Whether the kernel was compiled here with these versions, so that loading it is enough.

    Should it be wrong (a cache half deleted), processes compile it for themselves.
    """
    return _mark().is_file()


def warm_up(*, quiet: bool = False) -> float:
    """Compile the render kernel if this machine has not yet done so; seconds it took.

    The first time takes about half a minute; warp keeps the result in its cache folder
    (``WARP_CACHE_PATH``, else the user's cache), so later processes need a second or two.
    """
    start = time.perf_counter()
    if not quiet and not is_warm():
        print("   compiling the home renderer, once for this machine ...", file=sys.stderr)
    from seestep.world.room.shapes import box
    from seestep.world.room.stage import fill

    slots = fill([(1, np.zeros(3), 0.0, [box(-1, 1, -1, 1, -0.1, 0, (0.6, 0.6, 0.6))])])
    down = np.array([[1.0, 0, 0], [0, 1.0, 0], [0, 0, 1.0]])
    nothing = np.zeros((LIGHTS, 3))
    below = np.tile([0.0, 0.0, -1.0], (LIGHTS, 1))
    lights = Lights(-2.5 * below, below, nothing + 0.2, nothing + 0.1)
    render(slots, lights, np.array([0, 0, 2.0]), down, width=16, height=16, fov=60.0)
    if not is_warm():
        with suppress(OSError):  # the mark only saves time
            _mark().parent.mkdir(parents=True, exist_ok=True)
            _mark().touch()
    return time.perf_counter() - start


def _mark() -> Path:
    """A file that tells of a compiled kernel, in warp's cache folder so that it goes with it."""
    cache = os.environ.get("WARP_CACHE_PATH") or Path.home() / ".cache" / "warp"
    versions = "-".join(metadata.version(p) for p in ("warp-lang", "mujoco-warp", "mujoco"))
    return Path(cache) / f"seestep-room-{versions}"

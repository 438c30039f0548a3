"""The stage: one compiled MuJoCo model that every home is drawn on.

mujoco-warp compiles its kernel for the set of geom types and the number of lights of a model, and
MuJoCo takes milliseconds to compile a new one. So there is only one model: a library of meshes,
textures and materials, and SLOTS anonymous geoms. A home is drawn by writing type, size, pose,
colour and material of its parts into the slots. Nothing is compiled for a new home.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from seestep.errors import SeestepError
from seestep.world.room.axes import Vec, yaw_matrix
from seestep.world.room.shapes import PROFILES, SCALES, Part, lathe

SLOTS = 640
LIGHTS = 4  # key (casts shadows), fill, and two lamps
_TYPES = {"sphere": 2, "ellipsoid": 4, "cylinder": 5, "box": 6}  # mujoco.mjtGeom
_MESH = 7

# MuJoCo multiplies by half sizes, hence the factor 2 below.
# name -> (texture, repeats per metre, specular, shininess, emission)
LOOKS: dict[str, tuple[str, float, float, float, float]] = {
    "plain": ("", 1.0, 0.05, 0.1, 0.0),
    "glazed": ("", 1.0, 0.5, 0.6, 0.0),
    "metal": ("", 1.0, 0.7, 0.5, 0.0),
    "glow": ("", 1.0, 0.0, 0.0, 0.75),
    "wood": ("wood", 0.8, 0.15, 0.2, 0.0),
    "planks": ("planks", 0.8, 0.1, 0.2, 0.0),
    "marble": ("marble", 0.6, 0.4, 0.6, 0.0),
    "tiles": ("tiles", 1.4, 0.2, 0.4, 0.0),
    "checker": ("checker", 1.2, 0.2, 0.4, 0.0),
    "fabric": ("fabric", 2.5, 0.0, 0.0, 0.0),
    "carpet": ("fabric", 1.5, 0.0, 0.0, 0.0),
    "stripes": ("stripes", 0.9, 0.0, 0.0, 0.0),
    "plaster": ("plaster", 0.7, 0.0, 0.0, 0.0),
    "bricks": ("bricks", 1.2, 0.0, 0.0, 0.0),
    "dots": ("dots", 3.0, 0.05, 0.1, 0.0),
}


def _noise(rng: np.random.Generator, size: int, rows: int, cols: int) -> Vec:
    """Smooth noise in 0..1 that repeats without a seam."""
    coarse = rng.random((rows, cols))
    y = np.linspace(0, rows, size, endpoint=False)
    x = np.linspace(0, cols, size, endpoint=False)
    yi, xi = y.astype(int), x.astype(int)
    ty, tx = (y - yi)[:, None], (x - xi)[None]
    ty, tx = ty * ty * (3 - 2 * ty), tx * tx * (3 - 2 * tx)
    y1, x1 = (yi + 1) % rows, (xi + 1) % cols
    top = coarse[yi][:, xi] * (1 - tx) + coarse[yi][:, x1] * tx
    low = coarse[y1][:, xi] * (1 - tx) + coarse[y1][:, x1] * tx
    out: Vec = top * (1 - ty) + low * ty
    return out


def textures(size: int = 128) -> dict[str, NDArray[np.uint8]]:
    """Grey patterns, (size, size) uint8: they darken the colour of whatever wears them."""
    rng = np.random.default_rng(20240501)
    y, x = np.mgrid[0:size, 0:size] / size
    grain = _noise(rng, size, 32, 3)
    fine = _noise(rng, size, 64, 64)
    clouds = (_noise(rng, size, 4, 4) + 0.5 * _noise(rng, size, 8, 8)) / 1.5
    board = np.floor(y * 5)
    tone = rng.random(5)[board.astype(int)]
    seam = (np.abs(y * 5 - np.round(y * 5)) < 0.04) | (
        np.abs((x + 0.37 * board) % 1.0 - 0.5) < 0.006
    )
    row = np.floor(y * 6)
    mortar = (np.abs(y * 6 - np.round(y * 6)) < 0.07) | (
        np.abs(((x * 3 + 0.5 * (row % 2)) % 1.0) - 0.5) < 0.035
    )
    line = (np.abs(x * 2 - np.round(x * 2)) < 0.02) | (np.abs(y * 2 - np.round(y * 2)) < 0.02)
    spots = ((x * 4) % 1 - 0.5) ** 2 + ((y * 4) % 1 - 0.5) ** 2 < 0.05
    grey = {
        "wood": 0.72 + 0.28 * grain,
        "planks": (0.66 + 0.2 * grain + 0.14 * tone) * np.where(seam, 0.55, 1.0),
        "marble": 1.0 - 0.35 * np.abs(clouds - 0.5) * 2 - 0.05 * fine,
        "tiles": (0.93 + 0.07 * fine) * np.where(line, 0.62, 1.0),
        "checker": np.where((np.floor(x * 2) + np.floor(y * 2)) % 2 == 0, 0.62, 1.0),
        "fabric": 0.86 + 0.14 * fine,
        "stripes": np.where((x * 4) % 1 < 0.5, 0.8, 1.0),
        "plaster": 0.95 + 0.05 * clouds,
        "bricks": np.where(mortar, 1.0, 0.66 + 0.16 * fine),
        "dots": np.where(spots, 0.72, 1.0),
    }
    return {name: (np.clip(g, 0, 1) * 255).astype(np.uint8) for name, g in grey.items()}


@dataclass(frozen=True)
class Stage:
    """The compiled model and the names inside it."""

    model: Any  # mujoco.MjModel
    meshes: dict[str, int]
    looks: dict[str, int]
    mesh_pos: Vec  # (nmesh, 3): where MuJoCo moved each mesh's origin
    mesh_rot: Vec  # (nmesh, 3, 3)


@lru_cache(maxsize=1)
def stage() -> Stage:
    """Compile the stage (once a process, some tens of milliseconds)."""
    import mujoco

    spec = mujoco.MjSpec()
    spec.stat.extent = 1.0  # fixes znear and zfar, which are baked into the kernel
    spec.stat.center = [0.0, 0.0, 0.0]
    spec.visual.map.znear = 0.01
    spec.visual.map.zfar = 100.0
    spec.visual.headlight.active = 0
    assets = {}
    for name, grey in textures().items():
        out = io.BytesIO()
        Image.fromarray(np.repeat(grey[..., None], 3, axis=2)).save(out, "PNG")
        assets[f"{name}.png"] = out.getvalue()
        spec.add_texture(name=name, type=mujoco.mjtTexture.mjTEXTURE_2D, file=f"{name}.png")
    spec.assets = assets
    for look, (texture, repeat, specular, shininess, emission) in LOOKS.items():
        material = spec.add_material(
            name=look, specular=specular, shininess=shininess, emission=emission, texuniform=True,
            texrepeat=[2 * repeat, 2 * repeat],
        )  # fmt: skip
        if texture:
            material.textures[mujoco.mjtTextureRole.mjTEXROLE_RGB] = texture
    for profile in PROFILES:
        for size, scale in SCALES.items():
            vertices, faces = lathe(profile, scale)
            mesh = spec.add_mesh(name=f"{profile}:{size}")
            mesh.uservert = vertices.ravel().astype(np.float32)
            mesh.userface = faces.ravel()
            mesh.inertia = mujoco.mjtMeshInertia.mjMESH_INERTIA_SHELL
    world = spec.worldbody
    for i in range(LIGHTS):
        kind = mujoco.mjtLightType.mjLIGHT_DIRECTIONAL if i == 1 else _point_light(mujoco)
        world.add_light(type=kind, castshadow=i == 0, pos=[0, 0, 2.5], dir=[0, 0, -1])
    world.add_camera(name="eye", pos=[0, 0, 1.5], fovy=60)
    away = {"contype": 0, "conaffinity": 0, "pos": [0, 0, -50]}
    # one geom of each type fixes the kernel's configuration; the slots take any of them
    world.add_geom(type=mujoco.mjtGeom.mjGEOM_PLANE, size=[0.01, 0.01, 0.01], **away)
    world.add_geom(type=mujoco.mjtGeom.mjGEOM_CAPSULE, size=[0.01, 0.01, 0], **away)
    for code in _TYPES.values():
        world.add_geom(type=mujoco.mjtGeom(code), size=[0.01, 0.01, 0.01], **away)
    world.add_geom(type=mujoco.mjtGeom.mjGEOM_MESH, meshname="mug:small", **away)
    for _ in range(SLOTS - 7):
        world.add_geom(type=mujoco.mjtGeom.mjGEOM_BOX, size=[0.01, 0.01, 0.01], **away)
    model = spec.compile()
    rotation = np.zeros((model.nmesh, 9))
    for i in range(model.nmesh):
        mujoco.mju_quat2Mat(rotation[i], model.mesh_quat[i])
    return Stage(
        model,
        {model.mesh(i).name: i for i in range(model.nmesh)},
        {model.mat(i).name: i for i in range(model.nmat)},
        np.array(model.mesh_pos),
        rotation.reshape(-1, 3, 3),
    )


def _point_light(mujoco: Any) -> Any:
    return mujoco.mjtLightType.mjLIGHT_POINT


@dataclass
class Slots:
    """Device-ready arrays of the first ``count`` geoms of the stage."""

    count: int
    kind: NDArray[np.int32]
    mesh: NDArray[np.int32]
    material: NDArray[np.int32]
    size: NDArray[np.float32]
    rgba: NDArray[np.float32]
    pos: NDArray[np.float32]
    rot: NDArray[np.float32]
    owner: NDArray[np.int32]  # index of the thing + 1; 0 for the building


def fill(placed: list[tuple[int, Vec, float, list[Part]]]) -> Slots:
    """Write parts into slots. ``placed`` holds (owner, position, yaw, parts) of each thing."""
    scene = stage()
    count = sum(len(parts) for _, _, _, parts in placed)
    if count > SLOTS:
        raise SeestepError(
            "the home has more parts than the stage has slots",
            wanted=f"at most {SLOTS}",
            got=str(count),
            hint="fewer things, or raise stage.SLOTS",
        )
    kind = np.full(SLOTS, _TYPES["box"], dtype=np.int32)
    mesh = np.full(SLOTS, -1, dtype=np.int32)
    material = np.zeros(SLOTS, dtype=np.int32)
    size = np.full((SLOTS, 3), 0.01)
    rgba = np.zeros((SLOTS, 4))
    pos = np.full((SLOTS, 3), -50.0)
    rot = np.tile(np.eye(3), (SLOTS, 1, 1))
    owner = np.zeros(SLOTS, dtype=np.int32)
    at = 0
    for who, where, yaw, parts in placed:
        first = at
        for part in parts:
            mesh_id = scene.meshes.get(part.shape, -1)
            turn = part.rotation
            centre = np.asarray(part.pos)
            if mesh_id >= 0:
                kind[at], mesh[at] = _MESH, mesh_id
                centre = centre + turn @ scene.mesh_pos[mesh_id]
                turn = turn @ scene.mesh_rot[mesh_id]
            else:
                kind[at] = _TYPES[part.shape]
                size[at] = part.size
                if part.shape == "cylinder":
                    size[at] = (part.size[0], part.size[2], 0.0)
            material[at] = scene.looks[part.look]
            rgba[at, :3] = part.rgb
            pos[at], rot[at] = centre, turn
            at += 1
        rgba[first:at, 3] = 1.0
        owner[first:at] = who
        whole = yaw_matrix(yaw)
        pos[first:at] = pos[first:at] @ whole.T + where
        rot[first:at] = whole @ rot[first:at]
    exactly_grey = np.all(rgba[:, :3] == 0.5, axis=1)
    rgba[exactly_grey, 0] += 1e-3  # 0.5 grey means "use the material's colour" to the renderer
    return Slots(
        count, kind, mesh, material, size.astype(np.float32), rgba.astype(np.float32),
        pos.astype(np.float32), rot.astype(np.float32), owner,
    )  # fmt: skip

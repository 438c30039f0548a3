"""Rows of Visual Genome's files as far as they are read; v1.0 says ``id`` where v1.2 is plainer."""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec


class Image(msgspec.Struct, frozen=True):
    """An entry of image_data.json."""

    image_id: int
    url: str
    width: int
    height: int
    coco_id: int | None = None


class Thing(msgspec.Struct, frozen=True, gc=False):
    """A named box in pixels. Relationships of v1.2 have ``name``, some rows ``names``."""

    x: float
    y: float
    w: float
    h: float
    name: str | None = None
    names: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        name = self.name if self.name is not None else (self.names or ("",))[0]
        return " ".join(name.lower().split())


class Described(msgspec.Struct, frozen=True, gc=False):
    """A thing of objects.json or attributes.json; v1.0's attributes say ``object_names``."""

    x: float
    y: float
    w: float
    h: float
    names: tuple[str, ...] = ()
    object_names: tuple[str, ...] = ()
    attributes: tuple[str | None, ...] | None = ()
    object_id: int | None = None
    id: int | None = None

    @property
    def label(self) -> str:
        return " ".join((self.names or self.object_names or ("",))[0].lower().split())


class Relation(msgspec.Struct, frozen=True):
    """Two things and what one is to the other."""

    predicate: str
    subject: Thing
    object: Thing
    relationship_id: int | None = None
    id: int | None = None


class Region(msgspec.Struct, frozen=True):
    """A box in pixels and the words for it; its sides are called width and height here."""

    phrase: str
    x: float
    y: float
    width: float
    height: float
    region_id: int | None = None
    id: int | None = None


class Question(msgspec.Struct, frozen=True):
    """A free question."""

    qa_id: int
    question: str
    answer: str


class _OfImage(msgspec.Struct, frozen=True, kw_only=True):
    image_id: int | None = None
    id: int | None = None

    @property
    def image(self) -> int:
        found = self.image_id if self.image_id is not None else self.id
        if found is None:
            raise ValueError("an entry names no image: neither image_id nor id")
        return found


class Relations(_OfImage, frozen=True, kw_only=True):
    """An entry of relationships.json."""

    PARTS: ClassVar[tuple[str, Any]] = ("relationships", Relation)
    relationships: list[Relation]


class Objects(_OfImage, frozen=True, kw_only=True):
    """An entry of objects.json."""

    PARTS: ClassVar[tuple[str, Any]] = ("objects", Described)
    objects: list[Described]


class Attributes(_OfImage, frozen=True, kw_only=True):
    """An entry of attributes.json."""

    PARTS: ClassVar[tuple[str, Any]] = ("attributes", Described)
    attributes: list[Described]


class Regions(_OfImage, frozen=True, kw_only=True):
    """An entry of region_descriptions.json."""

    PARTS: ClassVar[tuple[str, Any]] = ("regions", Region)
    regions: list[Region]


class Questions(_OfImage, frozen=True, kw_only=True):
    """An entry of question_answers.json."""

    PARTS: ClassVar[tuple[str, Any]] = ("qas", Question)
    qas: list[Question]

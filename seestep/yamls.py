"""Safe YAML: plain values only, YAML 1.2 words and numbers, no repeated keys, no alias bombs."""

from __future__ import annotations

import functools
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seestep.errors import RecipeError

if TYPE_CHECKING:
    import yaml

_PLAIN = (  # what a plain word is read as, and the characters it begins with
    ("null", r"~|null|", "~n"),
    ("bool", r"true|false|True|False", "tfTF"),
    ("int", r"[-+]?[0-9]+|0x[0-9a-fA-F]+", "-+0123456789"),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", "-+.0123456789"),
    ("float", r"[-+]?\.inf|\.nan", "-+."),
    ("merge", r"<<", "<"),
)
MAX_NODES = 100_000  # ten aliases of ten aliases of ... can stand for billions of values


def parse(text: str, *, file: Path | str) -> Any:
    """The value of a YAML text; ``RecipeError`` names ``file`` and the line."""
    import yaml

    try:
        value = yaml.load(text, Loader=_loader())
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        raise RecipeError(
            f"this is not YAML we read: {error.problem}",
            file=file,
            record=f"line {mark.line + 1}, column {mark.column + 1}" if mark else None,
        ) from error
    except (yaml.YAMLError, ValueError) as error:
        raise RecipeError(f"this is not YAML we read: {error}", file=file) from error
    except RecursionError as error:
        raise RecipeError("this is nested too deeply", file=file) from error
    _count(value, file)
    return value


def dump(value: Any) -> str:
    """Plain values as YAML that ``parse`` reads back as they were."""
    import yaml

    class Dumper(yaml.SafeDumper):  # type: ignore[misc]  # PyYAML is untyped
        """SafeDumper that quotes what this module would not read as a word."""

    def quoted(dumper: Any, word: str) -> Any:
        special = any(re.fullmatch(pattern, word) for _, pattern, _ in _PLAIN)
        return dumper.represent_scalar("tag:yaml.org,2002:str", word, "'" if special else None)

    Dumper.add_representer(str, quoted)
    text: str = yaml.dump(value, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=100)
    return text


def _count(value: Any, file: Path | str) -> None:
    left, nodes = [value], 0
    while left:
        node = left.pop()
        nodes += 1
        if nodes > MAX_NODES:
            raise RecipeError(
                f"this stands for more than {MAX_NODES:,} values",
                file=file,
                hint="look for aliases (&a, *a) inside aliases",
            )
        if isinstance(node, dict):
            left.extend(node.values())
        elif isinstance(node, list):
            left.extend(node)


@functools.cache
def _loader() -> type[yaml.SafeLoader]:
    import yaml

    class Loader(yaml.SafeLoader):  # type: ignore[misc]  # PyYAML is untyped
        """SafeLoader with the words of YAML 1.2 and without repeated keys."""

        yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - PyYAML wants a class dict

        def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
            seen = set()
            for key, _ in node.value:
                name = key.value if isinstance(key, yaml.ScalarNode) else None
                if name in seen:
                    raise yaml.constructor.ConstructorError(
                        None, None, f"the key {name!r} is written twice", key.start_mark
                    )
                seen.add(name)
            mapping: dict[Any, Any] = super().construct_mapping(node, deep)
            return mapping

    for tag, pattern, first in _PLAIN:
        Loader.add_implicit_resolver(
            f"tag:yaml.org,2002:{tag}",
            re.compile(f"^(?:{pattern})$"),
            [*first, ""] if tag == "null" else list(first),
        )
    Loader.add_constructor(
        "tag:yaml.org,2002:int",
        lambda loader, node: int(node.value, 16 if "x" in node.value else 10),
    )
    return Loader

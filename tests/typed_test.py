"""Record behaves like typing.NamedTuple, which takes eight times as long to create a class."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from krm_image_setter.typed import Record


class Recorded(Record):
    a: int
    b: str = "x"
    c: tuple[int, ...] = ()

    @property
    def both(self) -> str:
        return f"{self.a}{self.b}"


class Named(NamedTuple):
    a: int
    b: str = "x"
    c: tuple[int, ...] = ()

    @property
    def both(self) -> str:
        return f"{self.a}{self.b}"


USES: dict[str, Callable[[Any], Any]] = {
    "positional values": lambda kind: tuple(kind(1, "y", (2,))),
    "keywords": lambda kind: tuple(kind(c=(2,), a=1)),
    "defaults": lambda kind: tuple(kind(1)),
    "fields": lambda kind: (kind(1).a, kind(1).b, kind(1).c),
    "a property": lambda kind: kind(1).both,
    "unpacking": lambda kind: [*kind(1, "z")],
    "equality with a tuple": lambda kind: kind(1) == (1, "x", ()),
    "the hash": lambda kind: hash(kind(1)),
    "a replaced field": lambda kind: tuple(kind(1)._replace(b="z")),
    "a dict": lambda kind: kind(1)._asdict(),
    "the names of the fields": lambda kind: kind._fields,
    "a pattern": lambda kind: kind.__match_args__,
    "a pickle": lambda kind: type(pickle.loads(pickle.dumps(kind(1)))) is kind,
    "no other attributes": lambda kind: hasattr(kind(1), "__dict__"),
    "the representation": lambda kind: repr(kind(1)).removeprefix(kind.__name__),
}


@pytest.mark.parametrize("use", USES)
def test_record_is_like_a_named_tuple(use: str) -> None:
    assert USES[use](Recorded) == USES[use](Named)


@pytest.mark.parametrize("arguments", [{}, {"a": 1, "d": 2}], ids=["a missing value", "an unknown field"])
def test_record_with_wrong_arguments_is_rejected(arguments: dict[str, Any]) -> None:
    for kind in (Recorded, Named):
        with pytest.raises(TypeError):
            kind(**arguments)


def test_fields_cannot_be_assigned() -> None:
    for kind in (Recorded, Named):
        with pytest.raises(AttributeError):
            kind(1).a = 2  # type: ignore[misc]

"""Defines Record (a NamedTuple) and the names of `typing` for annotations, without an import of `typing`.

Type checkers see `typing` itself. At run time, annotations are not evaluated, so its names need no meaning. The
import of `typing` and the creation of 54 NamedTuples with it took 44 % of the instructions of a short run.
"""

from __future__ import annotations

__all__ = [
    "TYPE_CHECKING", "Any", "Final", "Generic", "NoReturn", "Protocol", "Record", "Self", "TypeAlias", "TypeGuard",
    "TypeVar", "cast",
]  # fmt: skip

TYPE_CHECKING = False  # type checkers treat a variable of this name as true

if TYPE_CHECKING:
    from typing import Any, Final, Generic, NoReturn, Protocol, Self, TypeAlias, TypeGuard, TypeVar, cast
    from typing import NamedTuple as Record
else:
    from _collections import _tuplegetter
    from functools import cache
    from types import CodeType, FunctionType

    class Generic:
        """A base class without effect."""

        __slots__ = ()

        def __class_getitem__(cls, _parameter: object) -> type:
            return cls

    Any = Final = NoReturn = Protocol = Self = TypeAlias = TypeGuard = Generic

    def TypeVar(_name: str, *_constraints: object, bound: object = None) -> object:  # noqa: N802
        """Return an object that only annotations use."""
        return bound

    def cast(_type: object, value: object) -> object:
        """Return the value."""
        return value

    @cache
    def _constructor_of(size: int) -> CodeType:
        names = ", ".join(f"_{number}" for number in range(size))
        return eval(f"lambda cls, {names}: new(cls, ({names},))").__code__  # noqa: S307  (as in collections.namedtuple)

    class _RecordType(type):
        """Creates the constructor of each Record class. Compiling one for each class took twice as long."""

        def __new__(cls, name: str, bases: tuple[type, ...], namespace: dict[str, object]) -> type:
            fields = tuple(namespace.get("__annotations__", ()))
            if fields:
                defaults = tuple(namespace[field] for field in fields if field in namespace)
                code = _constructor_of(len(fields)).replace(co_varnames=("cls", *fields))
                namespace["__new__"] = FunctionType(code, {"new": tuple.__new__}, "__new__", defaults)
                namespace["_fields"] = namespace["__match_args__"] = fields
                namespace.update((field, _tuplegetter(number, "")) for number, field in enumerate(fields))
            namespace["__slots__"] = ()
            return type.__new__(cls, name, bases, namespace)

    class Record(tuple, metaclass=_RecordType):  # noqa: SLOT001  (the metaclass defines them)
        """A tuple whose fields have names. Type checkers see typing.NamedTuple instead."""

        def __getnewargs__(self) -> tuple:
            return tuple(self)

        def __repr__(self) -> str:
            fields = (f"{name}={value!r}" for name, value in self._asdict().items())
            return f"{type(self).__name__}({', '.join(fields)})"

        def _asdict(self) -> dict[str, object]:
            return dict(zip(self._fields, self, strict=True))

        def _replace(self, **changed: object) -> Self:
            return type(self)(**self._asdict() | changed)

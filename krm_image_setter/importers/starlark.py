"""The calls of a Starlark file and what they are given, as far as that is written as literals. Nothing is run.

Python's `ast` reads nearly all of Starlark. A value is known that is a string, number, list or dict of such, a
name that is bound once in the file and to such a value or runs over a list of such, or a sum of these. Of what
depends on more, the caller is told.
"""

from __future__ import annotations

import ast
import warnings
from collections import ChainMap, Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from functools import lru_cache
from typing import Final, NamedTuple, TypeGuard

from krm_image_setter.errors import InputError
from krm_image_setter.importers import Note

# What an expression gives: a str, bool, int, None, list or dict; the `ast.expr` itself where it is not known.
Value = object


class Function(NamedTuple):
    """A function whose calls are asked about: its positional parameters, and who is told of a call."""

    parameters: Sequence[str]
    tell: Callable[[Arguments], None]


class NotReadError(Exception):
    """What a call gives is not known, or can't be carried over."""

    def __init__(self, note: Note) -> None:
        super().__init__(note.message)
        self.note = note


class Constants:
    """The names of a file that are bound once, at its top, and what they stand for."""

    def __init__(self, module: ast.Module) -> None:
        self.bound = Counter(_bound_names(module))
        self.turns = 1  # how often the loops around run
        self._values: ChainMap[str, Value] = ChainMap()  # of which each loop adds one mapping, and copies nothing
        for statement in module.body:
            match statement:
                case ast.Assign(targets=[ast.Name(id=name)]) if self.bound[name] == 1:
                    self._values[name] = self.value(statement.value)

    def each(self, name: str, values: Sequence[Value]) -> Iterator[Constants]:
        """Yield these constants and one more, for each turn of a loop over `values`."""
        for value in values:
            more = copy(self)
            more.turns = self.turns * len(values)
            more._values = self._values.new_child({name: value})  # noqa: SLF001  (its own kind)
            yield more

    def value(self, node: ast.expr) -> Value:
        """Return what an expression gives, or the expression itself where that is not known."""
        match node:
            case ast.Constant():
                return node.value
            case ast.Name():
                return self._values.get(node.id, node)
            case ast.List() | ast.Tuple():
                return [self.value(element) for element in node.elts]
            case ast.Dict():
                return self._dict(node)
            case ast.BinOp(op=ast.Add()):
                return _sum(node, self.value(node.left), self.value(node.right))
        return node

    def _dict(self, node: ast.Dict) -> Value:
        keys = [key and self.value(key) for key in node.keys]
        if not all(isinstance(key, str) for key in keys):
            return node
        return dict(zip(keys, map(self.value, node.values), strict=True))


def _bound_names(module: ast.Module) -> Iterator[str]:
    for node in ast.walk(module):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.FunctionDef):
            yield node.name
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            yield node.value.id  # a method may change what the name stands for
        elif (
            isinstance(node, ast.Subscript)
            and isinstance(node.value, ast.Name)
            and isinstance(node.ctx, ast.Store)
        ):
            yield node.value.id


def _sum(node: ast.expr, left: Value, right: Value) -> Value:
    # Names that double one another grow without end: 60 short lines can ask for 2 ** 60 characters.
    for kind in (str, list):
        if isinstance(left, kind) and isinstance(right, kind):
            return left + right if len(left) + len(right) <= _MOST_ITEMS else node  # type: ignore[operator]
    return node


_MOST_ITEMS: Final = 2_000


class Arguments:
    """What a call is given: `values` by parameter, `more` beyond the parameters, `rest` by a `*` or `**`.

    `origin` tells where the call stands.
    """

    def __init__(self, call: ast.Call, parameters: Sequence[str], constants: Constants, where: str) -> None:
        self.origin = f"line {call.lineno}{where}"
        self.values: dict[str, Value] = {}
        self.more: list[Value] = []
        self.rest: ast.expr | None = None
        self.notes: list[Note] = []
        self._call = call
        self._told_of = f"{shown(call.func)}{where}"
        self._nodes: dict[str, ast.expr] = {}
        for index, node in enumerate(call.args):
            if isinstance(node, ast.Starred):
                self.rest = node.value
            elif self.rest is None and index < len(parameters):
                self._give(parameters[index], node, constants.value(node))
            else:
                self.more.append(constants.value(node))
        for keyword in call.keywords:
            value = constants.value(keyword.value)
            if keyword.arg is not None:
                self._give(keyword.arg, keyword.value, value)
            elif isinstance(value, dict) and all(isinstance(key, str) for key in value):
                for key in value:
                    self._give(key, keyword.value, value[key])
            else:
                self.rest = keyword.value

    def _give(self, parameter: str, node: ast.expr, value: Value) -> None:
        self.values[parameter] = value
        self._nodes[parameter] = node

    def value(self, parameter: str) -> Value:
        """Return what the parameter is given; None for nothing."""
        return self.values.get(parameter, self.rest)

    def text(self, parameter: str) -> str:
        """Return a string, empty for nothing. Raises NotReadError."""
        value = self.value(parameter)
        if value is None or value == "":
            return ""
        if not is_text(value):
            raise self.not_known(parameter, value)
        return value

    def required_text(self, parameter: str) -> str:
        """Return a string that is not empty. Raises NotReadError."""
        text = self.text(parameter)
        if not text:
            raise self.error(f"{parameter} is missing: add it")
        return text

    def not_known(self, parameter: str, value: Value) -> NotReadError:
        """Return the error that `value`, the parameter's or an item of it, is not known."""
        node = value if isinstance(value, ast.expr) else self._nodes[parameter]
        message = f'{parameter} is "{shown(node)}", which is no plain literal: add by hand what it gives'
        return self.error(message, line=node.lineno)

    def refused(self, parameter: str, message: str) -> NotReadError:
        """Return the error that what the parameter gives is known, and is of no use."""
        return self.error(message, line=self._nodes[parameter].lineno)

    def error(self, message: str, *, line: int | None = None) -> NotReadError:
        """Return an error of this call."""
        return NotReadError(Note(line or self._call.lineno, f"{self._told_of}: {message}"))


def is_text(value: Value) -> TypeGuard[str]:
    """Say whether a value is known and a string without control characters, and not empty."""
    return isinstance(value, str) and value != "" and value.isprintable()


@lru_cache(maxsize=1024)  # thousands of calls can be given the same long value
def shown(node: ast.expr) -> str:
    """Return an expression as a message shows it."""
    try:
        text = ast.unparse(node)
    except (ValueError, RecursionError):  # an integer of thousands of digits; hundreds of operators
        return "…"
    return shortened(text)


def shortened(text: str) -> str:
    """Return a text as a message shows it."""
    return text if len(text) <= 60 else f"{text[:59]}…"


def read_calls(text: str, functions: Mapping[str, Function]) -> list[Note]:
    """Tell `functions` of their calls in the order of the file, and return what of them is not known, by line.

    Raises InputError where `text` is not Starlark, or nested too deeply.
    """
    try:
        return _read_calls(_parse(text), functions)
    except RecursionError as error:
        raise InputError("this is nested too deeply to be read: take it apart") from error


def _read_calls(module: ast.Module, functions: Mapping[str, Function]) -> list[Note]:
    constants = Constants(module)
    calls = list(_calls(module, "", constants))
    known = {name: function for name, function in functions.items() if not constants.bound[name]}
    notes: list[Note] = []
    for call, where, names in sorted(calls, key=lambda found: (found[0].lineno, found[0].col_offset)):
        name = call.func.id if isinstance(call.func, ast.Name) else ""
        if name == "load":
            known |= _loaded(Arguments(call, ("path",), names, where), functions)
        if name in known:
            arguments = Arguments(call, known[name].parameters, names, where)
            try:
                known[name].tell(arguments)
            except NotReadError as error:
                arguments.notes.append(error.note)
            notes += arguments.notes
    return sorted(dict.fromkeys(notes), key=lambda note: note.line)


def _calls(node: ast.AST, where: str, constants: Constants) -> Iterator[tuple[ast.Call, str, Constants]]:
    """Yield the calls in `node`, where they stand if they may run never or more than once, and what is known."""
    match node:
        case ast.Call():
            yield node, where, constants
        case ast.For(target=ast.Name(id=name), iter=items, body=body) if constants.bound[name] == 1:
            values = constants.value(items)
            # Loops in loops multiply: where it is too much, they are as any other loop.
            if isinstance(values, list) and len(values) * constants.turns <= _MOST_ITEMS:
                for turn in constants.each(name, values):
                    for statement in body:
                        yield from _calls(statement, where, turn)
                return
            where = f", in the loop of line {node.lineno}"
        case ast.If() | ast.IfExp():
            where = f", on the condition of line {node.lineno}"
        case ast.For() | ast.While() | ast.ListComp() | ast.DictComp():
            where = f", in the loop of line {node.lineno}"
        case ast.FunctionDef():
            where = f", in {node.name}()"
        case ast.Lambda():
            where = f", in the function of line {node.lineno}"
    for child in ast.iter_child_nodes(node):
        yield from _calls(child, where, constants)


def _loaded(arguments: Arguments, functions: Mapping[str, Function]) -> dict[str, Function]:
    """Return the functions by the names that a `load` gives them."""
    names = [(name, name) for name in arguments.more] + list(arguments.values.items())
    return {
        name: functions[original]
        for name, original in names
        if isinstance(name, str) and isinstance(original, str) and original in functions
    }


def _parse(text: str) -> ast.Module:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Python's opinion of the escapes in Starlark's strings
            return ast.parse(text.removeprefix("\ufeff"))
    except SyntaxError as error:
        raise InputError(f"this can't be read as Starlark: {error.msg}", line=error.lineno or None) from error
    except ValueError as error:  # a lone surrogate; before Python 3.12 a NUL
        raise InputError(f"this can't be read as Starlark: {error}") from error
    except MemoryError as error:  # how Python's parser says that its own stack is full
        raise RecursionError from error

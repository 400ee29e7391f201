"""Reads the function calls in a Starlark file, and those of their arguments that are known without executing it.

Python's `ast` can parse almost all Starlark files. A known value is a string, a number, a sum of known values, or
a list or dict of known values. A name has a known value if it is bound only once, by an assignment of a known
value or by a loop over a known list.
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
from krm_image_setter.importers import NOT_IMPORTED, Note

# The value of an expression: a str, bool, int, None, list or dict, or the `ast.expr` if it is not known.
Value = object


class Function(NamedTuple):
    """A Starlark function to find: its parameter names, and the callback for the arguments of each call."""

    parameters: Sequence[str]
    read: Callable[[Arguments], None]


class NotReadError(Exception):
    """A call cannot be imported, or the value of one of its arguments is not known."""

    def __init__(self, note: Note) -> None:
        super().__init__(note.message)
        self.note = note


class Constants:
    """The known values of names. A file binds such a name only once, at the top level or by a loop."""

    def __init__(self, module: ast.Module) -> None:
        self.bound = Counter(_bound_names(module))
        # The product of the lengths of all enclosing loops.
        self.turns = 1
        # Each enclosing loop adds a mapping with its variable.
        self._values: ChainMap[str, Value] = ChainMap()
        for statement in module.body:
            match statement:
                case ast.Assign(targets=[ast.Name(id=name)]) if self.bound[name] == 1:
                    self._values[name] = self.value(statement.value)

    def each(self, name: str, values: Sequence[Value]) -> Iterator[Constants]:
        """Yield the constants for each turn of a loop over `values`, including its variable `name`."""
        for value in values:
            more = copy(self)
            more.turns = self.turns * len(values)
            more._values = self._values.new_child({name: value})  # noqa: SLF001  (an attribute of the same class)
            yield more

    def value(self, node: ast.expr) -> Value:
        """Return the value of an expression. If the value is not known, return the expression itself."""
        match node:
            case ast.Constant():
                return node.value
            case ast.Name():
                return self._values.get(node.id, node)
            case ast.List() | ast.Tuple():
                return [self.value(element) for element in node.elts]
            case ast.Dict():
                keys = [key and self.value(key) for key in node.keys]
                if all(isinstance(key, str) for key in keys):
                    return dict(zip(keys, map(self.value, node.values), strict=True))
            case ast.BinOp(op=ast.Add()):
                return _sum(node, self.value(node.left), self.value(node.right))
        return node


def _bound_names(module: ast.Module) -> Iterator[str]:
    for node in ast.walk(module):
        match node:
            case ast.Name(id=name, ctx=ast.Store()) | ast.FunctionDef(name=name) | ast.arg(arg=name):
                yield name
            # An attribute can be a method that changes the value, such as `append`.
            case ast.Attribute(value=ast.Name(id=name)) | ast.Subscript(value=ast.Name(id=name), ctx=ast.Store()):
                yield name


def _sum(node: ast.expr, left: Value, right: Value) -> Value:
    # Without the limit, 60 lines that each double a string would create 2 ** 60 characters.
    for kind in (str, list):
        if isinstance(left, kind) and isinstance(right, kind):
            return left + right if len(left) + len(right) <= _MOST_ITEMS else node  # type: ignore[operator]
    return node


_MOST_ITEMS: Final = 2_000


class Arguments:
    """The arguments of a call. `values` contains the arguments by the name of their parameter.

    `more` contains the positional arguments for which no parameter is known. `rest` is the argument after `*` or
    `**`. `origin` is the location of the call, for comments.
    """

    def __init__(self, call: ast.Call, parameters: Sequence[str], constants: Constants, where: str) -> None:
        self.origin = f"line {call.lineno}{where}"
        self.values: dict[str, Value] = {}
        self.more: list[Value] = []
        self.rest: ast.expr | None = None
        self.notes: list[Note] = []
        self.line = call.lineno
        self._name = f"{shown(call.func)}{where}"
        self._nodes: dict[str, ast.expr] = {}
        for index, node in enumerate(call.args):
            if isinstance(node, ast.Starred):
                self.rest = node.value
            elif self.rest is None and index < len(parameters):
                self._set(parameters[index], node, constants.value(node))
            else:
                self.more.append(constants.value(node))
        for keyword in call.keywords:
            value = constants.value(keyword.value)
            if keyword.arg is not None:
                self._set(keyword.arg, keyword.value, value)
            elif isinstance(value, dict) and all(isinstance(key, str) for key in value):
                for key in value:
                    self._set(key, keyword.value, value[key])
            else:
                self.rest = keyword.value

    def _set(self, parameter: str, node: ast.expr, value: Value) -> None:
        self.values[parameter] = value
        self._nodes[parameter] = node

    def value(self, parameter: str) -> Value:
        """Return the value of a parameter. If the call does not set the parameter, return `rest` or None."""
        return self.values.get(parameter, self.rest)

    def text(self, parameter: str) -> str:
        """Return a string argument, or "" if the call does not set it. Raises NotReadError for other values."""
        value = self.value(parameter)
        if value is None or value == "":
            return ""
        if not is_text(value):
            raise self.not_known(parameter, value)
        return value

    def required_text(self, parameter: str) -> str:
        """Return a string argument. Raises NotReadError if it is missing, empty or not a string."""
        text = self.text(parameter)
        if not text:
            raise self.error(f"missing argument `{parameter}`")
        return text

    def not_known(self, parameter: str, value: Value) -> NotReadError:
        """Return the error for an unknown `value`, which is an argument or an item of an argument."""
        node = value if isinstance(value, ast.expr) else self._nodes[parameter]
        message = f'`{parameter}` is "{shown(node)}", not a literal; add the entry by hand'
        return self.error(message, line=node.lineno)

    def invalid(self, parameter: str, message: str) -> NotReadError:
        """Return the error for an argument whose value is known but invalid."""
        return self.error(message, line=self._nodes[parameter].lineno)

    def error(self, message: str, *, line: int | None = None) -> NotReadError:
        """Return the error that this call was not imported. `line` is the line of the wrong argument, if any."""
        return NotReadError(self.note(NOT_IMPORTED + message, line=line))

    def note(self, message: str, *, line: int | None = None) -> Note:
        """Return a note about this call. Its line is `line`, or by default the line of the call."""
        return Note(line or self.line, f"{self._name}: {message}")


def is_text(value: Value) -> TypeGuard[str]:
    """Return whether a value is known, and is a string that is printable and not empty."""
    return isinstance(value, str) and value != "" and value.isprintable()


# Thousands of calls can contain the same long expression.
@lru_cache(maxsize=1024)
def shown(node: ast.expr) -> str:
    """Return the source text of an expression for a message. A long text is shortened."""
    try:
        return shortened(ast.unparse(node))
    # The expression has thousands of digits, or hundreds of operators.
    except (ValueError, RecursionError):
        return "…"


def shortened(text: str) -> str:
    """Shorten a text in a message to 60 characters."""
    return text if len(text) <= 60 else f"{text[:59]}…"


def read_calls(text: str, functions: Mapping[str, Function]) -> list[Note]:
    """Pass the calls of `functions` to their callbacks in the order of the file. Return the notes, sorted by line.

    Raises InputError if `text` is not Starlark, or is nested too deeply.
    """
    try:
        return _read_calls(_parse(text), functions)
    except RecursionError as error:
        raise InputError("the file is nested too deeply") from error


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
                known[name].read(arguments)
            except NotReadError as error:
                arguments.notes.append(error.note)
            notes += arguments.notes
    return sorted(dict.fromkeys(notes), key=lambda note: note.line)


def _calls(node: ast.AST, where: str, constants: Constants) -> Iterator[tuple[ast.Call, str, Constants]]:
    """Yield each call in `node`, with its constants and a description of the loop or condition around it."""
    match node:
        case ast.Call():
            yield node, where, constants
        case ast.For(target=ast.Name(id=name), iter=items, body=body) if constants.bound[name] == 1:
            values = constants.value(items)
            # If nested loops have too many turns together, treat the list of the inner loop as unknown.
            if isinstance(values, list) and len(values) * constants.turns <= _MOST_ITEMS:
                for turn in constants.each(name, values):
                    for statement in body:
                        yield from _calls(statement, where, turn)
                return
            where = f", in the loop at line {node.lineno}"
        case ast.If() | ast.IfExp():
            where = f", if the condition at line {node.lineno} holds"
        case ast.For() | ast.While() | ast.ListComp() | ast.DictComp():
            where = f", in the loop at line {node.lineno}"
        case ast.FunctionDef():
            where = f", in {node.name}()"
        case ast.Lambda():
            where = f", in the function at line {node.lineno}"
    for child in ast.iter_child_nodes(node):
        yield from _calls(child, where, constants)


def _loaded(arguments: Arguments, functions: Mapping[str, Function]) -> dict[str, Function]:
    """Return the functions that a `load` statement imports. The keys are their names in this file."""
    names = [(name, name) for name in arguments.more] + list(arguments.values.items())
    return {
        name: functions[original]
        for name, original in names
        if isinstance(name, str) and isinstance(original, str) and original in functions
    }


def _parse(text: str) -> ast.Module:
    try:
        with warnings.catch_warnings():
            # Python warns about escapes that are valid in Starlark.
            warnings.simplefilter("ignore")
            return ast.parse(text.removeprefix("\ufeff"))
    except SyntaxError as error:
        raise InputError(f"invalid Starlark: {error.msg}", line=error.lineno or None) from error
    # The text contains a lone surrogate or, before Python 3.12, a NUL.
    except ValueError as error:
        raise InputError(f"invalid Starlark: {error}") from error
    # Python's parser raises MemoryError if its stack is full.
    except MemoryError as error:
        raise RecursionError from error

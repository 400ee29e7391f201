"""The calls of a Starlark file and what they are given, as far as that can be read off. Nothing is run.

Python's `ast` reads nearly all of Starlark. Values are followed as far as literals go: through names, lists, `+`,
`%`, `format`, loops over literals and the file's own functions. Where the file decides at run time, both ways are
read, and a value that depends on it is not known.
"""

from __future__ import annotations

import ast
import re
import string
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Final, NamedTuple, Self, TypeGuard

from krm_image_setter.errors import InputError
from krm_image_setter.importers import Note

# What an expression gives, as far as that is known: a str, bool, int, None, list, tuple or dict, a FunctionDef for
# a function of the file, a callable for one that is asked about. An `ast.expr` stands for what is not known.
Value = object
_Names = dict[str, Value]


class Function(NamedTuple):
    """A function whose calls are asked about: its positional parameters, and who is told of a call."""

    parameters: Sequence[str]
    tell: Callable[[Arguments], None]


class NotReadError(Exception):
    """What a call gives is not known, or can't be carried over."""

    def __init__(self, note: Note) -> None:
        super().__init__(note.message)
        self.note = note


class _Scope(NamedTuple):
    """Where a statement stands.

    `names` are the values known there, `origin` is what to say after its line, and `certain` whether it is run
    each time that it is read.
    """

    names: _Names
    origin: str = ""
    certain: bool = True

    def uncertain(self, origin: str) -> Self:
        """Return a scope that begins with the same names."""
        return self._replace(names=dict(self.names), origin=self.origin + origin, certain=False)


class Arguments:
    """What a call is given: `values` by parameter, `more` beyond the parameters, `rest` by a `*` or `**`.

    `origin` tells where the call stands.
    """

    def __init__(self, call: ast.Call, parameters: Sequence[str], scope: _Scope) -> None:
        self.origin = f"line {call.lineno}{scope.origin}"
        self.values: dict[str, Value] = {}
        self.more: list[Value] = []
        self.rest: ast.expr | None = None
        self.notes: list[Note] = []
        self._call = call
        self._told_of = f"{shown(call.func)}{scope.origin}"
        self._nodes: dict[str, ast.expr] = {}
        for index, node in enumerate(call.args):
            if isinstance(node, ast.Starred):
                self.rest = node.value
            elif self.rest is None and index < len(parameters):
                self._give(parameters[index], node, _value(node, scope.names))
            else:
                self.more.append(_value(node, scope.names))
        for keyword in call.keywords:
            value = _value(keyword.value, scope.names)
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

    def error(self, message: str, *, line: int | None = None) -> NotReadError:
        """Return an error of this call."""
        return NotReadError(Note(line or self._call.lineno, f"{self._told_of}: {message}"))


def is_text(value: Value) -> TypeGuard[str]:
    """Say whether a value is known and a string without control characters, and not empty."""
    return isinstance(value, str) and value != "" and value.isprintable()


def shown(node: ast.expr) -> str:
    """Return an expression as a message shows it."""
    try:
        text = ast.unparse(node)
    except ValueError:  # an integer of thousands of digits
        return "…"
    return shortened(text)


def shortened(text: str) -> str:
    """Return a text as a message shows it."""
    return text if len(text) <= 60 else f"{text[:59]}…"


def read_calls(text: str, functions: Mapping[str, Function]) -> list[Note]:
    """Tell `functions` of their calls in the order of the file, and return what of them is not known, by line.

    Raises InputError where `text` is not Starlark, or too much to be followed.
    """
    reader = _Reader(functions)
    try:
        reader.read(_parse(text))
    except RecursionError as error:
        raise InputError("this is nested too deeply to be read: take it apart", line=reader.line) from error
    return sorted(reader.notes, key=lambda note: note.line)


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


class _Reader:
    """Reads statements in their order."""

    def __init__(self, functions: Mapping[str, Function]) -> None:
        self.notes: dict[Note, None] = {}  # an ordered set
        self.line: int | None = None
        self._functions = functions
        self._enclosing: dict[ast.FunctionDef, _Names] = {}
        self._defined: list[ast.FunctionDef] = []
        self._called: set[ast.FunctionDef] = set()
        self._calling: list[ast.FunctionDef] = []
        self._steps = 0

    def read(self, module: ast.Module) -> None:
        names: _Names = {name: partial(self._tell, function) for name, function in self._functions.items()}
        self._block(module.body, _Scope(names))
        while self._defined:
            function = self._defined.pop()  # the last first: a caller stands below what it calls
            if function not in self._called:
                scope = _Scope(self._enclosing[function])
                self._body(function, scope.uncertain(f", in {function.name}(), which nothing here calls"), {})

    def _step(self, node: ast.stmt | ast.expr, cost: int = 1) -> None:
        # A few loops in each other, or functions that call one another twice, can ask for any amount of work.
        self.line = node.lineno
        self._steps += cost
        if self._steps > _MOST_STEPS:
            raise InputError("this does too much to be followed: take it apart", line=self.line)

    def _block(self, statements: Iterable[ast.stmt], scope: _Scope) -> None:
        for statement in statements:
            self._statement(statement, scope)

    def _statement(self, node: ast.stmt, scope: _Scope) -> None:
        self._step(node)
        match node:
            case ast.FunctionDef():
                scope.names[node.name] = node
                self._enclosing[node] = scope.names
                self._defined.append(node)
                self._children(node.args, scope)
            case ast.If():
                self._if(node, scope)
            case ast.For():
                self._for(node, scope)
            case ast.While():
                self._repeated(node, scope)
            case ast.Assign():
                self._expression(node.value, scope)
                value = _value(node.value, scope.names)
                for target in node.targets:
                    _bind(target, value, scope)
            case ast.AugAssign():
                self._expression(node.value, scope)
                _augment(node, scope)
            case _:
                self._children(node, scope)

    def _if(self, node: ast.If, scope: _Scope) -> None:
        self._expression(node.test, scope)
        self._step(node, len(scope.names))  # all are copied
        condition = f", on the condition of line {node.lineno}"
        then, otherwise = scope.uncertain(condition), scope.uncertain(condition)
        self._block(node.body, then)
        match node.orelse:
            case [ast.If() as elif_] if elif_.col_offset == node.col_offset:
                self._if(elif_, otherwise._replace(origin=scope.origin))
            case statements:
                self._block(statements, otherwise)
        for name in (*scope.names, *then.names, *otherwise.names):
            value = then.names.get(name, node.test)
            _set(scope.names, name, value if value is otherwise.names.get(name, node.test) else node.test)

    def _for(self, node: ast.For, scope: _Scope) -> None:
        self._expression(node.iter, scope)
        items = _value(node.iter, scope.names)
        if not isinstance(items, list | tuple | dict):
            self._repeated(node, scope)
            return
        for item in list(items):
            self._step(node)
            _bind(node.target, item, scope)
            self._block(node.body, scope)

    def _repeated(self, node: ast.For | ast.While, scope: _Scope) -> None:
        """Read a body once that runs nobody knows how often, with what is the same each time."""
        self._step(node, len(scope.names))
        _forget(node, scope.names)
        inside = scope.uncertain(f", in the loop of line {node.lineno}")
        if isinstance(node, ast.While):
            self._expression(node.test, inside)
        self._block(node.body, inside)

    def _children(self, node: ast.AST, scope: _Scope) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                self._expression(child, scope)
            elif isinstance(child, ast.stmt):
                self._statement(child, scope)
            else:
                self._children(child, scope)

    def _expression(self, node: ast.expr, scope: _Scope) -> None:
        """Read the calls of an expression, the inner ones first."""
        self._step(node)
        if isinstance(node, ast.Lambda | ast.ListComp | ast.DictComp | ast.SetComp | ast.GeneratorExp):
            self._step(node, len(scope.names))
            scope = scope.uncertain(f", in the expression of line {node.lineno}")
            _forget(node, scope.names)
        self._children(node, scope)
        if isinstance(node, ast.Call):
            self._call(node, scope)

    def _call(self, call: ast.Call, scope: _Scope) -> None:
        if isinstance(call.func, ast.Attribute):
            _change(call, call.func, scope)
            return
        function = _value(call.func, scope.names)
        if isinstance(function, ast.FunctionDef):
            self._call_function(function, call, scope)
        elif callable(function):
            function(call, scope)
        if isinstance(call.func, ast.Name) and call.func.id == "load":
            self._load(call, scope)

    def _call_function(self, function: ast.FunctionDef, call: ast.Call, scope: _Scope) -> None:
        if function in self._calling:
            return
        enclosing = self._enclosing[function]
        self._step(call, len(enclosing))
        inside = _Scope(dict(enclosing), f"{scope.origin}, called in line {call.lineno}", scope.certain)
        self._body(function, inside, _given(function, call, scope, enclosing))

    def _body(self, function: ast.FunctionDef, scope: _Scope, given: Mapping[str, Value]) -> None:
        """Read the body of a function in `scope`, its own, with what is known of its parameters."""
        self._called.add(function)
        _forget(function.args, scope.names)
        for name, value in given.items():
            _set(scope.names, name, value)
        self._calling.append(function)
        self._block(function.body, scope)
        self._calling.pop()

    def _load(self, call: ast.Call, scope: _Scope) -> None:
        """Bind the names that a `load` brings."""
        arguments = Arguments(call, ("path",), scope)
        for name, original in (*((name, name) for name in arguments.more), *arguments.values.items()):
            if isinstance(name, str) and isinstance(original, str):
                function = self._functions.get(original)
                _set(scope.names, name, partial(self._tell, function) if function else call)

    def _tell(self, function: Function, call: ast.Call, scope: _Scope) -> None:
        arguments = Arguments(call, function.parameters, scope)
        try:
            function.tell(arguments)
        except NotReadError as error:
            arguments.notes.append(error.note)
        self.notes.update(dict.fromkeys(arguments.notes))


def _given(function: ast.FunctionDef, call: ast.Call, scope: _Scope, enclosing: _Names) -> dict[str, Value]:
    """Return what is known of a function's parameters in a call, defaults included."""
    parameters = function.args
    positional = [node.arg for node in (*parameters.posonlyargs, *parameters.args)]
    named = [node.arg for node in parameters.kwonlyargs]
    arguments = Arguments(call, positional, scope)
    given = {name: value for name, value in arguments.values.items() if name in positional or name in named}
    if arguments.rest is not None:
        return given
    defaults = (
        *zip(reversed(positional), reversed(parameters.defaults), strict=False),
        *zip(named, parameters.kw_defaults, strict=True),
    )
    given = {name: _value(node, enclosing) for name, node in defaults if node is not None} | given
    if parameters.vararg:
        given[parameters.vararg.arg] = tuple(arguments.more)
    if parameters.kwarg:
        others = {name: value for name, value in arguments.values.items() if name not in given}
        given[parameters.kwarg.arg] = others
    return given


# What is known of values


def _value(node: ast.expr, names: _Names) -> Value:
    """Return what an expression gives, or the expression itself where that is not known."""
    match node:
        case ast.Constant():
            return node.value
        case ast.Name():
            return names.get(node.id, node)
        case ast.List():
            return [_value(element, names) for element in node.elts]
        case ast.Tuple():
            return tuple([_value(element, names) for element in node.elts])
        case ast.Dict():
            return _dict(node, names)
        case ast.BinOp(op=ast.Add()):
            return _sum(node, _value(node.left, names), _value(node.right, names))
        case ast.BinOp(op=ast.Mod()):
            return _percent(node, _value(node.left, names), _value(node.right, names))
        case ast.Subscript():
            return _item(node, _value(node.value, names), _value(node.slice, names))
        case ast.Call(func=ast.Attribute() as method):
            return _method(node, method, names)
    return node


def _dict(node: ast.Dict, names: _Names) -> Value:
    result: dict[Value, Value] = {}
    for key_node, value_node in zip(node.keys, node.values, strict=True):
        if key_node is None:  # Python's `**`, which Starlark has only in calls
            return node
        key = _value(key_node, names)
        result[key if isinstance(key, str) else key_node] = _value(value_node, names)
    return result


def _item(node: ast.expr, container: Value, key: Value) -> Value:
    if isinstance(container, dict) and isinstance(key, str):
        return container.get(key, node)
    if isinstance(container, list | tuple) and isinstance(key, int) and -len(container) <= key < len(container):
        return container[key]
    return node


def _sum(node: ast.expr, left: Value, right: Value) -> Value:
    if isinstance(left, str) and isinstance(right, str):
        return _joined(node, (left, right))
    if isinstance(left, list) and isinstance(right, list) and len(left) + len(right) <= _MOST_ITEMS:
        return left + right
    return node


def _joined(node: ast.expr, pieces: Sequence[str]) -> Value:
    # Names that double one another grow without end: 60 short lines can ask for 2 ** 60 characters.
    return "".join(pieces) if sum(map(len, pieces)) <= _MOST_ITEMS else node


def _percent(node: ast.expr, template: Value, values: Value) -> Value:
    if not isinstance(template, str):
        return node
    waiting = list(values) if isinstance(values, tuple) else [values]
    pieces = re.split("%(.)", template)
    for index in range(1, len(pieces), 2):
        if pieces[index] == "%":
            continue
        value = waiting.pop(0) if waiting else None
        if pieces[index] != "s" or not isinstance(value, str):
            return node
        pieces[index] = value
    return node if waiting else _joined(node, pieces)


def _format(node: ast.expr, template: str, given: Mapping[str | None, Value]) -> Value:
    pieces = []
    automatic = iter(range(len(template)))
    try:
        fields = list(string.Formatter().parse(template))
    except ValueError:
        return node
    for text, field, specification, conversion in fields:
        pieces.append(text)
        if field is not None:
            value = given.get(field or str(next(automatic)))
            if specification or conversion or not isinstance(value, str):
                return node
            pieces.append(value)
    return _joined(node, pieces)


def _method(call: ast.Call, function: ast.Attribute, names: _Names) -> Value:
    value = _value(function.value, names)
    match value, function.attr:
        case str(), "format":
            given: dict[str | None, Value] = {
                str(index): _value(node, names) for index, node in enumerate(call.args)
            }
            return _format(call, value, given | {item.arg: _value(item.value, names) for item in call.keywords})
        case dict(), "items":
            return list(value.items())
        case dict(), "keys":
            return list(value)
        case dict(), "values":
            return list(value.values())
    return call


# What changes what is known of values. A list or dict has one value for all names that it has, as in Starlark;
# where it is not known what becomes of it, only a node is left in it.


def _set(names: _Names, name: str, value: Value) -> None:
    if isinstance(value, ast.expr):
        names.pop(name, None)
    else:
        names[name] = value


def _forget(node: ast.AST, names: _Names) -> None:
    """Forget the names that are bound anywhere in `node`."""
    for child in ast.walk(node):
        if isinstance(child, ast.Name) and isinstance(child.ctx, ast.Store):
            names.pop(child.id, None)
        elif isinstance(child, ast.arg):
            names.pop(child.arg, None)


def _bind(target: ast.expr, value: Value, scope: _Scope) -> None:
    match target:
        case ast.Name():
            _set(scope.names, target.id, value)
        case ast.Tuple() | ast.List():
            items: Sequence[Value] = value if isinstance(value, list | tuple) else target.elts
            if len(items) != len(target.elts):
                items = target.elts
            for element, item in zip(target.elts, items, strict=True):
                _bind(element, item, scope)
        case ast.Starred():
            _bind(target.value, target, scope)
        case ast.Subscript():
            container = _value(target.value, scope.names)
            key = _value(target.slice, scope.names)
            if isinstance(container, dict) and isinstance(key, str) and scope.certain:
                container[key] = value
            else:
                _spoil(container, target)


def _augment(node: ast.AugAssign, scope: _Scope) -> None:
    value = _value(node.value, scope.names)
    old = _value(node.target, scope.names)
    if isinstance(old, list):
        _extend(old, value, node.value, scope)
    elif isinstance(node.op, ast.Add):
        _bind(node.target, _sum(node.value, old, value), scope)
    else:
        _bind(node.target, node.value, scope)


def _change(call: ast.Call, method: ast.Attribute, scope: _Scope) -> None:
    """Do to a list or dict what its method does."""
    container = _value(method.value, scope.names)
    match container, method.attr, call.args:
        case list(), "append", [node]:
            _extend(container, [_value(node, scope.names)], call, scope)
        case list(), "extend", [node]:
            _extend(container, _value(node, scope.names), call, scope)
        case _, attribute, _ if attribute not in ("get", "index", "items", "keys", "values"):
            _spoil(container, call)


def _extend(items: list[Value], more: Value, node: ast.expr, scope: _Scope) -> None:
    if scope.certain and isinstance(more, list | tuple) and len(items) + len(more) <= _MOST_ITEMS:
        items.extend(more)
    else:
        _spoil(items, node)


def _spoil(container: Value, node: ast.expr) -> None:
    if isinstance(container, list):
        container[:] = [node]
    elif isinstance(container, dict):
        container.clear()
        container[node] = node


_MOST_STEPS: Final = 500_000
_MOST_ITEMS: Final = 2_000

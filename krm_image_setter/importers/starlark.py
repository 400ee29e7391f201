"""Reads the function calls in a Starlark file, and the arguments that are known without executing the file.

Python's `ast` can parse almost all Starlark files. A known value is a string, a number, a list or dict of known
values, an item of such a list or dict, a sum, or a string with known values inserted. A name has a known value if
its scope binds it only once: by an assignment of a known value, by a loop over a known list or dict, or as a
parameter of a function in the file that is called. The body of such a function is read once for each call.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections import ChainMap, Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from copy import copy
from functools import lru_cache
from itertools import count

from krm_image_setter.errors import InputError
from krm_image_setter.importers import NOT_IMPORTED, Note
from krm_image_setter.typed import Final, Record, TypeGuard

# The value of an expression: a str, bool, int, None, list or dict, or the `ast.expr` if it is not known.
Value = object


class Function(Record):
    """A Starlark function to find: its parameter names, and the callback for the arguments of each call."""

    parameters: Sequence[str]
    read: Callable[[Arguments], None]


class NotReadError(Exception):
    """A call cannot be imported, or the value of one of its arguments is not known."""

    def __init__(self, note: Note) -> None:
        super().__init__(note.message)
        self.note = note


class Scope:
    """The known values of names in the file, or in the body of one of its functions during one call.

    `functions` contains the functions that the file defines only once. `read` contains those whose body was read.
    """

    def __init__(self, module: ast.Module) -> None:
        self.bound = Counter(_bound_names(module.body))
        self.functions = {
            node.name: node
            for node in module.body
            if isinstance(node, ast.FunctionDef) and self.bound[node.name] == 1
        }
        self.read: set[str] = set()
        self._budget = [_MOST_NODES]  # shared by all scopes of the file
        self._sizes: dict[ast.AST, int] = {}
        self._called: frozenset[str] = frozenset()  # the functions around this scope
        # A function adds a mapping with its local names. An iteration of a loop adds a mapping with its variables.
        self._values: ChainMap[str, Value] = ChainMap()
        self._file = self._values
        self._assign(module.body)

    def _assign(self, statements: Iterable[ast.stmt]) -> None:
        """Add the values of assignments to names that the scope binds only once."""
        for statement in statements:
            match statement:
                case ast.Assign(targets=[ast.Name(id=name)]) if self.bound[name] == 1:
                    self._values[name] = self.value(statement.value)

    def turns(self, target: ast.expr, items: ast.expr, body: Sequence[ast.AST]) -> list[Scope] | None:
        """Return the scope of each iteration of a loop, or None if the items are not known or too many."""
        names, values = _names(target), self.value(items)
        values = list(values) if isinstance(values, dict) else values
        inside = Counter(_bound_names(body))
        if not isinstance(values, list) or not names or any(inside[name] for name in names):
            return None
        rows = [[value] for value in values] if isinstance(target, ast.Name) else values
        if not all(isinstance(row, list) and len(row) == len(names) for row in rows):
            return None
        if not self._spend(body, len(rows)):
            return None
        scopes = []
        for row in rows:
            turn = copy(self)
            turn._values = self._values.new_child(dict(zip(names, row, strict=True)))  # noqa: SLF001
            turn._assign(node for node in body if isinstance(node, ast.stmt))  # noqa: SLF001
            scopes.append(turn)
        return scopes

    def called(self, call: ast.Call) -> tuple[ast.FunctionDef, Scope] | None:
        """Return the function that a call runs, and the scope of its body. Return None if it cannot be read."""
        name = call.func.id if isinstance(call.func, ast.Name) else ""
        function = self.functions.get(name)
        # Starlark has no recursion.
        if function is None or name in self._called or name in self._values or not self._spend(function.body, 1):
            return None
        self.read.add(name)
        return function, self.inside(function, self._parameters(function.args, call))

    def inside(self, function: ast.FunctionDef, parameters: Mapping[str, Value]) -> Scope:
        """Return the scope of the body of a function. A parameter without a value is not known."""
        scope = copy(self)
        names = [each.arg for each in ast.walk(function.args) if isinstance(each, ast.arg)]
        scope._called = self._called | {function.name}  # noqa: SLF001
        scope.bound = Counter([*_bound_names(function.body), *names])
        values = {
            name: _UNKNOWN if scope.bound[name] > 1 else parameters.get(name, _UNKNOWN) for name in scope.bound
        }
        scope._values = self._file.new_child(values)  # noqa: SLF001
        scope._assign(function.body)  # noqa: SLF001
        return scope

    def _parameters(self, parameters: ast.arguments, call: ast.Call) -> dict[str, Value]:
        """Return the values of the parameters of a function in a call."""
        names = [parameter.arg for parameter in (*parameters.posonlyargs, *parameters.args)]
        if any(isinstance(argument, ast.Starred) for argument in call.args):
            return {}
        first = len(names) - len(parameters.defaults)
        values = dict(zip(names[first:], map(self.value, parameters.defaults), strict=True))
        for parameter, default in zip(parameters.kwonlyargs, parameters.kw_defaults, strict=True):
            if default is not None:
                values[parameter.arg] = self.value(default)
        values.update(zip(names, map(self.value, call.args), strict=False))
        rest: dict[str, Value] = {}
        for keyword in call.keywords:
            value = self.value(keyword.value)
            if keyword.arg is not None:
                rest[keyword.arg] = value
            elif isinstance(value, dict):
                rest |= value
            else:
                return {}
        every = {*names, *(parameter.arg for parameter in parameters.kwonlyargs)}
        values.update((name, rest.pop(name)) for name in every & rest.keys())
        if parameters.vararg is not None:
            values[parameters.vararg.arg] = [self.value(argument) for argument in call.args[len(names) :]]
        if parameters.kwarg is not None:
            values[parameters.kwarg.arg] = rest
        return values

    def _spend(self, body: Sequence[ast.AST], times: int) -> bool:
        """Return whether the budget allows reading a body several `times`. If so, reduce the budget."""
        if not body:
            return True
        if body[0] not in self._sizes:
            self._sizes[body[0]] = sum(1 for node in body for _ in ast.walk(node))
        cost = self._sizes[body[0]] * times
        if cost > self._budget[0]:
            return False
        self._budget[0] -= cost
        return True

    def value(self, node: ast.expr) -> Value:
        """Return the value of an expression. If the value is not known, return the expression itself."""
        match node:
            case ast.Constant():
                return node.value
            case ast.Name():
                value = self._values.get(node.id, _UNKNOWN)
                return node if value is _UNKNOWN else value
            case ast.List() | ast.Tuple():
                return [self.value(element) for element in node.elts]
            case ast.Dict():
                keys = [key and self.value(key) for key in node.keys]
                if all(isinstance(key, str) for key in keys):
                    return dict(zip(keys, map(self.value, node.values), strict=True))
            case ast.BinOp(op=ast.Add()):
                return _sum(node, self.value(node.left), self.value(node.right))
            case ast.BinOp(left=left, op=ast.Mod(), right=right):
                return _formatted(node, self.value(left), self.value(right))
            case ast.Subscript(value=holder, slice=key):
                return _item(self.value(holder), self.value(key), node)
            case ast.Call():
                return self._result(node)
        return node

    def _result(self, node: ast.Call) -> Value:
        """Return the result of a call: a method of a known value, or a function that only returns a value."""
        match node:
            case ast.Call(func=ast.Attribute(value=holder, attr="format")):
                return _filled(node, self.value(holder), [*map(self.value, node.args)], self._named(node.keywords))
            case ast.Call(func=ast.Attribute(value=holder, attr="join"), args=[items], keywords=[]):
                between, texts = self.value(holder), self.value(items)
                if (
                    isinstance(between, str)
                    and isinstance(texts, list)
                    and all(isinstance(one, str) for one in texts)
                ):
                    return _joined(node, [part for one in texts for part in (between, one)][1:])
                return node
            case ast.Call(func=ast.Attribute(value=holder, attr="get"), args=[key, *default], keywords=[]):
                otherwise = self.value(default[0]) if default else None
                return _item(self.value(holder), self.value(key), node, otherwise)
            case ast.Call(func=ast.Attribute(value=holder, attr="items"), args=[], keywords=[]):
                values = self.value(holder)
                return [[key, value] for key, value in values.items()] if isinstance(values, dict) else node
            case ast.Call(func=ast.Name(id="dict"), args=[]):
                return self._named(node.keywords)
        function = self.functions.get(node.func.id) if isinstance(node.func, ast.Name) else None
        *before, last = function.body if function is not None else [node]
        if not isinstance(last, ast.Return) or last.value is None:
            return node
        called = self.called(node) if all(isinstance(each, ast.Assign | ast.Expr) for each in before) else None
        value = called[1].value(last.value) if called is not None else node
        return node if isinstance(value, ast.expr) else value

    def _named(self, keywords: Iterable[ast.keyword]) -> dict[str, Value]:
        return {keyword.arg: self.value(keyword.value) for keyword in keywords if keyword.arg is not None}


def _names(target: ast.expr) -> list[str]:
    """Return the variables of a loop: those of `for a in …` or `for a, b in …`."""
    targets = target.elts if isinstance(target, ast.Tuple | ast.List) else [target]
    names = [each.id for each in targets if isinstance(each, ast.Name)]
    return names if len(names) == len(targets) else []


def _bound_names(nodes: Iterable[ast.AST]) -> Iterator[str]:
    """Yield the names that nodes bind or whose values they can change. Skip the local names of functions."""
    waiting = list(nodes)
    while waiting:
        node = waiting.pop()
        match node:
            case ast.FunctionDef(name=name, args=arguments, body=body):
                yield name
                # A function can change a global value, but cannot bind a global name.
                local = {each.arg for each in ast.walk(arguments) if isinstance(each, ast.arg)}
                local |= {each.id for part in body for each in ast.walk(part) if _is_stored(each)}
                yield from (changed for changed in _bound_names(body) if changed not in local)
                continue
            case ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name):
                yield name
            # An attribute can be a method that changes the value, such as `append`.
            case ast.Attribute(value=ast.Name(id=name), attr=attribute) if attribute not in _WITHOUT_EFFECT:
                yield name
            case ast.Subscript(value=ast.Name(id=name), ctx=ast.Store()):
                yield name
        waiting += ast.iter_child_nodes(node)


def _is_stored(node: ast.AST) -> TypeGuard[ast.Name]:
    return isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)


#: Methods that do not change a value.
_WITHOUT_EFFECT: Final = frozenset((
    "endswith", "format", "get", "items", "join", "keys", "lower", "replace", "split", "startswith", "strip",
    "values",
))  # fmt: skip


def _sum(node: ast.expr, left: Value, right: Value) -> Value:
    # Without the limit, 60 lines that each double a string would create 2 ** 60 characters.
    for kind in (str, list):
        if isinstance(left, kind) and isinstance(right, kind):
            return left + right if len(left) + len(right) <= _MOST_ITEMS else node  # type: ignore[operator]
    return node


def _formatted(node: ast.expr, text: Value, values: Value) -> Value:
    """Return the result of `text % values` if it only inserts known strings and numbers."""
    inserted = values if isinstance(values, list) else [values]
    if not isinstance(text, str) or not all(map(_is_scalar, inserted)):
        return node
    parts = re.split(r"%[sd]", text)
    if len(parts) != len(inserted) + 1 or any("%" in part for part in parts):
        return node
    return _joined(node, [piece for pair in zip(parts, [*inserted, ""], strict=True) for piece in pair])


def _filled(node: ast.expr, text: Value, positional: Sequence[Value], named: Mapping[str, Value]) -> Value:
    """Return the result of `text.format(…)` if it only inserts known strings and numbers."""
    if not isinstance(text, str):
        return node
    pieces: list[Value] = []
    numbers = count()
    for index, piece in enumerate(re.split(r"\{(\w*)\}", text)):
        if index % 2 == 0:
            if "{" in piece or "}" in piece:
                return node
            pieces.append(piece)
            continue
        number = next(numbers) if piece == "" else int(piece) if piece.isdecimal() and len(piece) < 4 else -1
        value = positional[number] if 0 <= number < len(positional) else named.get(piece, node)
        if not _is_scalar(value):
            return node
        pieces.append(value)
    return _joined(node, pieces)


def _is_scalar(value: Value) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool)


def _joined(node: ast.expr, pieces: Iterable[Value]) -> Value:
    text = "".join(map(str, pieces))
    return text if len(text) <= _MOST_ITEMS else node


def _item(holder: Value, key: Value, node: ast.expr, otherwise: Value = ...) -> Value:
    """Return an item of a known list or dict. `otherwise` is the value of a missing key, if there is one."""
    if isinstance(holder, dict) and isinstance(key, str):
        return holder.get(key, node if otherwise is ... else otherwise)
    if isinstance(holder, list) and isinstance(key, int) and -len(holder) <= key < len(holder):
        return holder[key]
    return node


_MOST_ITEMS: Final = 2_000
# The maximum number of syntax nodes to read in loops and calls. Reading them takes about a second.
_MOST_NODES: Final = 200_000
# The value of an unknown local name, which hides the global name.
_UNKNOWN: Final = object()


class Arguments:
    """The arguments of a call. `values` contains the arguments by the name of their parameter.

    `more` contains the positional arguments for which no parameter is known. `rest` is the argument after `*` or
    `**`. `origin` is the location of the call, for comments.
    """

    def __init__(self, call: ast.Call, parameters: Sequence[str], scope: Scope, where: str) -> None:
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
                self._set(parameters[index], node, scope.value(node))
            else:
                self.more.append(scope.value(node))
        for keyword in call.keywords:
            value = scope.value(keyword.value)
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
    # The expression is too long: it has thousands of digits, or hundreds of operators.
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
    scope = Scope(module)
    calls = list(_calls_in_file(module, scope))
    known = {name: function for name, function in functions.items() if not scope.bound[name]}
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


def _calls_in_file(module: ast.Module, scope: Scope) -> Iterator[tuple[ast.Call, str, Scope]]:
    """Yield the calls of a file. The calls in a function are yielded for each call of the function.

    If no call of a function was read, its body is read with unknown parameters.
    """
    others = [node for node in module.body if not isinstance(node, ast.FunctionDef)]
    for node in others:
        yield from _calls(node, "", scope)
    called = {
        node.func.id for node in ast.walk(module) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    functions = [node for node in module.body if isinstance(node, ast.FunctionDef)]
    for function in sorted(functions, key=lambda function: function.name in called):
        if function.name not in scope.read or function.name not in scope.functions:
            yield from _calls(function, "", scope)


def _calls(node: ast.AST, where: str, scope: Scope) -> Iterator[tuple[ast.Call, str, Scope]]:
    """Yield each call in `node`, with its scope and a description of the loop, condition or function around it."""
    match node:
        case ast.Call():
            yield node, where, scope
            called = scope.called(node)
            if called is not None:
                function, inner = called
                for statement in function.body:
                    yield from _calls(statement, f", in {function.name}(), called at line {node.lineno}", inner)
        case ast.For() | ast.ListComp(generators=[ast.comprehension(ifs=[])]):
            loop, body = (node, node.body) if isinstance(node, ast.For) else (node.generators[0], [node.elt])
            turns = scope.turns(loop.target, loop.iter, body)
            if turns is not None:
                yield from (found for turn in turns for each in body for found in _calls(each, where, turn))
                return
            where = f", in the loop at line {node.lineno}"
        case ast.If() | ast.IfExp():
            where = f", if the condition at line {node.lineno} holds"
        case ast.While() | ast.ListComp() | ast.DictComp():
            where = f", in the loop at line {node.lineno}"
        case ast.FunctionDef():
            where = f", in {node.name}()"
            scope = scope.inside(node, {})
        case ast.Lambda():
            where = f", in the function at line {node.lineno}"
    for child in ast.iter_child_nodes(node):
        yield from _calls(child, where, scope)


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

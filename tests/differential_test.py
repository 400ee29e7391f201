"""The differential test: its model, its mutations, its comparison, and a short run."""

from __future__ import annotations

import ast
import io
import itertools
import json
import re
import subprocess
import sys
import tokenize
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
import yaml
from harness import ROOT, before_and_after

from differential import cases, compare, model, mutate, program, running
from differential.cases import Case
from differential.minimizing import minimize
from differential.model import Expected, NonString, Refused, Unspecified
from differential.model.paths import matches, resources_in
from differential.program import Ran
from differential.readers import NAMES, Readers, Reading, read_ruamel
from differential.source import UnreadableError, comments_of, read

D = "sha256:" + "1" * 64
E = "sha256:" + "2" * 64


def given(**config: Any) -> dict[str, Any]:
    return {"catalog": False, **config}


def modeled(text: str, **config: Any) -> Expected:
    return model.expected(read(text).data(), given(**config), compare.read_embedded)


# --- the model against the documentation -------------------------------------------------------------------------


def test_model_imports_nothing_from_the_program() -> None:
    code = """
import sys, differential.model
print([name for name in sys.modules if name.startswith(("krm", "yaml", "ruamel"))])
"""
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ran.stdout == "[]\n"


def prose_of(code: str) -> Iterator[str]:
    """Return the docstrings of a module, and its comments. Comments in adjacent lines are one text."""
    nodes = (ast.Module, ast.ClassDef, ast.FunctionDef)
    yield from (ast.get_docstring(node) or "" for node in ast.walk(ast.parse(code)) if isinstance(node, nodes))
    tokens = tokenize.generate_tokens(io.StringIO(code).readline)
    comments = {token.start[0]: token.string for token in tokens if token.type == tokenize.COMMENT}
    for line in comments:
        if line - 1 not in comments:
            rest = range(line, line + len(comments))
            yield " ".join(comments[at].lstrip("#: ") for at in itertools.takewhile(comments.__contains__, rest))


def in_one_line(text: str) -> str:
    return " ".join(text.replace("*", " ").split())


QUOTING = (ROOT / "differential/compare.py", *sorted(ROOT.glob("differential/model/*.py")))


@pytest.mark.parametrize("module", QUOTING, ids=lambda path: str(path.stem))
def test_model_quotes_the_documentation(module: Path) -> None:
    """Each text in double quotes must be in the documentation. `[…]` stands for omitted words."""
    others = ("README.md", "CONTRIBUTING.md", "SECURITY.md", "krm_image_setter/config/schema.json")
    pages = (*ROOT.glob("docs/*.md"), *(ROOT / name for name in others))
    documentation = [in_one_line(page.read_text().replace('\\"', '"')) for page in pages]
    for text in prose_of(module.read_text()):
        for quote in re.findall('"([^"]+)"', in_one_line(text)):
            parts = [part.strip(" .,") for part in quote.split("[…]")]
            assert any(all(part in page for part in parts) for page in documentation), quote


@pytest.mark.parametrize(
    "value, rule, result",
    [
        # docs/peers.md, table "References"
        ("nginx", {"newTag": "2"}, "nginx:2"),
        (f"nginx:1@{D}", {"newTag": "2"}, "nginx:2"),
        (f"nginx:1@{D}", {"newName": "foo/nginx"}, f"foo/nginx:1@{D}"),
        (f"nginx@{D}", {"newName": "foo/nginx"}, f"foo/nginx@{D}"),
        ("nginx:1", {"digest": D}, f"nginx@{D}"),
        ("nginx:1", {"newTag": "2", "digest": D}, f"nginx:2@{D}"),
        ("nginx:1", {"tagSuffix": "-alpine"}, "nginx:1-alpine"),
        ("nginx:1-alpine", {"tagSuffix": "-alpine"}, "nginx:1-alpine"),
        ("localhost:5000/nginx", {"name": "localhost:5000/nginx", "newTag": "2"}, "localhost:5000/nginx:2"),
        ("[::1]:5000/nginx:1", {"name": "[::1]:5000/nginx", "newTag": "2"}, "[::1]:5000/nginx:2"),
        ("docker.io/library/nginx:1", {"newTag": "2"}, "docker.io/library/nginx:2"),
        ("gcrXio/foo:1", {"name": "gcr.io/foo", "newTag": "2"}, "gcrXio/foo:1"),
        ("nginx:${TAG}", {"newTag": "2"}, "nginx:${TAG}"),
        ("$(IMG)", {"newTag": "2"}, "$(IMG)"),
        ("{{ .x }}", {"newTag": "2"}, "{{ .x }}"),
        ("NGINX:1", {"newTag": "2"}, "NGINX:1"),
        ("", {"newTag": "2"}, ""),
        (" nginx:1 ", {"newTag": "2"}, " nginx:2 "),
        # other rows of the same table
        ("user/nginx:1", {"newTag": "2"}, "user/nginx:1"),
        ("my.registry/nginx:1", {"newTag": "2"}, "my.registry/nginx:1"),
        ("nginx:1", {"newName": "localhost:5000/nginx"}, "localhost:5000/nginx:1"),
        ("nginx@sha512:" + "a" * 128, {"newTag": "2"}, "nginx:2"),
        ("nginx:1", {"name": "nginx:1", "newTag": "2"}, "nginx:2"),
        ("nginx:3", {"name": "nginx:1", "newTag": "2"}, "nginx:3"),
        # docs/configuration.md
        ("nginx", {"tagSuffix": "-alpine"}, "nginx"),
        (f"nginx:1@{D}", {"newImage": "b"}, "b"),
    ],
)
def test_model_rewrites_reference_as_documented(value: str, rule: dict[str, str], result: str) -> None:
    text = json.dumps({"kind": "Pod", "spec": {"containers": [{"image": value}]}})
    (document,) = modeled(text, images=[{"name": "nginx", **rule}]).documents
    assert document["spec"]["containers"][0]["image"] == result


def test_model_sets_each_field_once() -> None:
    images = [{"name": "a", "newName": "b"}, {"name": "b", "newName": "a"}]
    (document,) = modeled("kind: Pod\ncontainers: [{image: 'a:1'}, {image: b}]\n", images=images).documents
    assert [container["image"] for container in document["containers"]] == ["b:1", "a"]


PATHS = (ROOT / "docs/paths.md").read_text()
RESOURCE = re.findall(r"```yaml title=.*?\n(.*?)```", PATHS, re.DOTALL)[0]


def test_model_finds_what_paths_page_lists() -> None:
    known = 0
    for path, found in re.findall(
        r"^\| `(.*)` \| (.*) ?\|$", PATHS.partition("each of these finds:")[2].partition("\n## ")[0], re.MULTILINE
    ):
        try:
            values = [match.value for match in matches(path.replace("\\|", "|"), read(RESOURCE).data()[0])]
        except Unspecified:
            continue
        known += 1
        assert values == found.split(), path
    assert known >= 14


def from_tilt_page() -> list[tuple[str, str]]:
    text = (ROOT / "docs/from-tilt.md").read_text()
    blocks = re.findall(r"^```(yaml|text)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    pairs = [(body, blocks[i + 1][1]) for i, (language, body) in enumerate(blocks[:-1]) if language == "yaml"]
    assert len(pairs) >= 12
    return pairs


@pytest.mark.parametrize("config, lines", from_tilt_page(), ids=[config for config, _ in from_tilt_page()])
def test_model_gives_what_tilt_page_shows(config: str, lines: str) -> None:
    before, after, error = before_and_after(lines)
    images = {} if "images:" in config else {"images": [{"name": "app", "newName": "registry/app", "newTag": "2"}]}
    settings = cases.config_of(read(config).data()[0]) | images
    if error:
        with pytest.raises(Refused):
            modeled(before, **settings)
    else:
        assert modeled(before, **settings).documents == read(after).data()


SPLIT = {
    "new name next to a tag with digest": ("a 1@D", "newName: b", "b 1@D"),
    "new tag for a tag with digest": ("a 1@D", "newTag: '2'", "a 2"),
    "new tag and digest for a tag with digest": ("a 1@D", "newTag: '2', digest: E", "a 2@E"),
    "new tag and digest for a tag": ("a 1", "newTag: '2', digest: E", "a 2@E"),
    "digest without a key": ("a 1", "digest: E", "a 1"),
    "missing tag": ("a -", "newTag: '2'", "a 2"),
    "digest with a key": ("a '' D", "digest: E", "a '' E"),
    "new tag instead of a digest": ("a '' D", "newTag: '2'", "a 2 ''"),
    "new name of a digest in the tag": ("a@sha256 HEX", "newName: b", "b@sha256 HEX"),
    "new tag instead of a digest in the tag": ("a@sha256 HEX", "newTag: '2'", "a 2"),
    "name with a registry": ("q.io/ a 1", "name: q.io/a, newName: r.io/x/b", "r.io/ x/b 1"),
    "equal name": ("docker.io/ a -", "newImage: 'a:3'", "docker.io/ a 3"),
}


def split(words: str) -> dict[str, str]:
    """Return a reference in parts from `[REGISTRY/] REPOSITORY TAG [DIGEST]`."""
    words = words.replace("HEX", "3" * 64)
    found = [re.sub("D$", D, re.sub("E$", E, word)).replace("''", "") for word in words.split(" ")]
    registry = {"registry": found.pop(0).rstrip("/")} if found[0].endswith("/") else {}
    parts = dict(zip(("repository", "tag", "digest"), found, strict=False))
    return registry | {key: value for key, value in parts.items() if value != "-"}


@pytest.mark.parametrize("before, rule, after", SPLIT.values(), ids=SPLIT)
def test_model_keeps_form_of_split_reference(before: str, rule: str, after: str) -> None:
    """The rules of issue 17, point 2."""
    parts, result = split(before), split(after)
    entry = {"name": "a", **cases.config_of(read("{" + re.sub("E$", E, rule) + "}").data()[0])}
    keys = {key: key for key in ("repository", "tag", *parts)}
    text = json.dumps({"kind": "A", "image": parts})
    outcome = modeled(text, images=[entry], kinds={"A": {"path": ".image", "fields": keys}})
    assert outcome.documents[0]["image"] == result
    assert (parts == result) == bool(outcome.warnings)


A2 = {"name": "a", "newTag": "2"}
B2 = {"name": "b", "newTag": "2"}
CONFIGURATIONS: dict[str, tuple[dict[str, Any], str, str]] = {
    "pull policy of a container": (
        {"images": [A2], "imagePullPolicy": "Always"},
        "containers: [{image: a}, {image: b}]",
        "containers: [{image: 'a:2', imagePullPolicy: Always}, {image: b}]",
    ),
    "pull policy of an image volume": (
        {"images": [A2], "imagePullPolicy": "Always"},
        "volumes: [{image: {reference: a}}]",
        "volumes: [{image: {reference: 'a:2', pullPolicy: Always}}]",
    ),
    "no pull policy next to a path": (
        {"images": [A2], "kinds": {"A": ".image"}, "imagePullPolicy": "Always"},
        "image: a",
        "image: a:2",
    ),
    "longest registry": (
        {"registries": [{"from": "docker.io", "to": "m.io/hub"}, {"from": "docker.io/x", "to": "m.io"}]},
        "containers: [{image: nginx}, {image: x/y, env: [{value: nginx}]}]",
        "containers: [{image: m.io/hub/library/nginx}, {image: m.io/y, env: [{value: nginx}]}]",
    ),
    "some containers": (
        {"images": [{**A2, "containers": "x"}]},
        "containers: [{name: x, image: a}, {name: y, image: a}]",
        "containers: [{name: x, image: 'a:2'}, {name: y, image: a}]",
    ),
    "args of one entry": (
        {"images": [{**A2, "args": True}, B2]},
        "containers: [{args: ['--x=a:1', 'docker://b:1', 'a']}]",
        "containers: [{args: ['--x=a:2', 'docker://b:1', 'a']}]",
    ),
    "env of one entry and a path": (
        {"images": [{**A2, "env": True}, B2], "kinds": {"A": "{.containers[*].env[*].value}"}},
        "containers: [{env: [{value: a}, {value: b}]}]",
        "containers: [{env: [{value: a:2}, {value: b:2}]}]",
    ),
    "text": (
        {"images": [{"name": "x/a", "newTag": "2"}], "kinds": {"A": {"path": ".t", "as": "text"}}},
        "t: \"x/a oci://x/a:1, 'x/a'\"",
        "t: \"x/a:2 oci://x/a:2, 'x/a:2'\"",
    ),
    "tag": ({"images": [A2], "kinds": {"A": {"path": ".v", "part": "tag", "of": "a"}}}, "v: '1'", "v: '2'"),
    "metadata": (
        {"images": {"a": "b:2"}},
        "metadata: {containers: [{image: a}]}",
        "metadata: {containers: [{image: a}]}",
    ),
}


@pytest.mark.parametrize("config, text, result", CONFIGURATIONS.values(), ids=CONFIGURATIONS)
def test_model_follows_configuration_page(config: dict[str, Any], text: str, result: str) -> None:
    assert modeled(f"kind: A\n{text}\n", **config).documents == read(f"kind: A\n{result}\n").data()


def test_model_sets_images_of_embedded_documents() -> None:
    inner = "kind: Pod\ncontainers: [{image: a}]\n"
    text = json.dumps({"kind": "ConfigMap", "data": {"x": inner}})
    outcome = modeled(text, images={"a": "b"}, kinds={"ConfigMap": {"path": ".data.x", "as": "yaml"}})
    assert outcome.documents[0]["data"]["x"].documents == [{"kind": "Pod", "containers": [{"image": "b"}]}]


def test_model_searches_no_custom_resource_definition() -> None:
    text = "kind: CustomResourceDefinition\nspec: {containers: [{image: a}]}\n"
    assert (
        modeled(text, images={"a": "b"}, kinds=[{"kind": "*", "paths": "{..image}"}]).documents
        == read(text).data()
    )


def test_model_finds_resources_in_lists() -> None:
    (document,) = read("kind: List\nitems: [{kind: A}, {kind: BList, items: [{}]}]\n").data()
    assert [resource.kind for resource in resources_in(document)] == ["A", "B"]


# --- the reference reader ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", sorted(ROOT.glob("differential/seeds/*.yaml")), ids=lambda path: str(path.stem))
def test_reader_reads_as_pyyaml_does(path: Any) -> None:
    text = path.read_text()
    assert compare.agrees(read(text).data(), _plain(list(yaml.safe_load_all(text))))


def test_comments_are_found_outside_scalars() -> None:
    text = "# a\nb: 'c # d' # e\nf: | # g\n  h # i\n\n# j\nk: [l, # m\n n#o]"
    assert comments_of(text) == ["# a", "# e", "# g", "# j", "# m"]


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value if isinstance(value, str) else NonString(str(value))


# --- the mutations -----------------------------------------------------------------------------------------------


#: In Python, PyYAML reads some texts otherwise than libyaml, which the program reads with.
needs_libyaml = pytest.mark.skipif(
    not hasattr(yaml, "CSafeLoader"), reason="PyYAML was built without libyaml here"
)


@needs_libyaml
@pytest.mark.parametrize("name", mutate.CHANGES)
def test_mutation_keeps_data(name: str) -> None:
    """The mutations are checked with PyYAML only: if ruamel.yaml reads both texts, it must read the same data."""
    random = Random(f"1:{name}")
    texts = [path.read_text() for path in sorted(ROOT.glob("differential/seeds/*.yaml"))]
    done = kept = compared = 0
    for _ in range(12 if name in ("rewrite", "as JSON") else 40):
        source = read(random.choice(texts))
        changed = mutate.CHANGES[name][0](source, random, Counter())
        if changed is None or changed == source.text:
            continue
        done += 1
        try:
            if read(changed).data() != source.data():
                continue
        except UnreadableError:
            continue
        kept += 1
        other = read_ruamel(changed).documents
        if other is not None and compare.agrees(source.data(), read_ruamel(source.text).documents):
            compared += 1
            assert compare.agrees(source.data(), other) or re.search("[\r\x85\u2028\u2029]", changed), changed
    assert kept >= done * 0.8
    assert compared >= (0 if name == "line ends" else 3)


def test_mutated_texts_have_all_features() -> None:
    done: Counter[str] = Counter()
    for number in range(150):
        case = running.made(1, number, with_corpus=False)
        done.update(case.done if case else {})
    features = (
        "flow collection, alias, merge key, merge pair, quoted, tag, complex key, escape, block scalar, shift"
    )
    features += ", CR line ends, NEL line ends, rewrite value, ResourceList"
    assert set(features.split(", ")) <= done.keys()


# --- the comparison ----------------------------------------------------------------------------------------------

TEXT = """\
# first
kind: Pod
metadata: {name: 'web'}   # second
spec:
  containers:
  - name: "a"
    image: "nginx:1"
    args: [ x,  y ]

  - image: redis:7
"""
LIST = """\
apiVersion: config.kubernetes.io/v1
kind: ResourceList
items:
- kind: Pod
  spec: {containers: [{image: nginx:1}]}
- kind: A
functionConfig:
  {apiVersion: krm-image-setter.dev/v1alpha1, kind: ImageSetter, catalog: false, images: {nginx: "nginx:2"}}
results:
- message: earlier
other: x
"""
CONFIG = given(apiVersion="krm-image-setter.dev/v1alpha1", kind="ImageSetter", images={"nginx": "nginx:2"})


def case_of(text: str, **config: Any) -> Case:
    settings = {**CONFIG, **config}
    is_list = "kind: ResourceList" in text
    return Case(text, settings, json.dumps(settings), "fork" if is_list else "library", is_list)


def kinds(case: Case, broken: Callable[[Ran], Ran]) -> set[str]:
    """Return the kinds of differences if the program is broken in its first run only."""
    runs: list[Ran] = []

    def run(given: Case) -> Ran:
        ran = program.run(given)
        runs.append(ran)
        return broken(ran) if len(runs) == 1 else ran

    return {finding.kind for finding in compare.check(case, run).findings}


def replaced(old: str, new: str) -> Callable[[Ran], Ran]:
    def broken(ran: Ran) -> Ran:
        assert old in ran.output
        return ran._replace(output=ran.output.replace(old, new))

    return broken


def test_correct_run_has_no_difference() -> None:
    for text in (TEXT, LIST):
        checked = compare.check(case_of(text), program.run)
        assert (checked.findings, checked.unspecified) == ([], "")
        assert checked.expected
        assert checked.expected.changes


FAULTS: dict[str, tuple[Callable[[Ran], Ran], str]] = {
    "image that is not set": (replaced("nginx:2", "nginx:1"), "data: not changed: podSpecs/reference"),
    "wrong image": (replaced("nginx:2", "nginx:3"), "data: changed to another value: podSpecs/reference"),
    "other image": (replaced("redis:7", "redis:8"), "data: changed, but must not be"),
    "lost field": (replaced("    args: [ x,  y ]\n", ""), "data: other shape"),
    "added field": (replaced("redis:7", "redis:7\n    extra: a"), "data: changed, but must not be (added key)"),
    "lost comment": (replaced("# first\n", ""), "comments: lost"),
    "changed comment": (replaced("# second", "# third"), "comments: lost"),
    "other white space": (replaced("[ x,  y ]", "[x, y]"), "bytes: changed outside scalars"),
    "lost empty line": (replaced("]\n\n", "]\n"), "bytes: changed outside scalars"),
    "lost quotes": (replaced("'web'", "web"), "bytes: changed outside scalars"),
    "lost quotes of the image": (replaced('"nginx:2"', "nginx:2"), 'bytes: style " became plain'),
    "broken YAML": (replaced("kind: Pod", "kind: [Pod"), "PyYAML: refuses the output"),
    "error": (lambda ran: ran._replace(status=2, output="", message="error"), "refused: error"),
    "traceback": (lambda ran: ran._replace(crash="KeyError in a.py, b"), "crash: KeyError in a.py, b"),
    "strange warning": (lambda ran: ran._replace(warnings=("warning: x",)), "warning without a cause: warning: x"),
    "missing results": (lambda ran: ran._replace(infos=()), "results: not those of the changes"),
}


@pytest.mark.parametrize("broken, kind", FAULTS.values(), ids=FAULTS)
def test_planted_fault_is_reported(broken: Callable[[Ran], Ran], kind: str) -> None:
    assert kind in kinds(case_of(TEXT), broken)


FUNCTION_FAULTS: dict[str, tuple[Callable[[Ran], Ran], str]] = {
    "lost earlier result": (replaced("- message: earlier\n", ""), "results: earlier results are lost"),
    "lost item": (replaced("- kind: A\n", ""), "data: other shape"),
    "lost other field": (replaced("other: x\n", ""), "data: changed, but must not be (lost key)"),
    "image that is not set": (replaced("nginx:2}]", "nginx:1}]"), "data: not changed: podSpecs/reference"),
    "no output": (lambda ran: ran._replace(status=2, output=""), "refused: "),
}


@pytest.mark.parametrize("broken, kind", FUNCTION_FAULTS.values(), ids=FUNCTION_FAULTS)
def test_planted_fault_of_function_is_reported(broken: Callable[[Ran], Ran], kind: str) -> None:
    assert f"{kind} [ResourceList]" in kinds(case_of(LIST), broken)


def test_lost_line_among_aliases_is_reported() -> None:
    text = "kind: Pod\na: &a\n  image: nginx:1\n  b: c   # d\ncontainers:\n- *a\nother: x  # e\n"
    assert kinds(case_of(text), lambda ran: ran) == set()
    assert "bytes: a line is lost [alias]" in kinds(case_of(text), replaced("x  # e", "x # e"))
    assert "comments: lost [alias]" in kinds(case_of(text), replaced("  # e", ""))


def test_missing_warning_is_reported() -> None:
    case = case_of(TEXT, images={"nginx": "nginx:2", "unused": "b"})
    assert kinds(case, lambda ran: ran) == set()
    assert kinds(case, lambda ran: ran._replace(warnings=())) == {"warning missing: unused image"}


ERROR_FAULTS: dict[str, tuple[Callable[[Ran], Ran], str]] = {
    "success": (lambda ran: ran._replace(status=0), "not refused"),
    "status of a difference": (lambda ran: ran._replace(status=1), "status 1"),
    "no message": (lambda ran: ran._replace(message=""), "no error message"),
    "output": (lambda ran: ran._replace(output="a"), "output in spite of an error"),
}


@pytest.mark.parametrize("broken, kind", ERROR_FAULTS.values(), ids=ERROR_FAULTS)
def test_wrong_error_is_reported(broken: Callable[[Ran], Ran], kind: str) -> None:
    case = case_of(TEXT, images=[{"name": "nginx", "newName": "nginx:3"}])
    assert kinds(case, lambda ran: ran) == set()
    assert kind in kinds(case, broken)


def test_function_that_loses_list_in_error_is_reported() -> None:
    case = case_of(LIST.replace('"nginx:2"', '"NGINX"'))
    assert kinds(case, lambda ran: ran) == set()
    assert kinds(case, replaced("- kind: A\n", "")) == {"function error: data: other shape [ResourceList]"}
    assert "function error: PyYAML refuses the output [ResourceList]" in kinds(
        case, lambda ran: ran._replace(output="")
    )


def test_second_run_that_changes_something_is_reported() -> None:
    runs: list[Ran] = []

    def run(given: Case) -> Ran:
        ran = program.run(given)
        runs.append(ran)
        return ran if len(runs) == 1 else ran._replace(output=ran.output + "\n")

    assert [finding.kind for finding in compare.check(case_of(TEXT), run).findings] == [
        "second run: changes something"
    ]


def test_second_run_may_change_what_model_changes() -> None:
    """`a` becomes `b`, and then `a` again."""
    images = [{"name": "a", "newName": "b"}, {"name": "b", "newName": "a"}]
    assert kinds(case_of("kind: Pod\ncontainers: [{image: a}]\n", images=images), lambda ran: ran) == set()


def test_reader_that_reads_output_otherwise_is_reported() -> None:
    case, ran = case_of(TEXT), program.run(case_of(TEXT))
    before, after = Reading(read(TEXT).data()), Reading(read(ran.output).data())
    assert compare.check_reader("yaml", case, ran, before, after) == (True, [])
    assert compare.check_reader("yaml", case, ran, Reading(None), Reading(None)) == (False, [])
    assert compare.check_reader("yaml", case, ran, before, Reading(None))[1][0].kind == "yaml: refuses the output"
    assert compare.check_reader("yaml", case, ran, before, before)[1][0].kind == "yaml: reads the output otherwise"


@pytest.mark.parametrize("name", NAMES[1:])
def test_parser_reads_as_reference_reader_does(name: str) -> None:
    readers = Readers()
    if name in readers.missing:
        pytest.skip(readers.missing[name])
    (reading,) = readers.read(["apiVersion: v1\n" + TEXT], [name])[name]
    broken = readers.read(["kind: [\n"], [name])[name][0]
    readers.close()
    assert reading.documents is not None
    adapted = compare.as_go_reads(read("apiVersion: v1\n" + TEXT).data()) if name == "go-yaml" else None
    assert compare.agrees(adapted or read("apiVersion: v1\n" + TEXT).data(), reading.documents)
    assert broken.documents is None


def test_node_parsers_refuse_flow_collection_with_shallow_indent() -> None:
    readers = Readers()
    if readers.node is None:
        pytest.skip(readers.missing["yaml"])
    readings = readers.read(["a:\n  b: {\n  c: d\n  }\n"], ["yaml", "js-yaml"])
    readers.close()
    assert [readings[name][0].documents for name in ("yaml", "js-yaml")] == [None, None]


def test_minimized_case_keeps_difference() -> None:
    case = case_of(
        TEXT + "---\nkind: B\n", images=[{"name": "nginx", "newTag": "2"}, {"name": "redis", "newTag": "8"}]
    )
    smaller = minimize(case, lambda case: "redis" in case.text and len(case.config["images"]) >= 1, 10)
    assert smaller.text == "redis"
    assert len(smaller.config["images"]) == 1


# --- runs --------------------------------------------------------------------------------------------------------


@needs_libyaml
def test_short_run_finds_no_difference() -> None:
    report = running.run(1, 120, 1, program.run, cases_limit=200, with_corpus=False)
    assert {kind: (found.finding.detail, found.case.text) for kind, found in report.found.items()} == {}
    assert report.counts["cases"] >= 100  # a slow machine may not get to all of them
    assert report.counts["with changes"] >= 30
    assert all(report.checked[name] for name in NAMES if name not in report.missing)


def test_command_writes_and_repeats_difference(tmp_path: Any) -> None:
    file = tmp_path / "case.json"
    file.write_text(json.dumps({"case": case_of(TEXT).to_json()}))
    command = [sys.executable, "-m", "differential", "--case", str(file)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.endswith("nothing differs\n")

"""Resources that `kinds` selects are skipped if their paths need no check. Skipping changes no result."""

from __future__ import annotations

from textwrap import indent
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from properties.strategies import NON_STRINGS, PLAIN_ODDITIES

from krm_image_setter import read_config
from krm_image_setter.documents import Stream
from krm_image_setter.rules import Keywords, rules_for
from krm_image_setter.scan import Scan, scan

HEAD: Final = "apiVersion: krm-image-setter.dev/v1alpha1\nkind: ImageSetter\nimages: {no/such: no/such:1}\n"
WIDGET: Final = "kind: Widget\napiVersion: example.com/v1\nmetadata: {name: w}\n"

# Lines with a value of the key `image`, as a field of `spec`.
STRINGS: Final = (
    "image: nginx:1.25",
    "image: quay.io/org/app",
    "image: 0.1/app",
    'image: "1"  # quoted',
    "image: ''",
    '"image": "quay.io/org/app:1"',
    "note: {image: quay.io/org/app}",
    'note: {"image": "x", b: c}',
    "image: quay.io/org/app\n    continued",
    "imagePullPolicy: Always",
    "images: 2",
)
OTHERS: Final = (
    "image: 1",
    "image: 1.25",
    "image: yes",
    "image: null",
    "image:",
    "image: ~",
    "image: [a]",
    "image: {a: b}",
    "image:\n    a: b",
    "image:\n  - a",
    "image: |\n    text",
    "image: !!int '1'",
    '"image": 1',
    "'image': true",
    '"im\\u0061ge": 1',
    "image : 1",
    "? image\n  : 1",
    "<<: {image: 1}",
    "image: &a 1",
    "other: &a 1\n  image: *a",
    "image: 'nginx:${TAG}'",
    "image: nginx:$TAG",
    'image: "{{ x }}"',
    'note: "image\\n: 1"',
    "Image: x\n  image: 1",
    "note: image\n  image: 1",
    'image: "x"\n  image: 1',
)


def scans(specs: list[str], kinds: str, *, in_list: bool = False) -> tuple[Scan, Scan, int]:
    """Return the scans of a stream without and with skipping, and the number of resources that are skipped."""
    documents = [f"{WIDGET}spec:\n  {spec}\n" for spec in specs]
    text = "---\n".join(documents)
    if in_list:
        text = "apiVersion: v1\nkind: List\nitems:\n" + "".join(f"- {indent(one, '  ')[2:]}" for one in documents)
    config = read_config(f"{HEAD}kinds: {kinds}\n")
    rules = rules_for(config, {})
    keywords = Keywords(config).of(text)
    skipped: list[str] = []

    class Counted(Stream):
        def trees(self, *arguments: object, **options: object):  # type: ignore[no-untyped-def]  # noqa: ANN202
            for tree in super().trees(*arguments, **options):  # type: ignore[arg-type]
                skipped.extend(["skipped"] * (tree is None))
                yield tree

    return scan(Stream(text), rules), scan(Counted(text), rules, keywords), len(skipped)


def facts(found: Scan) -> tuple[object, ...]:
    """Return what a scan tells the rest of the program. Only a warning needs the exact number of selections."""
    unmatched = {position: count for position, count in found.selected.items() if position not in found.matched}
    counts = found.resources, found.others, found.placeholders
    return counts, found.edits, found.results, found.matched, unmatched, found.selected.keys()


@pytest.mark.parametrize("spec", [*STRINGS, *OTHERS])
@pytest.mark.parametrize("kinds", ["{Widget: spec.image}", "[{kind: W*, paths: [$.spec.image, .spec.*]}]"])
def test_skipping_changes_no_result(spec: str, kinds: str) -> None:
    every, some, _ = scans([STRINGS[0]] * 40 + [spec] * 3, kinds)
    assert facts(some) == facts(every)
    every, some, _ = scans([spec] * 3, kinds)  # as long as no path has matched
    assert facts(some) == facts(every)


PATHS: Final = ("spec.image", "{.spec.image}", "$.spec.image", "$..image", "..image", "spec/image")


@pytest.mark.parametrize("spec", STRINGS)
@pytest.mark.parametrize("path", PATHS)
def test_resources_with_strings_are_skipped(spec: str, path: str) -> None:
    kinds = f"[{{kind: Widget, paths: ['{path}']}}]"
    every, some, skipped = scans([STRINGS[0]] * 40 + [spec] * 3, kinds)
    assert facts(some) == facts(every)
    assert skipped == 11  # 32 resources are read together, before the first of them matches


@pytest.mark.parametrize("spec", OTHERS)
def test_resources_with_other_values_are_parsed(spec: str) -> None:
    *_, skipped = scans([STRINGS[0]] * 40 + [spec] * 3, "{Widget: spec.image}")
    assert skipped == 8


@pytest.mark.parametrize(
    "path",
    [
        "spec.*",
        "$.spec[*]",
        "spec.image[0]",
        "{.spec.image}{.spec.tag}",
        "$.spec.image.`parent`",
        "$.spec[image, tag]",
    ],
)
def test_paths_without_a_last_key_are_always_checked(path: str) -> None:
    *_, skipped = scans([STRINGS[0]] * 50, f"[{{kind: Widget, paths: ['{path}']}}]")
    assert not skipped


def test_other_forms_are_always_checked() -> None:
    for form in ("part: tag, of: org/app", "fields: {repository: image}", "as: yaml", "as: text"):
        *_, skipped = scans([STRINGS[0]] * 50, f"[{{kind: Widget, paths: [{{path: spec.image, {form}}}]}}]")
        assert not skipped, form


def test_a_path_that_matched_nothing_is_always_checked() -> None:
    kinds = "[{kind: Widget, paths: [spec.image, spec.template.image]}]"
    every, some, skipped = scans([STRINGS[0]] * 50, kinds)
    assert facts(some) == facts(every)
    assert not skipped
    assert some.selected == {0: 50, 1: 50}


def test_hundreds_of_kinds_are_always_checked() -> None:
    kinds = ", ".join(f"{{kind: Widget, paths: [spec.image], name: 'w*{'*' * n}'}}" for n in range(120))
    *_, skipped = scans([STRINGS[0]] * 50, f"[{kinds}]")
    assert not skipped


scalars = st.sampled_from([*NON_STRINGS, *PLAIN_ODDITIES, "nginx", "nginx:1", "'1'", '"x"', "[1]", "{a: 1}", ""])
keys = st.sampled_from(["image", '"image"', "'image'", "other", "images", "ximage"])
specs = st.builds("{}: {}".format, keys, scalars) | st.sampled_from(STRINGS + OTHERS)


@given(st.lists(specs, min_size=1, max_size=6), st.sampled_from(PATHS[:5]), st.booleans())
def test_skipping_changes_no_result_of_any_stream(drawn: list[str], path: str, in_list: bool) -> None:
    every, some, _ = scans([STRINGS[0]] * 33 + drawn, f"[{{kind: Widget, paths: ['{path}']}}]", in_list=in_list)
    assert facts(some) == facts(every)


CONTENTS: Final = (
    '\'{"kind":"Widget","apiVersion":"a/v1","spec":{"image":1}}\'',
    '"{\\"kind\\":\\"Widget\\",\\"apiVersion\\":\\"a/v1\\",\\"spec\\":{\\"image\\":1}}"',
    '"apiVersion: a/v1\\nkind: Widget\\nspec:\\n  image:\\n  - a\\n"',
    "|\n      kind: Widget\n      apiVersion: a/v1\n      spec: {image: [1]}",
    "|\n      kind: Widget\n      {{ image }}: [",
)


@pytest.mark.parametrize("content", CONTENTS)
def test_skipping_changes_no_result_of_documents_in_strings(content: str) -> None:
    bundle = f"apiVersion: fleet.cattle.io/v1\nkind: Bundle\nspec:\n  resources:\n  - content: {content}\n"
    text = f"{WIDGET}spec: {{image: a/b}}\n---\n" * 40 + bundle
    config = read_config(f"{HEAD}kinds: {{Widget: spec.image}}\n")
    rules = rules_for(config, {})
    some = scan(Stream(text), rules, Keywords(config).of(text))
    assert facts(some) == facts(scan(Stream(text), rules))
    assert len(some.results) == 1


def test_resource_inside_a_skipped_kind_is_parsed() -> None:
    inner = "inner:\n    kind: Widget\n    apiVersion: a/v1\n    spec: {image: 1}"
    every, some, skipped = scans([STRINGS[0]] * 40 + [inner], "{Widget: spec.image}")
    assert facts(some) == facts(every)
    assert skipped == 8

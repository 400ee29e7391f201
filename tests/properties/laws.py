"""The laws as functions of one stream and one configuration: each raises AssertionError where it does not hold.

The property tests and the fuzzer (fuzz/) hold what they draw to them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from itertools import pairwise
from typing import Any
from unittest.mock import patch

import yaml
from properties.reader import Location, NonString, load, locate_images, resources, spans
from properties.strategies import (
    ALIASES,
    RUAMEL_REFUSES,
    Choices,
    Written,
    draw_image_rules,
    draw_kind_rules,
)

from krm_image_setter import InputError, read_config, set_images
from krm_image_setter.catalog import catalog_rules
from krm_image_setter.config import ImageSetter
from krm_image_setter.documents import Stream
from krm_image_setter.errors import ImageSetterError
from krm_image_setter.explaining import explainer
from krm_image_setter.images import parse_reference
from krm_image_setter.results import INFO
from krm_image_setter.rules import Keywords, rules_for
from krm_image_setter.scan import Scan, scan
from krm_image_setter.transform import Outcome, Plans, plan_all
from krm_image_setter.yaml import building, events, lines, scalar, stream, tree
from krm_image_setter.yaml.stream import Slice


def draw_config(c: Choices) -> ImageSetter:
    fields = {
        "apiVersion": "krm-image-setter.dev/v1alpha1",
        "kind": "ImageSetter",
        "images": draw_image_rules(c),
        "kinds": draw_kind_rules(c) if c.pick(2) else [],
        "catalog": c.pick(2) == 1,
        "podSpecs": c.pick(4) < 3,
        "onUnused": c.one_of(("ignore", "warn")),
    }
    return read_config(json.dumps(fields))


def changes(document: Any, config: ImageSetter) -> dict[Location, str]:
    """Return what is to be set in a document, the plain way."""
    found = dict(locate_images(document)) if config.pod_specs else {}
    for start, kind, resource in resources(document):
        api_version = str(resource.get("apiVersion"))
        known = catalog_rules(api_version, str(kind)) if config.catalog else ()
        for rule in [*(rule for rule in config.kinds if rule.selector.kind == kind), *known]:
            found.update((start + match.location, match.value) for match in rule.path.find(resource))
    wanted = {}
    for location, value in found.items():
        reference = parse_reference(value.strip()) if isinstance(value, str) else None
        image_rule = next((rule for rule in config.images if reference and rule.matches(reference)), None)
        if reference and image_rule:
            wanted[location] = value.replace(value.strip(), image_rule.rewrite(reference))
    return {location: new for location, new in wanted.items() if new != found[location]}


def replaced(data: Any, wanted: dict[Location, str], here: Location = ()) -> Any:
    if isinstance(data, dict):
        return {key: replaced(value, wanted, (*here, key)) for key, value in data.items()}
    if isinstance(data, list):
        return [replaced(value, wanted, (*here, index)) for index, value in enumerate(data)]
    return wanted.get(here, data)


def set_or_refused(written: Written, config: ImageSetter) -> Outcome | None:
    """Return the outcome, or None where the stream may be refused, and is."""
    try:
        return set_images(written.text, config)
    except InputError as error:
        if "cannot set" in error.message:
            assert written.features & set(ALIASES)
        else:
            assert "not a Kubernetes resource" in error.message
            assert not all(map(is_resources, written.documents))
        return None


def is_resources(document: Any) -> bool:
    """Say whether a document is empty, a resource, or a list of resources."""
    if document == NonString(""):
        return True
    return isinstance(document, dict) and all(kind for _, kind, _ in resources(document))


def infos(outcome: Outcome) -> int:
    return len([result for result in outcome.results if result.severity == INFO])


def check_output_reads_as_load_and_replace(
    written: Written, config: ImageSetter, loader: Any = yaml.SafeLoader
) -> None:
    outcome = set_or_refused(written, config)
    if outcome is None:
        return
    wanted = [changes(document, config) for document in written.documents]
    assert load(outcome.text, loader) == [*map(replaced, written.documents, wanted)]
    assert infos(outcome) == sum(map(len, wanted))


def check_only_image_scalars_differ(written: Written, config: ImageSetter) -> None:
    """For streams without aliases."""
    outcome = set_or_refused(written, config)
    if outcome is None:
        return
    wanted = [changes(document, config) for document in written.documents]
    assert outside(outcome.text, wanted) == outside(written.text, wanted)


def outside(text: str, documents: list[dict[Location, str]]) -> list[str]:
    """Return the text before, between and behind the scalars at some locations of each document."""
    found = [
        document[location] for document, wanted in zip(spans(text), documents, strict=True) for location in wanted
    ]
    edges = [0, *(edge for span in sorted(found) for edge in span), len(text)]
    return [text[start:end] for start, end in [*pairwise(edges)][::2]]


def check_the_explanation_contains_all_changes(written: Written, config: ImageSetter) -> None:
    stream = Stream(written.text)
    try:
        plans: Plans[Scan] = plan_all(lambda look, _=None: [look(stream)], config, lambda found: found, every=True)
    except ImageSetterError:
        return
    blocks = explainer(config, plans, None)(stream).blocks
    shown = {text for block in blocks for label, text in block.facts if label == "set to"}
    results = [one for one in plans.each[0].results if one.severity == INFO and "olicy" not in (one.field or "")]
    assert {one.proposed_value for one in results} <= shown
    assert all(block.facts and block.line > 0 for block in blocks)
    assert all(line.isprintable() for block in blocks for line in block.lines("a.yaml"))


def check_a_second_run_changes_nothing(text: str, config: ImageSetter) -> None:
    again = set_images(text, config)
    assert again.text == text
    assert infos(again) == 0


def check_an_error_writes_nothing(written: Written, config: ImageSetter) -> None:
    outcome = set_or_refused(written, config._replace(on_unused="warn"))
    if outcome is None:
        return
    strict = set_images(written.text, config._replace(on_unused="error"))
    if strict.failed:
        assert strict.text == written.text
        assert infos(strict) == 0
        assert len(strict.results) == len(outcome.results) - infos(outcome)
    else:
        assert strict == outcome


def check_splitting_and_skipping_change_nothing(text: str, config: ImageSetter) -> None:
    assert said(text, config, split=True) == said(text, config, split=False)


def said(text: str, config: ImageSetter, *, split: bool) -> Any:
    try:
        with nullcontext() if split else unsplit():
            return set_images(text, config)
    except InputError as error:
        return error.message


@contextmanager
def unsplit() -> Iterator[None]:
    """Have each text read as a whole, and nothing skipped."""
    with (
        patch("krm_image_setter.yaml.stream.cut_documents", partial(_json_only, stream.cut_documents)),
        patch("krm_image_setter.yaml.stream.cut_items", lambda *_: None),
        patch("krm_image_setter.yaml.stream.keyword_test", lambda *_: lambda _: True),
    ):
        yield


def _json_only(cut: Callable[[str], list[Slice] | None], text: str) -> list[Slice] | None:
    """Return the slices of a stream that has JSON objects without `---` between them: the whole is not YAML."""
    slices = cut(text) or []
    return slices if any(not text.startswith("---", start) for start, _ in slices[1:]) else None


NAMES = (["no/such"], ["kind"], ["metadata", "spec"], ["nginx", "other/app"], ["name", "image", "containers"])


def check_names_change_neither_problems_nor_counts(text: str) -> None:
    """The images that are asked for decide what is read: that must not decide what is wrong with a text."""
    configs = [config_to_set(names) for names in NAMES]
    expected = problem_or_count(text, configs[0], reads_all=True)
    assert [problem_or_count(text, each) for each in configs] == [expected] * len(configs)


def config_to_set(names: list[str]) -> ImageSetter:
    images = {name: f"{name}:9" for name in names}
    head = {"apiVersion": "krm-image-setter.dev/v1alpha1", "kind": "ImageSetter", "images": images}
    return read_config(json.dumps(head))


def problem_or_count(text: str, config: ImageSetter, *, reads_all: bool = False) -> str | int:
    keywords = None if reads_all else Keywords(config).of(text)
    try:
        return scan(Stream(text), rules_for(config, {}), keywords).resources
    except InputError as error:
        return str(error)


def check_all_parsers_give_the_same_tree(written: Written) -> None:
    text = written.text.removeprefix("\ufeff")
    parsers = [events.c_parser(), events.pure_parser()]
    if written.features & RUAMEL_REFUSES:
        parsers.pop()
    trees = [described(text, building.build(text, parser)) for parser in parsers if parser is not None]
    plain = lines.read(text)
    if plain is not None:
        trees.append(described(text, [plain]))
    assert all(other == trees[0] for other in trees)


def described(text: str, documents: list[tree.Document]) -> list[Any]:
    """Return the values, each with the span of what it is written as; the point of an empty one may differ."""

    def value_of(node: Any) -> Any:
        if isinstance(node, tree.Mapping):
            return [(key, value_of(child), span(node.origin(key), child)) for key, child in node.items()]
        if isinstance(node, tree.Sequence):
            return [
                (value_of(child), span(written, child)) for written, child in zip(node.children, node, strict=True)
            ]
        return node

    def span(written: Any, value: Any) -> Any:
        if value is None or isinstance(written, tree.Mapping | tree.Sequence):
            return None
        if isinstance(written, tree.Alias):
            return written.start_mark.index, written.end_mark.index
        return scalar.content_span(text, written)

    return [value_of(document.root) for document in documents]

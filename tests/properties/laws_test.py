"""What must hold for every stream and configuration."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from properties.reader import load, pod_spec_images, resources
from properties.strategies import Written, written_json_streams, written_resource_lists, written_streams

from krm_image_setter import InputError, read_config, set_images
from krm_image_setter.config import ImageSetter
from krm_image_setter.images import ImageMap
from krm_image_setter.results import INFO
from krm_image_setter.yaml import events, tree

HEAD = "apiVersion: krm-image-setter.dev/v1alpha1\nkind: ImageSetter\nonUnused: ignore\n"
CONFIGS = [
    read_config(HEAD + body)
    for body in (
        "images: [{name: nginx, newTag: '9'}]",
        "images: {nginx: 'localhost:5000/web:9', gcr.io/foo/bar: '12:30'}\nkinds: {KafkaConnect: '{.spec.image}'}",
        "images:\n- {name: localhost:5000/nginx, newTag: x}\n- {name: 'nginx:1', newTag: '2'}\n"
        "- {name: other/app, newName: '[::1]:5000/other/app'}\nkinds: {Deployment: '{..image}', KafkaConnect: '{...*}'}",
        "images: {nowhere: nowhere:1}",
    )
]
streams = st.one_of(written_streams(), written_resource_lists(), written_json_streams())
law = settings(
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large], deadline=None, max_examples=60
)


def replaced(document: Any, config: ImageSetter) -> tuple[Any, int]:
    """Load and replace, the plain way: what the output must read as, and how many fields change."""
    images = ImageMap(config.images)
    document = copy.deepcopy(unshared(document))
    count = 0
    for _, resource in list(resources(document)):
        if not isinstance(resource, dict):
            continue
        found: dict[Any, str] = {}
        if config.pod_specs and resource.get("kind") != "CustomResourceDefinition":
            found.update(pod_spec_images(resource))
        for rule in config.kinds:
            if rule.selector.kind == resource.get("kind"):
                found.update({m.location: m.value for m in rule.path.find(resource) if isinstance(m.value, str)})
        for location, value in found.items():
            match = images.find(value.strip())
            if match is None:
                continue
            new = value.replace(value.strip(), match[1].rewrite(match[0]))
            count += new != value
            holder = resource
            for step in location[:-1]:
                holder = holder[step]
            holder[location[-1]] = new
    return document, count


def is_resources(document: Any) -> bool:
    """Say whether a document is nothing, a resource, or a list of resources."""
    if document == ("not a string", ""):
        return True
    return isinstance(document, dict) and all(
        isinstance(resource, dict) and isinstance(resource.get("kind"), str) for _, resource in resources(document)
    )


def unshared(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: unshared(value) for key, value in data.items()}
    return [unshared(value) for value in data] if isinstance(data, list) else data


@law
@given(streams, st.sampled_from(CONFIGS))
def test_output_reads_as_load_and_replace(written: Written, config: ImageSetter) -> None:
    text = written.stream.text
    try:
        outcome = set_images(text, config)
    except InputError as error:
        odd = [document for document in load(text) if not is_resources(document)]
        assert "write it out" in error.message or (odd and "no Kubernetes resource" in error.message)
        return
    wanted = [replaced(document, config) for document in load(text)]
    assert load(outcome.text) == [document for document, _ in wanted]
    assert len([result for result in outcome.results if result.severity == INFO]) == sum(
        count for _, count in wanted
    )


@law
@given(streams, st.sampled_from(CONFIGS))
def test_a_second_run_changes_nothing(written: Written, config: ImageSetter) -> None:
    try:
        outcome = set_images(written.stream.text, config)
    except InputError:
        return
    again = set_images(outcome.text, config)
    assert again.text == outcome.text
    assert [result for result in again.results if result.severity == INFO] == []


@law
@given(streams, st.sampled_from(CONFIGS))
def test_splitting_and_skipping_change_nothing(written: Written, config: ImageSetter) -> None:
    text = written.stream.text
    whole = said(text, config, split=False)
    assert said(text, config, split=True) == whole


def said(text: str, config: ImageSetter, *, split: bool) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        if not split:
            patch.setattr("krm_image_setter.yaml.stream.cut_documents", lambda text: [(0, len(text))])
            patch.setattr("krm_image_setter.yaml.stream.cut_items", lambda *_: None)
            patch.setattr("krm_image_setter.yaml.stream.mentions_none", lambda *_: False)
        try:
            return set_images(text, config)
        except InputError as error:
            return error.message


@law
@given(streams)
def test_both_parsers_give_the_same_tree(written: Written) -> None:
    fast = events.c_parser()
    if fast is None:
        pytest.skip("PyYAML was built without libyaml here")
    pure = events.pure_parser()
    body = written.stream.text.removeprefix("\ufeff")
    trees: list[Any] = []
    for parser in (fast, pure):
        try:
            trees.append([described(document.root) for document in tree.build(body, parser)])
        except parser.refusals:
            trees.append(None)
    if None not in trees:
        assert trees[0] == trees[1]


def described(value: Any) -> Any:
    """Return a value with the spans of what it is written as; the point of an empty value may differ."""
    if isinstance(value, tree.Mapping):
        return [(key, described(child), span(value.origin(key), child)) for key, child in value.items()]
    if isinstance(value, tree.Sequence):
        return [
            (described(child), span(written, child)) for written, child in zip(value.children, value, strict=True)
        ]
    return value


def span(written: Any, value: Any) -> Any:
    if value is None or isinstance(written, tree.Mapping | tree.Sequence):
        return None
    return written.start_mark.index, written.end_mark.index

"""The laws with everything switched on: parts, texts, documents in strings, registries, policies, `from`."""

from __future__ import annotations

import json

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from properties import features, laws
from properties.features import KINDS, POLICY, Stream
from properties.strategies import OTHER_DIGEST, Choices

from krm_image_setter import read_config, set_images
from krm_image_setter.config import ImageSetter

law = settings(
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large], deadline=None, max_examples=200
)


@st.composite
def streams(draw: st.DrawFn) -> Stream:
    return features.draw_stream(Choices(draw, aliases=False, directives=False))


@st.composite
def configs(draw: st.DrawFn) -> ImageSetter:
    return features.draw_config(Choices(draw, aliases=False, directives=False))


@law
@given(streams(), configs())
def test_output_reads_as_load_and_replace(stream: Stream, config: ImageSetter) -> None:
    features.check_output_reads_as_load_and_replace(stream, config)


@law
@given(streams(), configs())
def test_nothing_else_differs(stream: Stream, config: ImageSetter) -> None:
    features.check_nothing_else_differs(stream, config)


@law
@given(streams(), configs())
def test_a_second_run_changes_nothing(stream: Stream, config: ImageSetter) -> None:
    laws.check_a_second_run_changes_nothing(set_images(stream.text, config).text, config)


@law
@given(streams(), configs())
def test_splitting_and_skipping_change_nothing(stream: Stream, config: ImageSetter) -> None:
    laws.check_splitting_and_skipping_change_nothing(stream.text, config)


@law
@given(streams())
def test_what_matches_nothing_changes_nothing(stream: Stream) -> None:
    head = {"apiVersion": "krm-image-setter.dev/v1alpha1", "kind": "ImageSetter", "imagePullPolicy": POLICY}
    config = read_config(json.dumps({**head, "images": {"no.such/image": f"a@{OTHER_DIGEST}"}, "kinds": KINDS}))
    assert set_images(stream.text, config).text == stream.text

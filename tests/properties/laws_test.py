"""What must hold for every stream and configuration."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from properties import laws
from properties.strategies import Choices, Written, json_streams, resource_lists, streams

from krm_image_setter.config import ImageSetter

TEXTS = st.one_of(streams(), resource_lists(), json_streams())
TEXTS_WITHOUT_ALIASES = st.one_of(streams(aliases=False), resource_lists(aliases=False), json_streams())
law = settings(
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large], deadline=None, max_examples=300
)


@st.composite
def configs(draw: st.DrawFn) -> ImageSetter:
    return laws.draw_config(Choices(draw, aliases=False, directives=False))


@law
@given(TEXTS, configs())
def test_output_reads_as_load_and_replace(written: Written, config: ImageSetter) -> None:
    laws.check_output_reads_as_load_and_replace(written, config)


@law
@given(TEXTS_WITHOUT_ALIASES, configs())
def test_only_image_scalars_differ(written: Written, config: ImageSetter) -> None:
    laws.check_only_image_scalars_differ(written, config)


@law
@given(TEXTS, configs())
def test_a_second_run_changes_nothing(written: Written, config: ImageSetter) -> None:
    outcome = laws.set_or_refused(written, config)
    if outcome is not None:
        laws.check_a_second_run_changes_nothing(outcome.text, config)


@law
@given(TEXTS, configs())
def test_explanation_contains_all_changes(written: Written, config: ImageSetter) -> None:
    laws.check_the_explanation_contains_all_changes(written, config)


@law
@given(TEXTS, configs())
def test_an_error_writes_nothing(written: Written, config: ImageSetter) -> None:
    laws.check_an_error_writes_nothing(written, config)


@law
@given(TEXTS, configs())
def test_splitting_and_skipping_change_nothing(written: Written, config: ImageSetter) -> None:
    laws.check_splitting_and_skipping_change_nothing(written.text, config)


#: What breaks a text, or makes it another one.
BREAKS = st.sampled_from(
    [
        "{{ x }}\n",
        "kind: [\n",
        "\n---\n",
        "\n  ",
        "\t",
        "'",
        '"',
        ": ",
        "- ",
        "#",
        "{",
        "]",
        "|",
        "&a ",
        "*a",
        "\\",
        "List",
    ]
)


@st.composite
def broken_texts(draw: st.DrawFn) -> str:
    """Draw a stream, and insert or remove a few characters."""
    text: str = draw(TEXTS).text
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(text)))
        text = text[:at] + draw(BREAKS | st.just("")) + text[at + draw(st.integers(0, 2)) :]
    return text


@law
@given(broken_texts())
def test_names_of_images_change_neither_problems_nor_counts(text: str) -> None:
    laws.check_names_change_neither_problems_nor_counts(text)


@law
@given(TEXTS)
def test_all_parsers_give_the_same_tree(written: Written) -> None:
    laws.check_all_parsers_give_the_same_tree(written)

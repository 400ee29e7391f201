"""After an edit of a block scalar, the parsers read the expected value, for any fragment and any form of the source."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import assume, given
from hypothesis import strategies as st

from krm_image_setter.edits import apply_edits
from krm_image_setter.yaml import parsing, writer
from krm_image_setter.yaml.tree import Fragment

LINES = st.lists(st.sampled_from(["", "a", "bc d", " e", "  f: g", "h ", "- i", "\tj"]), min_size=1, max_size=8)
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@given(
    lines=LINES,
    style=st.sampled_from(["|", ">"]),
    chomping=st.sampled_from(["", "-", "+"]),
    empty=st.integers(0, 3),
    new=LINES,
    data=st.data(),
    ending=st.sampled_from(["\n", "\r\n", "\r"]),
    is_last=st.booleans(),
)
def test_fragment_of_a_block_scalar_reads_back(
    lines: list[str],
    style: str,
    chomping: str,
    empty: int,
    new: list[str],
    data: st.DataObject,
    ending: str,
    is_last: bool,
) -> None:
    body = "".join(f"  {line}\n" if line else "\n" for line in lines) + "\n" * empty
    text = f"k: {style}{chomping}\n{body}" + ("" if is_last else "z: 1\n")
    text = text.replace("\n", ending)
    try:
        before = yaml.load(text, LOADER)
    except yaml.YAMLError:
        assume(False)
    assume(before.keys() == ({"k"} if is_last else {"k", "z"}))
    value = before["k"]
    (document,) = parsing.parse(text)
    assume(document.root["k"] == value)
    start = data.draw(st.integers(0, len(value)))
    end = data.draw(st.integers(start, len(value)))
    fragment = Fragment(start, end, "\n".join(new))
    edits = writer.rewrite_scalar(text, document.root.origin("k"), flow=False, fragments=[fragment])
    after = yaml.load(apply_edits(text, edits), LOADER)
    assert after == {**before, "k": value[:start] + fragment.text + value[end:]}


@pytest.mark.parametrize(
    "before, old, new, after",
    [
        pytest.param(
            ">\n  a\n\n  b *x\n\n  c\n", "*x", "\n i: j", ">\n  a\n\n  b \n   i: j\n  c\n", id="deeper line"
        ),
        pytest.param(
            ">\n  a\n\n  b\n\n  c\n", "b", "b\nd", ">\n  a\n\n  b\n\n  d\n\n  c\n", id="line of the same depth"
        ),
        pytest.param(">\n  a\n   b\n  c\n", "b", "b\nd", ">\n  a\n   b\n  d\n\n  c\n", id="line of less depth"),
        pytest.param(">\n  a b\n  c\n", "b", "b\n\n\nd", ">\n  a b\n\n\n\n  d\n  c\n", id="empty lines"),
        pytest.param("|\n  a\n  b\n", "a", "a\n\nd", "|\n  a\n\n  d\n  b\n", id="literal"),
    ],
)
def test_lines_in_a_block_scalar_keep_its_style(before: str, old: str, new: str, after: str) -> None:
    (document,) = parsing.parse(f"k: {before}")
    event = document.root.origin("k")
    start = event.value.index(old)
    fragment = Fragment(start, start + len(old), new)
    edits = writer.rewrite_scalar(f"k: {before}", event, flow=False, fragments=[fragment])
    assert apply_edits(f"k: {before}", edits) == f"k: {after}"
    assert yaml.load(after, LOADER) == event.value.replace(old, new)

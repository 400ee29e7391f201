"""Edits are checked strictly before they are applied."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krm_image_setter.edits import Edit, apply_edits


def test_noops() -> None:
    assert apply_edits("", []) == ""
    assert apply_edits("abc", [Edit(1, 1, "")]) == "abc"


def test_equal_edits_are_one() -> None:
    assert apply_edits("abc", [Edit(1, 2, "x"), Edit(1, 2, "x")]) == "axc"


def test_touching() -> None:
    assert apply_edits("abcd", [Edit(2, 3, "y"), Edit(1, 2, "x")]) == "axyd"


@pytest.mark.parametrize("edits", [[Edit(0, 2, "x"), Edit(1, 3, "y")], [Edit(1, 1, "x"), Edit(1, 1, "y")]])
def test_error_overlap(edits: list[Edit]) -> None:
    with pytest.raises(ValueError, match="overlap"):
        apply_edits("abc", edits)


@pytest.mark.parametrize("edit", [Edit(-1, 0, ""), Edit(0, 4, ""), Edit(2, 1, "")])
def test_error_outside(edit: Edit) -> None:
    with pytest.raises(ValueError, match="outside"):
        apply_edits("abc", [edit])


@given(st.text(), st.sets(st.integers(0, 30), max_size=8), st.text(max_size=3))
def test_as_one_by_one_from_the_end(text: str, cuts: set[int], new: str) -> None:
    points = sorted(cut for cut in cuts if cut <= len(text))
    edits = [Edit(a, b, new) for a, b in zip(points[::2], points[1::2], strict=False)]
    slow = text
    for start, end, replacement in reversed(edits):
        slow = slow[:start] + replacement + slow[end:]
    assert apply_edits(text, edits) == slow

"""Precision and recall of `discover` in kinds that people judged, and the table of docs/discover.md."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable

import pytest
from discovery.measuring import JUDGED, Kind, judged_set, score, third_set
from harness import ROOT

PAGE = ROOT / "docs/discover.md"
needs_judged = pytest.mark.skipif(not JUDGED.is_dir(), reason="../shared/corpus-crds is missing")
#: the name of the row, the kinds, and the least precision and recall. The rules were not developed with the first set.
SETS = [
    pytest.param("other projects", third_set, 0.94, 0.90, id="third set"),
    pytest.param("public catalogue", judged_set, 0.97, 0.93, id="judged set", marks=needs_judged),
]


@pytest.mark.parametrize(("name", "kinds", "precision", "recall"), SETS)
def test_judged_fields_are_found_with_precision_and_recall(
    name: str, kinds: Callable[[], Iterable[Kind]], precision: float, recall: float
) -> None:
    result = score(kinds())
    assert result.precision >= precision, result.errors
    assert result.recall >= recall, result.errors
    assert result.sure == 0, result.errors
    assert result.parts == result.all_parts
    check_row(name, result.row)


def check_row(name: str, cells: str) -> None:
    """Compare a row of the table in the page, or write the row if the environment asks for it."""
    page = PAGE.read_text()
    new = re.sub(rf"^\| {name} \|.*$", f"| {name} | {cells} |", page, flags=re.MULTILINE)
    assert f"| {name} |" in page
    if os.environ.get("WRITE_GOLDEN"):
        PAGE.write_text(new)
    assert page == new, "docs/discover.md is out of date; run the test with WRITE_GOLDEN=1"

"""Precision and recall with real CustomResourceDefinitions, compared with a list that people made."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml
from harness import ROOT

from krm_image_setter import ImageSetterError
from krm_image_setter.discovery.finding import Confidence
from krm_image_setter.discovery.schema import find_in_crd
from krm_image_setter.documents import Stream

CORPUS = ROOT.parent / "shared" / "corpus"
EXPECTED: dict[str, dict[str, list[str]]] = yaml.safe_load(
    (Path(__file__).parent / "image_fields.yaml").read_text()
)
PAGE = ROOT / "docs/discover.md"
needs_corpus = pytest.mark.skipif(not CORPUS.is_dir(), reason="../shared/corpus is missing")


class Score(NamedTuple):
    """The numbers of fields in one project."""

    found: int
    missed: int
    wrong: int


def crds(project: Path) -> Iterator[tuple[str, set[str]]]:
    """Yield each kind that the CRDs of a project define, and the paths that are likely images."""
    for path in sorted(project.rglob("*")):
        if path.suffix not in (".yaml", ".yml") or not path.is_file():
            continue
        text = path.read_bytes().decode(errors="replace")
        documents = Stream(text).documents("CustomResourceDefinition")
        with suppress(ImageSetterError):  # a Helm template
            for resource in (resource for one in documents for resource in one.resources()):
                crd = find_in_crd(resource)
                if crd is not None:
                    yield (
                        str(crd.kind),
                        {f.path for f in crd.findings if f.confidence >= Confidence.LIKELY},
                    )


def scores() -> dict[str, Score]:
    claimed: dict[str, set[str]] = {}
    for project in sorted(path for path in CORPUS.iterdir() if path.is_dir()):
        for kind, paths in crds(project):
            claimed.setdefault(kind, set()).update(paths)
    expected = {kind: set(paths) for kinds in EXPECTED.values() for kind, paths in kinds.items()}
    assert claimed.keys() == expected.keys()
    return {
        project: Score(
            sum(len(claimed[kind] & expected[kind]) for kind in kinds),
            sum(len(expected[kind] - claimed[kind]) for kind in kinds),
            sum(len(claimed[kind] - expected[kind]) for kind in kinds),
        )
        for project, kinds in EXPECTED.items()
    }


def table(by_project: dict[str, Score]) -> str:
    lines = ["| project | kinds | fields found | missed | wrongly claimed |", "|---|---|---|---|---|"]
    for project, score in by_project.items():
        if any(score):
            lines.append(
                f"| {project} | {len(EXPECTED[project])} | {score.found} | {score.missed} | {score.wrong} |"
            )
    quiet = [
        f"{project} ({len(EXPECTED[project])} kinds)" for project, score in by_project.items() if not any(score)
    ]
    totals = [sum(column) for column in zip(*by_project.values(), strict=True)]
    kinds = sum(map(len, EXPECTED.values()))
    lines.append(f"| **all** | {kinds} | {totals[0]} | {totals[1]} | {totals[2]} |")
    return (
        "".join(f"{line}\n" for line in lines)
        + f"\nThese projects have no image fields, and none is found: {', '.join(quiet)}.\n"
    )


@needs_corpus
def test_findings_in_the_corpus_have_precision_and_recall() -> None:
    by_project = scores()
    found, missed, wrong = (sum(column) for column in zip(*by_project.values(), strict=True))
    assert found / (found + missed) >= 0.95
    assert found / (found + wrong) >= 0.95
    begin, end = "<!-- begin table -->\n\n", "\n<!-- end table -->"
    page = PAGE.read_text()
    before, _, rest = page.partition(begin)
    new = before + begin + table(by_project) + end + rest.partition(end)[2]
    if os.environ.get("WRITE_GOLDEN"):
        PAGE.write_text(new)
    assert page == new, "docs/discover.md is out of date; run the test with WRITE_GOLDEN=1"


def test_expected_fields_list_every_kind_once() -> None:
    kinds = [kind for project in EXPECTED.values() for kind in project]
    assert len(kinds) == len(set(kinds))
    assert sum(len(paths) for project in EXPECTED.values() for paths in project.values()) >= 150

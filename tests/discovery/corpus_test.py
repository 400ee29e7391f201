"""Precision and recall with real CustomResourceDefinitions, compared with a list that people made."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import yaml
from discovery.measuring import Score
from discovery.measuring_test import check_row
from harness import ROOT

from krm_image_setter import ImageSetterError
from krm_image_setter.discovery.finding import Confidence
from krm_image_setter.discovery.schema import find_in_crd
from krm_image_setter.documents import Stream
from krm_image_setter.resources import CRD

CORPUS = ROOT.parent / "shared" / "corpus"
EXPECTED: dict[str, dict[str, list[str]]] = yaml.safe_load(
    (Path(__file__).parent / "image_fields.yaml").read_text()
)
needs_corpus = pytest.mark.skipif(not CORPUS.is_dir(), reason="../shared/corpus is missing")


def crds(project: Path) -> Iterator[tuple[str, set[str]]]:
    """Yield each kind that the CRDs of a project define, and the paths that are likely images."""
    for path in sorted(project.rglob("*")):
        if path.suffix not in (".yaml", ".yml") or not path.is_file():
            continue
        text = path.read_bytes().decode(errors="replace")
        documents = Stream(text).documents(CRD)
        with suppress(ImageSetterError):  # a Helm template
            for resource in (resource for one in documents for resource in one.resources()):
                crd = find_in_crd(resource.node) if resource.ref.kind == CRD else None
                if crd is not None:
                    yield (
                        str(crd.kind),
                        {f.path for f in crd.findings if f.confidence >= Confidence.LIKELY and f.is_complete},
                    )


@needs_corpus
def test_findings_in_the_corpus_have_precision_and_recall() -> None:
    claimed: dict[str, set[str]] = {}
    for project in sorted(path for path in CORPUS.iterdir() if path.is_dir()):
        for kind, paths in crds(project):
            claimed.setdefault(kind, set()).update(paths)
    expected = {kind: set(paths) for kinds in EXPECTED.values() for kind, paths in kinds.items()}
    assert claimed.keys() == expected.keys()
    found = sum(len(claimed[kind] & expected[kind]) for kind in expected)
    missed = sum(len(expected[kind] - claimed[kind]) for kind in expected)
    wrong = sum(len(claimed[kind] - expected[kind]) for kind in expected)
    result = Score(len(expected), found, 0, missed, wrong)
    assert result.precision >= 0.97
    assert result.recall >= 0.95
    check_row("26 operators", result.row)


def test_expected_fields_list_every_kind_once() -> None:
    kinds = [kind for project in EXPECTED.values() for kind in project]
    assert len(kinds) == len(set(kinds))
    assert sum(len(paths) for project in EXPECTED.values() for paths in project.values()) >= 150

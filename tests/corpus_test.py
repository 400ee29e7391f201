"""Real manifests, where they are beside the project: read or refused with a sentence, and nothing else changes."""

from __future__ import annotations

from pathlib import Path

import pytest
from harness import ROOT, Program
from trees import assert_same_as_parsed

from krm_image_setter import InputError, read_config, set_images
from krm_image_setter.images import parse_reference
from krm_image_setter.results import INFO, Result
from krm_image_setter.yaml import lines, stream

CORPUS = ROOT.parent / "shared" / "corpus"
HEAD = "apiVersion: krm-image-setter.dev/v1alpha1\nkind: ImageSetter\nonUnused: ignore\n"
NOTHING = read_config(HEAD + "images: {no.such/image: a}\n")
IMAGES = ["nginx", "busybox", "alpine", "python", "quay.io/strimzi/operator", "ubuntu", "redis"]
SOME = read_config(HEAD + "images: {" + ", ".join(f"{name}: {name}:set-by-us" for name in IMAGES) + "}\n")


def projects() -> list[Path]:
    return sorted(path for path in CORPUS.iterdir() if path.is_dir()) if CORPUS.is_dir() else []


@pytest.mark.skipif(not CORPUS.is_dir(), reason="no ../shared/corpus beside the project")
@pytest.mark.parametrize("project", projects(), ids=[path.name for path in projects()])
def test_project(project: Path, program: Program) -> None:
    for path in sorted(project.rglob("*")):
        if path.is_dir() or path.suffix not in (".yaml", ".yml", ".json"):
            continue
        try:
            text = path.read_bytes().decode()
        except UnicodeDecodeError:
            ran = program("--image", "a=b", stdin=path.read_bytes())
            assert (ran.status, ran.stdout) == (2, b""), path
            assert "not valid UTF-8" in ran.stderr
            continue
        assert_read_by_lines_as_parsed(text)
        try:
            assert set_images(text, NOTHING) == (text, ()), path
            outcome = set_images(text, SOME)
        except InputError as error:
            assert str(error)
            continue
        changes = [r for r in outcome.results if r.severity == INFO]
        before, after = text.splitlines(keepends=True), outcome.text.splitlines(keepends=True)
        assert len(before) == len(after), path
        for old, new in zip(before, after, strict=True):
            spelt = {new.replace(wrote, stood) for change in changes for wrote, stood in pieces(change)}
            assert old == new or old in spelt, path
        again = set_images(outcome.text, SOME)
        assert (again.text, [r for r in again.results if r.severity == INFO]) == (outcome.text, []), path


def pieces(change: Result) -> list[tuple[str, str]]:
    """Return what a change has written and what stood there: the whole reference, or part for part (the catalog)."""
    wrote, stood = str(change.proposed_value), str(change.current_value)
    new, old = parse_reference(wrote), parse_reference(stood)
    parts = zip(new, old, strict=True) if new and old else ()
    return [(wrote, stood), *((to, was) for to, was in parts if to and was)]


def assert_read_by_lines_as_parsed(text: str) -> None:
    text = text.removeprefix("\ufeff")
    for start, end in stream.cut_documents(text) or [(0, len(text))]:
        document = lines.read(text[start:end])
        if document is not None:
            assert_same_as_parsed(text[start:end], document)

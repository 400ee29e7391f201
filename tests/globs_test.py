"""Globs as in .gitignore. tests/hostile_test.py compares them with pathspec, and tests their time."""

from __future__ import annotations

import warnings

import pytest

from krm_image_setter.errors import ImageSetterError
from krm_image_setter.globs import GlobMap, any_of, check_globs, escaped_glob, glob_spec, matches

# https://git-scm.com/docs/gitignore#_pattern_format
GLOBS = [
    pytest.param(["*.yaml"], "a/b.yaml", True, id="name at any depth"),
    pytest.param(["a/*.yaml"], "a/b.yaml", True, id="path with a slash"),
    pytest.param(["a/*.yaml"], "c/a/b.yaml", False, id="path with a slash below"),
    pytest.param(["/b.yaml"], "a/b.yaml", False, id="leading slash"),
    pytest.param(["**/jobs/**/*.yaml"], "config/jobs/x/y/z.yaml", True, id="two stars"),
    pytest.param(["config/"], "config/a/b.yaml", True, id="directory"),
    pytest.param(["?.yaml"], "ab.yaml", False, id="question mark"),
    pytest.param(["[ab].yaml"], "b.yaml", True, id="set of characters"),
    pytest.param(["*.yaml", "!b.yaml"], "b.yaml", False, id="negated glob"),
    pytest.param(["!b.yaml", "*.yaml"], "b.yaml", True, id="negated glob before another glob"),
    pytest.param(["é*.yaml"], "é1.yaml", True, id="unicode"),
]


@pytest.mark.parametrize(("globs", "path", "expected"), GLOBS)
def test_globs_select_a_path(globs: list[str], path: str, expected: bool) -> None:
    assert matches(tuple(globs), path) == expected
    if not any(glob.startswith("!") for glob in globs):
        assert bool(any_of(glob_spec(globs)).match(path)) == expected


def test_odd_globs() -> None:
    assert any_of(glob_spec(["*/"])).match("tmp/")
    assert any_of(glob_spec(["/**/"])).match("tmp/a")
    assert not any_of(glob_spec(["*/"])).match("tmp")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert any_of(glob_spec(["[[:alpha:]].yaml"]))
    with pytest.raises(ValueError, match="bad character range"):
        glob_spec(["[l-[]"])


@pytest.mark.parametrize("path", ["a/[b]*.yaml", "!a.yaml", "#a", "a\\b.yaml", "a b.yaml", "a "])
def test_escaped_glob_matches_only_the_path(path: str) -> None:
    assert matches((escaped_glob(path),), path)
    assert not matches((escaped_glob(path),), "a/b.yaml")
    assert GlobMap([f"**/{escaped_glob(path)}"]).matches(f"x/{path}")


def test_invalid_glob_is_an_error() -> None:
    with pytest.raises(ImageSetterError, match="invalid glob"):
        check_globs(("!",))


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        pytest.param("/r/web/prod.yaml", True, id="name"),
        pytest.param("/r/db/prod.yaml", False, id="name in another directory"),
        pytest.param("/r/web/x.yaml", True, id="wildcard"),
        pytest.param("/r/web/x.yml", False, id="other name"),
        pytest.param("/s/a/b.yaml", True, id="absolute path"),
        pytest.param("/r/s/a/b.yaml", False, id="absolute path in a directory"),
    ],
)
def test_map_of_globs_selects_a_path(path: str, expected: bool) -> None:
    assert GlobMap(["**/web/prod.yaml", "**/web/x*.yaml", "/s/a/b.yaml"]).matches(path) == expected

"""Globs as in .gitignore. tests/hostile_test.py compares them with pathspec, and tests their time."""

from __future__ import annotations

import re
import subprocess
import sys
import warnings
from typing import Final

import pytest
from hypothesis import given, strategies
from pathspec import GitIgnoreSpec

from krm_image_setter.errors import ImageSetterError
from krm_image_setter.globs import GlobMap, Globs, check_globs, escaped_glob, matches

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


def test_odd_globs() -> None:
    assert Globs(["*/"]).answer("tmp/")
    assert Globs(["/**/"]).answer("tmp/a")
    assert Globs(["*/"]).answer("tmp") is None
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert Globs(["[[:alpha:]].yaml"]).answer("b") is None
    with pytest.raises(ValueError, match="bad character range"):
        Globs(["[l-[]"]).answer("l")


_GLOB: Final = strategies.text(alphabet="ab.-é*?/![]\\# ", max_size=8)
_PATH: Final = strategies.from_regex(r"[ab.\-é!#\[ ]{1,4}(/[ab.\-é]{1,4}){0,2}/?", fullmatch=True)


@given(globs=strategies.lists(_GLOB, max_size=4), path=_PATH)
def test_globs_mean_what_they_mean_to_pathspec(globs: list[str], path: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        try:
            theirs = GitIgnoreSpec.from_lines(globs)
        except (ValueError, re.error):
            with pytest.raises(ImageSetterError):
                check_globs(tuple(globs))
            return
    check_globs(tuple(globs))
    assert Globs(globs).answer(path) == theirs.check_file(path).include


def test_pathspec_is_loaded_only_for_a_path_that_a_glob_can_match() -> None:
    code = """
import sys
from krm_image_setter.globs import Globs
globs = Globs(["# b.yaml", "", "values.yaml", "values.*.y*ml", "/dist/*.yaml", "!keep.yml"])
assert globs.answer("a/values.yaml") is True
assert globs.answer("values.yaml/b") is True
assert globs.answer("a/b.yaml") is None
assert "pathspec" not in sys.modules
assert globs.answer("a/keep.yml") is False
assert globs.answer("dist/b.yaml") is True
assert "pathspec" in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)


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

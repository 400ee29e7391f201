"""JSON with comments: https://jsonc.org."""

from __future__ import annotations

import json
import time

import pytest

from krm_image_setter.yaml.json_comments import blanked


@pytest.mark.parametrize(
    ("text", "data"),
    [
        pytest.param('{"a": 1} // b', {"a": 1}, id="comment at the end"),
        pytest.param('// {"a": 0}\r\n{"a": 1}', {"a": 1}, id="comment before CRLF"),
        pytest.param('{/* "a": 0,\n */ "a": 1}', {"a": 1}, id="comment on two lines"),
        pytest.param('{"a": "//b", "c": "/*d*/"}', {"a": "//b", "c": "/*d*/"}, id="strings like comments"),
        pytest.param('{"a": "\\"//b"} // "c"', {"a": '"//b'}, id="escaped quote"),
        pytest.param('{"a": "\\\\"} // c', {"a": "\\"}, id="escaped backslash"),
        pytest.param('{// \u2028 "b"\n"a": 1}', {"a": 1}, id="LS in a comment"),
        pytest.param('{"é": 1 /**/}', {"é": 1}, id="empty comment"),
    ],
)
def test_comments_become_spaces(text: str, data: object) -> None:
    new = blanked(text)
    assert json.loads(new.replace("\u2028", " ")) == data
    assert len(new) == len(text)
    assert [line == "" for line in new.split("\n")] == [line == "" for line in text.split("\n")]


def test_comment_without_an_end_is_not_changed() -> None:
    assert blanked('{"a": 1} /* b') == '{"a": 1} /* b'


@pytest.mark.parametrize("text", ["/* " * 200_000, '"' + '\\"' * 200_000, "//" * 200_000, '"a"' * 200_000])
def test_long_text_takes_linear_time(text: str) -> None:
    started = time.process_time()
    blanked(text)
    assert time.process_time() - started < 2

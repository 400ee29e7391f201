"""Minimizes a case: removes parts of it while the program and the model still differ."""

from __future__ import annotations

import copy
import json
import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from differential.cases import Case
from differential.source import UnreadableError


def minimize(case: Case, differs: Callable[[Case], bool], seconds: float) -> Case:
    """Return a smaller case for which `differs` is still true. Stop after about `seconds`."""
    until = time.monotonic() + seconds

    def fails(candidate: Case) -> bool:
        if time.monotonic() > until:
            return False
        try:
            return differs(candidate)
        except (UnreadableError, KeyError, TypeError, AttributeError, IndexError, RecursionError):
            return False  # the text or the configuration is not valid any more

    plain = replace(case, config_text=json.dumps(case.config))
    if plain.config_text != case.config_text and fails(plain):
        case = plain
    before = None
    while before != (case.text, case.config_text) and time.monotonic() < until:
        before = (case.text, case.config_text)
        if not case.is_list and case.config_text == json.dumps(case.config):
            case = _smaller_config(case, fails)
        for cut in (
            r"(?:\r\n|[\n\r\x85\u2028\u2029])(?=---)",
            r"(?<=[\n\r\x85\u2028\u2029])",
            r"(?<=,)|(?<=[{}\[\]])",
            r"(?<=\s)|\b",
            "",
        ):
            parts = (
                [part for part in re.split(f"({cut})" if "(?=---)" in cut else cut, case.text) if part]
                if cut
                else list(case.text)
            )
            if len(parts) < 3_000:
                kept = _fewer(parts, lambda chosen, case=case: fails(replace(case, text="".join(chosen))))  # type: ignore[misc]
                case = replace(case, text="".join(kept))
    return case


def _fewer(parts: Sequence[str], fails: Callable[[Sequence[str]], bool]) -> list[str]:
    """Return a part of the list for which `fails` is still true. First try to remove long runs of items."""
    kept = list(parts)
    size = max(1, len(kept) // 2)
    while size:
        start = 0
        while start < len(kept):
            candidate = kept[:start] + kept[start + size :]
            if candidate and fails(candidate):
                kept = candidate
            else:
                start += size
        size //= 2
    return kept


def _smaller_config(case: Case, fails: Callable[[Case], bool]) -> Case:
    """Remove the values of a configuration that are not needed for the difference."""
    changed = True
    while changed:
        changed = False
        for smaller in _without_one(case.config):
            candidate = replace(case, config=smaller, config_text=json.dumps(smaller))
            if fails(candidate):
                case, changed = candidate, True
                break
    return case


def _without_one(data: Any) -> Iterator[Any]:
    """Yield copies of data. Each copy lacks one value."""
    if isinstance(data, dict):
        for key in data:
            if key in ("apiVersion", "catalog") and len(data) > 2:
                continue
            yield {name: copy.deepcopy(value) for name, value in data.items() if name != key}
        for key, value in data.items():
            for smaller in _without_one(value):
                yield {**data, key: smaller}
    elif isinstance(data, list):
        for index, item in enumerate(data):
            yield data[:index] + data[index + 1 :]
            for smaller in _without_one(item):
                yield [*data[:index], smaller, *data[index + 1 :]]

"""Finds out which strings a CustomResourceDefinition (CRD) accepts in the fields of its kind."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

from krm_image_setter.discovery.definitions import MAX_DEPTH, mapping, schemas
from krm_image_setter.discovery.finding import ITEMS, VALUES, Steps
from krm_image_setter.documents import Stream
from krm_image_setter.resources import CRD, Resource, ResourceRef
from krm_image_setter.typed import Any, Final, Record
from krm_image_setter.yaml.stream import keyword_test
from krm_image_setter.yaml.tree import Location

#: The kind of a resource: its `apiVersion` and its `kind`.
Key = tuple[str, str]


class Limit(Record):
    """The texts that a field accepts. An empty `pattern` matches all texts. A `max_length` of None is no limit."""

    steps: Steps
    pattern: str
    max_length: int | None

    def problem(self, text: str) -> str:
        """Return why the field does not accept a text, or an empty string if it does."""
        if self.max_length is not None and len(text) > self.max_length:
            return f"its CustomResourceDefinition accepts at most {self.max_length} characters"
        expression = _compiled(self.pattern)
        if expression is not None and not expression.search(text):
            return f'its CustomResourceDefinition accepts only the pattern "{self.pattern}"'
        return ""


class Limits:
    """The limits of the fields of many kinds."""

    def __init__(self, found: Iterable[tuple[Key, Limit]]) -> None:
        self._limits: dict[Key, list[Limit]] = {}
        for key, limit in found:
            self._limits.setdefault(key, []).append(limit)
        # A cache, because thousands of resources have the same fields, and a CRD can have thousands of limits.
        self._at: dict[tuple[Key, Location], list[Limit]] = {}

    def problem(self, ref: ResourceRef, texts: Iterable[tuple[Location, str]]) -> str:
        """Return why a resource cannot contain one of `texts`, or an empty string if it can contain all."""
        key = ref.api_version, ref.kind
        if key not in self._limits:
            return ""
        problems = (limit.problem(text) for location, text in texts for limit in self._limits_at(key, location))
        return next(filter(None, problems), "")

    def _limits_at(self, key: Key, location: Location) -> list[Limit]:
        field = key, tuple(ITEMS if isinstance(step, int) else step for step in location)
        if field not in self._at:
            self._at[field] = [limit for limit in self._limits[key] if _is_at(limit.steps, location)]
        return self._at[field]


def limits_in_stream(stream: Stream) -> list[tuple[Key, Limit]]:
    """Return the limits in the CustomResourceDefinitions of a stream. Raises InputError for invalid YAML."""
    if CRD not in stream.text:
        return []
    trees = filter(None, stream.trees(keyword_test(stream.text, [CRD])))
    return [limit for one in trees for resource in one.resources() for limit in limits_in(resource)]


def limits_in(resource: Resource) -> Iterator[tuple[Key, Limit]]:
    """Yield the limits of the strings in a CustomResourceDefinition. For other resources, yield nothing."""
    if resource.ref.kind != CRD:
        return
    spec = mapping(resource.node.get("spec"))
    kind = str(mapping(spec.get("names")).get("kind"))
    for version, schema in schemas(spec):
        yield from (((f"{spec.get('group')}/{version}", kind), limit) for limit in _limits(schema, ()))


def _limits(schema: Any, steps: Steps) -> Iterator[Limit]:
    if not isinstance(schema, dict) or len(steps) > MAX_DEPTH:
        return
    for one in (schema, *map(mapping, schema.get("allOf") or ())):
        pattern, length = one.get("pattern"), one.get("maxLength")
        if schema.get("type") == "string" and (isinstance(pattern, str) or isinstance(length, int)):
            yield Limit(steps, pattern if isinstance(pattern, str) else "", length)
    for name, field in mapping(schema.get("properties")).items():
        yield from _limits(field, (*steps, name))
    yield from _limits(schema.get("items"), (*steps, ITEMS))
    yield from _limits(schema.get("additionalProperties"), (*steps, VALUES))


def _is_at(steps: Steps, location: Location) -> bool:
    return len(steps) == len(location) and all(
        step == (ITEMS if isinstance(key, int) else key) or (step == VALUES and isinstance(key, str))
        for step, key in zip(steps, location, strict=True)
    )


# The API server uses Go's regular expressions. Patterns of public CRDs contain these classes, which Python lacks.
_CLASSES: Final = {"alnum": "a-zA-Z0-9", "alpha": "a-zA-Z", "digit": "0-9", "lower": "a-z", "upper": "A-Z"}


@lru_cache
def _compiled(pattern: str) -> re.Pattern[str] | None:
    """Compile a pattern, or return None if only Go can compile it."""
    python = re.sub(r"\[:(\w+):\]", lambda name: _CLASSES.get(name[1], name[0]), pattern)
    if "[:" in python:
        return None
    try:
        return re.compile(python, re.ASCII)
    except re.error:
        return None

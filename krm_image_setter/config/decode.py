"""A functionConfig's mapping -> ImageSetter, by hand; JSON Schema is asked only to explain a wrong one.

The rules are api.md's, section 1; `schema.json` says the same, and a property test holds the two together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any, Final, NamedTuple, TypeVar

from krm_image_setter.config import schema
from krm_image_setter.config.compatible import IMAGE_FIELDS, image_setter_fields, is_image_setter
from krm_image_setter.config.image_setter import ImageSetter
from krm_image_setter.config.value import ShapeError, Value
from krm_image_setter.errors import ConfigError, ImageSetterError
from krm_image_setter.images import ImageRule, image_rule
from krm_image_setter.locators import KindRule, Selector
from krm_image_setter.paths import Path, parse_path

T = TypeVar("T")


class _Part(NamedTuple):
    """What one document gives; None where it does not say."""

    images: tuple[ImageRule, ...] | None
    kinds: tuple[KindRule, ...]
    pod_specs: bool | None
    on_unused: str | None


def decode(
    documents: Iterable[Value],
    *,
    images: Sequence[ImageRule] = (),
    kinds: Sequence[KindRule] = (),
    on_unused: str | None = None,
) -> ImageSetter:
    """Return the configuration that `documents` give together, their lists one after the other.

    `images`, `kinds` and `on_unused` are what was given beside them; they come first.

    Raises ConfigError where a document is wrong, two contradict each other, or nothing says what to set.
    """
    parts = [(document, _decode_document(document)) for document in documents]
    if not images and all(part.images is None for _, part in parts):
        error = ConfigError("no images are given: add `images: {NAME: NEW-REFERENCE}`")
        raise parts[0][0].place(error) if parts else error
    _check_contradictions(parts)
    said = _agreed(parts, "onUnused", lambda part: part.on_unused, default="warn")
    return ImageSetter(
        images=(*images, *(rule for _, part in parts for rule in part.images or ())),
        kinds=(*kinds, *(rule for _, part in parts for rule in part.kinds)),
        pod_specs=_agreed(parts, "podSpecs", lambda part: part.pod_specs, default=True),
        on_unused=on_unused or said,
    )


def decode_image(argument: str) -> ImageRule:
    """Return the rule that `--image NAME=REF` stands for. Raises ConfigError."""
    name, equals, reference = argument.partition("=")
    if not equals:
        raise ConfigError(f'--image "{argument}": give NAME=REFERENCE')
    try:
        return image_rule(name, new_image=reference)
    except ImageSetterError as error:
        raise ConfigError(f'--image "{argument}": {error.message}') from error


def decode_kind(argument: str) -> KindRule:
    """Return the rule that `--kind KIND=PATH` or `KIND.GROUP=PATH` stands for. Raises ConfigError."""
    kind, equals, path = argument.partition("=")
    if not equals or not kind:
        raise ConfigError(f'--kind "{argument}": give KIND=PATH or KIND.GROUP=PATH')
    try:
        return KindRule(_group_kind(kind), parse_path(path))
    except ImageSetterError as error:
        column = None if error.column is None else error.column + len(kind) + 1
        raise ConfigError(f'--kind "{argument}": {error.message}', column=column) from error


def _decode_document(document: Value) -> _Part:
    try:
        return _decode_fields(document)
    except ShapeError as error:
        # The schema is an ImageSetter's; the other kinds have one mistake told at a time.
        explained = schema.explain(document) if is_image_setter(document) else None
        raise explained or error from error


def _decode_fields(document: Value) -> _Part:
    fields = image_setter_fields(document)
    images = fields.get("images")
    kinds = fields.get("kinds")
    pod_specs = fields.get("podSpecs")
    on_unused = fields.get("onUnused")
    return _Part(
        tuple(_images(images)) if images else None,
        tuple(_kinds(kinds)) if kinds else (),
        pod_specs.boolean() if pod_specs else None,
        on_unused.choice(("warn", "error", "ignore")) if on_unused else None,
    )


# The names of the fields of an entry, and of the arguments and attributes that they become.
_IMAGE_ARGUMENTS: Final = {
    "newName": "new_name",
    "newTag": "new_tag",
    "digest": "digest",
    "tagSuffix": "tag_suffix",
    "newImage": "new_image",
}
_SELECTOR_FIELDS: Final = {"kind": "kind", "apiVersion": "api_version", "name": "name", "namespace": "namespace"}


def _images(images: Value) -> Iterator[ImageRule]:
    if images.is_mapping:
        for name, value in images.entries():
            reference = value.string()
            yield _built(value, partial(image_rule, name, new_image=reference))
        return
    for entry in images.items():
        fields = entry.fields(IMAGE_FIELDS, required=("name",))
        given = {_IMAGE_ARGUMENTS[key]: value.string() for key, value in fields.items() if key != "name"}
        yield _built(entry, partial(image_rule, fields["name"].string(), **given))


def _kinds(kinds: Value) -> Iterator[KindRule]:
    if kinds.is_mapping:
        for kind, paths in kinds.entries():
            selector = _built(paths, partial(_group_kind, kind))
            for path in paths.one_or_more():
                yield KindRule(selector, _path(path))
        return
    for entry in kinds.items():
        fields = entry.fields((*_SELECTOR_FIELDS, "paths"), required=("paths",))
        selector = Selector(**{_SELECTOR_FIELDS[key]: fields[key].string() for key in fields if key != "paths"})
        if not (selector.kind or selector.name or selector.namespace):
            entry.fail("this selects everything: give kind, name or namespace")
        for path in fields["paths"].one_or_more():
            yield KindRule(selector, _path(path))


def _path(value: Value) -> Path:
    return _built(value, partial(parse_path, value.string()))


def _group_kind(text: str) -> Selector:
    """Return what `Kind` or `Kind.group` selects (GroupKind notation of k8s.io/apimachinery)."""
    kind, dot, group = text.partition(".")
    if not kind or (dot and not group):
        raise ConfigError(f'"{text}" is no kind: give Kind or Kind.group')
    return Selector(kind=kind, api_version=f"{group}/*" if group else "")


def _built(value: Value, build: Callable[[], T]) -> T:
    """Return what `build` gives; what it finds wrong is placed at `value`, or at the field that it names."""
    try:
        return build()
    except ImageSetterError as error:
        key, error.field = error.field, None
        raise value.place(_config_error(error), key=key) from error


def _config_error(error: ImageSetterError) -> ConfigError:
    column = f", column {error.column}" if error.column is not None else ""
    return ConfigError(error.message + column)


def _agreed(parts: list[tuple[Value, _Part]], field: str, say: Callable[[_Part], T | None], *, default: T) -> T:
    said: T | None = None
    for document, part in parts:
        value = say(part)
        if value is not None and said is not None and value != said:
            document.fail(f"{field} is {_yaml(value)} here and {_yaml(said)} in another configuration: keep one")
        said = value if said is None else said
    return default if said is None else said


def _yaml(value: Any) -> str:
    return str(value).lower()


def _check_contradictions(parts: list[tuple[Value, _Part]]) -> None:
    """Raise ConfigError where two documents set the same images to different things.

    Within one document the first entry wins, as its author can see.
    """
    rules: dict[tuple[str, str | None, str | None], ImageRule] = {}
    for document, part in parts:
        new = {(rule.name.normalized_name, *rule.name[1:]): rule for rule in reversed(part.images or ())}
        for key, rule in new.items():
            if rules.setdefault(key, rule)._replace(name=rule.name) != rule:
                document.fail(f'two configurations set "{rule.name}" to different things: keep one')

"""Defines BuiltImage, an image that a build tool wrote, and the functions that create it for every format."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from krm_image_setter.config import Value
from krm_image_setter.errors import ConfigError
from krm_image_setter.images import ImageRule, InvalidReference, Reference, parse_reference, whole_image_rule
from krm_image_setter.images.reference import DIGEST_RULE, is_digest
from krm_image_setter.typed import Any, NoReturn, Record, TypeAlias

#: A function that adds the location of an image to an error.
Locate: TypeAlias = Callable[[ConfigError], ConfigError]


class BuiltImage(Record):
    """The rule that sets an image to a new reference. `locate` adds the location of this rule to an error."""

    rule: ImageRule
    locate: Locate

    @property
    def new_reference(self) -> str:
        """The new reference, in quotes, for messages."""
        suffix = f' with the tag suffix "{self.rule.tag_suffix}"' if self.rule.tag_suffix else ""
        return f'"{self.rule.target}"{suffix}'

    @property
    def location(self) -> str:
        """The file, line and field of this image, for messages about another image."""
        return str(self.locate(ConfigError("")))

    def fail(self, message: str) -> NoReturn:
        """Raise a ConfigError with the location of this image."""
        raise self.locate(ConfigError(message))


def built_image(name: str, reference: str, locate: Locate, locate_name: Locate | None = None) -> BuiltImage:
    """Return a BuiltImage that sets `name` to `reference`. Raises ConfigError if either of them is invalid."""
    try:
        return BuiltImage(whole_image_rule(name, reference), locate)
    except InvalidReference as error:
        locate = locate_name if locate_name and error.field == "name" else locate
        raise locate(ConfigError(error.message)) from error


def image_of_its_name(text: str, locate: Locate) -> BuiltImage:
    """Return a BuiltImage that sets images with the same name to the reference `text`. Raises ConfigError."""
    reference = parse_reference(text)
    if reference is not None and is_bare(reference):
        raise locate(no_version(text))
    return built_image(reference.name if reference is not None else text, text, locate)


def image_or_reason(text: str, locate: Locate) -> BuiltImage | ConfigError:
    """Like `image_of_its_name`, but return the error for an image to skip instead of raising it."""
    reference = parse_reference(text)
    if reference is None:
        return locate(ConfigError(f'"{text}" is not an image reference'))
    return locate(no_version(text)) if is_bare(reference) else image_of_its_name(text, locate)


def pinned(text: str, digest: Value | None) -> str:
    """Add a digest to a reference; None adds nothing. Raises ConfigError if the digest is invalid."""
    reference = parse_reference(text)
    if digest is None or reference is None:
        return text
    if not is_digest(digest.string()):
        digest.fail(f'invalid digest "{digest.data}"; {DIGEST_RULE}')
    return str(reference._replace(digest=digest.string()))


def is_listed(data: dict[str, Any], kind: str, group: str = "") -> bool:
    """Return whether a document is a resource of a kind and group, or a list that contains only such resources.

    `kubectl get` prints a `List`; the API returns a list such as `PodList`, whose items have no kind.
    """
    if data.get("kind") == "List":
        items = data.get("items")
        return isinstance(items, list) and all(
            isinstance(one, dict) and one.get("kind") == kind and is_listed(one, kind, group) for one in items
        )
    return data.get("kind") in (kind, f"{kind}List") and str(data.get("apiVersion")).startswith(group)


def listed(document: Value) -> Iterator[Value]:
    """Yield the items of a list of resources, or the document if it is a single resource."""
    if document.text_at("kind").endswith("List"):
        yield from document.fields(required=("items",))["items"].items()
    else:
        yield document


def image_of_fields(value: Value, name: str, reference: str) -> BuiltImage:
    """Return the image in a mapping. `name` and `reference` are the keys of the name and of the new reference."""
    fields = value.fields(required=(name, reference))
    return image_of_values(fields[name], fields[reference])


def image_of_values(name: Value, reference: Value) -> BuiltImage:
    """Return a BuiltImage that sets `name` to `reference`. Raises ConfigError if either of them is invalid."""
    return built_image(name.string(), reference.string(), reference.located, name.located)


def is_bare(reference: Reference) -> bool:
    """Return whether a reference has neither a tag nor a digest."""
    return reference.tag is None and reference.digest is None


def no_version(text: str) -> ConfigError:
    """Return the error for a reference that has neither a tag nor a digest."""
    return ConfigError(f'"{text}" has no tag or digest; add one')

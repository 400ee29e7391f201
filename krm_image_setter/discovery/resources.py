"""Finds values that look like images in the fields of resources that no rule covers."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from krm_image_setter.discovery.finding import ITEMS, NOT_SPECIFIED, Confidence, Finding, Kind, Steps
from krm_image_setter.discovery.judging import Field, judged
from krm_image_setter.images import Reference, parse_reference
from krm_image_setter.images.tokens import Token, find_tokens
from krm_image_setter.locators import TEXT, WHOLE, Embedded, Form, KindRule, Selector, Split
from krm_image_setter.locators.image_field import Keys
from krm_image_setter.locators.values import VALUES, Shape, find_shapes, has_registry
from krm_image_setter.paths import Match
from krm_image_setter.resources import CRD, Resource
from krm_image_setter.rules import Rules
from krm_image_setter.scan import FoundImage, images_of
from krm_image_setter.typed import Any, Final, Record
from krm_image_setter.yaml.tree import Location

# A tag that looks like a version, so that `redis:7` is an image but `redis:6379` and `system:node` are not.
_VERSION: Final = re.compile(r"(?!(?:80|443|[0-9]{3,5})$)v?[0-9][\w.-]*|latest")
#: An option of a command whose value is an image, such as `--init-image=`.
_OPTION: Final = re.compile(r"(?i)(?:^|\s)--?[\w.-]*image(?:-?(?:name|ref))?=$")
_COMMENT: Final = re.compile(r"(?m)^\s*#.*$")


class Unknown(Record):
    """An image that no rule covers, and the field that contains the image.

    `variants` contains the steps of several paths that match the field. The most general path comes first, and is
    the path of `finding`.
    """

    finding: Finding
    variants: tuple[Steps, ...]
    found: FoundImage


def find_in_resource(
    resource: Resource, covered: Collection[Location], rules: Rules, file: str = ""
) -> Iterator[Unknown]:
    """Yield the images of a resource that no rule covers. `covered` contains the locations that rules found.

    `file` is the name of the file if the document is not a resource.

    Secrets are skipped, because their values must not be printed. Kustomizations are skipped, because their
    `images` are only correct together with the resources that they override.
    """
    if resource.ref.kind == CRD or resource.is_secret or resource.group.endswith("kustomize.config.k8s.io"):
        return
    kind = Kind("", "", file) if file else Kind(resource.group, resource.ref.kind)
    for shape in find_shapes(resource.node) if file else _shapes_of(resource):
        location = (*shape.location, shape.keys.repository) if shape.keys else shape.location
        if location in covered or not {"metadata", "status"}.isdisjoint(location):
            continue
        form, confidence, reason = _form(kind, shape, resource, rules)
        if form is not None:
            variants = _variants(resource, shape.location)
            finding = Finding(kind, variants[0], form, confidence, reason)
            yield from (Unknown(finding, variants, each) for each in _images(resource, shape, form, rules))


def _shapes_of(resource: Resource) -> Iterator[Shape]:
    for key, value in resource.node.items():
        if key not in NOT_SPECIFIED:
            yield from find_shapes(value, (key,), key)


def _images(resource: Resource, shape: Shape, form: Form, rules: Rules) -> Iterator[FoundImage]:
    """Yield the images that a form finds in a value. If a string is not a valid document, it contains no image.

    A placeholder is not an image. In a text, a word without a registry, such as `redis:6379`, is an image only if
    it is the value of an option such as `--init-image=`.
    """
    rule = KindRule(Selector(), _Exactly(shape.location, shape.value), form)
    certain = _certain_tokens(shape.value) if form == TEXT else set()
    for image in images_of(resource, [rule], (), rules):
        reference = parse_reference(image.image)
        if reference is None:
            continue
        if form != TEXT or has_registry(reference) or str(reference) in certain:
            yield image


class _Exactly(Record):
    """A path that matches one value at a known location."""

    location: Location
    value: Any
    text: str = ""
    keyword: str = ""

    def find(self, data: Any) -> list[Match]:
        """Return the value; see `Path.find`."""
        del data
        return [Match(self.location, self.value)]

    def steps(self, data: Any) -> Iterator[tuple[list[Match], str | None]]:
        """Yield nothing; see `Path.steps`."""
        del data
        return iter(())


_NOTHING: Final = None, Confidence.POSSIBLE, ""


def _form(kind: Kind, shape: Shape, resource: Resource, rules: Rules) -> tuple[Form | None, Confidence, str]:
    """Return the form of the image in a value, the confidence that it is an image, and the reason."""
    is_custom = "." in kind.group or kind.file != ""  # in other kinds, all image fields are known
    if shape.keys is not None:
        # Only keys that exist are a part of the rule, because the resource might not accept other keys.
        keys = Keys(*(key if key in shape.value else "" for key in shape.keys))
        has_part = is_custom and (keys.tag or keys.digest)
        return (Split(*keys), Confidence.SURE, "split reference") if has_part else _NOTHING
    reference = parse_reference(shape.value.strip())
    if reference is not None:
        judgement = judged(Field(shape.name, shape.around)) if is_custom else None
        if judgement is not None and judgement.part == "reference":
            return WHOLE, judgement.confidence, judgement.reason
        return (WHOLE, Confidence.POSSIBLE, "value") if _has_version(reference) else _NOTHING
    if "/" not in shape.value and "image" not in shape.value:
        return _NOTHING
    tokens = _certain_tokens(shape.value)
    forms: tuple[Form, ...] = (Embedded("yaml"), VALUES)
    for form in forms if "\n" in shape.value or shape.value.lstrip().startswith(("{", "[")) else ():
        images = {each.image for each in _images(resource, shape, form, rules)}
        if images and tokens <= images:
            return form, Confidence.POSSIBLE, "document in a string"
    return (TEXT, Confidence.POSSIBLE, "text") if tokens else _NOTHING


def _has_version(reference: Reference) -> bool:
    tag, name = reference.tag or "", reference.name
    is_host = "/" not in name and "." in name and tag.isdecimal()  # with a port, such as `example.com:80`
    is_version = _VERSION.fullmatch(tag) is not None and any(map(str.isalpha, name)) and not is_host
    return _is_certain(reference) or is_version


def _is_certain(reference: Reference) -> bool:
    """Return whether a reference must be an image: it has a digest, or a tag and a host with a dot or a port."""
    host, slash, _ = reference.name.partition("/")
    return reference.digest is not None or bool(slash and reference.tag and ("." in host or ":" in host))


def _certain_tokens(text: str) -> set[str]:
    """Return the references in a longer text that must be images."""
    text = _COMMENT.sub("", text)
    tokens = (token for token in find_tokens(text) if _is_certain(token.reference) or _is_option(text, token))
    return {str(token.reference) for token in tokens}


def _is_option(text: str, token: Token) -> bool:
    """Return whether a reference with a path and a tag is the value of an option such as `--init-image=`."""
    reference = token.reference
    has_parts = "/" in reference.name and reference.tag is not None
    return has_parts and _OPTION.search(text, 0, token.start) is not None


def _variants(resource: Resource, location: Location) -> tuple[Steps, ...]:
    """Return the paths to a location, starting with the most general one.

    A path can match all items of a list, the items with a name, or one index. The second path contains a name only
    for the innermost list.
    """
    if not location:
        return ((),)
    steps: list[tuple[str, str, str]] = []  # all items, items by name, one index
    node: Any = resource.node
    for step in location:
        node = node[step]
        exact = f"[{step}]" if isinstance(step, int) else step
        name = node.get("name") if isinstance(step, int) and isinstance(node, dict) else None
        is_name = isinstance(name, str) and name.isprintable() and not {"'", "\\"}.intersection(name)
        named = f"[?(@.name=='{name}')]" if is_name else exact
        steps.append((ITEMS if isinstance(step, int) else step, named, exact))
    every, named_steps, exact_steps = zip(*steps, strict=True)
    last = max((index for index, step in enumerate(location) if isinstance(step, int)), default=0)
    by_last_name = (*every[:last], named_steps[last], *every[last + 1 :])
    # Do not combine an index with steps that match all items of an outer list.
    is_named = named_steps[last] != exact_steps[last]
    return tuple(dict.fromkeys((every, by_last_name if is_named else every, named_steps, exact_steps)))

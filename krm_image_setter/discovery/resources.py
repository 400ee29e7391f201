"""Finds values that look like images in the fields of resources that no rule covers."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from krm_image_setter.builds.kustomization import FILE_NAMES
from krm_image_setter.deciding import HIDDEN
from krm_image_setter.discovery.finding import ITEMS, NOT_SPECIFIED, Confidence, Finding, Kind, Steps
from krm_image_setter.discovery.judging import Field, judged
from krm_image_setter.images import Reference, parse_reference
from krm_image_setter.images.reference import is_digest
from krm_image_setter.images.tokens import Token, find_tokens, is_name
from krm_image_setter.locators import TEXT, WHOLE, Embedded, Form, KindRule, Selector, Split
from krm_image_setter.locators.image_field import Keys
from krm_image_setter.locators.shapes import NO_IMAGE, contains_images, means_image, words
from krm_image_setter.locators.values import VALUES, Shape, find_shapes, has_registry
from krm_image_setter.paths import Match
from krm_image_setter.resources import CRD, Resource
from krm_image_setter.rules import Rules
from krm_image_setter.scan import FoundImage, images_of
from krm_image_setter.typed import Any, Final, Record
from krm_image_setter.yaml.tree import Location, at

# A tag that looks like a version, so that `redis:7` is an image but `redis:6379` and `system:node` are not.
_VERSION: Final = re.compile(r"(?!(?:80|443|[0-9]{3,5})$)v?[0-9][\w.-]*|latest")
# The name before a value in a text, if it ends with `image`: `--init-image=`, `WEB_IMAGE=`, `image: "`, `<image>`.
_NAME: Final = re.compile(
    r"""(?i)(?:^|[\s"'<{,])(?P<name>[\w.-]*image(?:[-_]?(?:name|ref))?)(?:(?:["']?:|[ \t]*=)[ \t]*["']?|>\s*)$"""
)
# The maximum length of such a name. Without a maximum, the search in a long text takes quadratic time.
_NAME_LENGTH: Final = 100
# Each reference that must be an image has a tag after a slash, a digest, or such a name before it. This search
# takes a tenth of the time of finding all tokens.
_MARK: Final = re.compile(r"""(?i)/[\w.-]*:\w|@|image(?:[-_]?(?:name|ref))?(?:["']?:|[ \t]*[=>])""")
# A line such as `apiVersion: networking.k8s.io/v1` in a text contains no image.
_API_VERSION: Final = re.compile(r"[^/]+/v[0-9]+(?:(?:alpha|beta)[0-9]+)?")
_ADDRESS: Final = re.compile(r"[0-9]+(?:\.[0-9]+){3}")
# An option of `resolv.conf`, such as `attempts:2`.
_RESOLVER_OPTION: Final = re.compile(r"(?:attempts|ndots|timeout):[0-9]+")
_FILE: Final = re.compile(r"\.(?:go|gz|json|md|py|sh|tar|tgz|txt|ya?ml)$")
# Keys of texts for people. Grafana writes `$$hashKey` with values such as `object:78`.
_OTHER_KEYS: Final = re.compile(r"(?:.*-)?(?:comment|description)|\$\$hashKey")
_SECRETS: Final = "secretGenerator"
_COMMENT: Final = re.compile(r"(?m)^\s*#.*$")


class Unknown(Record):
    """An image that no rule covers, and the field that contains the image.

    `variants` contains the steps of several paths that match the field. The most general path comes first, and is
    the path of `finding`. Without variants, no rule is proposed: rules do not set literals in kustomizations, and
    the trial of a rule cannot compare hidden images.
    """

    finding: Finding
    variants: tuple[Steps, ...]
    found: FoundImage


def find_in_resource(
    resource: Resource, covered: Collection[Location], rules: Rules, file: str = ""
) -> Iterator[Unknown]:
    """Yield the images of a resource that no rule covers. `covered` contains the locations that rules found.

    `file` is the name of the file if the document is not a resource.

    Images in Secrets and in literals of `secretGenerator` are hidden. In kustomizations, only the literals of
    generators are searched, because the `images` are only correct together with the resources that they override.
    """
    if resource.ref.kind == CRD:
        return
    kind = Kind("", "", file) if file else Kind(resource.group, resource.ref.kind)
    is_kustomization = resource.group.endswith("kustomize.config.k8s.io") or file.rpartition("/")[2] in FILE_NAMES
    shapes = find_shapes(resource.node) if file else _shapes_of(resource)
    for shape in _literals(resource.node) if is_kustomization else shapes:
        location = (*shape.location, shape.keys.repository) if shape.keys else shape.location
        if location in covered or not _is_specified(shape):
            continue
        form, confidence, reason = _form(kind, shape, resource, rules)
        if form is not None:
            variants = _variants(resource, shape.location)
            finding = Finding(kind, variants[0], form, confidence, reason)
            for image in _images(resource, shape, form, rules):
                yield Unknown(finding, () if image.hidden or is_kustomization else variants, image)


def can_contain_images(root: Any, file: str) -> bool:
    """Return whether a document that is not a resource might contain an image that no rule covers.

    `root` is its root, without positions. Most JSON files contain no image, so they need not be parsed with them.
    """
    kind = Kind("", "", file)
    return any(
        shape.keys is not None
        or ((reference := parse_reference(shape.value.strip())) is None and _can_have_tokens(shape.value))
        or (reference is not None and _whole(kind, shape, reference, root) != _NOTHING)
        for shape in find_shapes(root)
        if _is_specified(shape)
    )


def _is_specified(shape: Shape) -> bool:
    """Return whether a value can have an effect: it is not in `metadata` or `status`, and not a description."""
    return {"metadata", "status"}.isdisjoint(shape.location) and not _OTHER_KEYS.fullmatch(shape.name)


def _shapes_of(resource: Resource) -> Iterator[Shape]:
    for key, value in resource.node.items():
        if key not in NOT_SPECIFIED:
            yield from find_shapes(value, (key,), key)


def _literals(kustomization: Any) -> Iterator[Shape]:
    """Yield the literals `NAME=VALUE` of the generators in a kustomization."""
    for generator in ("configMapGenerator", _SECRETS) if isinstance(kustomization, dict) else ():
        shapes = find_shapes(kustomization.get(generator), (generator,))
        yield from (shape for shape in shapes if shape.name == "literals")


def _images(resource: Resource, shape: Shape, form: Form, rules: Rules) -> Iterator[FoundImage]:
    """Yield the images that a form finds in a value. If a string is not a valid document, it contains no image.

    A placeholder is not an image. In a text, a word without a registry, such as `redis:6379`, is an image only if
    the name before it means an image, as in `--init-image=`.
    """
    rule = KindRule(Selector(), _Exactly(shape.location, shape.value), form)
    certain = _certain_tokens(shape.value) if form == TEXT else set()
    for image in images_of(resource, [rule], (), rules):
        reference = parse_reference(image.hidden or image.image)
        if reference is None or _is_other_word(reference):
            continue
        is_path = has_registry(reference) and not _API_VERSION.fullmatch(str(reference))
        if form != TEXT or is_path or str(reference) in certain:
            is_hidden = shape.location[:1] == (_SECRETS,)
            yield image._replace(image=HIDDEN, hidden=image.image, is_public=False) if is_hidden else image


class _Exactly(Record):
    """A path that matches one value at a known location."""

    location: Location
    value: Any
    text: str = ""
    keyword: str = ""
    last_key: str = ""

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
    if shape.keys is not None:
        # Only keys that exist are a part of the rule, because the resource might not accept other keys.
        keys = Keys(*(key if key in shape.value else "" for key in shape.keys))
        has_part = _is_custom(kind) and (keys.tag or keys.digest)
        return (Split(*keys), Confidence.SURE, "split reference") if has_part else _NOTHING
    reference = parse_reference(shape.value.strip())
    if reference is not None:
        return _whole(kind, shape, reference, resource.node)
    if not _can_have_tokens(shape.value):
        return _NOTHING
    tokens = _certain_tokens(shape.value)
    forms: tuple[Form, ...] = (Embedded("yaml"), VALUES)
    for form in forms if "\n" in shape.value or shape.value.lstrip().startswith(("{", "[")) else ():
        images = {each.hidden or each.image for each in _images(resource, shape, form, rules)}
        # The name of a split reference can be a token without its tag.
        if images and all(
            any(f"{image}:".startswith((f"{token}:", f"{token}@")) for image in images) for token in tokens
        ):
            return form, Confidence.POSSIBLE, "document in a string"
    return (TEXT, Confidence.POSSIBLE, "text") if tokens else _NOTHING


def _whole(kind: Kind, shape: Shape, reference: Reference, root: Any) -> tuple[Form | None, Confidence, str]:
    """Return the result of `_form` for a string that is a reference. `root` is the node of the resource."""
    if _is_other(reference, shape):
        return _NOTHING
    judgement = judged(Field(shape.name, shape.around)) if _is_custom(kind) else None
    if judgement is not None and judgement.part == "reference":
        return WHOLE, judgement.confidence, judgement.reason
    name = _name(root, shape)
    # A key such as `sidecarRepositoryAndTag` can contain a whole reference.
    is_named = means_image(name) or (
        reference.tag is not None and len(words(name)) > 1 and words(name)[-1] == "tag"
    )
    if is_named and _is_likely(reference):
        return WHOLE, Confidence.POSSIBLE, "name and value"
    return (WHOLE, Confidence.POSSIBLE, "value") if _has_version(reference) else _NOTHING


def _is_custom(kind: Kind) -> bool:
    """Return whether a kind is not built into Kubernetes. In the other kinds, all image fields are known."""
    return "." in kind.group or kind.file != ""


def _is_other(reference: Reference, shape: Shape) -> bool:
    """Return whether a value is not an image: a digest, a word of YAML, a file, a host with an address, and so on.

    In `tcp: {22: "gitea/ssh:22"}` of ingress-nginx, the key and the tag are ports.
    """
    tag = reference.tag or ""
    has_port = shape.name.isdecimal() and tag.isdecimal() and not contains_images(shape.around)
    has_address = "hosts" in words(shape.name) and _ADDRESS.fullmatch(tag) is not None
    return has_port or has_address or is_digest(str(reference)) or is_name(reference) or _is_other_word(reference)


def _is_other_word(reference: Reference) -> bool:
    """Return whether a reference is an option, a file without a registry, or another name that is not an image."""
    if reference.tag or reference.digest:
        return _RESOLVER_OPTION.fullmatch(str(reference)) is not None
    name = reference.name
    is_file = _FILE.search(name) is not None and not has_registry(reference)
    return is_file or NO_IMAGE.fullmatch(name) is not None


def _has_version(reference: Reference) -> bool:
    tag, name = reference.tag or "", reference.name
    # With a port or an address, such as `example.com:80`.
    is_host = "/" not in name and "." in name and (tag.isdecimal() or _ADDRESS.fullmatch(tag) is not None)
    is_version = _VERSION.fullmatch(tag) is not None and any(map(str.isalpha, name)) and not is_host
    return _is_certain(reference) or is_version


def _is_certain(reference: Reference) -> bool:
    """Return whether a reference must be an image: it has a digest, or a tag and a host with a dot or a port."""
    host, slash, _ = reference.name.partition("/")
    return reference.digest is not None or bool(slash and reference.tag and ("." in host or ":" in host))


def _name(root: Any, shape: Shape) -> str:
    """Return the name of a value: its key, or the `name` next to `value`, as in an environment variable."""
    if shape.name != "value":
        return shape.name
    holder = at(root, shape.location[:-1])
    return str(holder.get("name", "")) if isinstance(holder, dict) else ""


def _is_likely(reference: Reference) -> bool:
    """Return whether a reference is an image if its name says so: it has a host with a dot, or a tag, no port."""
    name, tag = reference.name, reference.tag or ""
    has_tag = tag != "" and ("/" in name or not tag.isdecimal() or _VERSION.fullmatch(tag) is not None)
    return has_tag or has_registry(reference)


def _can_have_tokens(text: str) -> bool:
    """Return whether `_certain_tokens` might find a reference, or a form might find a document in a string."""
    return "/" in text or "image" in text.lower()


def _certain_tokens(text: str) -> set[str]:
    """Return the references in a longer text that must be images."""
    if _MARK.search(text) is None:
        return set()
    text = _COMMENT.sub("", text)
    tokens = (token for token in find_tokens(text) if _is_certain(token.reference) or _is_named(text, token))
    return {str(token.reference) for token in tokens}


def _is_named(text: str, token: Token) -> bool:
    """Return whether the name before a reference, such as `--init-image=`, says that the reference is an image."""
    found = _NAME.search(text, max(0, token.start - _NAME_LENGTH), token.start)
    return found is not None and means_image(found["name"]) and _is_likely(token.reference)


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

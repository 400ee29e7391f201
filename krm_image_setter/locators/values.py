"""Finds images in Helm values by their shape: split references, and strings whose key or value suggests an image.

The rules come from the values of 526 public charts. Rendering each chart showed its images. Charts join
`registry/repository:tag`, so a digest without its own key is written to the tag. A chart can replace an empty tag
by its appVersion, and ignores keys that it does not know. Therefore a tag never becomes empty, and no key for a
registry or a digest is added.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator
from functools import cache

from krm_image_setter.images import Reference, check_reference, parse_reference
from krm_image_setter.images.reference import is_digest
from krm_image_setter.locators.forms import Fields, Syntax, split_field
from krm_image_setter.locators.image_field import ImageField, Keys, OtherField, Written, source_text, whole_field
from krm_image_setter.locators.kind_rule import Embedded, KindRule, Selector
from krm_image_setter.locators.kustomize_entry import split_image
from krm_image_setter.locators.shapes import (
    NO_IMAGE,
    can_be_split,
    contains_images,
    is_override,
    is_part,
    means_image,
    split_references,
    words,
)
from krm_image_setter.paths import format_location, parse_path
from krm_image_setter.typed import Any, Final, Record
from krm_image_setter.yaml.tree import Change, Fragment, Location, at

# A tag with a digit, but not 8080 in `host.example/path:8080`, which can be a port.
_VERSION: Final = re.compile(r"(?!(?:80|443|[0-9]{4,5})$)[^0-9]*[0-9].*")
# A name without a registry is an image on Docker Hub. None of the official images has such a name.
_FIELD_NAME: Final = re.compile(r"[a-z0-9]+(?:[._]+[a-z0-9]+)+")

# Each value is tested for these types. `isinstance` takes seven times as long with `dict | list`.
_NO_PART: Final = (dict, list, bool)
_CAN_CONTAIN_IMAGES: Final = (str, dict, list)


def _fields(location: Location, value: Any) -> Fields:
    if not isinstance(value, dict | list):
        return [OtherField(location, value, "a mapping", _embedded())]
    from krm_image_setter.locators.helm_parameters import parameters_in  # noqa: PLC0415  (few runs need it)

    parameters = parameters_in(location, value)
    if parameters is None:
        return list(image_fields(value, location))
    return [parameters.moved(field) for field in image_fields(parameters.tree, ())]


#: The form of Helm values, which can contain images anywhere.
#: Values are a mapping, a string with a YAML document, or a list of parameters such as `image.tag`.
VALUES: Final = Syntax("values", _fields)


@cache
def _embedded() -> Embedded:
    """Return the form of a string that is a YAML document with Helm values."""
    return Embedded("yaml", (KindRule(Selector(), parse_path("{$}"), VALUES, origin=""),))


def image_fields(value: Any, location: Location) -> Iterator[ImageField]:
    """Yield the image fields in the mapping or list at `location`, in document order."""
    for shape in find_shapes(value, location):
        if shape.keys is not None:
            field = split_field(shape.location, shape.value, shape.keys, keeps_tag=True, shared=shape.shared)
            if field is None:
                continue
            key = shape.keys.repository
            shared = _global_registry(value, location, shape.location, key, shape.value[key])
            if shared:
                field = _with_registry(field, shape.value.get(shape.keys.registry), *shared)
            elif _is_incomplete(shape.value, key):
                namespace = _namespace(value, location, shape.location)
                if not namespace or key != "name" or "repository" not in shape.value:
                    continue
                field = _with_full_name(field, shape.value, namespace)
            has_tag = shape.keys.tag or shape.keys.digest or split_image(field.current)[1:] != ("", "")
            yield field if has_tag else _with_only_name(field)
        elif is_image(shape):
            shared = _global_registry(value, location, shape.location[:-1], shape.name, shape.value)
            if shared is None or shared[0][-1] != "hub":
                yield whole_field(shape.location, shape.value)


def _global_registry(
    values: Any, start: Location, location: Location, key: str, repository: str
) -> tuple[Location, str] | None:
    """Return the location and value of the registry in `global` for the image at `location`, or None.

    `start` is the location of `values`, and `repository` is the name of the image in its own field `key`.
    Charts write this registry before a name without a registry host, as in
    https://github.com/bitnami/charts/blob/main/bitnami/common/templates/_images.tpl and
    https://github.com/kubernetes/ingress-nginx/blob/main/charts/ingress-nginx/templates/_helpers.tpl. Helm passes
    the value to subcharts, where it overrides theirs. The charts of Istio write `global.hub` before a word in
    `image`.
    """
    name = parse_reference(repository.strip())
    if name is None or name.original_path != name.name:
        return None
    for end in range(len(start), len(location) + 1):
        outer = at(values, location[len(start) : end])
        for steps in _GLOBAL_REGISTRIES:
            if steps[-1] == "hub" and (key != "image" or "/" in repository):
                continue
            holder: Any = outer
            for step in steps[:-1]:
                holder = holder.get(step) if isinstance(holder, dict) else None
            # `global.image` can also be an image of its own.
            if not isinstance(holder, dict) or (len(steps) > 2 and not _IMAGE_NAMES.isdisjoint(holder)):
                continue
            registry = holder.get(steps[-1])
            if isinstance(registry, str) and registry.strip(" /"):
                return (*location[:end], *steps), registry.strip().rstrip("/")
    return None


_GLOBAL_REGISTRIES: Final = (("global", "imageRegistry"), ("global", "image", "registry"), ("global", "hub"))
_IMAGE_NAMES: Final = frozenset(("repository", "name", "image"))


def _with_registry(field: ImageField, own: Any, location: Location, registry: str) -> ImageField:
    """Return an image field whose registry is `registry` at `location`, unless it has a registry of its `own`.

    If both registries are set, some charts use the first one, and others use the second one.
    """
    shown = format_location(location)

    def with_own(new: str) -> Written:
        written = field.changes(new)
        if any(
            change.fragment.text != registry and change.location == field.parts[1] for change in written.changes
        ):
            return written._replace(omitted=f'the chart can use "{shown}" instead of the new registry; check it')
        return written

    def changes(new: str) -> Written:
        reference = check_reference(new)
        names = (reference.name, reference.normalized_name)
        path = next((name.removeprefix(f"{registry}/") for name in names if name.startswith(f"{registry}/")), "")
        inner = Reference(path)
        if not path or inner.original_path != path:  # charts write no registry before a name with a host
            raise ValueError(f'"{shown}" belongs to several images; change it by hand')
        return field.changes(str(reference._replace(name=path)))

    if own:
        return field._replace(changes=with_own)
    return field._replace(current=f"{registry}/{field.current}", changes=changes, parts=(*field.parts, location))


def _is_incomplete(mapping: dict[str, Any], key: str) -> bool:
    """Return whether a key contains only the last component of a name, next to an empty registry or repository.

    Charts join such a word with defaults from other mappings, for example the charts of Strimzi, Istio, Datadog,
    cert-manager and OpenTelemetry eBPF.
    """
    if key not in ("name", "image") or "/" in mapping[key] or mapping.get("registry") or mapping.get("hub"):
        return False
    others = ("registry", "repository") if key == "name" else ("repository", "hub")
    return any(other in mapping and not mapping[other] for other in others)


def _namespace(values: Any, start: Location, location: Location) -> str:
    """Return `imageRegistry/imageNamespace` of the mapping around the image at `location`, or an empty string."""
    for end in range(len(location) - 1, len(start) - 1, -1):
        outer = at(values, location[len(start) : end])
        registry, namespace = map(outer.get, _NAMESPACE) if isinstance(outer, dict) else ("", "")
        if isinstance(registry, str) and isinstance(namespace, str) and registry and namespace:
            return f"{registry.rstrip('/')}/{namespace.strip('/')}"
    return ""


_NAMESPACE: Final = ("imageRegistry", "imageNamespace")


def _with_full_name(field: ImageField, mapping: dict[str, Any], namespace: str) -> ImageField:
    """Return an image field that writes a new name to `repository`, which is empty and next to `name`.

    The chart of cert-manager joins `name` with `namespace`, but uses `repository` unchanged.
    """
    repository, old = (*field.location, "repository"), len(source_text(mapping, ("repository",)))
    name = mapping["name"].strip()
    current = f"{namespace}/{field.current}"

    def changes(new: str) -> Written:
        reference = check_reference(new)
        is_same = reference.normalized_name == check_reference(current).normalized_name
        written = field.changes(str(reference._replace(name=name)) if is_same else new)
        return written._replace(
            changes=[
                Change(repository, Fragment(0, old, each.fragment.text))
                if each.location == field.parts[0]
                else each
                for each in written.changes
            ]
        )

    return field._replace(current=current, changes=changes)


def _with_only_name(field: ImageField) -> ImageField:
    """Return an image field that writes only the name of a new reference, and reports its tag or digest."""

    def changes(new: str) -> Written:
        name, tag, digest = check_reference(new)
        part = "tag" if tag else "digest"
        omitted = f'the {part} of "{new}" was not written: the field contains only a name'
        written = field.changes(name)
        return written._replace(omitted=omitted) if tag or digest else written

    return field._replace(changes=changes)


class Shape(Record):
    """A value that can be an image: a mapping with a split reference in `keys`, or a string.

    `name` is the key of the value, and `around` contains the outer keys. The keys in `shared` belong to several
    split references.
    """

    location: Location
    value: Any
    name: str
    around: tuple[str, ...]
    keys: Keys | None = None
    shared: frozenset[str] = frozenset()


def find_shapes(
    value: Any, location: Location = (), name: str = "", around: tuple[str, ...] = ()
) -> Iterator[Shape]:
    """Yield the split references in a tree, and all other strings, in document order.

    `name` is the key of `value`, and `around` contains the outer keys. An item of a list has the name of the list.
    """
    if isinstance(value, dict):
        yield from _in_mapping(value, location, name, around)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from find_shapes(item, (*location, index), name, around)
    elif isinstance(value, str):
        yield Shape(location, value, name, around)


def _in_mapping(value: dict[str, Any], location: Location, name: str, around: tuple[str, ...]) -> Iterator[Shape]:
    in_parts: Collection[str] = ("name",) if is_override(value) else ()
    if can_be_split(name, value):
        # Ignore an empty repository: charts have it so that users can override the name.
        scalars = tuple(
            key
            for key, item in value.items()
            if not isinstance(item, _NO_PART)
            and (item or key not in ("repository", "repo"))
            and not _is_whole_tag(key, item)
        )
        if _has_namespace(value):
            scalars = (*scalars, "version")
        found = [keys for keys in split_references(name, scalars, around) if _is_repository(value, keys)]
        count = Counter(key for keys in found for key in keys)
        for keys in found:
            yield Shape(location, value, name, around, keys, frozenset(key for key in keys if count[key] > 1))
        in_parts = {*in_parts, *count}
    inner = (*around, name) if name else around
    for key, item in value.items():
        if isinstance(item, _CAN_CONTAIN_IMAGES) and key not in in_parts:
            yield from find_shapes(item, (*location, key), key, inner)


def _has_namespace(mapping: dict[str, Any]) -> bool:
    """Return whether `repository` contains a registry with a path, and `image` a word.

    The chart of the NVIDIA GPU operator joins them, and has a default if there is no `version`.
    """
    namespace, name = mapping.get("repository"), mapping.get("image")
    if not isinstance(namespace, str) or not isinstance(name, str) or "tag" in mapping or "/" in name:
        return False
    reference = parse_reference(namespace)
    return reference is not None and reference == Reference(reference.name) and has_registry(reference)


def _is_repository(mapping: dict[str, Any], keys: Keys) -> bool:
    value = mapping[keys.repository]
    reference = parse_reference(value.strip()) if isinstance(value, str) else None
    # In the values for Keel, `repository: image.repository` is the path of another value.
    if reference is None or value.endswith(f".{keys.repository}"):
        return False
    if not (keys.tag or keys.digest):
        registry = mapping.get(keys.registry)
        if keys.repository == "image":  # a complete reference does not belong to the registry
            return bool(registry) and isinstance(registry, str) and reference.original_path == reference.name
        return "/" in value and reference == Reference(reference.name)  # a word can be a prefix of other names
    if reference.tag is not None:  # `image: nginx:v2` next to a digest is one image if there is no key for the tag
        return not keys.tag and _is_digest(mapping.get(keys.digest))
    if keys.repository == "registry":  # a host without a path, or a value for inner mappings, is only a registry
        is_alone = not any(isinstance(item, dict) for item in mapping.values())
        return is_alone and "/" in value and mapping.keys().isdisjoint(("repository", "repo"))
    return keys.repository != "url" or has_registry(reference)


def _is_digest(value: Any) -> bool:
    from krm_image_setter.locators.split_reference import missing_algorithm  # noqa: PLC0415  (rarely needed)

    return isinstance(value, str) and is_digest(missing_algorithm(value) + value)


def is_image(shape: Shape) -> bool:
    """Return whether a string is an image, by the name of its key or by its value."""
    if words(shape.name)[-1:] == ("tag",):  # `v1@sha256:…` is a tag, but can be read as a reference
        return _is_whole_tag(shape.name, shape.value)
    reference = parse_reference(shape.value.strip())
    if reference is None or _is_other(shape, reference):
        return False
    return (
        (means_image(shape.name) and not _is_field_name(shape))
        or (contains_images(shape.around) and not is_part(shape.name))
        or reference.digest is not None
        or (has_registry(reference) and _VERSION.fullmatch(reference.tag or "") is not None)
    )


def _is_whole_tag(key: str, value: Any) -> bool:
    """Return whether a key such as `runnerRepositoryAndTag` contains a whole reference with a tag."""
    if not isinstance(value, str) or words(key)[-2:] != ("and", "tag"):
        return False
    reference = parse_reference(value.strip())
    return reference is not None and reference.tag is not None


def _is_other(shape: Shape, reference: Reference) -> bool:
    """Return whether a string is not an image, although its key can contain an image.

    In the configuration of kube-state-metrics, `image: [spec, image]` contains the steps of a path.
    """
    name = reference.name
    is_plain = reference == Reference(name)
    is_item = bool(shape.location) and isinstance(shape.location[-1], int)
    is_step = is_item and "/" not in name and words(shape.name)[-1:] == ("image",)
    return is_plain and (is_step or NO_IMAGE.fullmatch(name) is not None)


def _is_field_name(shape: Shape) -> bool:
    """Return whether a string is the name of another field, as in `container_image: container_image` of Vector."""
    name, value = shape.name, shape.value.strip()
    return (value == name and name != "image") or ("_" in name and _FIELD_NAME.fullmatch(value) is not None)


def has_registry(reference: Reference) -> bool:
    """Return whether a reference starts with a host that contains a dot, such as `quay.io`."""
    host = reference.name.partition("/")[0]
    return "." in host and host != reference.name

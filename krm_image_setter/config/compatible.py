"""Which configurations are accepted, and the fields of an ImageSetter that each stands for.

`v1 ConfigMap`, and any kind with only `data:`, is what kpt and kustomize make of `-- name=nginx newTag=1.20`:
all values are strings there, so lists and mappings come as YAML in a string, and a scalar counts as written.
kpt's SetImage (https://catalog.kpt.dev/function-catalog/set-image/v0.1/) and kustomize's ImageTagTransformer
(plugin/builtin/imagetagtransformer in https://github.com/kubernetes-sigs/kustomize) are taken as they are.
"""

from __future__ import annotations

from typing import Any, Final

from krm_image_setter.config.image_setter import API_VERSION, KIND
from krm_image_setter.config.value import Value, describe
from krm_image_setter.errors import ConfigError, InputError
from krm_image_setter.yaml import parsing
from krm_image_setter.yaml.stream import position

IMAGE_SETTER_FIELDS: Final = (
    "images", "kinds", "registries", "defaultRegistry", "imagePullPolicy", "podSpecs", "catalog", "onUnused"
)  # fmt: skip
IMAGE_FIELDS: Final = ("name", "newName", "newTag", "digest", "tagSuffix", "newImage")
ENTRY_FIELDS: Final = (*IMAGE_FIELDS, "from", "containers", "env", "args")
_META: Final = ("apiVersion", "kind", "metadata")


def is_image_setter(document: Value) -> bool:
    """Say whether a configuration is an ImageSetter, written as one."""
    return document.is_mapping and document.data.get("kind") == KIND and "data" not in document.data


def image_setter_fields(document: Value) -> dict[str, Value]:
    """Return the fields of the ImageSetter that `document` stands for.

    Two more have no counterpart in one: `image` is one entry of `images`, `fieldSpecs` a list of kustomize's.

    Raises ShapeError for a field that is not known, ConfigError for a kind that is not known.
    """
    if not document.is_mapping:
        document.misshapen("the configuration must be a mapping: give an ImageSetter")
    if is_image_setter(document):
        if document.data.get("apiVersion") != API_VERSION:
            document.misshapen(f"an {KIND} is of {API_VERSION}: write that", "apiVersion")
        fields = document.fields((*_META, *IMAGE_SETTER_FIELDS))
        return {name: value for name, value in fields.items() if name not in _META}
    if isinstance(document.data.get("data"), dict) and not document.data.keys() - {*_META, "data"}:
        return _data_fields(document.child("data"))
    names = _PEERS.get(tuple(document.text_at(key) for key in ("apiVersion", "kind")))
    if names is not None:
        fields = document.fields((*_META, *names), required=(names[0],))
        return {
            ours: fields[name] for ours, name in zip(("image", "fieldSpecs"), names, strict=True) if name in fields
        }
    raise document.place(_unknown_kind(document.data.get("kind")), key="kind")


# What ours are called by the peers: the image, and the fields to find it in.
_PEERS: Final[dict[tuple[str, ...], tuple[str, str]]] = {
    ("fn.kpt.dev/v1alpha1", "SetImage"): ("image", "additionalImageFields"),
    ("builtin", "ImageTagTransformer"): ("imageTag", "fieldSpecs"),
}


def field_spec_api_versions(group: str, version: str) -> tuple[str, ...]:
    """Return the patterns of `apiVersion` for the group and version of kustomize's fieldSpecs; empty is any."""
    if group or not version:
        return (f"{group}/{version or '*'}" if group else "",)
    return version, f"*/{version}"  # of any group


def _unknown_kind(kind: Any) -> ConfigError:
    if kind == "ConfigMap":
        return ConfigError("this ConfigMap has no data: add `data: {name: NAME, newTag: TAG}`")
    said = describe(kind) if kind else "none"
    return ConfigError(f"the configuration's kind is {said}: give an {KIND} of {API_VERSION}, or a ConfigMap")


def _data_fields(data: Value) -> dict[str, Value]:
    given = data.fields((*IMAGE_SETTER_FIELDS, *IMAGE_FIELDS))
    fields: dict[str, Value] = {}
    image: dict[str, Any] = {}
    for name, value in given.items():
        text = value.source_text
        if isinstance(value.data, dict | list):
            value.misshapen("this must be a string: a ConfigMap's data are strings")
        if name in IMAGE_FIELDS:
            image[name] = text
        else:
            fields[name] = _embedded(value, text)
    if image:
        if "images" in fields:
            data.fail("images and the fields of one image are both given: keep one of them")
        fields["image"] = data._replace(data=image)
    return fields


def _embedded(value: Value, text: str) -> Value:
    try:
        documents = parsing.parse(text)
    except InputError as error:
        raise value.place(ConfigError(f"{error.message}, in the string that is given here")) from error
    line = value.line(value.written.start_mark.index)
    if len(documents) != 1:
        value.fail("this must hold one YAML value")
    root = documents[0].root
    try:
        Value(root, root, value.field, None, lambda index: position(text, index)[0]).check_keys()
    except ConfigError as error:
        error.message = error.message.replace(";", " of this string;")
        error.file, error.line = value.file, line
        raise
    return Value(root, None, value.field, value.file, lambda _: line)

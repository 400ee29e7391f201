"""Accepts the configurations of other tools, and converts them to the fields of an ImageSetter.

- A `v1 ConfigMap`, or any kind that has only `data`. kpt and kustomize create it from `-- name=nginx newTag=1.20`.
  All its values are strings. A string can contain a list or mapping as YAML, or the source text of a scalar.
- kpt's SetImage (https://catalog.kpt.dev/function-catalog/set-image/v0.1/).
- kustomize's ImageTagTransformer (plugin/builtin/imagetagtransformer in kubernetes-sigs/kustomize).
"""

from __future__ import annotations

from krm_image_setter.config.image_setter import API_VERSION, FIELDS, KIND, STRING_ARGUMENTS
from krm_image_setter.config.value import Value, alternatives, describe
from krm_image_setter.errors import ConfigError, InputError
from krm_image_setter.typed import Any, Final, NoReturn
from krm_image_setter.yaml import parsing
from krm_image_setter.yaml.stream import position

_META: Final = ("apiVersion", "kind", "metadata")
_IMAGE_FIELDS: Final = ("name", *STRING_ARGUMENTS)


def is_image_setter(document: Value) -> bool:
    """Return whether a configuration is an ImageSetter whose fields are not under `data`."""
    return document.is_mapping and document.data.get("kind") == KIND and "data" not in document.data


def image_setter_fields(document: Value) -> dict[str, Value]:
    """Convert a configuration of any accepted kind to the fields of an ImageSetter.

    The result can contain two additional fields: `image` is a single entry of `images`, and `fieldSpecs` is a list
    of kustomize's field specs. Raises ShapeError for an unknown field and ConfigError for an unknown kind.
    """
    if not document.is_mapping:
        document.fail_shape(f"expected a mapping, got {describe(document.data)}")
    if is_image_setter(document):
        api_version = document.data.get("apiVersion")
        if api_version != API_VERSION:
            document.fail_shape(f"expected {API_VERSION}, got {describe(api_version)}", "apiVersion")
        fields = document.fields((*_META, *FIELDS))
        return {name: value for name, value in fields.items() if name not in _META}
    if isinstance(document.data.get("data"), dict) and not document.data.keys() - {*_META, "data"}:
        return _data_fields(document.child("data"))
    names = _PEERS.get((document.text_at("apiVersion"), document.text_at("kind")))
    if names is None:
        _fail_unknown_kind(document)
    fields = document.fields((*_META, *names), required=(names[0],))
    return {
        name: fields[peer] for name, peer in zip(("image", "fieldSpecs"), names, strict=True) if peer in fields
    }


# Maps each kind of another tool to two field names: the field for the image, and the field for more paths.
_PEERS: Final[dict[tuple[str, str], tuple[str, str]]] = {
    ("fn.kpt.dev/v1alpha1", "SetImage"): ("image", "additionalImageFields"),
    ("builtin", "ImageTagTransformer"): ("imageTag", "fieldSpecs"),
}


def field_spec_api_versions(group: str, version: str) -> tuple[str, ...]:
    """Return the `apiVersion` patterns for the group and version of a kustomize field spec; "" matches any."""
    if group or not version:
        return (f"{group}/{version or '*'}" if group else "",)
    return version, f"*/{version}"  # `version` alone means the version in any group


def _fail_unknown_kind(document: Value) -> NoReturn:
    kind = document.data.get("kind")
    if kind == "ConfigMap":
        document.fail("the ConfigMap has no `data`; add `data: {name: NAME, newTag: TAG}`", "kind")
    api_versions = {peer: api_version for api_version, peer in (*_PEERS, (API_VERSION, KIND))}
    if isinstance(kind, str) and kind in api_versions:
        got = describe(document.data.get("apiVersion"))
        document.fail(f"expected {api_versions[kind]} for kind {kind}, got {got}", "apiVersion")
    kinds = [f"{kind} ({api_version})" for kind, api_version in reversed(api_versions.items())]
    expected = f"expected {alternatives([*kinds, 'ConfigMap'])}"
    if kind is None:
        document.fail(f"missing required field `kind`; {expected}")
    document.fail(f"unsupported kind {describe(kind)}; {expected}", "kind")


def _data_fields(data: Value) -> dict[str, Value]:
    fields: dict[str, Value] = {}
    image: dict[str, Any] = {}
    for name, value in data.fields((*FIELDS, *_IMAGE_FIELDS)).items():
        text = value.source_text
        if isinstance(value.data, dict | list):
            value.fail_shape(
                f"expected a string, got {describe(value.data)}; write the YAML as a block scalar (`|`)"
            )
        if name in _IMAGE_FIELDS:
            image[name] = text
        else:
            fields[name] = _embedded(value, text)
    if image:
        if "images" in fields:
            data.fail(f"`images` cannot be combined with {' and '.join(f'`{name}`' for name in image)}")
        fields["image"] = data._replace(data=image)
    return fields


def _embedded(value: Value, text: str) -> Value:
    try:
        documents = parsing.parse(text)
    except InputError as error:
        line_of_string = f"line {error.line} of the string: " if error.line else ""
        raise value.located(ConfigError(line_of_string + error.message)) from error
    line = value.line(value.written.start_mark.index)
    if len(documents) != 1:
        value.fail(f"expected one YAML document in the string, got {len(documents)}")
    root = documents[0].root
    try:
        Value(root, root, value.field, None, lambda index: position(text, index)[0]).check_keys()
    except ConfigError as error:
        error.message = error.message.replace(";", " of the string;")
        error.file, error.line = value.file, line
        raise
    return Value(root, None, value.field, value.file, lambda _: line)

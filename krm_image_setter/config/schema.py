"""Validates a functionConfig with the JSON Schema, to report all errors in it at once."""

from __future__ import annotations

from krm_image_setter.config.value import (
    EMPTY_LIST,
    EMPTY_STRING,
    ShapeError,
    Value,
    alternatives,
    describe,
    missing_field,
    not_a_string,
    unknown_field,
)
from krm_image_setter.typed import Any


def schema_text() -> str:
    """Return the text of the JSON Schema for an ImageSetter."""
    from importlib.resources import files  # noqa: PLC0415  (slow to import, and only needed for an error)

    return files(__package__).joinpath("schema.json").read_text(encoding="utf-8")


def explain(document: Value) -> ShapeError | None:
    """Validate an ImageSetter. Return its first error, with the others in `others`, or None if it has no error."""
    import json  # noqa: PLC0415

    from jsonschema import Draft202012Validator  # noqa: PLC0415  (only errors need this import of 135 ms)

    validator = Draft202012Validator(json.loads(schema_text()))
    errors = [shown for error in validator.iter_errors(document.data) for shown in _explained(document, error)]
    if not errors:
        return None
    first, *others = sorted(errors, key=lambda error: error.line or 0)
    first.others = tuple(others)
    return first


def _explained(document: Value, error: Any) -> list[ShapeError]:
    """Convert an error of jsonschema to ShapeErrors. An error about unknown fields becomes one error per field."""
    value = document
    for step in error.absolute_path:
        value = value.child(step)
    if error.context:
        return _explained_alternatives(document, value, error)
    if error.validator == "additionalProperties":
        known = list(error.schema["properties"])
        return [
            value.located(ShapeError(unknown_field(key, known)), key=key)
            for key in error.instance
            if key not in known
        ]
    return [value.located(ShapeError(_message(value, error)))]


def _explained_alternatives(document: Value, value: Value, error: Any) -> list[ShapeError]:
    """Return the errors of the alternative that allows the value's type, or one error if no alternative does."""
    of_other_types = {
        inner.schema_path[0] for inner in error.context if inner.validator == "type" and not inner.relative_path
    }
    chosen = [inner for inner in error.context if inner.schema_path[0] not in of_other_types]
    if chosen:
        return [shown for inner in chosen for shown in _explained(document, inner)]
    types = [inner.validator_value for inner in error.context if inner.validator == "type"]
    return [value.located(ShapeError(_type_message(value, types)))]


def _message(value: Value, error: Any) -> str:
    wanted = error.validator_value
    match error.validator:
        case "required":
            return missing_field(next(name for name in wanted if name not in error.instance))
        case "enum":
            return f"expected {alternatives(wanted)}, got {describe(value.data)}"
        case "const":
            return f"expected {wanted}, got {describe(value.data)}"
        case "minLength":
            return EMPTY_STRING
        case "minItems":
            return EMPTY_LIST
    return _type_message(value, [wanted])


def _type_message(value: Value, types: list[str]) -> str:
    if "string" in types and isinstance(value.data, bool | int | float):
        return not_a_string(value)
    names = {"array": "a list", "object": "a mapping", "string": "a string", "boolean": "true or false"}
    return f"expected {alternatives([names[name] for name in types])}, got {describe(value.data)}"

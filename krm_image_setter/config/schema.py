"""The JSON Schema of the functionConfig, and all that it finds wrong with one, said at once."""

from __future__ import annotations

from typing import Any

from krm_image_setter.config.value import ShapeError, Value, describe, not_a_string, unknown_field


def schema_text() -> str:
    """Return the JSON Schema of an ImageSetter."""
    from importlib.resources import files  # noqa: PLC0415  (slow to import, and only a wrong configuration needs it)

    return files(__package__).joinpath("schema.json").read_text(encoding="utf-8")


def explain(document: Value) -> ShapeError | None:
    """Return what is wrong with an ImageSetter, the first error holding the others; None if it has its shape."""
    import json  # noqa: PLC0415

    from jsonschema import Draft202012Validator  # noqa: PLC0415  (135 ms, for a wrong configuration only)

    validator = Draft202012Validator(json.loads(schema_text()))
    errors = [said for error in validator.iter_errors(document.data) for said in _said(document, error)]
    if not errors:
        return None
    first, *others = sorted(errors, key=lambda error: error.line or 0)
    first.others = tuple(others)
    return first


def _said(document: Value, error: Any) -> list[ShapeError]:
    """Return the sentences for one error of jsonschema's."""
    if error.context:
        return _said_of_alternatives(document, error)
    value = document
    for step in error.absolute_path:
        value = value.child(step)
    if error.validator == "additionalProperties":
        known = list(error.schema["properties"])
        return [
            value.place(ShapeError(unknown_field(key, known)), key=key)
            for key in error.instance
            if key not in known
        ]
    return [value.place(ShapeError(_message(value, error)))]


def _said_of_alternatives(document: Value, error: Any) -> list[ShapeError]:
    """Say what is wrong with the alternative that the value's type tells; else that its type fits none."""
    of_other_types = {
        inner.schema_path[0] for inner in error.context if inner.validator == "type" and not inner.relative_path
    }
    chosen = [inner for inner in error.context if inner.schema_path[0] not in of_other_types]
    if chosen:
        return [said for inner in chosen for said in _said(document, inner)]
    value = document
    for step in error.absolute_path:
        value = value.child(step)
    types = [inner.validator_value for inner in error.context if inner.validator == "type"]
    words = {"array": "a list", "object": "a mapping", "string": "a string"}
    if "string" in types and isinstance(value.data, bool | int | float):
        return [value.place(ShapeError(not_a_string(value.data, value.source_text)))]
    wanted = " or ".join(words[name] for name in types)
    return [value.place(ShapeError(f"this must be {wanted}, not {describe(value.data)}"))]


def _message(value: Value, error: Any) -> str:
    wanted = error.validator_value
    match error.validator:
        case "required":
            missing = next(name for name in wanted if name not in error.instance)
            return f"{missing} is missing: add it"
        case "enum":
            return f"this must be one of {', '.join(wanted)}, not {describe(value.data)}"
        case "const":
            return f"this must be {wanted}, not {describe(value.data)}"
        case "minLength":
            return "this is empty: give a value"
        case "minItems":
            return "this list is empty: give at least one"
    if wanted == "string":
        return not_a_string(value.data, value.source_text)
    if wanted == "boolean":
        return f"this must be true or false, not {describe(value.data)}"
    return f"this must be {'a mapping' if wanted == 'object' else 'a list'}, not {describe(value.data)}"

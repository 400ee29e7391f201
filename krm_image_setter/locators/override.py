"""Finds the image in an override `[NAME=]IMAGE`, as `kustomize edit set image` and Argo CD write it.

`NAME` is the name of the image to replace, so it is never changed. Without `NAME`, the image with the same name as
`IMAGE` is replaced. See https://argo-cd.readthedocs.io/en/stable/user-guide/kustomize/#kustomize.
"""

from __future__ import annotations

from krm_image_setter.images import OPEN_TAG, check_reference, parse_reference
from krm_image_setter.locators.forms import Fields, Syntax
from krm_image_setter.locators.image_field import ImageField, OtherField, Written
from krm_image_setter.typed import Any, Final
from krm_image_setter.yaml.tree import Change, Fragment, Location


def _fields(location: Location, value: Any) -> Fields:
    if not isinstance(value, str):
        return [OtherField(location, value, "a string")]
    current = value.rpartition("=")[2].strip()
    start = value.rindex(current)

    def changes(new: str) -> Written:
        old = parse_reference(current)
        is_renamed = old is not None and check_reference(new).name != old.name
        name = f"{old.name}=" if old is not None and is_renamed and "=" not in value else ""
        return Written([Change(location, Fragment(start, start + len(current), name + new))])

    name = value.rpartition("=")[0].strip() or current
    return [ImageField(location, current, changes, start, OPEN_TAG, overrides=name)]


#: The form of a string `[NAME=]IMAGE`, which replaces the image NAME with IMAGE.
OVERRIDE: Final = Syntax("override", _fields)

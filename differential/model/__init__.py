"""A model of krm-image-setter: computes the expected result on dicts, lists, strings and `NonString`.

The model is written only from the documentation and from issue 17, and imports nothing from the program. Comments
quote the sentence that a rule implements. A page without a directory, such as `configuration.md`, is in docs/. A
test checks that the documentation contains each quoted sentence.

`NonString` stands for scalars that are not strings. The data contain no anchors, quotes or line ends: aliases and
merge keys are already expanded. The model raises `Unspecified` if the documentation does not specify the result.
It has no catalog, so a configuration must have `catalog: false`.
"""

from differential.model.data import (
    NULL,
    Change,
    Embedded,
    Expected,
    NonString,
    Refused,
    Unspecified,
    Warned,
)
from differential.model.run import expected, expected_list

__all__ = [
    "NULL",
    "Change",
    "Embedded",
    "Expected",
    "NonString",
    "Refused",
    "Unspecified",
    "Warned",
    "expected",
    "expected_list",
]

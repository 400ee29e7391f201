"""What krm-image-setter must do, on plain data: dicts, lists, strings, and `NonString` for all other scalars.

The model is written only from the documentation and from issue 17, and imports nothing from the program. Comments
quote the sentence that a rule implements. A page without a directory, such as `configuration.md`, is in docs/. A
test checks that the documentation contains each quoted sentence.

The model has no anchors, quotes or line ends: in the data that it gets, aliases and merge keys are already
expanded, and no two locations share an object. It raises `Unspecified` if the documentation does not say what must
happen. It has no catalog: a configuration must have `catalog: false`.
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

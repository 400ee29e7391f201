"""What krm-image-setter must do, on plain data: dicts, lists, strings, and `NonString` for all other scalars.

Written from docs/, README.md and issue 17 alone; it imports nothing from the program. Comments quote the sentence
that a rule implements: `configuration.md`, `paths.md` and `peers.md` are in docs/, `api.md` is the design of the
interface.

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

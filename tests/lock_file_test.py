"""The text of a lock: reading, updating, and files that are not a lock."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krm_image_setter import read_config
from krm_image_setter.errors import ConfigError
from krm_image_setter.lock_file import Locked, new_lock, read_lock

A, B = (f"sha256:{digit * 64}" for digit in "ab")
HEAD = "apiVersion: krm-image-setter.dev/v1alpha1\nkind: ImageSetter\nmetadata: {name: x}\n"
ENTRY = f'- name: nginx:1.27\n  newTag: "1.27"\n  digest: {A}\n'


def updated(text: str, images: dict[str, Locked]) -> str:
    return read_lock(text, "lock.yaml").updated(images)


UPDATES = {
    "same digest": (f"images:\n{ENTRY}", {"nginx:1.27": Locked(A, ("linux/amd64",))}, f"images:\n{ENTRY}"),
    "new digest": (f"images:\n{ENTRY}", {"nginx:1.27": Locked(B)}, f"images:\n{ENTRY.replace(A, B)}"),
    "comment with the old digest": (
        f"images:\n# was {A}\n{ENTRY}",
        {"nginx:1.27": Locked(B)},
        f"images:\n# was {A}\n{ENTRY.replace(A, B)}",
    ),
    "comment after the digest": (
        f"images:\n{ENTRY[:-1]} # was {A}\n",
        {"nginx:1.27": Locked(B)},
        f"images:\n{ENTRY[:-1].replace(A, B)} # was {A}\n",
    ),
    "digest before the name": (
        f"images:\n- digest: '{A}'\n  name: a:v1\n  newTag: v1\n",
        {"a:v1": Locked(B)},
        f"images:\n- digest: '{B}'\n  name: a:v1\n  newTag: v1\n",
    ),
    "new platforms": (
        f"images:\n- name: a:v1  # linux/amd64, linux/arm/v7\n  newTag: v1\n  digest: {A}\n",
        {"a:v1": Locked(B, ("linux/amd64", "linux/arm64"))},
        f"images:\n- name: a:v1  # linux/amd64, linux/arm64\n  newTag: v1\n  digest: {B}\n",
    ),
    "platforms that are not known any more": (
        f"images:\n- name: a:v1  # linux/amd64\n  newTag: v1\n  digest: {A}\n",
        {"a:v1": Locked(B)},
        f"images:\n- name: a:v1\n  newTag: v1\n  digest: {B}\n",
    ),
    "comment instead of platforms": (
        f"images:\n- name: a:v1 # the app\n  newTag: v1\n  digest: {A}\n",
        {"a:v1": Locked(B, ("linux/amd64",))},
        f"images:\n- name: a:v1 # the app\n  newTag: v1\n  digest: {B}\n",
    ),
    "other spelling of the name": (
        f"images:\n- name: docker.io/library/nginx:1\n  newTag: '1'\n  digest: {A}\n",
        {"nginx:1": Locked(A)},
        f"images:\n- name: docker.io/library/nginx:1\n  newTag: '1'\n  digest: {A}\n",
    ),
    "indented entries": (
        f"images:\n  - name: a:v1\n    newTag: v1\n    digest: {A}\n",
        {"a:v1": Locked(A), "a:v2": Locked(B)},
        f"images:\n  - name: a:v1\n    newTag: v1\n    digest: {A}\n  - name: a:v2\n    newTag: v2\n    digest: {B}\n",
    ),
    "no line end at the end": (
        f"images:\n{ENTRY[:-1]}",
        {"nginx:1.27": Locked(A), "a:v1": Locked(B), "z:v1": Locked(B)},
        f"images:\n- name: a:v1\n  newTag: v1\n  digest: {B}\n{ENTRY}- name: z:v1\n  newTag: v1\n  digest: {B}\n",
    ),
    "comments and fields around the entries": (
        f"# top\nimages: # all\n\n# first\n{ENTRY}\n# last\nonUnused: ignore\n",
        {"nginx:1.27": Locked(A), "a:v1": Locked(B)},
        f"# top\nimages: # all\n- name: a:v1\n  newTag: v1\n  digest: {B}\n\n# first\n{ENTRY}\n# last\nonUnused: ignore\n",
    ),
    "last entry is removed": (f"images:\n{ENTRY}# end\n", {}, "images: []\n# end\n"),
    "first entry is added": ("images: [] # none\n", {"nginx:1.27": Locked(A)}, f"images: # none\n{ENTRY}"),
}


@pytest.mark.parametrize(("text", "images", "expected"), UPDATES.values(), ids=UPDATES)
@pytest.mark.parametrize("line_end", ["\n", "\r\n"], ids=["LF", "CRLF"])
def test_update_changes_only_what_moved(
    text: str, images: dict[str, Locked], expected: str, line_end: str
) -> None:
    text, expected = ((HEAD + each).replace("\n", line_end) for each in (text, expected))
    assert updated(text, images) == expected


@pytest.mark.parametrize("name", ["12:30", "localhost:5000/a:v1", "[::1]:5000/a:1e3", "a:null", "a:on", "a:0x1F"])
def test_new_entry_is_read_with_the_same_name_and_tag(name: str) -> None:
    (rule,) = read_config(new_lock([]).updated({name: Locked(A)})).images
    tag = name.rpartition(":")[2]
    assert (str(rule.name), rule.new_tag, rule.digest) == (name, tag, A)


NOT_LOCKS = {
    "empty file": ("", "expected a lock, got an empty file"),
    "another kind": ("apiVersion: v1\nkind: Pod\n", "lock.yaml:1: expected a lock: an ImageSetter"),
    "list": ("- a\n", "expected a mapping"),
    "not YAML": ("a: [\n", "lock.yaml:2"),
    "two documents": (f"{HEAD}images: []\n---\na: b\n", "lock.yaml:6: expected one document in a lock"),
    "no images": (HEAD, "missing required field `images`"),
    "shorthand": (f"{HEAD}images: {{nginx: 'nginx:1'}}\n", "expected a list"),
    "flow sequence": (f"{HEAD}images: [{{name: 'a:b', newTag: b, digest: '{A}'}}]\n", "expected only entries"),
    "flow mapping": (f"{HEAD}images:\n- {{name: 'a:b', newTag: b, digest: '{A}'}}\n", "expected only entries"),
    "JSON": (
        '{"apiVersion": "krm-image-setter.dev/v1alpha1", "kind": "ImageSetter", "images": []}',
        "expected only entries",
    ),
    "entry without a digest": (f"{HEAD}images:\n- name: a:b\n  newTag: b\n", "expected only entries"),
    "entry with another field": (f"{HEAD}images:\n{ENTRY}  newName: b\n", "expected only entries"),
    "name without a tag": (f"{HEAD}images:\n{ENTRY.replace(':1.27', '')}", "expected only entries"),
    "another tag": (
        f"{HEAD}images:\n{ENTRY.replace(chr(34) + '1.27', chr(34) + '1.28')}",
        "expected only entries",
    ),
    "invalid digest": (f"{HEAD}images:\n{ENTRY.replace(A, 'sha256:1')}", "expected only entries"),
    "escaped digest": (f"{HEAD}images:\n" + ENTRY.replace(A, f'"\\x73{A[1:]}"'), "expected only entries"),
    "two entries for an image": (f"{HEAD}images:\n{ENTRY}{ENTRY}", 'there is another entry for "nginx:1.27"'),
    "aliased entry": (f"{HEAD}images:\n- &a\n  name: a:b\n  newTag: b\n  digest: {A}\n- *a\n", "expected only"),
}


@pytest.mark.parametrize(("text", "message"), NOT_LOCKS.values(), ids=NOT_LOCKS)
def test_file_that_is_not_a_lock_is_an_error(text: str, message: str) -> None:
    with pytest.raises(ConfigError) as error:
        read_lock(text, "lock.yaml")
    assert message in str(error.value)


_NAMES = st.from_regex(r"[a-z]{1,3}:[0-9a-z]{1,3}", fullmatch=True)
_IMAGES = st.dictionaries(_NAMES, st.sampled_from([Locked(A), Locked(B)]), max_size=6)


@given(_IMAGES, _IMAGES)
def test_updated_lock_is_equal_to_a_new_one(old: dict[str, Locked], new: dict[str, Locked]) -> None:
    text = new_lock(["comment"]).updated(old)
    assert updated(text, old) == text
    assert updated(text, new) == new_lock(["comment"]).updated(new)

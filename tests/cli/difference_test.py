"""The option `--diff` of `list`: the difference between the images of two directories."""

from __future__ import annotations

import json

import pytest
from harness import Program

PREFIX = "krm-image-setter: "


def pod(name: str, *images: str, kind: str = "Pod") -> str:
    """Return a resource whose containers are named c0, c1, …, or NAME=IMAGE."""
    containers = ""
    for number, image in enumerate(images):
        container, equals, reference = image.partition("=")
        given = container if equals else f"c{number}"
        containers += f"  - {{name: {given}, image: '{reference or image}'}}\n"
    head = f"apiVersion: v1\nkind: {kind}\nmetadata: {{name: {name}}}\n"
    return f"{head}spec:\n  containers:\n{containers}"


def changes(program: Program, old: dict[str, str], new: dict[str, str], *options: str) -> list[tuple[str, ...]]:
    """Return the kind of each change, and the image and file before and after it."""
    for side, texts in (("old", old), ("new", new)):
        (program.folder / side).mkdir()
        for name, text in texts.items():
            program.write(f"{side}/{name}", text)
    out = program("list", "--diff", "old", "new", "-o", "json", *options).stdout
    rows = []
    for row in json.loads(out):
        sides = [
            f"{side['image']} {side['file'].partition('/')[2]}" for side in (row["before"], row["after"]) if side
        ]
        rows.append((row["change"], *sides))
    return rows


EQUAL = {"a.yaml": pod("p", "nginx:1", "redis:7")}
VALUES = "image: {repository: nginx, tag: '1'}\n"
CASES = [
    pytest.param(EQUAL, EQUAL, [], id="nothing"),
    pytest.param(EQUAL, {"a.yaml": "# comment\n" + EQUAL["a.yaml"]}, [], id="another line"),
    pytest.param(
        {"a.yaml": pod("p", "web=nginx:1")}, {"a.yaml": pod("p", "web=nginx:2")},
        [("changed", "nginx:1 a.yaml", "nginx:2 a.yaml")], id="changed image",
    ),
    pytest.param(
        {"a.yaml": pod("p", "web=nginx:1")}, {"a.yaml": pod("p", "new=redis:7", "web=nginx:1")},
        [("added", "redis:7 a.yaml")], id="container added before another container",
    ),
    pytest.param(
        {"a.yaml": pod("p", "a=nginx:1", "b=redis:7")}, {"a.yaml": pod("p", "b=redis:7", "a=nginx:1")},
        [], id="containers in another order",
    ),
    pytest.param(
        {"a.yaml": pod("p", "nginx:1")}, {"b/c.yaml": pod("p", "nginx:1")},
        [("moved", "nginx:1 a.yaml", "nginx:1 b/c.yaml")], id="moved file",
    ),
    pytest.param(
        {"a.yaml": pod("p", "nginx:1")}, {"a.yaml": pod("q", "nginx:1")},
        [("moved", "nginx:1 a.yaml", "nginx:1 a.yaml")], id="renamed resource",
    ),
    pytest.param(
        {"a.yaml": pod("p", "nginx:1")}, {"b.yaml": pod("p", "nginx:2")},
        [("changed", "nginx:1 a.yaml", "nginx:2 b.yaml")], id="moved file with another image",
    ),
    pytest.param(
        {"a.yaml": pod("p", "nginx:1")}, {"a.yaml": pod("p", "nginx:1"), "b.yaml": pod("q", "nginx:1")},
        [("added", "nginx:1 b.yaml")], id="image used once more",
    ),
    pytest.param(
        {"a.yaml": pod("p", "nginx:1"), "b.yaml": pod("p", "nginx:1")}, {"b.yaml": pod("p", "nginx:1")},
        [("removed", "nginx:1 a.yaml")], id="image used once less",
    ),
    pytest.param(
        {"a.yaml": pod("p", "nginx:1", "redis:7")}, {"a.yaml": pod("p", "a=busybox:1")},
        [("added", "busybox:1 a.yaml"), ("removed", "nginx:1 a.yaml"), ("removed", "redis:7 a.yaml")],
        id="other containers",
    ),
    pytest.param(
        {"a/values.yaml": VALUES}, {"b/values.yaml": VALUES.replace("nginx", "redis")},
        [("added", "redis:1 b/values.yaml"), ("removed", "nginx:1 a/values.yaml")], id="other Helm values",
    ),
    pytest.param(
        {"a/values.yaml": VALUES}, {"a/values.yaml": VALUES.replace("nginx", "redis")},
        [("changed", "nginx:1 a/values.yaml", "redis:1 a/values.yaml")], id="changed Helm values",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "expected"), CASES)
def test_images_are_compared(
    program: Program, old: dict[str, str], new: dict[str, str], expected: list[tuple[str, ...]]
) -> None:
    assert changes(program, old, new) == expected


def test_filters_apply_to_both_sides(program: Program) -> None:
    old, new = {"a.yaml": pod("p", "m.io/a:1", "b:1")}, {"a.yaml": pod("p", "m.io/a:2", "b:2")}
    expected = [("changed", "m.io/a:1 a.yaml", "m.io/a:2 a.yaml")]
    assert changes(program, old, new, "--registry", "m.io") == expected


@pytest.fixture
def two(program: Program) -> Program:
    """Return the program in a folder with two versions of a manifest."""
    program.write("old/a.yaml", pod("p", "web=nginx:1", "x=busybox:1"))
    program.write("new/b.yaml", pod("p", "web=nginx:2", "y=busybox:1", "z=redis:7"))
    return program


def test_table_lists_changes_below_the_image(two: Program) -> None:
    ran = two("list", "--diff", "old", "new")
    assert ran.stdout.decode().splitlines() == [
        "added redis:7",
        "  Pod/p  new/b.yaml:8                  spec.containers[2].image",
        "changed nginx:1 -> nginx:2",
        "  Pod/p  new/b.yaml:6                  spec.containers[0].image",
        "moved busybox:1",
        "  Pod/p  old/a.yaml:7 -> new/b.yaml:7  spec.containers[1].image",
    ]
    assert (ran.status, ran.stderr) == (0, f"{PREFIX}1 added, 0 removed, 1 changed, 1 moved\n")


def test_names_are_the_new_images(two: Program) -> None:
    assert two("list", "--diff", "old", "new", "-o", "names").stdout == b"nginx:2\nredis:7\n"


def test_name_that_another_resource_used_before_is_not_new(program: Program) -> None:
    program.write("old/a.yaml", pod("p", "nginx:1", "nginx:2"))
    program.write("new/a.yaml", pod("p", "nginx:2", "nginx:2"))
    assert program("list", "--diff", "old", "new", "-o", "names").stdout == b""


def test_check_exits_with_1_if_images_differ(two: Program) -> None:
    assert two("list", "--diff", "old", "new", "--check", "-o", "names").status == 1
    assert two("list", "--diff", "old", "old", "--check") == (
        0, b"", f"{PREFIX}0 added, 0 removed, 0 changed, 0 moved\n"
    )  # fmt: skip


def test_files_of_other_names_are_compared(two: Program) -> None:
    ran = two("list", "--diff", "old/a.yaml", "new/b.yaml")
    assert "moved busybox:1\n" in ran.stdout.decode()  # to another container
    assert ran.stderr == f"{PREFIX}1 added, 0 removed, 1 changed, 1 moved\n"
    two.write("copy.yaml", (two.folder / "old/a.yaml").read_text())
    assert two("list", "--diff", "old/a.yaml", "copy.yaml").stdout == b""


def test_rule_of_one_side_applies_to_both_sides(program: Program) -> None:
    custom = "apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: t}\nspec: {image: 'quay.io/org/app:1'}\n"
    config = "apiVersion: krm-image-setter.dev/v1alpha1\nkind: ImageSetter\nkinds: {Thing: '{.spec.image}'}\n"
    assert changes(program, {"a.yaml": custom}, {"a.yaml": custom, "functions.yaml": config}) == []


WRONG = [
    (["old"], "`--diff` compares two paths, such as `--diff OLD NEW`; got 1"),
    (["old", "new", "old"], "`--diff` compares two paths, such as `--diff OLD NEW`; got 3"),
    (["old", "new", "-o", "wide"], "`--diff` cannot be combined with `--output wide`"),
    (["old", "new", "-o", "cyclonedx"], "`--diff` cannot be combined with `--output cyclonedx`"),
]


@pytest.mark.parametrize(("arguments", "message"), WRONG, ids=lambda value: "" if isinstance(value, str) else None)
def test_wrong_comparison_is_an_error(two: Program, arguments: list[str], message: str) -> None:
    assert two("list", "--diff", *arguments) == (2, b"", f"{PREFIX}error: {message}\n")


@pytest.mark.parametrize("output", ["sarif", "github", "markdown"])
def test_formats_for_reviewers_contain_all_changes(two: Program, output: str) -> None:
    out = two("list", "--diff", "old", "new", "-o", output).stdout.decode()
    assert all(change in out for change in ("added", "changed", "moved"))
    assert "removed-image" not in out

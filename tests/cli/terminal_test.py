"""Output on a terminal and for a pipe."""

from __future__ import annotations

import os

import pytest
from harness import Program
from terminal import in_terminal

POD = "kind: Pod\nspec: {containers: [{name: a, image: nginx}]}\n"
NGINX = ("--image", "nginx=nginx:2")


def test_diff_has_colors_on_a_terminal_only(program: Program) -> None:
    program.write("a.yaml", POD)
    arguments = ("-m", "krm_image_setter", "set", "a.yaml", *NGINX, "--diff")
    red = "\x1b[31m-spec"
    assert red in in_terminal(program.folder, *arguments)[1]
    for env in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        status, screen = in_terminal(program.folder, *arguments, env=env)
        assert (status, "\x1b" in screen, "\r\n-spec" in screen) == (1, False, True)
    assert b"\x1b" not in program("set", "a.yaml", *NGINX, "--diff").stdout


def test_file_names_are_printed_byte_for_byte(program: Program) -> None:
    name = b"caf\xe9\x1b[31m.yaml"
    with open(os.path.join(os.fsencode(program.folder), name), "w") as file:
        file.write(POD + "---\nkind: A\nspec: {image: []}\n")
    ran = program("set", ".", *NGINX, "--kind", "A=.spec.image", "--check")
    assert ran.stdout == b"./" + name + b"\n"
    assert "\x1b" not in ran.stderr


DIGEST = "sha256:" + "0123456789abcdef" * 4
LONG = "registry.example.com/a/rather/long/name/of/an/image"
TALL = (
    "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a-rather-long-name-of-a-deployment, namespace: shop}\n"
    f"spec:\n  template:\n    spec:\n      containers:\n      - image: {LONG}@{DIGEST}\n      - image: nginx:1\n"
)
WIDE = [["list", "deploy"], ["list", "deploy", "-o", "wide"], ["list", "--diff", "deploy", "new"], ["catalog"]]


@pytest.mark.parametrize("columns", [40, 80, 120, 400])
@pytest.mark.parametrize("arguments", WIDE, ids=" ".join)
def test_table_fits_into_the_terminal(program: Program, arguments: list[str], columns: int) -> None:
    program.write("deploy/a/rather/long/path/of/a/file/web.yaml", TALL)
    program.write("new/b.yaml", TALL.replace("0123", "1123"))
    env = {"NO_COLOR": "1"}
    screen = in_terminal(program.folder, "-m", "krm_image_setter", *arguments, columns=columns, env=env)[1]
    lines = [line for line in screen.splitlines() if not line.startswith("krm-image-setter: ")]
    assert max(map(len, lines)) <= columns
    if "catalog" not in arguments:
        assert "nginx:1" in screen
        assert (DIGEST in screen) == (columns == 400)
    if columns == 400:
        assert lines == program(*arguments).stdout.decode().splitlines()


def test_digest_loses_its_middle_on_a_terminal_only(program: Program) -> None:
    program.write("a.yaml", TALL)
    arguments = ("-m", "krm_image_setter", "list", "a.yaml")
    screen = in_terminal(program.folder, *arguments, env={"NO_COLOR": "1"})[1]
    assert f"{LONG}@sha256:01234567…89abcdef" in screen.splitlines()
    assert f"{LONG}@{DIGEST}" in program("list", "a.yaml").stdout.decode().splitlines()

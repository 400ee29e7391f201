"""Output on a terminal and for a pipe."""

from __future__ import annotations

import os

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

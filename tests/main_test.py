"""The program as a process: the sources of its configuration, and the errors for invalid input."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from harness import UNMEASURED, Program, signals
from terminal import in_terminal

from krm_image_setter.streams import LOG

POD = "kind: Pod\nspec: {containers: [{name: a, image: nginx}]}\n"
DONE = b"kind: Pod\nspec: {containers: [{name: a, image: nginx:2}]}\n"
CONFIG = "apiVersion: krm-image-setter.dev/v1alpha1\nkind: ImageSetter\nimages: {nginx: nginx:2}\n"
LIST = "apiVersion: config.kubernetes.io/v1\nkind: ResourceList\n"
DIGEST = f"sha256:{'0' * 64}"
ITEM = "items:\n- apiVersion: v1\n  kind: Pod\n  metadata: {name: p}\n  spec: {containers: [{image: nginx}]}\n"


def with_config(config: str) -> str:
    return "functionConfig:\n" + "".join(f"  {line}\n" for line in config.splitlines())


def test_fn_config_may_be_several(program: Program) -> None:
    program.write("a.yaml", CONFIG)
    program.write("b.yaml", "apiVersion: krm-image-setter.dev/v1alpha1\nkind: ImageSetter\nkinds: {A: .spec.i}\n")
    ran = program("--fn-config", "a.yaml", "--fn-config", "b.yaml", stdin="kind: A\nspec: {i: nginx}\n")
    assert ran == (0, b"kind: A\nspec: {i: nginx:2}\n", "")


def test_image_and_kind(program: Program) -> None:
    ran = program(
        "--image",
        "nginx=nginx:2",
        "--kind",
        "A.g.io=.spec.i",
        stdin="apiVersion: g.io/v1\nkind: A\nspec: {i: nginx}\n",
    )
    assert ran == (0, b"apiVersion: g.io/v1\nkind: A\nspec: {i: nginx:2}\n", "")


KUSTOMIZE_ARGUMENTS = [
    pytest.param("nginx:2", "nginx:1", "nginx:2", id="tag"),
    pytest.param("nginx:2", "docker.io/nginx:1", "docker.io/nginx:2", id="other spelling of the name"),
    pytest.param(f"nginx@{DIGEST}", "nginx:1", f"nginx@{DIGEST}", id="digest"),
    pytest.param(f"nginx:2@{DIGEST}", "nginx:1", f"nginx:2@{DIGEST}", id="tag and digest"),
    pytest.param("m.io:5000/a:2", "m.io:5000/a", "m.io:5000/a:2", id="registry with a port"),
    pytest.param("nginx=my-nginx2", "nginx:1", "my-nginx2", id="name with a digit"),
    pytest.param(f"a={'a' * 7}:{'b' * 40}", "a:1", f"{'a' * 7}:{'b' * 40}", id="commit of 40 digits as the tag"),
    pytest.param("nginx=nginx", "nginx:1", "nginx", id="name without a tag"),
]


# The forms of https://kubectl.docs.kubernetes.io/references/kustomize/cmd/edit/set/image.
@pytest.mark.parametrize("argument, old, new", KUSTOMIZE_ARGUMENTS)
def test_image_accepts_the_forms_of_kustomize(program: Program, argument: str, old: str, new: str) -> None:
    ran = program("--image", argument, stdin=POD.replace("nginx", old))
    assert ran == (0, POD.replace("nginx", new).encode(), "")


def test_quiet_filter_prints_only_errors(program: Program) -> None:
    program.write("functions.yaml", CONFIG.replace("nginx:2}", "nginx:2, unused: 'unused:2'}"))
    assert program("-q", stdin=POD) == (0, DONE, "")
    ran = program("--quiet", "--on-unused", "error", stdin=POD)
    assert (ran.status, ran.stdout, ran.stderr.count("error: ")) == (2, b"", 1)


def test_log_contains_all_messages(program: Program) -> None:
    log = program.folder / "log"
    env = {LOG: str(log)}
    program.write("functions.yaml", CONFIG.replace("nginx:2}", "nginx:2, unused: 'unused:2'}"))
    assert program("-q", stdin=POD, env=env) == (0, DONE, "")
    assert program("set", "none.yaml", env=env).status == 2
    start = "krm-image-setter: "
    assert log.read_text().splitlines() == [
        f"{start}using configuration from ./functions.yaml",
        f'{start}info: Pod: spec.containers[0].image: set image "nginx" to "nginx:2"',
        f'{start}warning: functions.yaml:3: images.unused: no image named "unused" was found; '
        "run `krm-image-setter list` to see which images exist",
        f"{start}error: none.yaml: no such file or directory",
    ]


def test_log_that_cannot_be_written_is_reported_once(program: Program) -> None:
    ran = program("--image", "nginx=nginx:2", "--image", "a:1", "--image", "b:1", stdin=POD, env={LOG: "no/log"})
    assert (ran.status, ran.stdout) == (0, DONE)
    assert (
        ran.stderr.count("warning: KRM_IMAGE_SETTER_LOG: cannot write to no/log: No such file or directory\n") == 1
    )
    assert ran.stderr.count("\n") == 3


def test_terminal_as_standard_input_is_not_read(program: Program) -> None:
    status, screen = in_terminal(program.folder, "-m", "krm_image_setter")
    assert (status, screen.startswith("Usage: krm-image-setter [OPTIONS] COMMAND")) == (0, True)
    status, screen = in_terminal(program.folder, "-m", "krm_image_setter", "--image", "nginx:2", columns=200)
    message = (
        "standard input is a terminal; pipe manifests into krm-image-setter, or use `krm-image-setter set PATH`"
    )
    assert (status, screen) == (2, f"krm-image-setter: error: {message}\r\n")


def test_image_comes_before_a_configuration(program: Program) -> None:
    program.write("a.yaml", CONFIG)
    ran = program("--fn-config", "a.yaml", "--image", "nginx=redis", "--on-unused", "error", stdin=POD)
    assert ran == (0, DONE.replace(b"nginx:2", b"redis"), "")


def test_configuration_in_the_stream(program: Program) -> None:
    ran = program(stdin=CONFIG + "---\n" + POD)
    assert ran == (0, CONFIG.encode() + b"---\n" + DONE, "")


def test_functions_yaml(program: Program) -> None:
    program.write("functions.yaml", CONFIG)
    assert program(stdin=POD) == (0, DONE, "krm-image-setter: using configuration from ./functions.yaml\n")


def test_exec_plugin(program: Program) -> None:
    ran = program("/tmp/some-file", stdin=POD, env={"KUSTOMIZE_PLUGIN_CONFIG_STRING": CONFIG})
    assert ran == (0, DONE, "")


def test_json(program: Program) -> None:
    ran = program(
        "--image", "nginx=nginx:2", stdin='{"kind": "Pod", "spec": {"containers": [{"image": "nginx"}]}}'
    )
    assert ran == (0, b'{"kind": "Pod", "spec": {"containers": [{"image": "nginx:2"}]}}', "")


def test_arguments_add_to_a_function_config(program: Program) -> None:
    empty = "apiVersion: v1\nkind: ConfigMap\ndata: {}\n"
    ran = program("--image", "nginx=nginx:2", stdin=LIST + ITEM + with_config(empty))
    assert (ran.status, ran.stderr) == (0, "")
    assert b"image: nginx:2}" in ran.stdout


def test_warnings_go_to_stderr_too(program: Program) -> None:
    ran = program(stdin=LIST + ITEM + with_config(CONFIG.replace("nginx: ", "ngnix: ")))
    assert ran.status == 0
    assert re.fullmatch(
        r"krm-image-setter: warning: line \d+: functionConfig\.images\.ngnix: "
        r'no image named "ngnix" was found; did you mean "nginx"\?\n',
        ran.stderr,
    )
    assert yaml.safe_load(ran.stdout)["results"][0]["severity"] == "warning"


def test_on_unused_error(program: Program) -> None:
    ran = program("--image", "ngnix=nginx:2", "--on-unused", "error", stdin=POD)
    assert (ran.status, ran.stdout) == (2, b"")
    assert ran.stderr.startswith('krm-image-setter: error: no image named "ngnix" was found')


def test_version_and_help(program: Program) -> None:
    assert program("--version").stdout.startswith(b"krm-image-setter 0.")
    assert b"--fn-config" in program("--help").stdout
    assert program("--imag", "a=b").status == 2


def test_closed_pipe_is_quiet(program: Program) -> None:
    program.write("pods.yaml", "---\n".join([POD] * 50_000))
    command = f"{sys.executable} -m krm_image_setter --image nginx=nginx:2 < pods.yaml | head -c 10"
    ran = subprocess.run(command, shell=True, capture_output=True, cwd=program.folder, timeout=120, check=True)
    assert (ran.stdout, ran.stderr) == (b"kind: Pod\n", b"")


def test_c_locale(program: Program) -> None:
    text = POD + "x: ü😀\n"
    ran = program("--image", "nginx=nginx:2", stdin=text, env={"LC_ALL": "C", "PYTHONUTF8": "0"})
    assert ran.stdout == DONE + "x: ü😀\n".encode()


BOMB = "kind: Pod\na0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12)
)

BAD_STREAMS = [
    pytest.param(b"", "standard input: the input is empty", id="empty stdin"),
    pytest.param(b"\n\n", "standard input: the input is empty", id="blank stdin"),
    pytest.param(b"kind: Pod\n  x: : y\n", "invalid YAML", id="not YAML"),
    pytest.param(b"just text\n", "not a Kubernetes resource: expected a mapping, got a scalar", id="a text"),
    pytest.param(b"- kind: Pod\n", "not a Kubernetes resource: expected a mapping, got a list", id="a list"),
    pytest.param(b"a: 1\n", "not a Kubernetes resource: `kind` is missing; pass the name of a file", id="no kind"),
    pytest.param(b"kind: Pod\n---\na: 1\n", "line 3: not a Kubernetes resource", id="the second one"),
    pytest.param(b"kind: Pod\nx: \xff\n", "standard input:2: not valid UTF-8", id="not UTF-8"),
    pytest.param("kind: Pod\n".encode("utf-16"), "not valid UTF-8", id="UTF-16"),
    pytest.param(b"kind: Pod\nx: a\x00b nginx\n", "invalid YAML", id="NUL"),
    pytest.param(
        b"\xef\xbb\xbfkind: Pod\r\n---\r\nkind: Pod\r\nx: nginx\x1b\r\n",
        "line 4, column 9: invalid YAML: the character U+001B",
        id="escape in document 2",
    ),
    pytest.param(b"\xef\xbb\xbfx: nginx\x1b", "error: line 1, column 9: invalid YAML", id="escape after a BOM"),
    pytest.param(
        b"kind: Pod\n---\nkind: Pod\nx:\n\ty: nginx\n",
        "line 5, column 1: invalid YAML: a tab (U+0009) is not allowed at this position",
        id="tab in document 2",
    ),
    pytest.param(
        b"kind: nginx\nx: " + b"[" * 100_000, "nested too deeply: more than 250 levels", id="100,000 levels"
    ),
    pytest.param(
        b"kind: nginx\nx: " + b'{"a":' * 100_000, "nested too deeply: more than 250 levels", id="100,000 mappings"
    ),
    pytest.param(
        b"kind: Pod\nx: *nowhere\n",
        'undefined alias "*nowhere"; no anchor "&nowhere" is before it',
        id="unknown alias",
    ),
    pytest.param(
        b"kind: Pod\nx: &a [*a]\n", 'alias "*a" is inside the node that it refers to', id="recursive alias"
    ),
    pytest.param(
        BOMB.encode(), "the aliases of this document expand to more than 1,000,000 nodes", id="alias bomb"
    ),
    pytest.param(
        b"kind: Pod\nspec: {containers: [*a, {image: nginx}]}\nx: &a {image: nginx}\n",
        "no anchor",
        id="late anchor",
    ),
]


@pytest.mark.parametrize("stdin, message", BAD_STREAMS)
def test_error_stream(program: Program, stdin: bytes, message: str) -> None:
    ran = program("--image", "nginx=nginx:2", stdin=stdin)
    assert (ran.status, ran.stdout) == (2, b"")
    assert message in ran.stderr
    assert ran.stderr.count("\n") == 1
    assert "Traceback" not in ran.stderr


def test_equal_arguments_are_accepted(program: Program) -> None:
    arguments = ("--image", "nginx:2", "--image", "docker.io/nginx=nginx:2", "--registry", "a.b=c.d")
    ran = program(*arguments, "--registry", "a.b=c.d", stdin="kind: Pod\nspec: {containers: [{image: nginx}]}\n")
    assert ran == (0, b"kind: Pod\nspec: {containers: [{image: nginx:2}]}\n", ran.stderr)


BAD_ITEMS = [
    pytest.param("items: 3\n", "the ResourceList has no list `items`", id="items are no list"),
    pytest.param("", "the ResourceList has no list `items`", id="no items"),
    pytest.param("items:\n- nginx\n", "expected a mapping, got a scalar", id="an item is no mapping"),
    pytest.param("items:\n- null\n", "expected a mapping, got a scalar", id="a null item, as in kpt"),
    pytest.param("items:\n- a: nginx\n", "`kind` is missing", id="an item has no kind"),
]


@pytest.mark.parametrize("items, message", BAD_ITEMS)
def test_error_items(program: Program, items: str, message: str) -> None:
    assert_error_result(program, LIST + items + with_config(CONFIG), message)


BAD_CONFIGS = [
    pytest.param("", "no image to set; add `images: {NAME: REFERENCE}`", id="none"),
    pytest.param(
        with_config("kind: Foo\nimages: {}"),
        'functionConfig.kind: unsupported kind "Foo"; expected ImageSetter',
        id="unknown kind",
    ),
    pytest.param("functionConfig: nginx\n", 'functionConfig: expected a mapping, got "nginx"', id="a text"),
    pytest.param(
        with_config(CONFIG + "kinds: {A: '{.spec[}'}"), "missing closing ] (column 7 of the path)", id="path"
    ),
    pytest.param(
        with_config(CONFIG.replace("{nginx: nginx:2}", "[{name: nginx, newTag: 1.10}]")),
        'line 3: functionConfig.images[0].newTag: YAML reads 1.10 as the number 1.1; quote it: "1.10"',
        id="a tag that is a number",
    ),
    pytest.param(
        with_config(CONFIG + "onUnused: warn\nonUnused: error"),
        "line 5: functionConfig.onUnused: the key is in line 4 and in line 5; keep one of them",
        id="a repeated key",
    ),
    pytest.param(with_config(CONFIG + "podSpec: true"), 'did you mean "podSpecs"?', id="unknown field"),
]


@pytest.mark.parametrize("config, message", BAD_CONFIGS)
def test_error_function_config(program: Program, config: str, message: str) -> None:
    assert_error_result(program, LIST + ITEM + config, message)


def test_error_unknown_resource_list_version(program: Program) -> None:
    text = LIST.replace("v1", "v2") + ITEM + with_config(CONFIG)
    assert_error_result(program, text, 'unsupported apiVersion "config.kubernetes.io/v2"')


def assert_error_result(program: Program, text: str, message: str) -> None:
    """The items are unchanged, and the error is in a result and on standard error."""
    ran = program(stdin=text)
    assert ran.status == 2
    assert message in ran.stderr
    assert "Traceback" not in ran.stderr
    assert ran.stdout.startswith(text.encode())
    results = yaml.safe_load(ran.stdout)["results"]
    assert {result["severity"] for result in results} == {"error"}
    assert message in results[0]["message"]


BAD_ARGUMENTS = [
    pytest.param(["--image", "nginx"], "expected NAME=REFERENCE", id="image without ="),
    pytest.param(["--image", "Nginx=nginx:2"], "must be lowercase", id="image"),
    pytest.param(
        ["--image", "nginx=1.27"], '"1.27" is only a tag; write `--image nginx=nginx:1.27`', id="bare tag"
    ),
    pytest.param(
        ["--image", "nginx=1.2-RC1"], "write `--image nginx=nginx:1.2-RC1`", id="tag with capital letters"
    ),
    pytest.param(["--image", "m.io/a:1=v2"], "write `--image m.io/a:1=m.io/a:v2`", id="tag for a name with a tag"),
    pytest.param(["--image", "nginx=latest"], "write `--image nginx=nginx:latest`", id="latest"),
    pytest.param(["--image", "nginx=553640e6"], "write `--image nginx=nginx:553640e6`", id="commit as a tag"),
    pytest.param(["--image", "nginx=:2"], "write `--image nginx=nginx:2`", id="tag with a colon"),
    pytest.param(["--image", f"nginx={DIGEST}"], f"write `--image nginx=nginx@{DIGEST}`", id="bare digest"),
    pytest.param(["--image", f"nginx=@{DIGEST}"], f"write `--image nginx=nginx@{DIGEST}`", id="digest with @"),
    pytest.param(["--image", "nginx:"], "invalid tag", id="empty tag"),
    pytest.param(["--registry", "m.io"], "expected FROM=TO", id="registry without ="),
    pytest.param(
        ["--image", "a.b/op:2", "--image", "nginx:1", "--image", "a.b/op=a.b/op:3"],
        'image "a.b/op" is set to a.b/op:3 here and to a.b/op:2 by --image "a.b/op:2"; remove one of them',
        id="two references for one name",
    ),
    pytest.param(
        ["--registry", "docker.io=a.b", "--registry", "index.docker.io=c.d"],
        'registry "docker.io" is moved to c.d here and to a.b by --registry "docker.io=a.b"; remove one of them',
        id="two targets for one registry",
    ),
    pytest.param(["--registry", "foo=m.io"], '"foo" has no registry host', id="registry"),
    pytest.param(["--image", "a=b", "--kind", "A"], "expected KIND=PATH", id="kind without ="),
    pytest.param(["--image", "a=b", "--kind", "A=.spec["], "missing closing ]", id="kind"),
    pytest.param(["--image", "a=b", "--kind", "A.=.spec"], 'invalid kind "A."', id="no group"),
    pytest.param(
        ["--fn-config", "nowhere.yaml"], "nowhere.yaml: cannot read file: No such file or directory", id="no file"
    ),
    pytest.param([], "no image to set; pass `--image NAME=REFERENCE` or `--images-from", id="no configuration"),
]


@pytest.mark.parametrize("arguments, message", BAD_ARGUMENTS)
def test_error_arguments(program: Program, arguments: list[str], message: str) -> None:
    ran = program(*arguments, stdin=POD)
    assert (ran.status, ran.stdout) == (2, b"")
    assert message in ran.stderr
    assert "Traceback" not in ran.stderr


@pytest.mark.parametrize(
    "other, message",
    [
        pytest.param(
            "images: {nginx: nginx:3}",
            'b.yaml:3: images.nginx: image "nginx" is set differently at a.yaml:3',
            id="images",
        ),
        pytest.param("onUnused: error", "b.yaml:3: onUnused: error contradicts warn at a.yaml:4", id="onUnused"),
        pytest.param("podSpecs: false", "b.yaml:3: podSpecs: false contradicts true at a.yaml:5", id="podSpecs"),
    ],
)
def test_error_contradiction(program: Program, other: str, message: str) -> None:
    program.write("a.yaml", CONFIG + "onUnused: warn\npodSpecs: true\n")
    program.write("b.yaml", f"apiVersion: krm-image-setter.dev/v1alpha1\nkind: ImageSetter\n{other}\n")
    ran = program("--fn-config", "a.yaml", "--fn-config", "b.yaml", stdin=POD)
    assert (ran.status, ran.stdout) == (2, b"")
    assert message in ran.stderr


def test_error_not_utf8_config(program: Program, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(b"\xff")
    assert "a.yaml:1: not valid UTF-8" in program("--fn-config", "a.yaml", stdin=POD).stderr


@pytest.mark.parametrize(
    "config, message",
    [
        pytest.param("a text\n", ': expected a mapping, got "a text"', id="string"),
        pytest.param("12\n", ": expected a mapping, got the number 12", id="number"),
        pytest.param("- a\n", ":1: expected a mapping, got a list", id="list"),
    ],
)
def test_error_configuration_is_not_a_mapping(program: Program, config: str, message: str) -> None:
    program.write("a.yaml", config)
    ran = program("--fn-config", "a.yaml", stdin=POD)
    assert (ran.status, ran.stdout) == (2, b"")
    assert ran.stderr == f"krm-image-setter: error: a.yaml{message}\n"


def test_imports_on_the_function_path() -> None:
    """A valid configuration imports no other modules, because a short run consists mostly of imports."""
    text = LIST + ITEM + with_config(CONFIG + "kinds: {A: '{.spec.image}'}")
    code = "import sys\nfrom krm_image_setter.__main__ import main\nmain([])\nprint(*sys.modules, file=sys.stderr)"
    ran = subprocess.run(
        [sys.executable, "-I", "-c", code],
        input=text,
        capture_output=True,
        text=True,
        env=UNMEASURED,
        check=True,
    )
    modules = set(ran.stderr.split())
    assert "krm_image_setter.transform" in modules
    heavy = {
        "typer",
        "click",
        "rich",
        "jsonschema",
        "jsonpath_ng",
        "ruamel.yaml",
        "argparse",
        "dataclasses",
        "inspect",
    }
    assert "krm_image_setter.builds" not in modules
    assert not modules & (heavy | {"difflib", "fnmatch", "pathlib", "asyncio", "logging", "json"})


def test_interrupt_is_quiet() -> None:
    program = subprocess.Popen(
        [sys.executable, "-m", "krm_image_setter", "--image", "nginx=nginx:2"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=signals,  # noqa: PLW1509  (no threads here)
    )
    assert program.stdin
    program.stdin.write(b"kind: Pod\n" * 100_000)  # more than a pipe can contain, so the program is reading now
    program.stdin.flush()
    program.send_signal(signal.SIGINT)
    out, err = program.communicate(timeout=60)
    assert (program.returncode, out, err) == (130, b"", b"")


RESOURCE_LIST = """\
apiVersion: config.kubernetes.io/v1
kind: ResourceList
items: [{kind: Pod, spec: {containers: [{image: nginx}]}}]
functionConfig: {kind: ConfigMap, data: {name: nginx, newTag: "2"}}
"""


@pytest.mark.parametrize(
    "stdin",
    [
        pytest.param(f"{RESOURCE_LIST}---\n{RESOURCE_LIST}", id="two ResourceLists"),
        pytest.param(f"kind: Pod\n---\n{RESOURCE_LIST}", id="after a resource"),
        pytest.param(f"{RESOURCE_LIST}---\nkind: Pod\n", id="before a resource"),
        pytest.param(f"\ufeff{RESOURCE_LIST}...\n---\n[a]\n", id="before a list"),
    ],
)
def test_resource_list_among_other_documents_comes_back_unchanged(program: Program, stdin: str) -> None:
    ran = program(stdin=stdin)
    assert (ran.status, ran.stdout.decode()) == (2, stdin)
    assert ran.stderr == (
        "krm-image-setter: error: expected one ResourceList, or resources without one; "
        "got a ResourceList among other documents\n"
    )
    as_filter = program("--image", "nginx=nginx:2", stdin=stdin)
    assert (as_filter.status, b"image: nginx:2" in as_filter.stdout) == (
        2 if "[a]" in stdin else 0,
        "[a]" not in stdin,
    )

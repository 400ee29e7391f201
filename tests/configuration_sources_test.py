"""Where the configuration comes from: the table in docs/configuration.md, for all ways to run the program."""

from __future__ import annotations

import json
import re
from typing import Final

import pytest
from harness import ROOT, Program

HEAD: Final = "apiVersion: krm-image-setter.dev/v1alpha1\nkind: ImageSetter\n"
CACHE: Final = "apiVersion: example.com/v1\nkind: Cache\nmetadata: {name: sessions}\n"
USING: Final = "krm-image-setter: using configuration from ./functions.yaml\n"


def cache(**images: str) -> str:
    return f"{CACHE}spec: {json.dumps(images)}\n"


BEFORE: Final = cache(image="redis:7", exporter="exporter:1")
KINDS: Final = HEAD + "kinds: {Cache: [.spec.image, .spec.exporter]}\n"
CONFIG: Final = KINDS + "images: {redis: redis:8, exporter: exporter:2}\n"
CONFIGURED: Final = cache(image="redis:8", exporter="exporter:2")
OVERRIDDEN: Final = cache(image="redis:9", exporter="exporter:2")
NINE: Final = {
    "--image": "redis=redis:9",
    "--images-from": "built.txt",
}


class Run:
    """A run of the filter or of `set`, with a configuration in one of the sources."""

    def __init__(self, program: Program, command: str) -> None:
        self.program, self.command = program, command
        program.write("built.txt", "redis=redis:9\n")

    def __call__(self, *arguments: str, source: str = "", config: str = CONFIG) -> tuple[int, str, str]:
        """Return the status, the new Cache and stderr without the summary."""
        if source == "./functions.yaml":
            self.program.write("functions.yaml", config)
        if source == "--fn-config":
            arguments = (*arguments, "--fn-config", self.program.write("other.yaml", config))
        in_input = config if source == "input" else ""
        if self.command == "filter":
            ran = self.program(*arguments, stdin=f"{in_input}---\n{BEFORE}" if in_input else BEFORE)
        else:
            self.program.write("deploy/cache.yaml", BEFORE)
            if in_input:
                self.program.write("deploy/sub/setter.yaml", in_input)
            ran = self.program("set", "deploy", *arguments, "-q")
        return ran.status, ran.stdout.decode().removeprefix(f"{in_input}---\n").partition("---\n")[0], ran.stderr


@pytest.fixture(params=["filter", "set"])
def run(program: Program, request: pytest.FixtureRequest) -> Run:
    return Run(program, request.param)


SOURCES: Final = ("input", "./functions.yaml", "--fn-config")


@pytest.mark.parametrize("source", SOURCES)
def test_configuration_without_arguments_is_read(run: Run, source: str) -> None:
    said = USING if source == "./functions.yaml" else ""
    assert run(source=source) == (0, CONFIGURED, said)


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("argument", NINE)
def test_argument_with_a_configuration_overrides_one_entry(run: Run, source: str, argument: str) -> None:
    status, output, said = run(argument, NINE[argument], "--on-unused", "error", source=source)
    assert (status, output) == (0, OVERRIDDEN)
    assert said == (USING if source == "./functions.yaml" else "")


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("argument", NINE)
def test_argument_gives_the_image_of_configured_kinds(run: Run, source: str, argument: str) -> None:
    config = HEAD + "kinds: {Cache: .spec.image}\n"
    status, output, _ = run(argument, NINE[argument], source=source, config=config)
    assert (status, output) == (0, cache(image="redis:9", exporter="exporter:1"))


@pytest.mark.parametrize("source", SOURCES)
def test_kind_argument_adds_a_path(run: Run, source: str) -> None:
    config = HEAD + "kinds: {Cache: .spec.image}\nimages: {redis: redis:8, exporter: exporter:2}\n"
    status, output, _ = run("--kind", "Cache=.spec.exporter", "--on-unused", "error", source=source, config=config)
    assert (status, output) == (0, CONFIGURED)


KIND_ARGUMENTS = [
    pytest.param("Cache=.spec.image", "kinds: {Cache: .spec.image}", id="same path"),
    pytest.param("Cache.example.com={.spec.image}", "kinds: {Cache: .spec.image}", id="same field"),
    pytest.param("Cache=.spec.image", "kinds: {Cache: {path: .spec, fields: {repository: image}}}", id="parts"),
    pytest.param("Cache=.spec.image", "kinds: {Cache: {path: .spec.image, as: text}}", id="text"),
    pytest.param("Cache=$.spec.image", "kinds: {'*': '{..image}'}", id="any kind"),
]


@pytest.mark.parametrize("argument, kinds", KIND_ARGUMENTS)
def test_kind_argument_for_a_configured_field_sets_it_once(run: Run, argument: str, kinds: str) -> None:
    config = f"{HEAD}{kinds}\nimages: {{redis: redis:8}}\nonUnused: error\n"
    status, output, said = run("--kind", argument, source="--fn-config", config=config)
    assert (status, output, said) == (0, cache(image="redis:8", exporter="exporter:1"), "")


@pytest.mark.parametrize("source", ["input", "./functions.yaml"])
def test_no_config_reads_no_configuration(run: Run, source: str) -> None:
    ran = run("--no-config", "--image", "redis=redis:9", "--kind", "Cache=.spec.image", source=source)
    assert ran == (0, cache(image="redis:9", exporter="exporter:1"), "")


@pytest.mark.parametrize("source", ["input", "./functions.yaml", ""])
def test_no_config_without_arguments_is_an_error(run: Run, source: str) -> None:
    status, output, said = run("--no-config", source=source)
    assert (status, output) == (2, "")
    for way in ("--image NAME=REFERENCE", "--images-from FILE", "--fn-config FILE", "./functions.yaml"):
        assert way in said


def test_configuration_without_images_is_an_error(run: Run) -> None:
    status, output, said = run(source="./functions.yaml", config=KINDS)
    assert (status, output) == (2, "")
    assert "functions.yaml:1: no image to set; add `images: {NAME: REFERENCE}`, or pass `--image" in said


@pytest.mark.parametrize("source", ["input", "./functions.yaml"])
def test_fn_config_takes_the_place_of_other_configurations(run: Run, source: str) -> None:
    other = run.program.write("other.yaml", CONFIG)
    ran = run("--fn-config", other, source=source, config=HEAD + "images: {redis: redis:1}\n")
    assert ran == (0, CONFIGURED, "")


def test_input_takes_the_place_of_functions_yaml(run: Run) -> None:
    run.program.write("functions.yaml", HEAD + "images: {redis: redis:1}\n")
    assert run(source="input") == (0, CONFIGURED, "")


SAME_NAMES = [
    # an entry in the configuration, the name that the argument gives
    pytest.param("{name: redis, newTag: '8'}", "redis", id="same name"),
    pytest.param("{name: docker.io/library/redis, newTag: '8'}", "redis", id="long name in the configuration"),
    pytest.param("{name: redis, newTag: '8'}", "index.docker.io/library/redis", id="long name in the argument"),
    pytest.param("{name: 'redis:7', newTag: '8'}", "redis:7", id="same name with a tag"),
    pytest.param("{name: 'redis:7', newTag: '8'}", "redis", id="entry for one tag"),
    pytest.param(
        "{name: redis, from: {kind: Job, name: x, path: .x}}", "redis", id="from a resource that is absent"
    ),
    pytest.param("{name: redis, newImage: 'redis:9'}", "redis", id="same reference"),
]


@pytest.mark.parametrize("entry, name", SAME_NAMES)
def test_argument_overrides_an_entry_of_the_same_name(run: Run, entry: str, name: str) -> None:
    config = f"{KINDS}onUnused: error\nimages: [{entry}, {{name: exporter, newTag: '2'}}]\n"
    ran = run("--image", f"{name}=redis:9", source="--fn-config", config=config)
    assert ran == (0, OVERRIDDEN, "")


def test_argument_for_one_tag_overrides_no_entry_for_any_tag(run: Run) -> None:
    ran = run("--image", "exporter:0=exporter:9", source="--fn-config")
    assert ran[:2] == (0, CONFIGURED)
    assert 'no image "exporter:0" was found; the name occurs only with "exporter:1"' in ran[2]


def test_argument_settles_a_contradiction(run: Run) -> None:
    config = f"{CONFIG}---\n{HEAD}images: {{redis: redis:10}}\n"
    assert run(source="--fn-config", config=config)[0] == 2
    assert run("--image", "redis=redis:9", source="--fn-config", config=config) == (0, OVERRIDDEN, "")


POD = """\
kind: Pod
spec:
  containers:
  - {{name: a, image: {a}, env: [{{name: X, value: {env}}}], args: [--image={args}]}}
  - {{name: b, image: {b}, env: [{{name: X, value: {other}}}]}}
"""
SCOPES = [
    # entries in the configuration, what becomes of the other uses of nginx:1 with --image nginx=nginx:9
    pytest.param("{name: nginx, newTag: '2'}", {}, id="images only"),
    pytest.param("{name: nginx, newTag: '2', env: true}", {"env": "9", "other": "9"}, id="env"),
    pytest.param("{name: nginx, newTag: '2', env: true, containers: a}", {"env": "9"}, id="env of a container"),
    pytest.param("{name: nginx, newTag: '2', containers: a}", {}, id="a container"),
    pytest.param(
        "{name: nginx, newTag: '2', args: true}, {name: library/nginx, newTag: '3', env: true, containers: [b]}",
        {"args": "9", "other": "9"},
        id="two entries",
    ),
    pytest.param("{name: 'nginx:1', newTag: '2', env: true}", {"env": "2", "other": "2"}, id="entry for one tag"),
]


@pytest.mark.parametrize("entries, tags", SCOPES)
def test_argument_sets_an_image_where_overridden_entries_do(
    program: Program, entries: str, tags: dict[str, str]
) -> None:
    fields = ("a", "b", "env", "other", "args")
    stdin = POD.format(**dict.fromkeys(fields, "nginx:1"))
    after = {"a": "9", "b": "9", **tags}
    program.write("functions.yaml", f"{HEAD}images: [{entries}]\nonUnused: error\n")
    ran = program("--image", "nginx=nginx:9", stdin=stdin)
    assert ran.stderr == USING
    assert ran.stdout.decode() == POD.format(**{field: f"nginx:{after.get(field, '1')}" for field in fields})


def test_argument_set_only_in_env_is_not_reported_as_unused(program: Program) -> None:
    stdin = POD.format(a="a:1", b="a:1", env="nginx:1", other="nginx:1", args="a:1")
    program.write("functions.yaml", f"{HEAD}images: [{{name: nginx, newTag: '2', env: true, containers: [a]}}]\n")
    ran = program("--image", "nginx=nginx:9", stdin=stdin)
    assert (ran.status, ran.stderr) == (0, USING)
    assert ran.stdout.decode() == stdin.replace("nginx:1", "nginx:9", 1)


def test_configuration_in_the_stream_stays_as_it_is(program: Program) -> None:
    config = HEAD + "images: [{name: nginx, newImage: 'nginx:1'}]   # by hand\n"
    pod = "kind: Pod\nspec: {containers: [{name: a, image: nginx}]}\n"
    ran = program("--image", "nginx=nginx:2", stdin=f"{config}---\n{pod}")
    assert ran == (0, f"{config}---\n{pod.replace('nginx', 'nginx:2')}".encode(), "")


@pytest.mark.parametrize("command", [[], ["set", "deploy"], ["list", "deploy"], ["discover", "deploy"]])
def test_no_config_with_fn_config_is_an_error(program: Program, command: list[str]) -> None:
    program.write("deploy/cache.yaml", BEFORE)
    program.write("functions.yaml", CONFIG)
    ran = program(*command, "--no-config", "--fn-config", "functions.yaml", stdin=BEFORE)
    said = "krm-image-setter: error: `--no-config` cannot be combined with `--fn-config`\n"
    assert ran == (2, b"", said)


@pytest.mark.parametrize("source", SOURCES)
def test_list_and_discover_find_kinds_without_images(program: Program, source: str) -> None:
    program.write("deploy/cache.yaml", BEFORE)
    files = {"input": "deploy/setter.yaml", "./functions.yaml": "functions.yaml", "--fn-config": "other.yaml"}
    name = program.write(files[source], KINDS)
    option = ["--fn-config", name] if source == "--fn-config" else []
    said = USING if source == "./functions.yaml" else ""
    assert program("list", "deploy", "-o", "names", *option) == (0, b"exporter:1\nredis:7\n", said)
    discovered = program("discover", "deploy", *option)
    assert (discovered.status, discovered.stderr) == (0, said)
    assert b"No entries in `kinds` are needed" in discovered.stdout
    if not option:
        ran = program("list", "deploy", "-o", "names", "--no-config")
        assert (ran.status, ran.stdout) == (0, b"")
        assert ran.stderr.startswith("krm-image-setter: no image found in ")
        assert b"kind: Cache" in program("discover", "deploy", "--no-config").stdout


LIST: Final = "apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems:\n"
ITEM: Final = "- kind: Pod\n  spec: {containers: [{name: a, image: nginx}]}\n"


def test_function_reads_only_its_function_config(program: Program) -> None:
    program.write("functions.yaml", HEAD + "images: {nginx: nginx:2}\n")
    setter = "".join(f"  {line}\n" for line in f"{HEAD}images: {{nginx: nginx:3}}".splitlines())
    ran = program(stdin=f"{LIST}{ITEM}- {setter[2:]}")
    assert ran.status == 2
    assert b'- message: "no image to set; add `images: {NAME: REFERENCE}`"\n' in ran.stdout
    ran = program("--no-config", stdin=f"{LIST}{ITEM}functionConfig:\n{setter}")
    assert ran.status == 0
    assert b"image: nginx:3" in ran.stdout


def test_argument_overrides_a_function_config(program: Program) -> None:
    config = f"  {HEAD}images: {{nginx: nginx:3}}\nonUnused: error".replace("\n", "\n  ")
    ran = program("--image", "nginx=nginx:4", stdin=f"{LIST}{ITEM}functionConfig:\n{config}\n")
    assert (ran.status, ran.stderr) == (0, "")
    assert b"image: nginx:4" in ran.stdout


def test_exec_plugin_reads_only_its_configuration(program: Program) -> None:
    program.write("functions.yaml", HEAD + "images: {nginx: nginx:2}\n")
    pod = ITEM.removeprefix("- ").replace("\n  ", "\n")
    empty = "kind: ConfigMap\ndata: {onUnused: warn}\n"
    ran = program("plugin", stdin=pod, env={"KUSTOMIZE_PLUGIN_CONFIG_STRING": empty})
    assert (ran.status, ran.stdout) == (2, b"")
    assert "no image to set" in ran.stderr


@pytest.mark.parametrize("path", ["-", "/dev/stdin"])
def test_pipe_is_searched_for_a_configuration_and_set(program: Program, path: str) -> None:
    ran = program("set", path, "--image", "redis=redis:9", "-q", stdin=f"{CONFIG}---\n{BEFORE}")
    assert ran == (0, f"{CONFIG}---\n{OVERRIDDEN}".encode(), "")


# Files of a folder that cannot be read


def test_file_that_is_not_yaml_does_not_stop_a_folder(program: Program) -> None:
    program.write("deploy/cache.yaml", BEFORE)
    program.write("deploy/template.yaml", "{{ if .x }}\nkind: Pod\n{{ end }}\n")
    (program.folder / "deploy/latin.yaml").write_bytes(b"kind: \xe9\n")
    program.write("functions.yaml", CONFIG)
    ran = program("set", "deploy", "-q", "--image", "redis=redis:9")
    assert (ran.status, ran.stdout.decode()) == (0, OVERRIDDEN)
    assert len(re.findall("warning: deploy/(?:template|latin).yaml:", ran.stderr)) == 2


def test_broken_configuration_in_a_folder_is_an_error(program: Program) -> None:
    program.write("deploy/cache.yaml", BEFORE)
    program.write("deploy/setter.yaml", CONFIG + "x: [\n")
    ran = program("set", "deploy", "--image", "redis=redis:9")
    assert (ran.status, ran.stdout) == (2, b"")
    assert ran.stderr.startswith("krm-image-setter: error: deploy/setter.yaml:6:1: ")
    assert program("set", "deploy", "--image", "redis=redis:9", "--no-config").status == 0


# The ways that the documentation shows


def test_discover_then_set_an_image(program: Program) -> None:
    program.write("deploy/cache.yaml", BEFORE)
    program.write("functions.yaml", program("discover", "deploy").stdout.decode())
    assert program("set", "deploy", "--image", "redis=redis:9", "--in-place", "-q") == (0, b"", USING)
    assert (program.folder / "deploy/cache.yaml").read_text() == cache(image="redis:9", exporter="exporter:1")


def test_import_then_set_the_images_of_a_build(program: Program) -> None:
    program.write("deploy/cache.yaml", BEFORE)
    tiltfile = "k8s_kind('Cache', image_json_path='{.spec.image}')\ndocker_build('redis', '.')\n"
    program.write("Tiltfile", tiltfile)
    program.write("functions.yaml", program("import", "Tiltfile").stdout.decode())
    program.write("built.json", '{"image.name": "docker.io/library/redis:9"}')
    assert program("set", "deploy", "--images-from", "built.json", "--in-place", "-q") == (0, b"", USING)
    image = "docker.io/library/redis:9"
    assert (program.folder / "deploy/cache.yaml").read_text() == cache(image=image, exporter="exporter:1")


def test_command_for_builds_in_the_docs_reads_functions_yaml(program: Program) -> None:
    page = (ROOT / "docs/ways-to-run.md").read_text()
    (command,) = re.findall(r"`krm-image-setter (set [^`]* --images-from [^`]*)`", page)
    program.write("deploy/cache.yaml", BEFORE)
    program.write("functions.yaml", KINDS)
    program.write("meta.json", '{"image.name": "redis:9"}')
    assert program(*command.split()).status == 0
    assert (program.folder / "deploy/cache.yaml").read_text() == cache(image="redis:9", exporter="exporter:1")

"""Each folder of examples/ is run: by what its README says, and by a test of its own where another program would.

The container runtime may be a stand-in, for the functions in containers: where `docker` has no image of that name, it
is a script that runs this program. All else is real, or the test is skipped and says why.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import yaml
from harness import OTHERS, ROOT
from jsonschema import Draft202012Validator
from story import Block, bash, check_configuration, environment, run_story, told

from krm_image_setter import read_config, set_images_in

EXAMPLES = sorted(path for path in (ROOT / "examples").iterdir() if path.is_dir())
RECIPES = ROOT / "docs/recipes.md"
CHANGED = "nginx:1.27"


def copied(name: str, folder: Path) -> Path:
    """Return a copy of an example, as its user has it."""
    return Path(shutil.copytree(ROOT / "examples" / name, folder / name))


def commands(example: Path) -> list[tuple[Block, Block | None]]:
    readme = example / "README.md"
    assert readme.exists(), f"examples/{example.name} needs a README.md of a few lines"
    return [(block, output) for block, output in told(readme) if block.language == "sh"]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_example(example: Path, tmp_path: Path) -> None:
    stories = commands(example)
    is_checked = any(output and not block.said.get("not run") for block, output in stories)
    assert is_checked or f"test_{example.name.replace('-', '_')}" in globals(), (
        "what its README.md says has no output to be checked, and it has no test here of its own"
    )
    folder = copied(example.name, tmp_path)
    for path in folder.rglob("functions.yaml"):
        check_configuration(path.read_text())
    for path in folder.rglob("*"):
        stand_in_for_docker(
            re.findall(r"registry\.example\.com/krm-image-setter:\S+\b", text_or_none(path)), folder
        )
    assert run_story(stories, example / "README.md", folder) == sum(
        not block.said.get("not run") for block, _ in stories
    )


def text_or_none(path: Path) -> str:
    return path.read_text() if path.is_file() else ""


def stand_in_for_docker(images: Iterable[str], folder: Path) -> None:
    for image in images:
        try:
            subprocess.run(["docker", "image", "inspect", image], capture_output=True, check=True)
        except (OSError, subprocess.CalledProcessError):
            docker = folder / "bin/docker"
            docker.parent.mkdir(exist_ok=True)
            # kpt asks for its version first.
            docker.write_text(
                "#!/bin/sh\n"
                '[ "$1" = run ] || { echo 24.0.0; exit; }\n'
                f"exec {sys.executable} -m krm_image_setter\n"
            )
            docker.chmod(0o755)


def without_title(readme: Path) -> str:
    return readme.read_text().partition("\n\n")[2]


def test_recipes_show_each_example() -> None:
    """docs/recipes.md has no file and no command of its own: all are those that are tested in this module."""
    page = RECIPES.read_text()
    new = re.sub(
        r"(<!-- from: (\S+) -->\n).*?(<!-- end -->)",
        lambda match: f"{match[1]}\n{without_title(ROOT / match[2])}\n{match[3]}",
        page,
        flags=re.DOTALL,
    )
    new = re.sub(
        r"^(`([\w./-]+)`:\n\n```\w+\n).*?^```$",
        lambda match: f"{match[1]}{(ROOT / match[2]).read_text()}```",
        new,
        flags=re.DOTALL | re.MULTILINE,
    )
    if os.environ.get("WRITE_GOLDEN"):
        RECIPES.write_text(new)
    assert page == new, "WRITE_GOLDEN=1 writes docs/recipes.md"
    own = re.sub(
        r"<!-- from: .*?<!-- end -->|^`[\w./-]+`:\n\n```\w+\n.*?^```$", "", page, flags=re.DOTALL | re.MULTILINE
    )
    assert "```" not in own
    shown = re.findall(r"<!-- from: examples/([a-z-]+)/README\.md -->", page)
    assert set(shown) == {path.name for path in EXAMPLES}
    assert list(dict.fromkeys(re.findall(r"^`examples/([a-z-]+)/[^`]*`:$", page, re.MULTILINE))) == shown


# What https://argo-cd.readthedocs.io/en/stable/operator-manual/config-management-plugins/ documents.
COMMAND = {"type": "object", "properties": {"command": {"type": "array", "items": {"type": "string"}, "minItems": 1}, "args": {"type": "array", "items": {"type": "string"}}}}  # fmt: skip
PARAMETER = {name: {"type": "string"} for name in ("name", "title", "tooltip", "itemType", "string")} | {
    "required": {"type": "boolean"},
    "collectionType": {"enum": ["", "string", "array", "map"]},
    "array": {"type": "array", "items": {"type": "string"}},
    "map": {"type": "object", "additionalProperties": {"type": "string"}},
}
CONFIG_MANAGEMENT_PLUGIN = {
    "type": "object",
    "additionalProperties": False,
    "required": ["apiVersion", "kind", "metadata", "spec"],
    "properties": {
        "apiVersion": {"const": "argoproj.io/v1alpha1"},
        "kind": {"const": "ConfigManagementPlugin"},
        "metadata": {"type": "object", "required": ["name"]},
        "spec": {
            "type": "object",
            "additionalProperties": False,
            "required": ["generate"],
            "properties": {
                "version": {"type": "string"},
                "init": COMMAND | {"additionalProperties": False},
                "generate": COMMAND | {"additionalProperties": False, "required": ["command"]},
                "discover": {
                    "type": "object",
                    "additionalProperties": False,
                    "properties": {"fileName": {"type": "string"}, "find": COMMAND},
                },
                "parameters": {
                    "type": "object",
                    "additionalProperties": False,
                    "properties": {
                        "static": {
                            "type": "array",
                            "items": {
                                "type": "object",
                                "additionalProperties": False,
                                "required": ["name"],
                                "properties": PARAMETER,
                            },
                        },
                        "dynamic": COMMAND,
                    },
                },
                "preserveFileMode": {"type": "boolean"},
                "provideGitCreds": {"type": "boolean"},
            },
        },
    },
}


def parameter_variables(parameters: Iterable[dict[str, Any]]) -> dict[str, str]:
    """Return what a plugin's command is given for the parameters of an Application."""
    parameters = list(parameters)
    variables = {"ARGOCD_APP_PARAMETERS": json.dumps(parameters)}
    for parameter in parameters:
        name = f"PARAM_{re.sub('[^A-Z0-9]', '_', parameter['name'].upper())}"
        variables |= {f"{name}_{number}": value for number, value in enumerate(parameter.get("array", ()))}
    return variables


@pytest.mark.parametrize("shell", ["sh", "dash", "bash", "busybox"])
def test_argocd(tmp_path: Path, shell: str) -> None:
    """The command of `generate` is run as Argo CD's server for plugins runs it: in the folder of an app."""
    if shutil.which("kubectl") is None or shutil.which(shell) is None:
        pytest.skip(f"no kubectl, or no {shell}, on this machine")
    argocd = copied("argocd", tmp_path)
    plugin = yaml.safe_load((argocd / "repo-server/plugin.yaml").read_text())
    assert list(Draft202012Validator(CONFIG_MANAGEMENT_PLUGIN).iter_errors(plugin)) == []
    assert list((argocd / "app").glob(plugin["spec"]["discover"]["fileName"].removeprefix("./")))
    generate = plugin["spec"]["generate"]
    assert generate["command"][0] == "sh"
    command = [*([shell, "sh"] if shell == "busybox" else [shell]), *generate["command"][1:], *generate["args"]]

    def run(folder: str = "app", **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            cwd=argocd / folder,
            env=environment(tmp_path) | variables,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def images(ran: subprocess.CompletedProcess[str]) -> list[str]:
        assert (ran.returncode, ran.stderr) == (0, "")
        return [resource["spec"]["image"] for resource in yaml.safe_load_all(ran.stdout)]

    assert images(run()) == [CHANGED]
    application = yaml.safe_load((argocd / "application.yaml").read_text())
    parameters = application["spec"]["source"]["plugin"]["parameters"]
    assert [parameter["name"] for parameter in parameters] == [
        parameter["name"] for parameter in plugin["spec"]["parameters"]["static"]
    ]
    assert images(run(**parameter_variables(parameters))) == ["nginx:1.28"]
    assert images(run(ARGOCD_ENV_IMAGES="nginx=nginx:3 docker.io/library/nginx=nginx:3")) == ["nginx:3"]
    # What a user says is never a command, an option or a pattern.
    for said in ("$(touch hacked)", "; touch hacked", "--in-place", "*"):
        ran = run(ARGOCD_ENV_IMAGES=said, **parameter_variables([{"name": "images", "array": [said]}]))
        assert (ran.returncode, ran.stdout) == (2, ""), said
        assert "krm-image-setter: error: " in ran.stderr
    assert not list(argocd.rglob("hacked"))
    # Where kubectl fails there is nothing to deploy.
    (argocd / "app/web.yaml").unlink()
    ran = run()
    assert (ran.returncode != 0, ran.stdout) == (True, "")


def test_argocd_sidecar(tmp_path: Path) -> None:
    """The component adds the sidecar to a Deployment such as Argo CD's, which has these two volumes."""
    if shutil.which("kubectl") is None:
        pytest.skip("no kubectl on this machine")
    folder = copied("argocd", tmp_path)
    (folder / "kustomization.yaml").write_text("resources: [argocd.yaml]\ncomponents: [repo-server]\n")
    (folder / "argocd.yaml").write_text(
        "apiVersion: apps/v1\n"
        "kind: Deployment\n"
        "metadata: {name: argocd-repo-server}\n"
        "spec:\n"
        "  template:\n"
        "    spec:\n"
        "      containers: [{name: argocd-repo-server, image: 'quay.io/argoproj/argocd:v3.0.0'}]\n"
        "      volumes: [{name: var-files, emptyDir: {}}, {name: plugins, emptyDir: {}}]\n"
    )
    ran = bash("kubectl kustomize .", folder)
    assert ran.returncode == 0, ran.stderr
    built = {resource["kind"]: resource for resource in yaml.safe_load_all(ran.stdout)}
    pod = built["Deployment"]["spec"]["template"]["spec"]
    ours, server = sorted(pod["containers"], key=lambda container: container["name"] == "argocd-repo-server")
    assert server["name"] == "argocd-repo-server"
    assert ours["command"] == ["/var/run/argocd/argocd-cmp-server"]
    assert ours["securityContext"] == {"runAsNonRoot": True, "runAsUser": 999}
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    assert {mount["name"] for mount in ours["volumeMounts"]} <= set(volumes)
    name = built["ConfigMap"]["metadata"]["name"]
    assert volumes["krm-image-setter-plugin"]["configMap"]["name"] == name
    assert built["ConfigMap"]["data"]["plugin.yaml"] == (folder / "repo-server/plugin.yaml").read_text()


def test_flux() -> None:
    """What is pushed is where the cluster looks for it. (Flux itself needs a registry and a cluster.)"""
    source, kustomization = yaml.safe_load_all((ROOT / "examples/flux/oci.yaml").read_text())
    (push,) = (block.body for block, _ in commands(ROOT / "examples/flux") if block.said.get("not run"))
    assert f"flux push artifact {source['spec']['url']}:{source['spec']['ref']['tag']} " in push
    reference = kustomization["spec"]["sourceRef"]
    assert (reference["kind"], reference["name"]) == (source["kind"], source["metadata"]["name"])


def test_skaffold(tmp_path: Path) -> None:
    """The hook is run as Skaffold's pkg/skaffold/hooks does: its output and its messages are one stream."""
    folder = copied("skaffold", tmp_path)
    config = yaml.safe_load((folder / "skaffold.yaml").read_text())
    (hook,) = config["manifests"]["hooks"]["after"]
    assert hook["host"]["withChange"] is True
    (manifest,) = config["manifests"]["rawYaml"]
    text = (folder / manifest).read_text()
    for line, new in (
        ("nginx:1.25", CHANGED),
        ("redis:7", "redis:7"),
    ):  # no entry sets redis, which causes a warning
        ran = subprocess.run(
            hook["host"]["command"],
            input=text.replace("nginx:1.25", line),
            cwd=folder,
            env=environment(folder),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
            check=False,
        )
        assert (ran.returncode, ran.stdout) == (0, text.replace("nginx:1.25", new))
    # To our own importer it is a configuration of Skaffold's too.
    assert bash("krm-image-setter import skaffold.yaml", folder).returncode == 0


#: Sends requests to the application of examples/python-service as an ASGI server does, and prints the answers.
CALLS = """
import asyncio, json, multiprocessing, service

async def call(path, *parts, method="POST"):
    parts = list(parts)
    sent = []
    async def receive():
        return {"type": "http.request", "body": parts.pop(0), "more_body": bool(parts)}
    async def send(message):
        sent.append(message)
    await service.app({"type": "http", "method": method, "path": path}, receive, send)
    return [sent[0]["status"], json.loads(sent[1]["body"])]

async def main():
    events = iter(["startup", "shutdown"])
    completed = []
    async def receive():
        return {"type": f"lifespan.{next(events)}"}
    async def send(message):
        completed.append(message["type"])
    web = open("web.yaml", "rb").read()
    answers = {
        "set": await call("/set", web[:9], web[9:]),
        "list": await call("/list", web),
        "invalid": await call("/set", b"kind: ["),
        "not UTF-8": await call("/set", b"\\xff"),
        "too large": await call("/set", b" " * (service.MOST_BYTES + 1)),
        "unknown": await call("/", b""),
        "method": await call("/set", b"", method="GET"),
    }
    large = b"---\\n".join([web] * 4000)
    waiting = asyncio.create_task(call("/set", large))
    ticks = 0
    while not waiting.done():
        await asyncio.sleep(0.01)
        ticks += 1
    answers["large"] = [waiting.result()[0], waiting.result()[1]["text"].count("nginx:1.27"), ticks > 3]
    answers["many"] = [status for status, _ in await asyncio.gather(*(call("/set", web) for _ in range(50)))]
    await service.app({"type": "lifespan"}, receive, send)
    answers["completed"] = completed
    answers["workers"] = len(multiprocessing.active_children())
    print(json.dumps(answers))

if __name__ == "__main__":
    asyncio.run(main())
"""


def test_python_service(tmp_path: Path) -> None:
    """A server calls the application as the ASGI specification says. A large request does not stop the loop."""
    folder = copied("python-service", tmp_path)
    (folder / "calls.py").write_text(CALLS)
    ran = bash("python calls.py", folder)
    assert (ran.returncode, ran.stderr) == (0, "")
    answers = json.loads(ran.stdout)
    status, done = answers["set"]
    assert status == 200
    assert done["text"] == (folder / "web.yaml").read_text().replace("1.25", "1.27")
    assert done["results"][0]["field"]["proposedValue"] == CHANGED
    assert answers["list"] == [200, {"images": [{"image": "nginx:1.25", "field": "spec.image"}]}]
    status, problem = answers["invalid"]
    assert (status, problem["line"], problem["error"][:22]) == (422, 1, "line 1, column 8: inva")
    assert answers["not UTF-8"] == [422, {"error": "expected UTF-8"}]
    assert answers["too large"] == [413, {"error": "expected at most 10000000 bytes"}]
    assert answers["unknown"][0] == answers["method"][0] == 404
    assert answers["large"] == [200, 4000, True]
    assert answers["many"] == [200] * 50
    assert answers["workers"] == 0
    assert answers["completed"] == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


def test_sharding(tmp_path: Path) -> None:
    """The processes of a cluster do what one process does: to the byte, and to the order of what is told."""
    if find_spec("distributed") is None:
        pytest.skip("no distributed in this Python")
    folder = copied("sharding", tmp_path)
    for number in range(60):
        path = folder / f"deploy/{number % 7}/{number}.yaml"
        path.parent.mkdir(exist_ok=True)
        kind = "KafkaConnect" if number % 3 else "Kafka"
        text = f"apiVersion: kafka.strimzi.io/v1\nkind: {kind}\nmetadata: {{name: n{number}}}\nspec:\n"
        text += f"  image: {('connect', 'nginx:1', 'other')[number % 3]} # {number}\n  x: [1,   2]\n"
        path.write_bytes((text.replace("\n", "\r\n") if number % 5 == 0 else text).encode())
    shutil.copytree(folder, tmp_path / "one")
    texts = {
        str(path.relative_to(folder)): path.read_bytes().decode()
        for path in sorted(folder.rglob("deploy/**/*.yaml"))
    }
    expected = set_images_in(texts, read_config((folder / "functions.yaml").read_text()))
    assert sum(outcome.text != texts[name] for name, outcome in expected.of.items()) > 20

    ran = bash("python set_images.py deploy functions.yaml", folder)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.splitlines() == [
        *(result.format(name) for name, outcome in expected.of.items() for result in outcome.results),
        *map(str, expected.results),
    ]
    one = bash("krm-image-setter set deploy --in-place --quiet --fn-config functions.yaml", tmp_path / "one")
    unused = ran.stdout.splitlines()[-1].replace("line 9", "functions.yaml:9")
    assert (one.returncode, one.stderr) == (0, f"krm-image-setter: {unused}\n")
    for name, outcome in expected.of.items():
        done = outcome.text.encode()
        assert done == (folder / name).read_bytes() == (tmp_path / "one" / name).read_bytes()

    # Where an unused entry is an error, no file is changed.
    config = folder / "functions.yaml"
    config.write_text(config.read_text().replace("images:", "onUnused: error\nimages:").replace("1.27", "1.28"))
    ran = bash("python set_images.py deploy functions.yaml", folder)
    assert (ran.returncode, ran.stdout) == (
        1,
        'error: line 10: images[2]: no image named "ngin" was found; did you mean "nginx"?\n',
    )
    assert all(outcome.text.encode() == (folder / name).read_bytes() for name, outcome in expected.of.items())


@pytest.fixture(scope="module")
def registry() -> None:
    """Skip where pip finds no packages: what fails there is none of ours."""
    ran = subprocess.run(
        [sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed", "--retries=0", str(ROOT)],
        env=OTHERS,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    if "No matching distribution" in ran.stderr or "No module named pip" in ran.stderr:
        pytest.skip(f"pip finds no packages here: {ran.stderr.strip().splitlines()[-1]}")


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a repository with this project as it is in the work tree, committed or not."""
    folder = tmp_path_factory.mktemp("repository")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode != 0:
        pytest.skip("this project is in no git repository here")
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    commit(folder)
    return folder


def commit(folder: Path) -> None:
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false"]
    for command in (
        ["init", "--quiet"],
        ["add", "--all"],
        [*identity, "commit", "--quiet", "-m", "a"],
        ["tag", "v0.1.0"],
    ):
        subprocess.run(["git", *command], cwd=folder, check=True)


def test_pre_commit(tmp_path: Path, registry: None, repository: Path) -> None:
    if shutil.which("git") is None or not Path(sys.executable).with_name("pre-commit").exists():
        pytest.skip("no git, or no pre-commit, on this machine")
    folder = copied("pre-commit", tmp_path)
    config = folder / ".pre-commit-config.yaml"
    config.write_text(config.read_text().replace("https://git.example.com/krm-image-setter", str(repository)))
    commit(folder)
    home = str(Path.home())  # pip may have its configuration there
    variables = {"PRE_COMMIT_HOME": str(tmp_path / "cache"), "HOME": home, "XDG_CONFIG_HOME": f"{home}/.config"}

    def hook(name: str) -> tuple[int, str]:
        ran = bash(f"pre-commit run --all-files {name} 2>&1", folder, variables)
        return ran.returncode, ran.stdout

    status, said = hook("krm-image-setter-check")
    assert (status, "deploy/web.yaml" in said) == (1, True), said
    assert "nginx:1.25" in (folder / "deploy/web.yaml").read_text()
    status, said = hook("krm-image-setter")
    assert (status, "files were modified by this hook" in said) == (1, True), said
    assert f"image: {CHANGED}  # the front\n" in (folder / "deploy/web.yaml").read_text()
    assert [hook(name)[0] for name in ("krm-image-setter", "krm-image-setter-check")] == [0, 0]
    ran = bash(f"pre-commit try-repo {repository} krm-image-setter-check --all-files 2>&1", folder, variables)
    assert (ran.returncode, "Passed" in ran.stdout) == (0, True), ran.stdout


ACTION = ROOT / "action.yml"
WORKFLOW = ROOT / "examples/github-action/.github/workflows/images.yaml"


def steps(folder: Path, **inputs: str) -> Iterable[tuple[str, list[str], dict[str, str]]]:
    """Yield the name, the command and the environment of each step, as the runner makes them of these inputs."""
    action = yaml.safe_load(ACTION.read_text())
    assert set(inputs) <= set(action["inputs"])
    values = {name: inputs.get(name, declared["default"]) for name, declared in action["inputs"].items()}
    for number, step in enumerate(action["runs"]["steps"]):
        assert step["shell"] == "bash"
        script = folder / f"step-{number}.sh"
        script.write_text(step["run"])
        variables = {
            name: re.sub(r"\$\{\{ inputs\.([a-z-]+) \}\}", lambda match: values[match[1]], text)
            for name, text in step.get("env", {}).items()
        }
        yield step["name"], ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)], variables


def act(folder: Path, **inputs: str) -> subprocess.CompletedProcess[str]:
    """Run the step that sets the images; the program is the one of these tests."""
    ((command, variables),) = (
        (command, variables) for name, command, variables in steps(folder.parent, **inputs) if name == "Run"
    )
    return subprocess.run(
        command,
        cwd=folder,
        env=environment(folder.parent) | variables,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_github_action(tmp_path: Path) -> None:
    folder = copied("github-action", tmp_path)
    inputs = next(
        step["with"]
        for step in yaml.safe_load(WORKFLOW.read_text())["jobs"]["images"]["steps"]
        if "krm-image-setter@" in step["uses"]
    )
    ran = act(folder, **inputs)
    assert (ran.returncode, "+  image: nginx:1.27  # the front\n" in ran.stdout) == (1, True), ran
    ran = act(
        folder, **{"fn-config": "functions.yaml", "paths": "deploy\n", "images": "nginx=nginx:3\nredis=redis:7\n"}
    )
    annotation = "::error title=krm-image-setter (image-change),file=deploy/web.yaml,line=5,col=10::"
    assert (ran.returncode, ran.stdout.startswith(annotation)) == (1, True), ran
    assert "1.25" in (folder / "deploy/web.yaml").read_text()
    assert act(folder, mode="in-place", paths="deploy\n\nfunctions.yaml").returncode == 0
    assert f"image: {CHANGED}  # the front\n" in (folder / "deploy/web.yaml").read_text()
    assert act(folder).returncode == 0


@pytest.mark.parametrize(
    "inputs",
    [
        {"mode": "check; touch hacked"},
        {"mode": "quiet"},
        {"paths": "$(touch hacked)"},
        {"paths": "--in-place"},
        {"images": '"; touch hacked; "'},
        {"fn-config": "`touch hacked`"},
        {"images-from": "../*"},
    ],
    ids=str,
)
def test_github_action_takes_no_command_for_an_input(tmp_path: Path, inputs: dict[str, str]) -> None:
    folder = copied("github-action", tmp_path)
    ran = act(folder, **inputs)
    assert ran.returncode == 2, ran
    assert "Traceback" not in ran.stderr
    assert not list(tmp_path.rglob("hacked"))
    assert "1.25" in (folder / "deploy/web.yaml").read_text()


def test_github_action_installs_itself(tmp_path: Path, registry: None) -> None:
    ((command, variables),) = (
        (command, variables) for name, command, variables in steps(tmp_path) if name == "Install"
    )
    path = tmp_path / "path"
    runner = {"RUNNER_TEMP": str(tmp_path / "temp"), "GITHUB_PATH": str(path), "GITHUB_ACTION_PATH": str(ROOT)}
    ran = subprocess.run(
        command,
        env={**OTHERS, **variables, **runner},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    program = Path(path.read_text().strip()) / "krm-image-setter"
    assert subprocess.run([program, "--version"], capture_output=True, check=True).stdout.startswith(
        b"krm-image-setter "
    )


def test_github_action_is_as_github_documents() -> None:
    for schema, file in (("vendor.github-actions", ACTION), ("vendor.github-workflows", WORKFLOW)):
        subprocess.run(
            [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, str(file)],
            check=True,
            env=OTHERS,
        )
    scripts = [step["run"] for step in yaml.safe_load(ACTION.read_text())["runs"]["steps"]]
    assert not any("${{" in script for script in scripts)
    # What is not ours is pinned by a whole hash.
    uses = re.findall(r"uses: (\S+)", ACTION.read_text() + WORKFLOW.read_text())
    assert [used for used in uses if not re.search(r"@[0-9a-f]{40}$", used)] == [
        "example-org/krm-image-setter@v0.1.0"
    ]

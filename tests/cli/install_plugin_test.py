"""The `install-plugin` command, with the real kubectl."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipapp
from pathlib import Path

import pytest
from harness import ROOT, Program, Ran
from orchestrator import CONFIG, SET, Orchestrator

PLUGIN = "krm-image-setter.dev/v1alpha1/imagesetter/ImageSetter"
# Environment variables, existing directories, and the directory of the plugin.
HOME_PLUGINS = "home/.config/kustomize/plugin"
HOMES = {
    "home directory": ({}, (), HOME_PLUGINS),
    "existing directory": ({}, ("home/kustomize/plugin",), "home/kustomize/plugin"),
    "XDG": ({"XDG_CONFIG_HOME": "xdg"}, (), "xdg/kustomize/plugin"),
    "XDG without a plugin directory": ({"XDG_CONFIG_HOME": "xdg"}, (HOME_PLUGINS,), HOME_PLUGINS),
    "XDG with a plugin directory": (
        {"XDG_CONFIG_HOME": "xdg"},
        (HOME_PLUGINS, "xdg/kustomize/plugin"),
        "xdg/kustomize/plugin",
    ),
    "KUSTOMIZE_PLUGIN_HOME": ({"KUSTOMIZE_PLUGIN_HOME": "my plugins"}, (HOME_PLUGINS,), "my plugins"),
}


def environment(folder: Path, **variables: str) -> dict[str, str]:
    """Return the environment with variables that are set to directories in `folder`."""
    names = {"KUSTOMIZE_PLUGIN_HOME", "XDG_CONFIG_HOME", "HOME"}
    others = {name: value for name, value in os.environ.items() if name not in names}
    return others | {name: str(folder / value) for name, value in {"HOME": "home", **variables}.items()}


def run(program: list[str], *arguments: str, folder: Path, **variables: str) -> Ran:
    ran = subprocess.run(
        [*program, *arguments],
        capture_output=True,
        cwd=folder,
        env=environment(folder, **variables),
        timeout=120,
        check=False,
    )
    return Ran(ran.returncode, ran.stdout, ran.stderr.decode())


def install(folder: Path, *arguments: str, **variables: str) -> Ran:
    return run(
        [sys.executable, "-m", "krm_image_setter"], "install-plugin", *arguments, folder=folder, **variables
    )


def build(kubectl: Orchestrator, **variables: str) -> Ran:
    kubectl.write(
        "app/kustomization.yaml", "resources: [connect.yaml, web.yaml]\ntransformers: [set-images.yaml]\n"
    )
    kubectl.write("app/set-images.yaml", CONFIG)
    return run([kubectl.program], "kustomize", "app", "--enable-alpha-plugins", folder=kubectl.folder, **variables)


@pytest.mark.parametrize("variables, there, home", HOMES.values(), ids=HOMES)
def test_plugin_directory_is_the_one_of_kustomize(
    kubectl: Orchestrator, variables: dict[str, str], there: tuple[str, ...], home: str
) -> None:
    for folder in there:
        (kubectl.folder / folder).mkdir(parents=True)
    before = build(kubectl, **variables)
    assert before.status != 0
    installed = install(kubectl.folder, **variables)
    path = kubectl.folder / home / PLUGIN
    assert (installed.status, installed.stderr) == (0, "")
    assert installed.stdout.decode().startswith(f"installed: {path}\n")
    assert "\ntransformers:\n- functions.yaml\n" in installed.stdout.decode()
    built = build(kubectl, **variables)
    assert (built.status, built.stderr) == (0, "")
    assert f"image: {SET}\n".encode() in built.stdout
    assert b"image: docker.io/library/nginx:1.20\n" in built.stdout
    removed = install(kubectl.folder, "--remove", **variables)
    assert removed == (0, f"removed: {path}\n".encode(), "")
    assert list((kubectl.folder / home).iterdir()) == []
    assert build(kubectl, **variables).status != 0
    assert install(kubectl.folder, "--remove", **variables) == (0, f"not installed: {path}\n".encode(), "")


def as_zipapp(folder: Path) -> list[str]:
    source = folder / "source"
    shutil.copytree(ROOT / "krm_image_setter", source / "krm_image_setter")
    (source / "__main__.py").write_text("from krm_image_setter.__main__ import run\n\nrun()\n")
    zipapp.create_archive(source, folder / "krm image-setter.pyz")
    shutil.rmtree(source)
    return [sys.executable, "krm image-setter.pyz"]


def as_script(folder: Path) -> list[str]:
    script = Path(sys.executable).with_name("krm-image-setter")
    if not script.exists():
        pytest.skip("krm-image-setter is not installed as a program here")
    return [str(script)]


def as_module(folder: Path) -> list[str]:
    return [sys.executable, "-m", "krm_image_setter"]


@pytest.mark.parametrize("program_in", [as_module, as_script, as_zipapp], ids=lambda make: make.__name__)
def test_plugin_of_every_installation_runs(kubectl: Orchestrator, program_in: object) -> None:
    assert callable(program_in)
    program = program_in(kubectl.folder)
    assert run(program, "install-plugin", folder=kubectl.folder).status == 0
    # Python must not import modules from the directory that kustomize works in.
    for name in ("app/yaml.py", "yaml.py", "app/krm_image_setter.py", "krm_image_setter.py"):
        kubectl.write(name, "raise SystemExit('this is not for us')\n")
    ran = build(kubectl)
    assert (ran.status, ran.stderr) == (0, "")
    assert f"image: {SET}\n".encode() in ran.stdout
    launcher = (kubectl.folder / "home/.config/kustomize/plugin" / PLUGIN).read_text()
    assert (".pyz" in launcher) == (program_in is as_zipapp)


def test_second_installation_keeps_an_unchanged_plugin(program: Program) -> None:
    assert install(program.folder).stdout.startswith(b"installed: ")
    path = program.folder / "home/.config/kustomize/plugin" / PLUGIN
    before = path.stat()
    assert install(program.folder).stdout.startswith(b"already installed: ")
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    path.chmod(0o644)
    assert install(program.folder).stdout.startswith(b"installed: ")
    assert os.access(path, os.X_OK)
    # A plugin for a Python that was removed is replaced.
    path.write_text(path.read_text().replace(sys.executable, "/gone/python"))
    assert install(program.folder).stdout.startswith(b"installed: ")
    assert path.stat().st_size == before.st_size
    assert [entry.name for entry in path.parent.iterdir()] == ["ImageSetter"]


@pytest.mark.parametrize("arguments", [(), ("--remove",)])
@pytest.mark.parametrize("kind", ["file", "link"])
def test_file_of_another_program_is_not_overwritten(
    program: Program, kind: str, arguments: tuple[str, ...]
) -> None:
    path = program.folder / "home/.config/kustomize/plugin" / PLUGIN
    path.parent.mkdir(parents=True)
    other = program.folder / "other"
    other.write_text("#!/bin/sh\ncat\n")
    if kind == "file":
        path.write_text(other.read_text())
    else:
        path.symlink_to(other)
    ran = install(program.folder, *arguments)
    assert (ran.status, ran.stdout) == (2, b"")
    message = "this file belongs to another program; move it or pass `--force`"
    assert ran.stderr == f"krm-image-setter: error: {path}: {message}\n"
    assert path.read_text() == "#!/bin/sh\ncat\n"
    assert install(program.folder, "--force", *arguments).status == 0
    assert other.read_text() == "#!/bin/sh\ncat\n"
    assert path.exists() == (not arguments)


def test_other_plugins_are_not_removed(program: Program) -> None:
    other = program.write("home/.config/kustomize/plugin/krm-image-setter.dev/v1alpha1/other/Other", "#!/bin/sh\n")
    assert install(program.folder).status == 0
    assert install(program.folder, "--remove").status == 0
    assert [path.name for path in (program.folder / other).parents[1].iterdir()] == ["other"]


@pytest.mark.parametrize("home", ["plugins", "plugins/", "./plugins//", "a/plugins/."])
def test_plugin_directory_is_not_removed(program: Program, home: str) -> None:
    (program.folder / home).mkdir(parents=True)
    for arguments in ((), ("--remove",)):
        assert program("install-plugin", *arguments, env={"KUSTOMIZE_PLUGIN_HOME": home}).status == 0
    assert list((program.folder / home).iterdir()) == []


@pytest.mark.parametrize("place", ["home/.config/kustomize", f"home/.config/kustomize/plugin/{PLUGIN}/x"])
def test_file_at_the_path_of_a_directory_is_an_error(program: Program, place: str) -> None:
    """The opposite, a directory at the path of the plugin, is an error too."""
    program.write(place, "")
    ran = install(program.folder)
    assert (ran.status, ran.stdout) == (2, b"")
    assert ran.stderr.endswith("; set KUSTOMIZE_PLUGIN_HOME to a writable directory\n")
    assert ran.stderr.count("\n") == 1


def test_kpt_ignores_the_plugin(kpt: Orchestrator) -> None:
    """The plugin would fail, but functions do not use it."""
    assert install(kpt.folder).status == 0
    plugin = kpt.folder / "home/.config/kustomize/plugin" / PLUGIN
    plugin.write_text("#!/bin/sh\nexit 1\n")
    ran = kpt(
        "fn", "eval", "app", "--exec", "krm-image-setter", "--fn-config", "set-images.yaml",
        env={"HOME": str(kpt.folder / "home"), "KUSTOMIZE_PLUGIN_HOME": str(plugin.parents[3])},
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert SET in (kpt.folder / "app/connect.yaml").read_text()


def test_kustomize_functions_ignore_the_plugin(kubectl: Orchestrator) -> None:
    """A container function, with a script as `docker`, has an annotation, which has priority over the plugin."""
    assert install(kubectl.folder).status == 0
    plugin = kubectl.folder / "home/.config/kustomize/plugin" / PLUGIN
    plugin.write_text("#!/bin/sh\nexit 1\n")
    kubectl.write("bin/docker", f"#!/bin/sh\nexec {sys.executable} -m krm_image_setter\n", executable=True)
    function = "  annotations:\n    config.kubernetes.io/function: |\n      container: {image: krm-image-setter}\n"
    kubectl.write("app/kustomization.yaml", "resources: [connect.yaml]\ntransformers: [set-images.yaml]\n")
    kubectl.write("app/set-images.yaml", CONFIG.replace("  name: set-images\n", f"  name: set-images\n{function}"))
    ran = kubectl("kustomize", "app", "--enable-alpha-plugins", env={"HOME": str(kubectl.folder / "home")})
    assert ran.returncode == 0, ran.stderr
    assert f"image: {SET}\n" in ran.stdout

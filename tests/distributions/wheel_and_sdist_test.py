"""The wheel and the sdist: what is in them, what they say of themselves, and that they install and run."""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
import zipfile
from email.message import Message
from email.parser import Parser
from pathlib import Path
from typing import Any

import pytest
from distribution import BARE, build, run, tracked
from harness import ROOT

from krm_image_setter import __version__

#: What git tracks for itself and for those who work on the project.
NOT_RELEASED = {".ci/run", ".gitattributes"}
DIST_INFO = f"krm_image_setter-{__version__}.dist-info"


def metadata(wheel: Path) -> Message:
    with zipfile.ZipFile(wheel) as archive:
        return Parser().parsestr(archive.read(f"{DIST_INFO}/METADATA").decode())


def test_files_of_the_wheel(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        files = sorted(archive.namelist())
    package = [name for name in tracked() if name.startswith("krm_image_setter/")]
    about = [
        f"{DIST_INFO}/{name}" for name in ("METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE")
    ]
    assert files == sorted(package + about)
    assert "krm_image_setter/py.typed" in files


def test_files_of_the_sdist(sdist: Path) -> None:
    with tarfile.open(sdist) as archive:
        files = {member.name.partition("/")[2] for member in archive.getmembers() if member.isfile()}
    assert files == set(tracked()) - NOT_RELEASED | {"PKG-INFO"}


def test_the_sdist_builds_the_same_wheel(sdist: Path, wheel: Path, tmp_path: Path) -> None:
    with tarfile.open(sdist) as archive:
        # Python 3.11.4 and 3.12 have filters, and newer ones warn if there is none.
        filtered: Any = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
        archive.extractall(tmp_path, **filtered)
    (source,) = tmp_path.iterdir()
    build(source, tmp_path / "again", "--wheel")
    assert (tmp_path / "again" / wheel.name).read_bytes() == wheel.read_bytes()


def test_what_the_package_index_asks(wheel: Path, sdist: Path) -> None:
    pytest.importorskip("twine", "7", reason="no twine that knows the newest metadata is installed here")
    said = run(sys.executable, "-W", "ignore", "-m", "twine", "--no-color", "check", "--strict", wheel, sdist)
    assert said.count("PASSED") == 2


def test_the_version_has_one_place(wheel: Path, sdist: Path, installed: Path) -> None:
    assert metadata(wheel)["Version"] == __version__
    assert sdist.name == f"krm_image_setter-{__version__}.tar.gz"
    assert run(installed / "krm-image-setter", "--version") == f"krm-image-setter {__version__}\n"
    assert __version__ not in (ROOT / "pyproject.toml").read_text()


def test_links_of_the_description_lead_to_files_of_the_sdist(wheel: Path, sdist: Path) -> None:
    with tarfile.open(sdist) as archive:
        files = {name.partition("/")[2] for name in archive.getnames()}
    links = re.findall(r"\]\(([^)#]+)", str(metadata(wheel).get_payload()))
    assert links
    assert [link for link in links if "://" not in link and link not in files] == []


def test_the_installed_function(installed: Path) -> None:
    fixture = ROOT / "fixtures/function-kpt"
    ran = run(installed / "krm-image-setter", stdin=(fixture / "input.yaml").read_text())
    assert ran == (fixture / "expected.yaml").read_text()


def test_the_installed_package_is_that_of_the_wheel(installed: Path) -> None:
    file = run(
        installed / "python", "-I", "-c", "import krm_image_setter; print(krm_image_setter.__file__)"
    ).strip()
    assert Path(file).is_relative_to(installed.parent)


CONNECT = "fixtures/kafka-connect/input.yaml"
COMMANDS = [
    (("set", CONNECT), 0, 'image: "localhost:5005/kafkaconnect:tilt-1a2b3c"'),
    (("set", CONNECT, "--diff"), 1, '+  image: "localhost:5005/kafkaconnect:tilt-1a2b3c"'),
    (("list", CONNECT), 0, "KafkaConnect/my-connect-cluster"),
    (("discover", CONNECT), 0, "kind: ImageSetter"),
    (("import", "kustomization.yaml"), 0, "kind: ImageSetter"),
    (("catalog",), 0, "KafkaConnect"),
    (("catalog", "KafkaConnect", "-o", "yaml"), 0, "kafka.strimzi.io"),
    (("schema",), 0, '"title": "ImageSetter"'),
    (("--image", "nginx=redis:7"), 0, "image: redis:7"),
    (("--image", "nginx=redis:7", "--kind", "Pod=$.spec.image"), 0, "image: redis:7"),  # jsonpath-ng
    (("--help",), 0, "Examples:"),
]


@pytest.mark.parametrize(
    ("arguments", "status", "printed"),
    COMMANDS,
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_each_installed_command(
    installed: Path, tmp_path: Path, arguments: tuple[str, ...], status: int, printed: str
) -> None:
    for name in (CONNECT, "functions.yaml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text((ROOT / name).read_text())
    (tmp_path / "kustomization.yaml").write_text("images: [{name: nginx, newTag: '2'}]\n")
    ran = subprocess.run(
        [installed / "krm-image-setter", *arguments],
        input="kind: Pod\nspec: {containers: [{image: nginx}]}\n",
        capture_output=True, text=True, cwd=tmp_path, env=BARE, check=False,
    )  # fmt: skip
    assert (ran.returncode, "Traceback" in ran.stderr) == (status, False), ran
    assert printed in ran.stdout


def test_a_wrong_configuration_is_explained(installed: Path, tmp_path: Path) -> None:
    """With jsonschema, which is imported only then."""
    (tmp_path / "functions.yaml").write_text(
        "apiVersion: krm-image-setter.dev/v1alpha1\nkind: ImageSetter\nimage: {}\nkind_: x\n"
    )
    ran = subprocess.run(
        [installed / "krm-image-setter"],
        input="kind: Pod\n", capture_output=True, text=True, cwd=tmp_path, env=BARE, check=False,
    )  # fmt: skip
    assert (ran.returncode, ran.stderr.count("unknown field")) == (2, 2), ran.stderr

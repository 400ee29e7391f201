"""The `explain` command: its options, its output and its messages."""

from __future__ import annotations

import pytest
from harness import Program
from terminal import in_terminal

PREFIX = "krm-image-setter: "
POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {containers: [{name: a, image: 'nginx:1.25'}]}\n"
CACHE = "apiVersion: example.com/v1\nkind: Cache\nmetadata: {name: c}\nspec: {image: 'redis:7'}\n"
NO_IMAGES = f"{PREFIX}no image to set; pass `--image NAME=REFERENCE` to see what it would change\n"


@pytest.fixture
def shop(program: Program) -> Program:
    """Return the program in a directory with two manifests."""
    program.write("deploy/cache.yaml", CACHE)
    program.write("deploy/web.yaml", POD)
    return program


def test_directory_is_explained_without_a_configuration(shop: Program) -> None:
    ran = shop("explain", "deploy")
    assert (ran.status, ran.stderr) == (0, NO_IMAGES)
    assert ran.stdout.decode() == (
        "deploy/cache.yaml:1: Cache/c\n"
        "  tried      podSpecs: no image of a container or a volume\n"
        "  no rule    no entry of `kinds` or of the catalog selects Cache example.com/v1\n"
        "\n"
        "deploy/cache.yaml:4: Cache/c: spec.image\n"
        "  image      redis:7\n"
        "  found by   no rule\n"
        "  try        --kind 'Cache.example.com={.spec.image}'\n"
        "\n"
        "deploy/web.yaml:1: Pod/web\n"
        "  tried      podSpecs: found 1 image\n"
        "\n"
        "deploy/web.yaml:4: Pod/web: spec.containers[0].image\n"
        "  image      nginx:1.25\n"
        "  found by   podSpecs\n"
        '  unchanged  no entry of `images` sets "nginx"\n'
    )


def test_suggested_option_finds_the_image(shop: Program) -> None:
    ran = shop("explain", "deploy", "--kind", "Cache.example.com={.spec.image}", "--image", "redis=redis:8")
    assert (
        '  found by   --kind Cache\n  set to     redis:8\n  set by     the option for "redis"\n'
        in ran.stdout.decode()
    )
    assert (ran.status, ran.stderr) == (0, "")


def test_configuration_among_the_files_is_used_and_not_searched(shop: Program) -> None:
    head = "apiVersion: krm-image-setter.dev/v1alpha1\nkind: ImageSetter\nmetadata: {name: s}\n"
    shop.write("deploy/functions.yaml", f"{head}images:\n- {{name: nginx, newImage: 'quay.io/org/nginx:2'}}\n")
    out = shop("explain", "deploy").stdout.decode()
    assert "deploy/functions.yaml:1: ImageSetter/s\n" in out
    assert "  no rule    this is a configuration\n\ndeploy/web.yaml:1:" in out
    assert "  set to     quay.io/org/nginx:2\n  set by     deploy/functions.yaml:5: images[0]\n" in out


def test_image_without_a_reference_selects_what_is_explained(shop: Program) -> None:
    ran = shop("explain", "deploy", "--image", "nginx", "--image", "redis:*")
    lines = ran.stdout.decode().splitlines()
    assert [line for line in lines if not line.startswith(" ")] == [
        "deploy/cache.yaml:4: Cache/c: spec.image",
        "",
        "deploy/web.yaml:4: Pod/web: spec.containers[0].image",
    ]


@pytest.mark.parametrize("images", [[], ["--image", "nginx=nginx:2"], ["--image", "ngnix=nginx:2"]])
def test_absent_kind_of_an_option_is_reported(shop: Program, images: list[str]) -> None:
    kinds = [f"--kind={kind}={{.spec.image}}" for kind in ("Cahce", "Pods")]
    lines = shop("explain", "deploy", *kinds, *images).stderr.splitlines()
    assert [line for line in lines if "kind" in line] == [
        f'{PREFIX}warning: no resource of kind "Cahce" was found; did you mean "Cache.example.com"?',
        f'{PREFIX}warning: no resource of kind "Pods" was found; did you mean "Pod"?',
    ]


def test_absent_kind_of_a_configuration_is_not_reported(shop: Program) -> None:
    """Several teams can share a configuration."""
    head = "apiVersion: krm-image-setter.dev/v1alpha1\nkind: ImageSetter\n"
    shop.write("functions.yaml", f"{head}images: {{nginx: nginx:2}}\nkinds: {{Cahce: .spec.image}}\n")
    assert "kind" not in shop("explain", "deploy").stderr


NAMES = [
    ("similar name", "ngnix", 'no image matches "ngnix"; did you mean "nginx"?'),
    ("other tag", "nginx:9", 'no image matches "nginx:9"; did you mean "nginx"?'),
    ("unlike name", "x", 'no image matches "x"; run `krm-image-setter list` to see which images exist'),
]


@pytest.mark.parametrize(("name", "message"), [row[1:] for row in NAMES], ids=[row[0] for row in NAMES])
def test_image_that_does_not_exist_is_reported(shop: Program, name: str, message: str) -> None:
    ran = shop("explain", "deploy", "--image", name)
    assert (ran.status, ran.stdout) == (0, b"")
    assert ran.stderr == f"{PREFIX}{message}\n{NO_IMAGES}"


def test_standard_input_is_explained(program: Program) -> None:
    ran = program("explain", "-", "--image", "nginx=nginx:2", stdin=POD)
    assert ran.stdout.decode().splitlines()[3] == "standard input:4: Pod/web: spec.containers[0].image"
    assert (ran.status, ran.stderr) == (0, "")


def test_empty_file_is_reported(program: Program) -> None:
    program.write("a.yaml", "")
    ran = program("explain", "a.yaml")
    assert (ran.status, ran.stdout) == (0, b"")
    assert ran.stderr == f"{PREFIX}nothing to explain: no document was found\n{NO_IMAGES}"


def test_warnings_are_those_of_set(shop: Program) -> None:
    shop.write("deploy/list.yaml", CACHE.replace("{image: 'redis:7'}", "{img: [a], image: redis}"))
    shop.write("deploy/kustomization.yaml", "resources: [web.yaml, cm.yaml]\n" + REPLACEMENT)
    shop.write(
        "deploy/cm.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {image: 'nginx:5'}\n"
    )
    arguments = ("deploy", "--image", "ngnix=nginx:2", "--image", "nginx=nginx:9", "--kind", "Cache=.spec.img")
    explained, set_ = shop("explain", *arguments), shop("set", *arguments, "--check", "-q")
    assert explained.stderr == set_.stderr
    assert explained.stderr.count("warning: ") == 3
    assert "the replacement into spec.containers.0.image" in explained.stderr


REPLACEMENT = """\
replacements:
- source: {kind: ConfigMap, name: c, fieldPath: data.image}
  targets: [{select: {kind: Pod}, fieldPaths: [spec.containers.0.image]}]
"""


def test_file_without_a_resource_is_explained(shop: Program) -> None:
    shop.write("deploy/notes.yaml", "author: web\n")
    shop.write("deploy/chart/Chart.yaml", "name: c\n")
    shop.write("deploy/chart/templates/a.yaml", "{{ .x }}\nimage: a\n")
    ran = shop("explain", "deploy")
    skipped = "not a Kubernetes resource, not a known file, and no entry of `files` selects it"
    assert f"deploy/notes.yaml:1\n  skipped    {skipped}\n" in ran.stdout.decode()
    assert "warning: deploy/chart/templates: 1 Helm template skipped; 1 contains image lines\n" in ran.stderr


def test_invalid_yaml_is_an_error(shop: Program) -> None:
    shop.write("bad.yaml", "a: [")
    ran = shop("explain", "bad.yaml", "deploy/web.yaml")
    assert ran.status == 2
    assert ran.stderr.startswith(f"{PREFIX}error: bad.yaml:1:5: invalid YAML")
    assert b"Pod/web: spec.containers[0].image" in ran.stdout


def test_kustomization_is_explained_with_its_builds(shop: Program) -> None:
    shop.write("deploy/kustomization.yaml", "resources: [web.yaml]\nimages: [{name: nginx, newTag: '1.26'}]\n")
    shop.write("deploy/text.yaml", POD)
    shop.write(
        "deploy/sub/kustomization.yaml",
        "resources: [../]\nconfigMapGenerator: [{name: c, files: [../text.yaml]}]\n",
    )
    out = shop("explain", "deploy", "--image", "nginx=m.io/nginx:2").stdout.decode()
    build = "deploy/sub/kustomization.yaml:1: build of deploy/sub: Pod/web: spec.containers[0].image\n"
    assert f"{build}  starts as  nginx:1.25 in deploy/web.yaml:4\n  becomes    nginx:1.26 by" in out
    assert "deploy/text.yaml:1: file of a generator\n  unchanged  a kustomization puts this file" in out
    web = out.partition("deploy/web.yaml:4: Pod/web: spec.containers[0].image\n")[2]
    assert "a kustomization" in web.partition("\n\n")[0]


def test_long_lines_are_folded_on_a_terminal(shop: Program) -> None:
    shop.write("deploy/long.yaml", CACHE.replace("redis:7", f"quay.io/{'organization/' * 7}app:1"))
    kind = "Cache={.spec.images.of.the.application.with.a.long.path}"
    arguments = ("-m", "krm_image_setter", "explain", "deploy/long.yaml", "--kind", kind, "--image", "a=b:1")
    status, shown = in_terminal(shop.folder, *arguments, columns=80)
    lines = [line for line in shown.splitlines() if "warning" not in line and "/organization/" not in line]
    assert status == 0
    assert max(map(len, lines)) <= 80
    assert '             matches nothing: no field "images" in .spec; did you mean "image"?' in lines


def test_nothing_is_written(shop: Program) -> None:
    shop("explain", "deploy", "--image", "nginx=nginx:2")
    assert (shop.folder / "deploy/web.yaml").read_text() == POD

"""Inputs of any size, by their shape: what growth.py measures at doubled sizes."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

HEAD = "apiVersion: krm-image-setter.dev/v1alpha1\nkind: ImageSetter\n"
NGINX = HEAD + "images: {nginx: nginx:2}\n"
#: As NGINX, with a rule that keeps what the reference has besides the tag.
TAG = HEAD + "images: [{name: nginx, newTag: '2'}]\n"
POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: a, image: nginx}]}\n"


LOCKED = f"- name: nginx-#:1\n  newTag: '1'\n  digest: sha256:{'0' * 64}\n"
LIMITED = "apiVersion: a.example/v1\nkind: A\nmetadata: {name: a}\nspec: {f0: nginx}\n"
LIMITS = """\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: a}
spec:
  group: a.example
  names: {kind: A}
  versions:
  - name: v1
    schema:
      openAPIV3Schema:
        properties:
          spec:
              properties:
"""


class Case(NamedTuple):
    """One run of the program: what it reads, how it ends, and a text that it must print."""

    arguments: Sequence[str] = ()
    stdin: str = ""
    files: Mapping[str, str] = {}
    status: int = 0
    said: str = ""


class Series(NamedTuple):
    """The cases of one shape of input; `size` is the smallest one to measure."""

    size: int
    make: Callable[[int], Case]


# The parts that the series are made of.


def each(count: int, template: str) -> str:
    """Return `count` copies of a text, with their number in the place of each `#`."""
    return "".join(template.replace("#", str(number)) for number in range(count))


def documents(count: int, template: str) -> str:
    return each(count, f"---\n{template}")


def configured(config: str, stdin: str, *, status: int = 0, said: str = "") -> Case:
    """Return the case of a filter with a configuration file."""
    return Case(("--fn-config", "config.yaml"), stdin, {"config.yaml": config}, status, said)


def wrong(config: str, said: str) -> Case:
    """Return the case of a filter whose configuration is wrong."""
    return configured(config, POD, status=2, said=said)


def path(text: str, stdin: str = "kind: A\na: nginx\n", *, status: int = 0, said: str = "") -> Case:
    """Return the case of a filter with a path in its configuration."""
    kinds = f"kinds: {{A: {json.dumps(text)}}}\nonUnused: ignore\n"
    return configured(NGINX + kinds, stdin, status=status, said=said)


def embedded(
    inner: str, outer: str = "apiVersion: v1\nkind: ConfigMap\ndata:\n  a: |\n", indent: str = "    "
) -> str:
    """Return a text as a block scalar in a ConfigMap."""
    return outer + "".join(f"{indent}{line}\n" for line in inner.splitlines())


def resource_list(items: str, config: str, more: str = "") -> Case:
    indented = config.replace("\n", "\n  ").rstrip(" ")
    text = f"apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems:\n{items}functionConfig:\n  {indented}{more}"
    return Case((), text)


def nested(depth: int, text: str) -> str:
    """Return a document in a string in a document, and so on."""
    for _ in range(depth):
        text = embedded(text, indent="  " * 2)
    return text


YAML = NGINX + "kinds: {ConfigMap: {path: '.data.*', as: yaml}}\nonUnused: ignore\n"
TEXT = TAG + "kinds: {A: {path: .a, as: text}}\nonUnused: ignore\n"
SPEC = NGINX + "kinds: {A: '{.spec.*}'}\nonUnused: ignore\n"
CONTAINER = "  - {name: c#, image: nginx}\n"
CONTAINERS = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n"
CRD = """\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: things#.example.com}
spec:
  group: example.com
  names: {kind: Thing#}
  versions:
  - schema:
      openAPIV3Schema:
        properties:
          spec: {properties: {image: {type: string, description: The container image}}}
"""
LOCK = "apiVersion: imgpkg.carvel.dev/v1alpha1\nkind: ImagesLock\nimages:\n"
DIGEST = "sha256:" + "0" * 64
KBLD = "apiVersion: kbld.k14s.io/v1alpha1\nkind: Config\n"
KUSTOMIZATION = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n"
SKAFFOLD = "apiVersion: skaffold/v4beta6\nkind: Config\n"


def importing(name: str, text: str, said: str) -> Case:
    return Case(("import", name), files={name: text}, said=said)


def built(text: str, said: str = "image: nginx:2") -> Case:
    return Case(("--images-from", "built", "--on-unused", "ignore"), POD, {"built": text}, said=said)


def of_files(arguments: Sequence[str], files: Mapping[str, str], *, status: int = 0, said: str = "") -> Case:
    return Case(arguments, files=files, status=status, said=said)


CONFIGURATION: dict[str, Series] = {
    "entries with from": Series(
        2_000,
        lambda n: configured(
            HEAD
            + "images:\n"
            + each(n, "- {name: app-#, from: {kind: ConfigMap, name: cm-#, path: .data.image}}\n"),
            documents(n, "kind: ConfigMap\nmetadata: {name: cm-#}\ndata: {image: 'app-#:2'}\n")
            + documents(n, POD.replace("nginx", "app-#")),
            said="image: app-1:2",
        ),
    ),
    "entries with from, one resource": Series(
        2_000,
        lambda n: configured(
            HEAD
            + "images:\n"
            + each(n, "- {name: app-#, from: {kind: ConfigMap, name: cm, path: .data.k#}}\n")
            + "onUnused: ignore\n",
            f"kind: ConfigMap\nmetadata: {{name: cm}}\ndata:\n{each(n, '  k#: app-#:2' + chr(10))}",
        ),
    ),
    "entries with from, equal": Series(
        2_000,
        lambda n: configured(
            HEAD
            + "images:\n"
            + each(n, "- {name: app-#, from: {kind: ConfigMap, name: cm, path: .data.image}}\n")
            + "onUnused: ignore\n",
            documents(n, "kind: ConfigMap\nmetadata: {name: cm}\ndata: {image: 'app:2'}\n"),
        ),
    ),
    "entries and images": Series(
        2_000,
        lambda n: configured(
            HEAD + "images:\n" + each(n, "- {name: example.com/team/app-#, newTag: '2'}\n"),
            documents(n, POD.replace("nginx", "example.com/team/app-#")),
            said="app-1:2",
        ),
    ),
    "registries and images": Series(
        2_000,
        lambda n: configured(
            HEAD + "registries:\n" + each(n, "- {from: r#.example.com, to: example.com/r#}\n"),
            documents(n, POD.replace("nginx", "r#.example.com/app")),
            said="image: example.com/r1/app",
        ),
    ),
    "registries and images of others": Series(
        4_000,
        lambda n: configured(
            HEAD + "registries:\n" + each(n, "- {from: r#.example.com, to: example.com/r#}\n"),
            documents(n, POD.replace("nginx", "q#.example.com/app")),
        ),
    ),
    "entries of one name, each for a container": Series(
        4_000,
        lambda n: configured(
            HEAD + "images:\n" + each(n, "- {name: nginx, newTag: '#', containers: c#}\n"),
            CONTAINERS + each(n, CONTAINER),
            said="image: nginx:1}",
        ),
    ),
    "containers of one entry": Series(
        8_000,
        lambda n: configured(
            HEAD + "images:\n- name: nginx\n  newTag: '2'\n  containers:\n" + each(n, "  - c#\n"),
            CONTAINERS + each(n, CONTAINER),
            said="image: nginx:2}",
        ),
    ),
    "equal entries": Series(
        16_000,
        lambda n: configured(HEAD + "images:\n" + each(n, "- {name: nginx, newTag: '2'}\n"), POD, said="nginx:2"),
    ),
    "unused entries": Series(
        4_000,
        lambda n: configured(
            HEAD + "images:\n" + each(n, "- {name: team/app-#, newTag: '2'}\n"), POD, said='"team/app-1"'
        ),
    ),
    "unused entries of one name": Series(
        4_000,
        lambda n: configured(
            HEAD + "images:\n" + each(n, "- {name: app, newTag: '2', containers: c#}\n"), POD, said='"app"'
        ),
    ),
    "unused entries with one target": Series(
        2_000,
        lambda n: configured(
            HEAD + "images:\n" + each(n, "- {name: app-#, newImage: 'nginx:x#'}\n"),
            documents(n, POD.replace("nginx", "nginx:y#")),
            said='"app-1"',
        ),
    ),
    "an unused entry and names like it": Series(
        2_000,
        lambda n: configured(
            HEAD + "images: {example.com/team/application: 'a:2'}\n",
            documents(n, POD.replace("nginx", "example.com/team/application-#")),
            said="did you mean",
        ),
    ),
    "kinds": Series(
        4_000,
        lambda n: configured(
            NGINX + "kinds:\n" + each(n, "- {kind: A#, paths: .spec.image}\n"),
            documents(n, "kind: A#\nspec: {image: nginx}\n"),
            said="image: nginx:2}",
        ),
    ),
    "kinds as a mapping": Series(
        4_000,
        lambda n: configured(
            NGINX
            + "onUnused: ignore\nkinds:\n"
            + each(n, "  A#: .spec.image\n  B#:\n  - .spec.image\n  - .spec.other\n"),
            "kind: A1\nspec: {image: nginx}\n",
            said="image: nginx:2}",
        ),
    ),
    "equal kinds": Series(
        8_000,
        lambda n: configured(
            NGINX + "kinds:\n" + each(n, "- {kind: A, paths: .spec.image}\n"),
            "kind: A\nspec: {image: nginx}\n",
            said="image: nginx:2}",
        ),
    ),
    "kinds whose paths match nothing": Series(
        4_000,
        lambda n: configured(
            NGINX + "kinds:\n" + each(n, "- {kind: A, paths: .spec.k#}\n"),
            "kind: A\nspec: {image: nginx}\n",
            said=".spec.k1",
        ),
    ),
    "split references in one mapping": Series(
        2_000,
        lambda n: configured(
            NGINX + "kinds:\n  A:\n" + each(n, "  - {path: .spec, fields: {repository: r#, tag: t#}}\n"),
            "kind: A\nspec:\n" + each(n, "  r#: nginx\n  t#: '1'\n"),
            said="t1: '2'",
        ),
    ),
    "unknown fields in many entries": Series(
        1_600, lambda n: wrong(HEAD + "images:\n" + each(n, "- {name: app-#, newtag: '2'}\n"), "newTag")
    ),
    "unknown fields in one entry": Series(
        3_200, lambda n: wrong(HEAD + "images:\n- name: app\n" + each(n, "  newTag#: '2'\n"), "newTag")
    ),
    "unknown fields in one line": Series(
        3_200, lambda n: wrong(HEAD + "images: [{name: app" + each(n, ", newTag#: '2'") + "}]\n", "newTag")
    ),
    "repeated keys of a configuration": Series(
        20_000,
        lambda n: wrong(HEAD + "images:\n" + each(n, "  app-#: 'app:2'\n") + "  app-1: 'app:3'\n", "keep one"),
    ),
    "tags that are numbers": Series(
        2_000, lambda n: wrong(HEAD + "images:\n" + each(n, "- {name: app-#, newTag: 1.10}\n"), "1.10")
    ),
    "references that are numbers": Series(
        4_000, lambda n: wrong(HEAD + "images:\n" + each(n, "  app-#: 1.10\n"), "1.10")
    ),
    "kinds that are numbers": Series(
        1_000, lambda n: wrong(NGINX + "kinds:\n" + each(n, "  A#: [1, {path: 2}]\n"), "quote it")
    ),
    "mistakes in a ResourceList": Series(
        2_000,
        lambda n: resource_list(
            POD.replace("\n", "\n  ").rstrip(" ").replace("api", "- api", 1),
            HEAD + "images:\n" + each(n, "- {name: app-#, newTag: 1.10}\n"),
        )._replace(status=2, said="1.10"),
    ),
    "documents of a configuration": Series(
        4_000,
        lambda n: configured(documents(n, HEAD + "images: {app-#: 'app-#:2'}\n"), POD, said='"app-1"'),
    ),
    "ImageSetters in a stream": Series(
        4_000,
        lambda n: Case((), documents(n, HEAD + "images: {app-#: 'app-#:2'}\n") + "---\n" + POD, said='"app-1"'),
    ),
    "arguments --image": Series(
        8_000, lambda n: Case(("--on-unused", "ignore", *(f"--image=app-{i}=app:2" for i in range(n))), POD)
    ),
    "arguments --kind": Series(
        8_000,
        lambda n: Case(
            ("--on-unused", "ignore", "--image=nginx=nginx:2", *(f"--kind=A{i}=.spec.image" for i in range(n))),
            POD,
        ),
    ),
    "lines of --images-from": Series(16_000, lambda n: built(each(n, "app-#=app-#:2\n") + "nginx=nginx:2\n")),
    "builds of Skaffold": Series(
        8_000,
        lambda n: built(
            '{"builds": ['
            + each(n, '{"imageName": "app-#", "tag": "app-#:2"}, ')
            + '{"imageName": "nginx", "tag": "nginx:2"}]}'
        ),
    ),
    "services of a compose file": Series(
        8_000, lambda n: built("services:\n" + each(n, "  s#: {image: 'app-#:2'}\n") + "  s: {image: 'nginx:2'}\n")
    ),
    "services of a compose file, without a tag": Series(
        8_000, lambda n: built("services:\n" + each(n, "  s#: {image: 'app-#'}\n") + "  s: {image: 'nginx:2'}\n")
    ),
    "targets of a bake": Series(
        4_000,
        lambda n: built(
            "{"
            + each(n, f'"t#": {{"image.name": "app-#:2", "containerimage.digest": "{DIGEST}"}}, ')
            + '"t": {"image.name": "nginx:2"}}'
        ),
    ),
    "names of one build": Series(10_000, lambda n: built('{"image.name": "' + each(n, "app-#:2,") + 'nginx:2"}')),
    "images of an ImagesLock": Series(
        8_000,
        lambda n: built(LOCK + each(n, f"- image: app-#@{DIGEST}\n") + f"- image: nginx@{DIGEST}\n", "nginx@"),
    ),
    "images of a kustomization": Series(
        4_000,
        lambda n: built(
            KUSTOMIZATION
            + "images:\n"
            + each(n, "- {name: app-#, newTag: '2'}\n")
            + "- {name: nginx, newTag: '2'}\n"
        ),
    ),
}

LISTS = "kind: A\na:\n"
PATHS: dict[str, Series] = {
    "path of fields": Series(100_000, lambda n: path("{" + ".a" * n + "}")),
    "path of one key": Series(12_800_000, lambda n: path("{." + "a" * n + "}")),
    "path of escapes": Series(200_000, lambda n: path("{." + "\\." * n + "}")),
    "path of blanks": Series(1_600_000, lambda n: path("{.a" + " " * n + "}")),
    "path of dots": Series(12_800_000, lambda n: path("{" + ".." * n + "}", status=2, said="..")),
    "path of wildcards": Series(100_000, lambda n: path("{" + ".*" * n + "}")),
    "path of indexes": Series(80_000, lambda n: path("{.a" + "[0]" * n + "}")),
    "path of one index": Series(6_400_000, lambda n: path("{.a[" + "9" * n + "]}", status=2, said="slice")),
    "path of quoted keys": Series(20_000, lambda n: path("{.a" + "['b.c']" * n + "}")),
    "path of one quoted key": Series(100_000, lambda n: path("{.a['" + "b." * n + "']}")),
    "path of a union": Series(80_000, lambda n: path("{.a[" + "0," * n + "0]}", LISTS + "- nginx\n")),
    "path of a union of keys": Series(40_000, lambda n: path("{['a'" + each(n, ",'k#'") + "]}")),
    "path of actions": Series(50_000, lambda n: path("{.a}" * n)),
    "path of ranges": Series(20_000, lambda n: path("{range .a}{.b}{end}" * n)),
    "path of filters": Series(40_000, lambda n: path("{.a" + "[?(@.b=='c')]" * n + "}")),
    "path of one filter": Series(100_000, lambda n: path("{.a[?(@" + ".b" * n + "=='c')]}")),
    "path of one filter with quotes": Series(400_000, lambda n: path("{.a[?(@.b=='" + "\\'" * n + "')]}")),
    "path of operators": Series(1_600_000, lambda n: path("{.a[?(@.b" + "=" * n + "c)]}", status=2, said="=")),
    "path of open brackets": Series(
        25_600_000, lambda n: path("{" + "[" * n + "}", status=2, said="missing closing ]")
    ),
    "path of open filters": Series(800_000, lambda n: path("{" + "[?(" * n + "}", status=2, said="filter")),
    "path of braces": Series(25_600_000, lambda n: path("{" * n, status=2, said="{")),
    "path of slashes": Series(800_000, lambda n: path("a/" * n + "b")),
    "path of lists": Series(400_000, lambda n: path("a[]/" * n + "b")),
    "path of slashes and brackets": Series(12_800_000, lambda n: path("a/" + "[" * n)),
    "path that starts with $": Series(
        10_000_000, lambda n: path("$" + ".a" * n, status=2, said="the limit of a path with $ is 10,000")
    ),
    "fields below ..": Series(
        10_000, lambda n: path("{..image}", LISTS + "- image: nginx\n" * n, said="image: nginx:2")
    ),
    "fields below .. ..": Series(
        800,
        lambda n: path(
            "{..a..image}", "kind: A\nb:\n" + ("- " + "{a: " * 40 + "{image: nginx}" + "}" * 40 + "\n") * n
        ),
    ),
    "fields of ranges": Series(
        16_000, lambda n: path("{range .a[*]}{.image}{end}", LISTS + "- image: nginx\n" * n, said="image: nginx:2")
    ),
    "fields of unions": Series(
        12_000, lambda n: path("{['a','a'][*,*].image}", LISTS + "- image: nginx\n" * n, said="image: nginx:2")
    ),
    "fields of filters": Series(
        12_000,
        lambda n: path("{.a[?(@.b=='c')].image}", LISTS + "- {b: c, image: nginx}\n" * n, said="image: nginx:2"),
    ),
    "fields of lists": Series(
        12_000, lambda n: path("a/image", LISTS + "- image: nginx\n" * n, said="image: nginx:2")
    ),
    "fields below $..": Series(
        8_000, lambda n: path("$..image", LISTS + "- image: nginx\n" * n, said="image: nginx:2")
    ),
    "fields below $.. ..": Series(
        400,
        lambda n: path(
            "$..a..image", "kind: A\nb:\n" + ("- " + "{a: " * 40 + "{image: nginx}" + "}" * 40 + "\n") * n
        ),
    ),
    "fields of $ parents": Series(
        8_000, lambda n: path("$.a[*].`parent`[*].image", LISTS + "- image: nginx\n" * n, said="image: nginx:2")
    ),
    "fields of $ roots": Series(
        8_000, lambda n: path("$.a[*].$.a[*].image", LISTS + "- image: nginx\n" * n, said="image: nginx:2")
    ),
    "fields of $ unions": Series(
        8_000,
        lambda n: path(
            "$" + ".(a|a|`this`)" * 10 + "[*].image", LISTS + "- image: nginx\n" * n, said="image: nginx:2"
        ),
    ),
    "fields of $ filters": Series(
        8_000,
        lambda n: path("$.a[?(@.b == 'c')].image", LISTS + "- {b: c, image: nginx}\n" * n, said="image: nginx:2"),
    ),
    "fields of $ filters below ..": Series(
        6_000,
        lambda n: path("$..[?(@.b == 'c')].image", LISTS + "- {b: c, image: nginx}\n" * n, said="image: nginx:2"),
    ),
}

STREAMS: dict[str, Series] = {
    "resources": Series(8_000, lambda n: configured(NGINX, documents(n, POD), said="image: nginx:2")),
    "resources without an image": Series(
        320_000,
        lambda n: configured(NGINX, documents(n, "kind: A\nisn't: it\n") + "---\n" + POD, said="image: nginx:2"),
    ),
    "items of a ResourceList": Series(
        8_000,
        lambda n: resource_list(("- " + POD.replace("\n", "\n  ").rstrip(" ")) * n, NGINX)._replace(
            said="image: nginx:2"
        ),
    ),
    "earlier results": Series(
        40_000,
        lambda n: resource_list(
            "- " + POD.replace("\n", "\n  ").rstrip(" "),
            NGINX,
            "results:\n" + each(n, "- message: m#\n  severity: info\n"),
        )._replace(said="image: nginx:2"),
    ),
    "earlier results in one line": Series(
        80_000,
        lambda n: resource_list(
            "- " + POD.replace("\n", "\n  ").rstrip(" "),
            NGINX,
            "results: [" + each(n, "{message: m#}, ") + "{message: m}]\n",
        )._replace(said="image: nginx:2"),
    ),
    "warnings as results": Series(
        4_000,
        lambda n: resource_list(
            each(n, "- kind: A\n  metadata: {name: a#}\n  spec: {image: 1}\n"),
            NGINX + "kinds: {A: .spec.image}\nonUnused: ignore\n",
        )._replace(said="a number"),
    ),
    "items of a JSON list": Series(
        16_000,
        lambda n: configured(
            NGINX,
            '{"apiVersion": "v1", "kind": "List", "items": ['
            + each(n, '{"kind": "ConfigMap", "metadata": {"name": "c#"}, "data": {"a": "nginx"}},\n')
            + '{"kind": "ConfigMap"}]}\n',
            said="ConfigMap",
        )._replace(arguments=("--fn-config", "config.yaml", "--on-unused", "ignore")),
    ),
    "Pods of a JSON list": Series(
        4_000,
        lambda n: configured(
            NGINX,
            '{"apiVersion": "v1", "kind": "List", "items": ['
            + ", ".join(['{"kind": "Pod", "spec": {"containers": [{"name": "a", "image": "nginx"}]}}'] * n)
            + "]}\n",
            said="nginx:2",
        ),
    ),
    "containers": Series(
        16_000, lambda n: configured(NGINX, CONTAINERS + "  - name: a\n    image: nginx\n" * n, said="nginx:2")
    ),
    "containers in one line": Series(
        16_000,
        lambda n: configured(
            NGINX,
            "kind: Pod\nspec: {containers: [" + "{name: a, image: nginx}, " * n + "{name: a}]}\n",
            said="nginx:2",
        ),
    ),
    "variables": Series(
        8_000,
        lambda n: configured(
            HEAD + "images: [{name: nginx, newTag: '2', env: true}]\n",
            CONTAINERS + "  - name: a\n    env:\n" + each(n, "    - {name: v#, value: nginx}\n"),
            said="value: nginx:2",
        ),
    ),
    "arguments": Series(
        8_000,
        lambda n: configured(
            HEAD + "images: [{name: nginx, newTag: '2', args: true}]\n",
            CONTAINERS + "  - name: a\n    args:\n" + each(n, "    - --image=nginx:#\n"),
            said="nginx:2",
        ),
    ),
    "pull policies": Series(
        8_000,
        lambda n: configured(
            NGINX + "imagePullPolicy: Always\n", CONTAINERS + "  - name: a\n    image: nginx\n" * n, said="nginx:2"
        ),
    ),
    "pull policies in one line": Series(
        4_000,
        lambda n: configured(
            NGINX + "imagePullPolicy: Always\n",
            "kind: Pod\nspec: {containers: [" + "{name: a, image: nginx}, " * n + "{name: a}]}\n",
            said="nginx:2",
        ),
    ),
    "keys of one mapping": Series(
        10_000, lambda n: configured(SPEC, "kind: A\nspec:\n" + each(n, "  k#: nginx\n"), said="nginx:2")
    ),
    "equal keys": Series(
        128_000, lambda n: configured(SPEC, "kind: A\nspec:\n" + "  k: nginx\n" * n, said="nginx:2")
    ),
    "images in block scalars": Series(
        8_000, lambda n: configured(SPEC, "kind: A\nspec:\n" + each(n, "  k#: |\n    nginx\n"), said="nginx:2")
    ),
    "images in block scalars, to quote": Series(
        8_000,
        lambda n: configured(
            NGINX + "kinds: {A: {path: '{.spec.*}', part: tag, of: nginx}}\nonUnused: ignore\n",
            "kind: A\nspec:\n" + each(n, "  k#: |-\n    v1\n"),
            said="2",
        ),
    ),
    "images in folded scalars": Series(
        8_000, lambda n: configured(SPEC, "kind: A\nspec:\n" + each(n, "  k#: >-\n    nginx\n"), said="nginx:2")
    ),
    "images with anchors": Series(
        2_000, lambda n: configured(SPEC, "kind: A\nspec:\n" + each(n, "  k#: &a# nginx\n"), said="nginx:2")
    ),
    "tags that are missing": Series(
        8_000,
        lambda n: configured(
            TAG + "kinds: {A: {path: '{.spec[*]}', fields: {repository: r, tag: t}}}\n",
            "kind: A\nspec:\n" + "- {r: nginx, t: !!str }\n" * n,
            said="'2'",
        )._replace(said="nginx"),
    ),
    "aliases of one image": Series(
        16_000,
        lambda n: configured(SPEC, "kind: A\nspec:\n  a: &a nginx\n" + each(n, "  k#: *a\n"), said="nginx:2"),
    ),
    "aliases beside the image": Series(
        8_000,
        lambda n: configured(
            NGINX + "kinds: {A: .spec.image}\n",
            "kind: A\nspec: {image: &a nginx}\nother:\n" + each(n, "  k#: *a\n"),
            said="nginx:2",
        ),
    ),
    "anchors and aliases": Series(
        2_000,
        lambda n: configured(SPEC, "kind: A\nspec:\n" + each(n, "  k#: &a# nginx\n  l#: *a#\n"), said="nginx:2"),
    ),
    "anchors of one name": Series(
        8_000,
        lambda n: configured(SPEC, "kind: A\nspec:\n" + each(n, "  k#: &a nginx\n  l#: *a\n"), said="nginx:2"),
    ),
    "anchors in copied blocks": Series(
        8_000,
        lambda n: configured(
            NGINX + "kinds: {A: .spec.image}\n",
            "kind: A\nother: &o\n  image: nginx\n" + each(n, "  k#: &a# x\n  l#: *a#\n") + "spec: *o\n",
            said="nginx:2",
        ),
    ),
    "copied blocks": Series(
        1_000,
        lambda n: configured(
            NGINX + "kinds: {A: '{.spec.*.image}'}\n",
            "kind: A\nother:\n" + each(n, "  o#: &o#\n    image: nginx\n") + "spec:\n" + each(n, "  s#: *o#\n"),
            said="nginx:2",
        ),
    ),
    "merge list of one mapping": Series(
        80_000,
        lambda n: configured(
            SPEC,
            "kind: A\nother: &o\n  image: nginx\nspec:\n  <<: [" + "*o, " * n + "*o]\n  b: nginx\n",
            said="nginx:2",
        ),
    ),
    "merge list of mappings": Series(
        2_000,
        lambda n: configured(
            SPEC,
            "kind: A\nother:\n"
            + each(n, "- &o# {k#: nginx}\n")
            + "spec:\n  <<: ["
            + each(n, "*o#, ")
            + "*o0]\n  b: nginx\n",
            said="nginx:2",
        ),
    ),
    "merged mappings": Series(
        8_000,
        lambda n: configured(
            NGINX + "kinds: {A: '{.spec[*].image}'}\n",
            "kind: A\nother: &o\n  image: nginx\nspec:\n" + each(n, "- <<: *o\n  name: n#\n"),
            said="nginx:2",
        ),
    ),
    "keys of a merged mapping": Series(
        16_000,
        lambda n: configured(
            SPEC,
            "kind: A\nother: &o\n" + each(n, "  k#: nginx\n") + "spec:\n  <<: *o\n  b: nginx\n",
            said="nginx:2",
        ),
    ),
    "names of images": Series(
        8_000,
        lambda n: configured(
            HEAD
            + "images:\n"
            + each(n, "- {name: app-#, newName: nginx}\n")
            + "kinds: {A: {path: '{.spec.*}', part: name}}\n",
            "kind: A\nspec:\n" + each(n, "  k#: nginx\n"),
            said="nginx",
        ),
    ),
    "registries and entries with one target": Series(
        2_000,
        lambda n: configured(
            HEAD
            + "registries: [{from: docker.io, to: m.io}]\nonUnused: ignore\nimages:\n"
            + each(n, "- {name: app-#, newImage: 'nginx:#'}\n"),
            documents(n, POD.replace("nginx", "nginx:x#")),
            said="m.io/library/nginx:x1",
        ),
    ),
    "images in lines of a quoted scalar": Series(
        8_000,
        lambda n: configured(SPEC, "kind: A\nspec:\n" + each(n, '  k#: "nginx\\\n    :1"\n'), said="nginx:2"),
    ),
    "complex keys": Series(
        32_000,
        lambda n: configured(
            NGINX,
            "kind: Pod\nx:\n" + each(n, "  ? [a, #]\n  : b\n") + "spec: {containers: [{image: nginx}]}\n",
            said="nginx:2",
        ),
    ),
    "items with aliases to others": Series(
        16_000,
        lambda n: resource_list(
            "- kind: A\n  x: &x 1\n" + "- kind: A\n  x: *x\n" * n + "- " + POD.replace("\n", "\n  ").rstrip(" "),
            NGINX,
        )._replace(said="nginx:2"),
    ),
    "references in a text": Series(
        20_000, lambda n: configured(TEXT, "kind: A\na: '" + "nginx:1 " * n + "'\n", said="nginx:2")
    ),
    "references in a block": Series(
        10_000, lambda n: configured(TEXT, "kind: A\na: |\n" + "  nginx:1\n" * n, said="nginx:2")
    ),
    "references in escapes": Series(
        10_000, lambda n: configured(TEXT, 'kind: A\na: "' + "nginx:1 \\u00e9 " * n + '"\n', said="nginx:2")
    ),
    "near references in a text": Series(
        20_000,
        lambda n: configured(
            TEXT, "kind: A\na: '" + "a/b:${T} nginx:{{ x ng@sha256:0 [a:b a_:/ " * n + "nginx:1'\n", said="nginx:2"
        ),
    ),
    "references in placeholders": Series(
        8_000,
        lambda n: configured(
            TEXT, "kind: A\na: |\n" + '  {{ .x | default "nginx:1" }} ${T:-nginx:1}\n' * n, said="nginx:2"
        ),
    ),
    "placeholders that are not closed": Series(
        20_000,
        lambda n: configured(
            TEXT, "kind: A\na: |\n" + "  {{ .x | default \"a:1 ${T:-${U:-'b\n" * n + "  nginx:1\n", said="nginx:2"
        ),
    ),
    "a near reference": Series(
        400_000, lambda n: configured(TEXT, "kind: A\na: '" + "a.b-" * n + "_: nginx:1'\n", said="nginx:2")
    ),
    "brackets in a text": Series(
        100_000, lambda n: configured(TEXT, "kind: A\na: '" + "{{ [a <" * n + " nginx:1'\n", said="nginx:2")
    ),
    "documents in strings": Series(2_000, lambda n: configured(YAML, documents(n, embedded(POD)), said="nginx:2")),
    "documents in the strings of one resource": Series(
        4_000,
        lambda n: configured(
            YAML,
            "kind: ConfigMap\ndata:\n"
            + each(n, "  k#: |\n    apiVersion: v1\n    kind: Pod\n    spec: {containers: [{image: nginx}]}\n"),
            said="nginx:2",
        ),
    ),
    "documents in one string": Series(
        4_000, lambda n: configured(YAML, embedded(documents(n, POD)), said="nginx:2")
    ),
    "documents of a JSON array in a string": Series(
        2_000,
        lambda n: configured(
            YAML,
            embedded(
                "["
                + ",\n".join([json.dumps({"kind": "Pod", "spec": {"containers": [{"image": "nginx"}]}})] * n)
                + "]"
            ),
            said="nginx:2",
        ),
    ),
    "a document 20 deep": Series(
        1_280,
        lambda n: configured(
            YAML,
            nested(19, "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n" + "  - image: nginx\n" * n),
            said="nginx:2",
        ),
    ),
    "documents 20 deep": Series(80, lambda n: configured(YAML, documents(n, nested(19, POD)), said="nginx:2")),
    "warnings": Series(
        4_000,
        lambda n: configured(
            NGINX + "kinds: {A: .spec}\nonUnused: ignore\n",
            documents(n, "kind: A\nmetadata: {name: a#}\nspec: {a: 1}\n"),
            said="a mapping",
        ),
    ),
    "warnings of one resource": Series(
        8_000, lambda n: configured(SPEC, "kind: A\nspec:\n" + each(n, "  k#: 1\n"), said="a number")
    ),
    "warnings of one resource, by a parser": Series(
        8_000, lambda n: configured(SPEC, "kind: A\nx: 'a''b'\nspec:\n" + each(n, "  k#: 1\n"), said="a number")
    ),
    "warnings in one line": Series(
        8_000, lambda n: configured(SPEC, "kind: A\nspec: {" + each(n, "k#: 1, ") + "k: 1}\n", said="a number")
    ),
    "warnings in lines that end with CR": Series(
        6_000, lambda n: configured(SPEC, "kind: A\rspec:\r" + each(n, "  k#: 1\r"), said="a number")
    ),
    "warnings in lines that end with NEL": Series(
        8_000, lambda n: configured(SPEC, "kind: A\x85spec:\x85" + each(n, "  k#: 1\x85"), said="a number")
    ),
    "warnings in strings": Series(
        2_000,
        lambda n: configured(
            YAML + "---\n" + HEAD + "kinds: {A: .spec}\n",
            documents(
                n,
                embedded(
                    "apiVersion: v1\nkind: A\nspec: {a: 1}\n",
                    "kind: ConfigMap\nmetadata: {name: c#}\ndata:\n  a: |\n",
                ),
            ),
            said="a mapping",
        ),
    ),
    "long documents in strings, with warnings": Series(
        5,
        lambda n: configured(
            YAML + "---\n" + HEAD + "kinds: {A: .spec}\n",
            documents(
                n,
                embedded(
                    "apiVersion: v1\nkind: A\nx:\n" + "- x\n" * 20_000 + "spec: {a: 1}\n",
                    "kind: ConfigMap\nmetadata: {name: c#}\ndata:\n  a: |\n",
                ),
            ),
            said="a mapping",
        ),
    ),
    "strings that are not documents": Series(
        800,
        lambda n: configured(
            YAML,
            documents(n, embedded("kind: [", "kind: ConfigMap\nmetadata: {name: c#}\ndata:\n  a: |\n")),
            said="invalid YAML",
        ),
    ),
    "results beside a long annotation": Series(
        8_000,
        lambda n: resource_list(
            f"- kind: A\n  metadata: {{name: a, annotations: {{config.kubernetes.io/path: {'p' * n}}}}}\n  spec:\n"
            + each(n, "    k#: nginx\n"),
            SPEC,
        )._replace(said="nginx:2"),
    ),
    "results beside a long name": Series(
        8_000,
        lambda n: resource_list(
            f"- kind: A\n  metadata: {{name: {'p' * n}}}\n  spec:\n" + each(n, "    k#: nginx\n"), SPEC
        )._replace(said="nginx:2"),
    ),
    "a long annotation": Series(
        2_000_000,
        lambda n: configured(
            NGINX, POD.replace("name: p", f"name: p, annotations: {{a: {'b' * n}}}"), said="nginx:2"
        ),
    ),
    "annotations": Series(
        160_000,
        lambda n: configured(
            NGINX,
            "kind: Pod\nmetadata:\n  annotations:\n"
            + each(n, "    a#: b\n")
            + "spec: {containers: [{image: nginx}]}\n",
            said="nginx:2",
        ),
    ),
    "comments": Series(1_600_000, lambda n: configured(NGINX, "# a comment\n" * n + POD, said="nginx:2")),
    "empty documents": Series(20_000, lambda n: configured(NGINX, "---\n" * n + POD, said="nginx:2")),
    "a long line": Series(
        16_000_000,
        lambda n: configured(
            NGINX, f"kind: Pod\na: {'x' * n}\nspec: {{containers: [{{image: nginx}}]}}\n", said="nginx:2"
        ),
    ),
    "long keys": Series(
        8_000,
        lambda n: configured(SPEC, "kind: A\nspec:\n" + each(n, f"  {'x' * 1_000}#: nginx\n"), said="nginx:2"),
    ),
    "an indentation indicator": Series(
        4_096_000, lambda n: configured(TEXT, "kind: A\na: |1\n  " + " " * n + "nginx:1\n", said="nginx:2")
    ),
    "a number": Series(
        4_000_000, lambda n: configured(SPEC, f"kind: A\nspec:\n  k: {'9' * n}\n  b: nginx\n", said="nginx:2")
    ),
    "a hexadecimal number": Series(
        4_000_000, lambda n: configured(SPEC, f"kind: A\nspec:\n  k: 0x{'f' * n}\n  b: nginx\n", said="nginx:2")
    ),
    "a fraction": Series(
        4_000_000, lambda n: configured(SPEC, f"kind: A\nspec:\n  k: 1.{'9' * n}\n  b: nginx\n", said="nginx:2")
    ),
}

WIDGETS = NGINX + "kinds: {Widget: .spec.image}\n"
WORK = "apiVersion: work.example.com/v1\nkind: Work\nmetadata: {name: w}\nspec:\n  manifests:\n"
WIDGET = "  - apiVersion: e/v1\n    kind: Widget\n    metadata: {name: a#}\n    spec: {image: nginx}\n"
TASK = "apiVersion: tekton.dev/v1\nkind: Task\nmetadata: {name: t}\nspec:\n"
WORKFLOW = "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nmetadata: {name: w}\nspec:\n  templates:\n"
CALLED = (
    "  - name: t#\n    inputs: {parameters: [{name: x}]}\n    container: {image: '{{inputs.parameters.x}}'}\n"
    "  - steps: [[{template: t#, arguments: {parameters: [{name: x, value: nginx}]}}]]\n"
)
PLACEHOLDERS: dict[str, Series] = {
    "resources in a resource": Series(
        2_000, lambda n: configured(WIDGETS, WORK + each(n, WIDGET), said="nginx:2")
    ),
    "parameters of a task": Series(
        1_000,
        lambda n: configured(
            NGINX,
            TASK
            + "  params:\n"
            + each(n, "  - {name: p#, default: nginx}\n")
            + "  steps:\n"
            + each(n, "  - {image: $(params.p#)}\n"),
            said="nginx:2",
        ),
    ),
    "uses of templates": Series(1_000, lambda n: configured(NGINX, WORKFLOW + each(n, CALLED), said="nginx:2")),
    "parameters that refer to the next one": Series(
        2_000,
        lambda n: configured(
            NGINX,
            WORKFLOW + "  - name: t\n    container: {image: '{{inputs.parameters.p0}}'}\n    inputs:\n"
            "      parameters:\n      - {name: p, default: nginx}\n"
            + "".join(
                f"      - {{name: p{i}, default: '{{{{inputs.parameters.p{i + 1}}}}}'}}\n" for i in range(n)
            ),
        ),
    ),
    "images with placeholders": Series(
        2_000,
        lambda n: of_files(
            ("list", ".", "--not-registry", "a.io"),
            {"a.yaml": documents(n, POD.replace("nginx", "'${X}'"))},
            said="$",
        ),
    ),
}

UNKNOWN = "apiVersion: example.com/v1\nkind: A\nmetadata: {name: a#}\nspec: {image: nginx:1}\n"
COMMANDS: dict[str, Series] = {
    "operations of a JSON patch": Series(
        2_000,
        lambda n: of_files(
            ("list", "."),
            {"a.yaml": each(n, "- {op: add, path: /spec/containers/#, value: {image: nginx}}\n")},
            said="nginx",
        ),
    ),
    "documents of a known file": Series(
        2_000,
        lambda n: of_files(
            ("list", "."), {"compose.yaml": documents(n, "services: {a#: {image: nginx}}\n")}, said="nginx"
        ),
    ),
    "resources of a kustomization": Series(
        1_000,
        lambda n: of_files(
            ("set", ".", "--fn-config", "config.yaml", "--check"),
            {
                "all.yaml": documents(n, POD.replace("name: p", "name: p#")),
                "kustomization.yaml": "resources: [all.yaml]\nimages: [{name: nginx, newName: m, newTag: v1}]\n",
                "config.yaml": HEAD + "images: [{name: m, newName: nginx, newTag: v2}]\n",
            },
            status=1,
            said="kustomization.yaml",
        ),
    ),
    "files that are not resources": Series(
        400,
        lambda n: of_files(
            ("list", "."),
            {"a.yaml": POD, **{f"b{number}.yaml": "a: 1\n" for number in range(n)}},
            said="nginx",
        ),
    ),
    "references to files with values": Series(
        400,
        lambda n: of_files(
            ("list", "."),
            {
                "fleet.yaml": "helm:\n  valuesFiles:\n" + each(n, "  - b#.yaml\n"),
                **{f"b{number}.yaml": "image: nginx\n" for number in range(n)},
            },
            said="nginx",
        ),
    ),
    "list": Series(4_000, lambda n: of_files(("list", "."), {"a.yaml": documents(n, POD)}, said="nginx")),
    "lock with all images": Series(
        1_000,
        lambda n: of_files(
            ("lock", "a.yaml", "-o", "images.lock.yaml"),
            {
                "a.yaml": documents(n, POD.replace("nginx", "nginx-#:1")),
                "images.lock.yaml": f"{HEAD}images:\n{each(n, LOCKED)}",
            },
            said="asked registries for 0 images",
        ),
    ),
    "lock with limited fields": Series(
        1_000,
        lambda n: of_files(
            ("lock", "a.yaml"),
            {
                "a.yaml": f"{HEAD}kinds: {{A: spec.f0}}\n{documents(n, LIMITED)}---\n{LIMITS}"
                + each(n, "                f#: {type: string, maxLength: 9}\n")
            },
            said="not locked",
        ),
    ),
    "list -o wide": Series(
        4_000, lambda n: of_files(("list", ".", "-o", "wide"), {"a.yaml": documents(n, POD)}, said="nginx")
    ),
    "list -o json": Series(
        4_000, lambda n: of_files(("list", ".", "-o", "json"), {"a.yaml": documents(n, POD)}, said="nginx")
    ),
    "list -o sarif": Series(
        4_000, lambda n: of_files(("list", ".", "-o", "sarif"), {"a.yaml": documents(n, POD)}, said="nginx")
    ),
    "list --diff": Series(
        2_000,
        lambda n: of_files(
            ("list", "--diff", "a.yaml", "b.yaml"),
            {"a.yaml": documents(n, POD), "b.yaml": documents(n, POD.replace("Pod", "Job"))},
            said="nginx",
        ),
    ),
    "set -o json": Series(
        4_000,
        lambda n: of_files(
            ("set", "a.yaml", "--image", "nginx=nginx:2", "-o", "json"),
            {"a.yaml": documents(n, POD)},
            said="nginx:2",
        ),
    ),
    "list of one resource": Series(
        8_000,
        lambda n: of_files(
            ("list", "."), {"a.yaml": CONTAINERS + "  - name: a\n    image: nginx\n" * n}, said="nginx"
        ),
    ),
    "list --unknown": Series(
        2_400, lambda n: of_files(("list", ".", "--unknown"), {"a.yaml": documents(n, UNKNOWN)}, said="nginx")
    ),
    "images in Helm values": Series(
        2_000,
        lambda n: configured(
            NGINX,
            "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nspec:\n  values:\n"
            + each(n, "    a#: {image: {repository: nginx, tag: '1'}}\n    b#Image: nginx\n    b#Tag: '1'\n"),
        ),
    ),
    "Helm parameters": Series(
        2_000,
        lambda n: configured(
            NGINX,
            "apiVersion: argoproj.io/v1alpha1\nkind: Application\nspec: {source: {helm: {parameters: [\n"
            + each(n, "{name: a#.image.repository, value: nginx}, {name: a#.image.tag, value: '1'},\n")
            + "]}}}\n",
        ),
    ),
    "explain, entries and images": Series(
        1_000,
        lambda n: of_files(
            ("explain", ".", "--fn-config", "c"),
            {
                "c": HEAD + "images:\n" + each(n, "- {name: example.com/team/app-#, newTag: '2'}\n"),
                "a.yaml": documents(n, POD.replace("nginx", "example.com/team/app-#")),
            },
            said="app-1:2",
        ),
    ),
    "explain, entries of one name and kinds": Series(
        1_000,
        lambda n: of_files(
            ("explain", ".", "--fn-config", "c"),
            {
                "c": HEAD
                + "images:\n"
                + each(n, "- {name: nginx, newTag: '#', containers: c#}\n")
                + "kinds:\n"
                + each(n, "- {kind: A, name: a#, paths: .spec.image}\n"),
                "a.yaml": documents(n, "kind: A\nmetadata: {name: b#}\nspec: {image: nginx}\n")
                + f"---\n{CONTAINERS}"
                + each(n, CONTAINER),
            },
            said="more entries with this name",
        ),
    ),
    "list --unknown, keys far apart": Series(
        200,
        lambda n: of_files(
            ("list", ".", "--unknown"),
            {
                "a.yaml": "apiVersion: example.com/v1\nkind: A\nmetadata: {name: a}\nspec:\n"
                + each(
                    n,
                    "  a#Image: nginx:1\n  s#:\n"
                    + "".join(f"    a{i}: b\n" for i in range(70))
                    + "    image: nginx:1\n",
                )
            },
            said="spec.a1Image",
        ),
    ),
    "list of files with errors": Series(
        800,
        lambda n: of_files(
            ("list", "."), {f"{i}.yaml": "kind: Pod\napiVersion: [\n" for i in range(n)}, said="invalid YAML"
        ),
    ),
    "set --diff": Series(
        4_000,
        lambda n: of_files(
            ("set", ".", "--image", "nginx=nginx:2", "--diff"),
            {"a.yaml": documents(n, POD)},
            status=1,
            said="nginx:2",
        ),
    ),
    "set --diff of a copied block": Series(
        16_000,
        lambda n: of_files(
            ("set", ".", "--image", "nginx=nginx:2", "--kind", "A=.spec.image", "--diff"),
            {"a.yaml": "kind: A\nother: &o\n  image: nginx\n" + each(n, "  k#: x\n") + "spec: *o\n"},
            status=1,
            said="+  image: nginx:2",
        ),
    ),
    "set --in-place": Series(
        200,
        lambda n: of_files(
            ("set", ".", "--image", "nginx=nginx:2", "--in-place"),
            {f"{i}.yaml": POD for i in range(n)},
            said="images in",
        ),
    ),
    "set with files of configuration": Series(
        800,
        lambda n: of_files(
            ("set", "."),
            {**{f"c{i}.yaml": HEAD + f"images: {{app-{i}: 'app:2'}}\n" for i in range(n)}, "p.yaml": POD},
            said='"app-1"',
        ),
    ),
    "patterns of .gitignore": Series(
        2_000, lambda n: of_files(("list", "."), {".gitignore": each(n, "*.k#\n"), "a.yaml": POD}, said="nginx")
    ),
    "discover of definitions": Series(
        3_200, lambda n: of_files(("discover", "."), {"a.yaml": documents(n, CRD)}, said="Thing1")
    ),
    "discover of the fields of one": Series(
        8_000,
        lambda n: of_files(
            ("discover", "."),
            {
                "a.yaml": CRD.replace("#", "").replace(
                    "{image", "{" + each(n, "a#Image: {type: string}, ") + "image"
                )
            },
            said="a1Image",
        ),
    ),
    "import of a kustomization": Series(
        2_400,
        lambda n: importing(
            "kustomization.yaml", KUSTOMIZATION + "images:\n" + each(n, "- {name: app-#, newTag: '2'}\n"), "app-1"
        ),
    ),
    "import of a kustomization, one name": Series(
        2_400,
        lambda n: importing(
            "kustomization.yaml", KUSTOMIZATION + "images:\n" + each(n, "- {name: app, newTag: '#'}\n"), "app"
        ),
    ),
    "import of a kustomization, a chain": Series(
        250,
        lambda n: importing(
            "kustomization.yaml",
            KUSTOMIZATION + "images:\n" + "".join(f"- {{name: a{i}, newName: a{i + 1}}}\n" for i in range(n)),
            "a1",
        ),
    ),
    "import of search rules": Series(
        4_800,
        lambda n: importing("kbld.yaml", KBLD + "searchRules:\n" + each(n, "- keyMatcher: {name: k#}\n"), "k1"),
    ),
    "import of artifacts": Series(
        4_800,
        lambda n: importing(
            "skaffold.yaml", SKAFFOLD + "build:\n  artifacts:\n" + each(n, "  - image: app-#\n"), "app-1"
        ),
    ),
    "import of builds of a Tiltfile": Series(
        8_000, lambda n: importing("Tiltfile", each(n, "docker_build('app-#', '.')\n"), "app-1")
    ),
    "import of paths of a Tiltfile": Series(
        4_800, lambda n: importing("Tiltfile", each(n, "k8s_kind('A', image_json_path='{.spec.k#}')\n"), "k1")
    ),
    "import of loops of a Tiltfile": Series(
        2_400,
        lambda n: importing(
            "Tiltfile", each(n, "a# = 'b'\nfor x# in ['app-#']:\n  docker_build(x#, '.')\n"), "app-1"
        ),
    ),
    "import of functions of a Tiltfile": Series(
        4_000,
        lambda n: importing(
            "Tiltfile", each(n, "def f#(x):\n  docker_build('%s-#' % x, '.')\nf#('app')\n"), "app-1"
        ),
    ),
    "import of calls of one function of a Tiltfile": Series(
        4_000,
        lambda n: importing("Tiltfile", "def f(x):\n  docker_build(x, '.')\n" + each(n, "f('app-#')\n"), "app-1"),
    ),
    "import of a long value of a Tiltfile": Series(
        4_800,
        lambda n: importing(
            "Tiltfile", "x = [f()" + ", 1" * n + "]\n" + "docker_build(x, '.')\n" * n, "not a literal"
        ),
    ),
    "import of names of a Tiltfile": Series(
        16_000, lambda n: importing("Tiltfile", each(n, "a# = 'b'\n") + "docker_build(a1, '.')\n", "b")
    ),
}

SERIES = {**CONFIGURATION, **PATHS, **STREAMS, **PLACEHOLDERS, **COMMANDS}

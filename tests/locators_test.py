"""How images are found and written: by path objects, in pod specs, by registry, from another resource."""

from __future__ import annotations

import json
import re

import pytest
import yaml

from krm_image_setter import ConfigError, InputError, read_config, set_images
from krm_image_setter.results import INFO
from krm_image_setter.scan import MAX_EMBEDDED
from krm_image_setter.yaml import events

D = "sha256:" + "0123456789abcdef" * 4
E = "sha256:" + "fedcba9876543210" * 4
HEAD = "apiVersion: krm-image-setter.dev/v1alpha1\nkind: ImageSetter\n"
TAG = "images: [{name: nginx, newTag: '2'}]\n"
NAME = "images: [{name: nginx, newName: quay.io/org/web}]\n"
DIGEST = f"images: [{{name: nginx, digest: '{D}'}}]\n"
BOTH = f"images: [{{name: nginx, newTag: '2', digest: '{D}'}}]\n"
PARTS = "kinds: {A: {path: .spec.image, fields: {repository: repository, tag: tag}}}\n"
ALL_PARTS = (
    "kinds: {A: {path: .spec.image, fields: {registry: registry, repository: name, tag: tag, digest: sha}}}\n"
)
SAME = None


def custom(spec: str) -> str:
    return "kind: A\nmetadata:\n  name: x\nspec:\n" + "".join(f"  {line}\n" for line in spec.splitlines())


def pod(container: str) -> str:
    return "kind: Pod\nmetadata:\n  name: x\nspec:\n  containers:\n" + "".join(
        f"  {line}\n" for line in container.splitlines()
    )


CASES = [
    # A reference in parts: `fields`.
    (
        "parts",
        custom("image: {repository: nginx, tag: '1'}"),
        TAG + PARTS,
        custom("image: {repository: nginx, tag: '2'}"),
    ),
    (
        "parts, a number",
        custom("image:\n  repository: nginx\n  tag: 1.20 # t"),
        TAG + PARTS,
        custom('image:\n  repository: nginx\n  tag: "2" # t'),
    ),
    (
        "parts, only the tag 1.20",
        custom("image: {repository: nginx, tag: 1.20}"),
        "images: [{name: 'nginx:1.20', newTag: v2}]\n" + PARTS,
        custom("image: {repository: nginx, tag: v2}"),
    ),
    (
        "parts, the name",
        custom("image: {repository: nginx, tag: '1'}"),
        NAME + PARTS,
        custom("image: {repository: quay.io/org/web, tag: '1'}"),
    ),
    (
        "L7",
        custom("image:\n  repository: nginx # r\n  other: 1"),
        "images: {nginx: 'nginx:v2'}\n" + PARTS,
        custom("image:\n  repository: nginx # r\n  tag: v2\n  other: 1"),
    ),
    (
        "L7 keys in quotes",
        custom("image:\n  repository: nginx"),
        "images: {nginx: 'nginx:v2'}\n"
        "kinds: {A: {path: .spec.image, fields: {repository: repository, tag: '@on'}}}\n",
        custom('image:\n  repository: nginx\n  "@on": v2'),
    ),
    (
        "L7 in flow",
        custom("image: {repository: nginx, other: 1}"),
        "images: {nginx: 'nginx:v2'}\n" + PARTS,
        custom("image: {repository: nginx, tag: v2, other: 1}"),
    ),
    (
        "L7 in JSON",
        '{"kind": "A", "spec": {"image": {"repository": "nginx"}}}',
        TAG + PARTS,
        '{"kind": "A", "spec": {"image": {"repository": "nginx", "tag": "2"}}}',
    ),
    (
        "L7 null",
        custom("image:\n  repository: nginx\n  tag:\n  other: 1"),
        TAG + PARTS,
        custom('image:\n  repository: nginx\n  tag: "2"\n  other: 1'),
    ),
    (
        "L7 null in words",
        custom("image: {repository: nginx, tag: null}"),
        TAG + PARTS,
        custom('image: {repository: nginx, tag: "2"}'),
    ),
    (
        "L7 an empty string with a tag",
        custom("image:\n  repository: nginx\n  tag: !!str # c\n  b: c"),
        TAG + PARTS,
        custom('image:\n  repository: nginx\n  tag: !!str "2" # c\n  b: c'),
    ),
    (
        "L7 null with an explicit key",
        custom("image:\n  repository: nginx\n  ? tag\n  # c\n  :"),
        TAG + PARTS,
        custom('image:\n  repository: nginx\n  ? tag\n  # c\n  : "2"'),
    ),
    (
        "L7 a pair without braces",
        custom("image: [a, repository: nginx]"),
        "images: {nginx: 'nginx:v2'}\n"
        "kinds: {A: {path: '.spec.image[1]', fields: {repository: repository, tag: tag}}}\n",
        custom("image: [a, {repository: nginx, tag: v2}]"),
    ),
    (
        "policy beside a merge key",
        "kind: Pod\nx: &x {image: nginx}\nspec:\n  containers:\n  - <<: *x\n    name: a\n",
        TAG + "imagePullPolicy: Always\n",
        "kind: Pod\n"
        "x: &x {image: nginx}\n"
        "spec:\n"
        "  containers:\n"
        "  - <<: *x\n"
        "    image: nginx:2\n"
        "    imagePullPolicy: Always\n"
        "    name: a\n",
    ),
    (
        "L7 null is no tag",
        custom("image: {repository: nginx, tag: null}"),
        "images: [{name: nginx, tagSuffix: -a}]\n" + PARTS,
        SAME,
    ),
    (
        "L7 tag within",
        custom("image: {repository: 'nginx:1', tag: '1'}"),
        TAG + PARTS,
        custom("image: {repository: 'nginx', tag: '2'}"),
    ),
    (
        "L7 tag only within",
        custom("image:\n  repository: nginx:1"),
        "images: {nginx: 'nginx:v2'}\n" + PARTS,
        custom("image:\n  repository: nginx\n  tag: v2"),
    ),
    (
        "L8 with a tag",
        custom("image: {repository: nginx, tag: '1'}"),
        BOTH + PARTS,
        custom(f"image: {{repository: nginx, tag: '2@{D}'}}"),
    ),
    (
        "L8 back",
        custom(f"image: {{repository: nginx@{D}, tag: ''}}"),
        TAG + PARTS,
        custom("image: {repository: nginx, tag: '2'}"),
    ),
    (
        "L8 in a block",
        custom("image:\n  repository: nginx\n  tag: |-\n    1\n  b: c"),
        BOTH + PARTS,
        custom(f"image:\n  repository: nginx\n  tag: |-\n    2@{D}\n  b: c"),
    ),
    (
        "L8 digest field",
        custom(f"image: {{name: nginx, tag: '1', sha: {E}}}"),
        DIGEST + ALL_PARTS,
        custom(f"image: {{name: nginx, tag: '', sha: {D}}}"),
    ),
    (
        "L8 stale digest",
        custom(f"image: {{name: nginx, tag: '1', sha: '{E}'}}"),
        TAG + ALL_PARTS,
        custom("image: {name: nginx, tag: '2', sha: ''}"),
    ),
    (
        "L8 bare hex",
        custom(f"image: {{name: nginx, sha: '{E[7:]}'}}"),
        DIGEST + ALL_PARTS,
        custom(f"image: {{name: nginx, sha: '{D[7:]}'}}"),
    ),
    (
        "L9",
        custom("image: {registry: docker.io, name: library/nginx, tag: '1'}"),
        TAG + ALL_PARTS,
        custom("image: {registry: docker.io, name: library/nginx, tag: '2'}"),
    ),
    (
        "L9 the name",
        custom("image: {registry: docker.io, name: library/nginx, tag: '1'}"),
        NAME + ALL_PARTS,
        custom("image: {registry: quay.io, name: org/web, tag: '1'}"),
    ),
    (
        "L9 a path in the registry",
        custom("image: {registry: gcr.io/a, name: b, tag: '1'}"),
        "images: [{name: gcr.io/a/b, newName: gcr.io/c/d}]\n" + ALL_PARTS,
        custom("image: {registry: gcr.io, name: c/d, tag: '1'}"),
    ),
    (
        "L9 no registry",
        custom("image: {name: nginx, tag: '1'}"),
        NAME + ALL_PARTS,
        custom("image: {name: quay.io/org/web, tag: '1'}"),
    ),
    (
        "parts, no reference",
        custom("image: {repository: 'NGINX', tag: '1'}\nother: 1"),
        TAG + PARTS + "onUnused: ignore\n",
        SAME,
    ),
    ("parts, nothing there", custom("image: {tag: '1'}"), TAG + PARTS + "onUnused: ignore\n", SAME),
    (
        "parts, another image",
        custom("image: {repository: nginx2, tag: '1'}"),
        TAG + PARTS + "onUnused: ignore\n",
        SAME,
    ),
    (
        "parts, two in one mapping",
        custom("image: nginx\nversion: '1'\nagentImage: nginx\nagentVersion: '1'"),
        TAG + "kinds: {A: [{path: .spec, fields: {repository: image, tag: version}}, {path: .spec, "
        "fields: {repository: agentImage, tag: agentVersion}}]}\n",
        custom("image: nginx\nversion: '2'\nagentImage: nginx\nagentVersion: '2'"),
    ),
    (
        "parts, the same twice",
        custom("image: nginx\nversion: '1'"),
        TAG + "kinds: {A: [{path: .spec, fields: {repository: image, tag: version}}, {path: .spec, "
        "fields: {repository: image, tag: version}}]}\n",
        custom("image: nginx\nversion: '2'"),
    ),
    (
        "parts in a list",
        custom("l:\n- {repository: nginx}\n- {repository: a}"),
        "images: {nginx: 'nginx:v2'}\n"
        "kinds: {A: {path: '.spec.l[*]', fields: {repository: repository, tag: tag}}}\n",
        custom("l:\n- {repository: nginx, tag: v2}\n- {repository: a}"),
    ),
    (
        "parts, CRLF",
        "kind: A\r\nspec:\r\n  image:\r\n    repository: nginx\r\n",
        "images: {nginx: 'nginx:v2'}\n" + PARTS,
        "kind: A\r\nspec:\r\n  image:\r\n    repository: nginx\r\n    tag: v2\r\n",
    ),
    (
        "parts, at the end",
        "kind: A\nspec:\n  image:\n    repository: nginx",
        "images: {nginx: 'nginx:v2'}\n" + PARTS,
        "kind: A\nspec:\n  image:\n    repository: nginx\n    tag: v2",
    ),
    (
        "parts of an alias",
        custom("a: &a nginx\nimage: {repository: *a}"),
        "images: {nginx: 'nginx:v2'}\n" + PARTS,
        custom("a: &a nginx\nimage: {repository: *a, tag: v2}"),
    ),
    (
        "parts of a merge key",
        custom("a: &a {repository: nginx}\nimage:\n  <<: *a\n  b: 1"),
        "images: {nginx: 'nginx:v2'}\n" + PARTS,
        custom("a: &a {repository: nginx}\nimage:\n  <<: *a\n  tag: v2\n  b: 1"),
    ),
    (
        "parts of an alias of a block",
        "x: &x\n  repository: nginx\nkind: A\nspec:\n  image: *x\n",
        "images: {nginx: 'nginx:v2'}\n" + PARTS,
        "x: &x\n  repository: nginx\nkind: A\nspec:\n  image: \n    repository: nginx\n    tag: v2\n",
    ),
    (
        "parts of a merged mapping",
        custom("image: {<<: {repository: nginx}}"),
        "images: {nginx: 'nginx:v2'}\n" + PARTS,
        custom("image: {<<: {repository: nginx}, tag: v2}"),
    ),
    (
        "policy beside a merged mapping",
        pod("- <<: {image: nginx}\n  name: a"),
        TAG + "imagePullPolicy: Always\n",
        pod("- <<: {image: nginx:2}\n  imagePullPolicy: Always\n  name: a"),
    ),
    # One part of a reference: `part`.
    (
        "L10",
        custom("version: v1.0"),
        "images: [{name: prom/prometheus, newTag: v2.0}]\n"
        "kinds: {A: {path: .spec.version, part: tag, of: prom/prometheus}}\n",
        custom("version: v2.0"),
    ),
    (
        "L10 a number",
        custom("version: 1.20"),
        TAG + "kinds: {A: {path: .spec.version, part: tag, of: docker.io/library/nginx}}\n",
        custom('version: "2"'),
    ),
    (
        "L10 another tag",
        custom("version: v1.0"),
        "images: [{name: 'nginx:v1.1', newTag: v2}]\n"
        "kinds: {A: {path: .spec.version, part: tag, of: nginx}}\n"
        "onUnused: ignore\n",
        SAME,
    ),
    (
        "L10 null",
        custom("version:"),
        TAG + "kinds: {A: {path: .spec.version, part: tag, of: nginx}}\nonUnused: ignore\n",
        SAME,
    ),
    (
        "part: digest",
        custom(f"sha: {E}"),
        BOTH + "kinds: {A: {path: .spec.sha, part: digest, of: nginx}}\n",
        custom(f"sha: {D}"),
    ),
    (
        "part: digest in bare hex",
        custom(f"sha: {E[7:]}"),
        DIGEST + "kinds: {A: {path: .spec.sha, part: digest, of: nginx}}\n",
        custom(f"sha: {D[7:]}"),
    ),
    (
        "part: name",
        custom("base: nginx"),
        "images: {nginx: 'quay.io/org/web:2'}\nkinds: {A: {path: .spec.base, part: name}}\n",
        custom("base: quay.io/org/web"),
    ),
    (
        "part: reference",
        custom("base: nginx"),
        TAG + "kinds: {A: {path: .spec.base, part: reference}}\n",
        custom("base: nginx:2"),
    ),
    (
        "name and tag apart",
        custom("base: nginx\nversion: v1"),
        "images: {nginx: 'a.io/b:v2'}\n"
        "kinds: {A: [{path: .spec.base, part: name}, {path: .spec.version, part: tag, of: "
        "nginx}]}\n",
        custom("base: a.io/b\nversion: v2"),
    ),
    # References in longer texts: `args`, `as: text`.
    (
        "L11",
        pod('- name: a\n  args: ["--img=repo/x:1", "--other", "x"]'),
        "images: [{name: repo/x, newTag: '2', args: true}]\n",
        pod('- name: a\n  args: ["--img=repo/x:2", "--other", "x"]'),
    ),
    (
        "L11 command",
        pod("- command:\n  - sh\n  - |\n    run repo/x:1 and\n    run repo/x:1@" + D),
        "images: [{name: repo/x, newTag: '2', args: true}]\n",
        pod("- command:\n  - sh\n  - |\n    run repo/x:2 and\n    run repo/x:2"),
    ),
    (
        "L11 not asked",
        pod('- image: repo/x:1\n  args: ["--img=repo/x:1"]'),
        "images: [{name: repo/x, newTag: '2'}]\n",
        pod('- image: repo/x:2\n  args: ["--img=repo/x:1"]'),
    ),
    (
        "L12 asked",
        pod(
            "- image: nginx\n"
            "  env:\n"
            "  - {name: A, value: nginx:1}\n"
            "  - {name: B, value: run nginx:1}\n"
            "  - {name: C}"
        ),
        "images: [{name: nginx, newTag: '2', env: true}]\n",
        pod(
            "- image: nginx:2\n"
            "  env:\n"
            "  - {name: A, value: nginx:2}\n"
            "  - {name: B, value: run nginx:1}\n"
            "  - {name: C}"
        ),
    ),
    (
        "L12 in a custom resource",
        custom("podTemplate:\n  containers:\n  - env: [{name: A, value: nginx}]"),
        "images: [{name: nginx, newTag: '2', env: true}]\n",
        custom("podTemplate:\n  containers:\n  - env: [{name: A, value: nginx:2}]"),
    ),
    (
        "L13",
        custom("image: docker://quay.io/x:1\nchart: 'oci://quay.io/x:1'"),
        "images: [{name: quay.io/x, newTag: '2'}]\n"
        "kinds: {A: [{path: .spec.image, as: text}, {path: .spec.chart, as: text}]}\n",
        custom("image: docker://quay.io/x:2\nchart: 'oci://quay.io/x:2'"),
    ),
    (
        "as: text, two in one",
        custom('s: "nginx:1,other:1 \\t nginx:3"'),
        TAG + "kinds: {A: {path: .spec.s, as: text}}\n",
        custom('s: "nginx:2,other:1 \\t nginx:2"'),
    ),
    (
        "as: text, folded",
        custom("s: >\n  run\n  nginx:1\n  now"),
        TAG + "kinds: {A: {path: .spec.s, as: text}}\n",
        custom("s: >\n  run\n  nginx:2\n  now"),
    ),
    # Documents in strings: `as: yaml`, `as: json`.
    (
        "L14",
        "kind: ConfigMap\n"
        "data:\n"
        "  d.yaml: |\n"
        "    # c\n"
        "    apiVersion: v1\n"
        "    kind: Pod\n"
        "    spec:\n"
        "      containers:\n"
        "      - image: nginx:1   # {{ .x }}\n",
        TAG + "kinds: {ConfigMap: {path: \".data['d.yaml']\", as: yaml}}\n",
        "kind: ConfigMap\n"
        "data:\n"
        "  d.yaml: |\n"
        "    # c\n"
        "    apiVersion: v1\n"
        "    kind: Pod\n"
        "    spec:\n"
        "      containers:\n"
        "      - image: nginx:2   # {{ .x }}\n",
    ),
    (
        "L14 relative",
        custom("values: |\n  web:\n    image:\n      repository: nginx # r\n      x: 1"),
        "images: {nginx: 'nginx:v2'}\n"
        "kinds: {A: {path: .spec.values, as: yaml, paths: {path: .web.image, fields: "
        "{repository: repository, tag: tag}}}}\n",
        custom("values: |\n  web:\n    image:\n      repository: nginx # r\n      tag: v2\n      x: 1"),
    ),
    (
        "L14 relative, below an empty line",
        custom("values: |2\n\n   image:\n    repository: nginx\n   b: c"),
        "images: {nginx: 'nginx:v2'}\n"
        "kinds: {A: {path: .spec.values, as: yaml, paths: {path: .image, fields: "
        "{repository: repository, tag: tag}}}}\n",
        custom("values: |2\n\n   image:\n    repository: nginx\n    tag: v2\n   b: c"),
    ),
    (
        "L14 folded",
        custom("values: >\n  image:\n    repository: nginx\n    b: c\n\n  d: e"),
        "images: {nginx: 'nginx:v2'}\n"
        "kinds: {A: {path: .spec.values, as: yaml, paths: {path: .image, fields: "
        "{repository: repository, tag: tag}}}}\n",
        custom("values: >\n  image:\n    repository: nginx\n    tag: v2\n    b: c\n\n  d: e"),
    ),
    (
        "L14 folded, at its edge",
        custom("values: >\n  repository: nginx\n\n  b: c"),
        "images: {nginx: 'nginx:v2'}\n"
        "kinds: {A: {path: .spec.values, as: yaml, paths: {path: '{@}', fields: {repository: "
        "repository, tag: tag}}}}\n",
        custom("values: >\n  repository: nginx\n\n  b: c").replace("nginx\n", "nginx\n\n    tag: v2\n"),
    ),
    (
        "L14 JSON",
        custom('values: \'{"web": {"image": "nginx:1"}}\''),
        TAG + "kinds: {A: {path: .spec.values, as: json, paths: '{.web.image}'}}\n",
        custom('values: \'{"web": {"image": "nginx:2"}}\''),
    ),
    (
        "L14 JSON, a new key",
        custom('values: \'{"image": {"repository": "nginx"}}\''),
        TAG + "kinds: {A: {path: .spec.values, as: json, paths: {path: .image, fields: "
        "{repository: repository, tag: tag}}}}\n",
        custom('values: \'{"image": {"repository": "nginx", "tag": "2"}}\''),
    ),
    (
        "L14 a new line in double quotes",
        custom('values: "image:\\n  repository: nginx\\n"'),
        "images: {nginx: 'nginx:v2'}\n"
        "kinds: {A: {path: .spec.values, as: yaml, paths: {path: .image, fields: "
        "{repository: repository, tag: tag}}}}\n",
        custom('values: "image:\\n  repository: nginx\\n  tag: v2\\n"'),
    ),
    (
        "L14 a new line in single quotes",
        custom("values: 'repository: nginx\n\n  x: 1' # c"),
        "images: {nginx: 'nginx:v2'}\n"
        "kinds: {A: {path: .spec.values, as: yaml, paths: {path: '{@}', fields: {repository: "
        "repository, tag: tag}}}}\n",
        custom('values: "repository: nginx\\ntag: v2\\nx: 1" # c'),
    ),
    (
        "L14 a list",
        custom("values: |\n  - nginx:1\n  - other"),
        TAG + "kinds: {A: {path: .spec.values, as: yaml, paths: '{[*]}'}}\n",
        custom("values: |\n  - nginx:2\n  - other"),
    ),
    (
        "L14 a List of no apiVersion",
        "kind: ConfigMap\n"
        "data:\n"
        "  d: |\n"
        "    kind: List\n"
        "    items:\n"
        "    - kind: Pod\n"
        "      spec: {containers: [{image: nginx}]}\n",
        TAG + "kinds: {ConfigMap: {path: .data.d, as: yaml}}\n",
        "kind: ConfigMap\n"
        "data:\n"
        "  d: |\n"
        "    kind: List\n"
        "    items:\n"
        "    - kind: Pod\n"
        "      spec: {containers: [{image: nginx:2}]}\n",
    ),
    (
        "L14 a List",
        "kind: ConfigMap\n"
        "data:\n"
        "  d: |\n"
        "    apiVersion: v1\n"
        "    kind: List\n"
        "    items:\n"
        "    - kind: Pod\n"
        "      spec: {containers: [{image: nginx}]}\n",
        TAG + "kinds: {ConfigMap: {path: .data.d, as: yaml}}\n",
        "kind: ConfigMap\n"
        "data:\n"
        "  d: |\n"
        "    apiVersion: v1\n"
        "    kind: List\n"
        "    items:\n"
        "    - kind: Pod\n"
        "      spec: {containers: [{image: nginx:2}]}\n",
    ),
    (
        "L14 a path through a List",
        "kind: ConfigMap\n"
        "data:\n"
        "  d: |\n"
        "    apiVersion: v1\n"
        "    kind: List\n"
        "    items:\n"
        "    - kind: A\n"
        "    - kind: A\n"
        "      x: nginx\n",
        TAG + "kinds: {ConfigMap: {path: .data.d, as: yaml, paths: '{.items[1].x}'}}\n",
        "kind: ConfigMap\n"
        "data:\n"
        "  d: |\n"
        "    apiVersion: v1\n"
        "    kind: List\n"
        "    items:\n"
        "    - kind: A\n"
        "    - kind: A\n"
        "      x: nginx:2\n",
    ),
    (
        "L14 several documents",
        "kind: ConfigMap\n"
        "data:\n"
        "  d: |\n"
        "    apiVersion: v1\n"
        "    kind: Pod\n"
        "    spec: {containers: [{image: nginx}]}\n"
        "    ---\n"
        "    a: nginx\n"
        "    ---\n"
        "    apiVersion: v1\n"
        "    kind: ConfigMap\n"
        "    data:\n"
        "      d: |\n"
        "        image: nginx\n",
        TAG + "kinds: {ConfigMap: {path: .data.d, as: yaml, paths: .image}}\n",
        "kind: ConfigMap\n"
        "data:\n"
        "  d: |\n"
        "    apiVersion: v1\n"
        "    kind: Pod\n"
        "    spec: {containers: [{image: nginx:2}]}\n"
        "    ---\n"
        "    a: nginx\n"
        "    ---\n"
        "    apiVersion: v1\n"
        "    kind: ConfigMap\n"
        "    data:\n"
        "      d: |\n"
        "        image: nginx:2\n",
    ),
    (
        "L14 a resource in a document that is none",
        custom(
            "v: |\n"
            "  extra: |\n"
            "    apiVersion: v1\n"
            "    kind: Pod\n"
            "    spec:\n"
            "      containers:\n"
            "      - image: nginx:1"
        ),
        TAG + "kinds: {A: {path: .spec.v, as: yaml, paths: {path: .extra, as: yaml}}}\n",
        custom(
            "v: |\n"
            "  extra: |\n"
            "    apiVersion: v1\n"
            "    kind: Pod\n"
            "    spec:\n"
            "      containers:\n"
            "      - image: nginx:2"
        ),
    ),
    # Containers by name.
    (
        "L20 a name that is none",
        pod("- {name: {a: b}, image: nginx:1, args: ['nginx:1']}\n- {name: [a], image: nginx:1}"),
        "images: [{name: nginx, newTag: '2', args: true}]\n",
        pod("- {name: {a: b}, image: nginx:2, args: ['nginx:2']}\n- {name: [a], image: nginx:2}"),
    ),
    (
        "L20",
        pod("- {name: a, image: nginx:1}\n- {name: b, image: nginx:1}"),
        "images: [{name: nginx, newTag: '2', containers: [b]}]\n",
        pod("- {name: a, image: nginx:1}\n- {name: b, image: nginx:2}"),
    ),
    (
        "L20 and the others",
        pod("- {name: a, image: nginx:1}\n- {name: b, image: nginx:1}"),
        "images: [{name: nginx, newTag: '2', containers: b}, {name: nginx, newTag: '3'}]\n",
        pod("- {name: a, image: nginx:3}\n- {name: b, image: nginx:2}"),
    ),
    (
        "L20 not elsewhere",
        custom("image: nginx:1"),
        "images: [{name: nginx, newTag: '2', containers: b}]\nkinds: {A: .spec.image}\nonUnused: ignore\n",
        SAME,
    ),
    # Registries.
    (
        "registries",
        pod("- image: nginx:1\n- image: gcr.io/a/b@" + D + "\n- image: quay.io/c"),
        "registries: [{from: docker.io, to: m.io/hub}, {from: gcr.io/a, to: m.io/g}]\n",
        pod("- image: m.io/hub/library/nginx:1\n- image: m.io/g/b@" + D + "\n- image: quay.io/c"),
    ),
    (
        "registries after images",
        pod("- image: nginx:1\n- image: redis:1"),
        TAG + "registries: [{from: docker.io, to: m.io}]\n",
        pod("- image: nginx:2\n- image: m.io/library/redis:1"),
    ),
    (
        "registries in a text",
        custom("s: curl -H application/json a/b:1 gcr.io/c docker://d"),
        "registries: [{from: docker.io, to: m.io}, {from: gcr.io, to: m.io/g}]\n"
        "kinds: {A: {path: .spec.s, as: text}}\n",
        custom("s: curl -H application/json m.io/a/b:1 m.io/g/c docker://d"),
    ),
    (
        "registries after images in a name",
        custom("base: nginx"),
        "images: {nginx: 'a/b:2'}\n"
        "registries: [{from: docker.io, to: m.io}]\n"
        "kinds: {A: {path: .spec.base, part: name}}\n",
        custom("base: a/b"),
    ),
    (
        "registries in a document",
        custom("v: 'kind: {registry: gcr.io, repository: a}'"),
        "registries: [{from: gcr.io, to: m.io}]\n"
        "kinds: {A: {path: .spec.v, as: yaml, paths: {path: .kind, fields: {registry: "
        "registry, repository: repository}}}}\n",
        custom("v: 'kind: {registry: m.io, repository: a}'"),
    ),
    (
        "registries in parts",
        custom("image: {registry: docker.io, name: library/nginx, tag: '1'}"),
        "registries: [{from: docker.io, to: m.io/hub}]\n" + ALL_PARTS,
        custom("image: {registry: m.io, name: hub/library/nginx, tag: '1'}"),
    ),
    (
        "registries, not in env",
        pod("- env: [{name: A, value: nginx:1}]"),
        "registries: [{from: docker.io, to: m.io}]\n",
        SAME,
    ),
    (
        "defaultRegistry",
        pod("- image: nginx:1\n- image: gcr.io/a/b:1\n- image: h.io/c:1"),
        "defaultRegistry: {host: h.io}\n"
        "images: [{name: nginx}, {name: gcr.io/a/b, newTag: '2'}, {name: h.io/c, newTag: "
        "'2'}]\n",
        pod("- image: h.io/nginx:1\n- image: h.io/gcr.io_a_b:2\n- image: h.io/c:2"),
    ),
    (
        "defaultRegistry, one name",
        pod("- image: nginx:1"),
        "defaultRegistry: {host: h.io, singleName: team/dev}\nimages: [{name: nginx, newTag: nginx-2}]\n",
        pod("- image: h.io/team/dev:nginx-2"),
    ),
    # imagePullPolicy.
    (
        "policy added",
        pod("- name: a\n  image: nginx # i\n  args: [a]"),
        TAG + "imagePullPolicy: Always\n",
        pod("- name: a\n  image: nginx:2 # i\n  imagePullPolicy: Always\n  args: [a]"),
    ),
    (
        "policy added in flow",
        pod("- {image: 'nginx', args: [a]}"),
        TAG + "imagePullPolicy: Always\n",
        pod("- {image: 'nginx:2', imagePullPolicy: Always, args: [a]}"),
    ),
    (
        "policy set",
        pod('- imagePullPolicy: "Never"\n  image: nginx'),
        TAG + "imagePullPolicy: IfNotPresent\n",
        pod('- imagePullPolicy: "IfNotPresent"\n  image: nginx:2'),
    ),
    (
        "policy of an image that stays",
        pod("- imagePullPolicy: Never\n  image: redis\n- image: nginx\n  imagePullPolicy: Always"),
        TAG + "imagePullPolicy: Always\n",
        pod("- imagePullPolicy: Never\n  image: redis\n- image: nginx:2\n  imagePullPolicy: Always"),
    ),
    (
        "policy of a volume",
        "kind: Pod\nspec:\n  volumes:\n  - image: {reference: nginx, pullPolicy: Never}\n",
        TAG + "imagePullPolicy: Always\n",
        "kind: Pod\nspec:\n  volumes:\n  - image: {reference: nginx:2, pullPolicy: Always}\n",
    ),
    (
        "policy beside a path",
        custom("image: nginx\nimagePullPolicy: Never"),
        TAG + "imagePullPolicy: Always\nkinds: {A: .spec.image}\n",
        custom("image: nginx:2\nimagePullPolicy: Always"),
    ),
    (
        "policy beside a path is not added",
        custom("image: nginx"),
        TAG + "imagePullPolicy: Always\nkinds: {A: .spec.image}\n",
        custom("image: nginx:2"),
    ),
    (
        "policy and a list",
        custom("images:\n- nginx:1"),
        TAG + "imagePullPolicy: Always\nkinds: {A: '.spec.images[*]'}\n",
        custom("images:\n- nginx:2"),
    ),
    (
        "policy beside two paths",
        custom("a: nginx\nb: nginx\nimagePullPolicy: Never"),
        TAG + "imagePullPolicy: Always\nkinds: {A: [.spec.a, .spec.b]}\n",
        custom("a: nginx:2\nb: nginx:2\nimagePullPolicy: Always"),
    ),
    (
        "parts with an explicit key",
        custom("image:\n  ? repository\n  : nginx\n  b: c"),
        "images: {nginx: 'nginx:v2'}\n" + PARTS,
        custom("image:\n  ? repository\n  : nginx\n  tag: v2\n  b: c"),
    ),
    # from.
    (
        "from",
        "kind: Job\n"
        "metadata: {name: no-op}\n"
        "spec: {template: {spec: {containers: [{image: 'h.io/k:7'}]}}}\n"
        "---\n" + custom("image: k"),
        "images: [{name: k, from: {kind: Job, name: no-op, path: "
        "'{.spec.template.spec.containers[0].image}'}}]\n"
        "kinds: {A: .spec.image}\n",
        "kind: Job\n"
        "metadata: {name: no-op}\n"
        "spec: {template: {spec: {containers: [{image: 'h.io/k:7'}]}}}\n"
        "---\n" + custom("image: h.io/k:7"),
    ),
    (
        "from two that agree",
        custom("i: k") + "---\n"
        "kind: B\n"
        "metadata: {name: a}\n"
        "i: k:2\n"
        "---\n"
        "kind: B\n"
        "metadata: {name: b}\n"
        "i: ' k:2 '\n",
        "images: [{name: k, from: {kind: B, name: '?', path: .i}}]\nkinds: {A: .spec.i}\n",
        custom("i: k:2") + "---\n"
        "kind: B\n"
        "metadata: {name: a}\n"
        "i: k:2\n"
        "---\n"
        "kind: B\n"
        "metadata: {name: b}\n"
        "i: ' k:2 '\n",
    ),
    # Two ways to one field.
    (
        "a path into parts",
        custom("image: {repository: nginx, tag: '1'}"),
        TAG + "kinds: {A: [{path: .spec.image, fields: {repository: repository, tag: tag}}, "
        ".spec.image.repository]}\n",
        custom("image: {repository: nginx, tag: '2'}"),
    ),
    (
        "one path, two forms",
        custom("a: {image: nginx}\nb: {image: {repository: nginx}}"),
        "images: {nginx: 'nginx:v2'}\n"
        "kinds: {A: [{path: '{..image}', fields: {repository: repository, tag: tag}}, "
        "'{..image}']}\n",
        custom("a: {image: nginx:v2}\nb: {image: {repository: nginx, tag: v2}}"),
    ),
    (
        "a path into a text",
        custom("s: docker://nginx:1"),
        TAG + "kinds: {A: [{path: .spec.s, as: text}, .spec.s]}\n",
        custom("s: docker://nginx:2"),
    ),
]


CASES += [
    (
        f"R16 {tag}",
        custom("image: {repository: nginx, tag: v1}"),
        f"images: [{{name: nginx, newTag: '{tag}'}}]\n" + PARTS,
        custom(f'image: {{repository: nginx, tag: "{tag}"}}'),
    )
    for tag in ("1.20", "123", "1e3", "0777", "on", "null")
]


@pytest.mark.parametrize("before, config, after", [row[1:] for row in CASES], ids=[row[0] for row in CASES])
def test_case(before: str, config: str, after: str | None, parser: str) -> None:
    setter = read_config(HEAD + config)
    outcome = set_images(before, setter)
    assert outcome.text == (before if after is None else after)
    assert [str(result) for result in outcome.results if result.severity != INFO] == []
    again = set_images(outcome.text, setter)
    assert (again.text, again.results) == (outcome.text, ())


BREAKS = r"(?:\\n|\\u2028|\\u2029)+"
ENDINGS = {"CR": "\r", "CRLF": "\r\n", "NEL": "\x85", "LS": "\u2028", "PS": "\u2029"}


@pytest.mark.parametrize("ending", ENDINGS.values(), ids=ENDINGS)
@pytest.mark.parametrize("before, config, after", [row[1:] for row in CASES], ids=[row[0] for row in CASES])
def test_case_with_other_line_ends(before: str, config: str, after: str | None, ending: str) -> None:
    if events.c_parser() is None:
        pytest.skip("only libyaml ends a line at NEL, LS and PS")
    text = before.replace("\n", ending)
    changed = set_images(text, read_config(HEAD + config)).text
    expected = text if after is None else after.replace("\n", ending)
    loaded, wanted = (repr(list(yaml.load_all(one, yaml.CSafeLoader))) for one in (changed, expected))
    # LS and PS are also content, and do not fold.
    assert re.sub(BREAKS, "|", loaded) == re.sub(BREAKS, "|", wanted)


LEFT_BEHIND = [
    (
        "a container with a new policy",
        "kind: A\nmetadata:\n  name: x\nspec:\n  containers:\n  - &c\n    image: nginx\n  other: *c\n",
        TAG + "imagePullPolicy: Always\n",
        "kind: A\n"
        "metadata:\n"
        "  name: x\n"
        "spec:\n"
        "  containers:\n"
        "  - &c\n"
        "    image: nginx:2\n"
        "    imagePullPolicy: Always\n"
        "  other: \n"
        "    image: nginx\n",
    ),
    (
        "a merge key that would bring a policy",
        custom("containers: [&c {image: nginx, a: b}]\nother: {<<: *c}"),
        TAG + "imagePullPolicy: Always\n",
        custom(
            "containers: [&c {image: nginx:2, imagePullPolicy: Always, a: b}]\nother: {<<: {image: nginx, a: b}}"
        ),
    ),
    (
        "a merge key in a merge key",
        custom("containers:\n- &c\n  name: a\n  image: nginx\n- <<:\n    <<: *c\n  name: b"),
        "images: [{name: nginx, newTag: '2', containers: [a]}, {name: nginx, newTag: '3', containers: [b]}]\n",
        custom(
            "containers:\n"
            "- &c\n"
            "  name: a\n"
            "  image: nginx:2\n"
            "- <<:\n"
            "    <<: *c\n"
            "    image: nginx\n"
            "  image: nginx:3\n"
            "  name: b"
        ),
    ),
    (
        "a merge list that would bring a tag",
        custom("image: &c {repository: nginx}\nother: {<<: [{x: y}, *c], a: b}"),
        "images: {nginx: 'nginx:v2'}\n" + PARTS,
        custom("image: &c {repository: nginx, tag: v2}\nother: {<<: [{x: y}, {repository: nginx}], a: b}"),
    ),
    (
        "a tag of the first key",
        custom("image: &c\n  !!str repository: nginx\n  tag: v1\nother:\n- *c"),
        TAG + PARTS,
        custom(
            'image: &c\n  !!str repository: nginx\n  tag: "2"\nother:\n- \n  !!str repository: nginx\n  tag: v1'
        ),
    ),
    (
        "L7 null with an anchor",
        custom("image: {repository: nginx, tag: &t }\nt: *t"),
        TAG + PARTS,
        custom('image: {repository: nginx, tag: &t "2" }\nt: null'),
    ),
    (
        "parts, an alias to a number",
        custom("image: {repository: nginx, tag: &t 1.20}\nt: *t"),
        TAG + PARTS,
        custom('image: {repository: nginx, tag: &t "2"}\nt: 1.20'),
    ),
    (
        "a tag for two charts",
        custom("image: {repository: nginx, tag: &t v1}\nother:\n  tag: *t"),
        TAG + PARTS,
        custom('image: {repository: nginx, tag: &t "2"}\nother:\n  tag: v1'),
    ),
    (
        "a label",
        custom("image: &i nginx\nlabels: [*i]"),
        TAG + "kinds: {A: .spec.image}\n",
        custom("image: &i nginx:2\nlabels: [nginx]"),
    ),
    (
        "a merge key",
        custom("image: &i {repository: nginx, tag: v1}\nother: {<<: *i, a: b}"),
        TAG + PARTS,
        custom('image: &i {repository: nginx, tag: "2"}\nother: {<<: *i, tag: v1, a: b}'),
    ),
    (
        "a whole block",
        custom("image: &i\n  repository: nginx\n  tag: v1\nother: *i"),
        TAG + PARTS,
        custom('image: &i\n  repository: nginx\n  tag: "2"\nother: \n  repository: nginx\n  tag: v1'),
    ),
    (
        "in a string",
        custom("v: |\n  i: &i nginx\n  j: *i"),
        TAG + "kinds: {A: {path: .spec.v, as: yaml, paths: .i}}\n",
        custom("v: |\n  i: &i nginx:2\n  j: nginx"),
    ),
]


@pytest.mark.parametrize(
    "before, config, after", [row[1:] for row in LEFT_BEHIND], ids=[row[0] for row in LEFT_BEHIND]
)
def test_alias_that_keeps_the_old_text_is_reported(before: str, config: str, after: str, parser: str) -> None:
    outcome = set_images(before, read_config(HEAD + config))
    assert outcome.text == after
    (warning,) = [result for result in outcome.results if result.severity != INFO]
    assert re.search(
        r"^warning: line \d+: A/x: (spec\..*: )?alias \*\w was replaced by a copy of the old value", str(warning)
    )
    assert before.splitlines()[(warning.line or 0) - 1].partition("*")[1] == "*" or "v: |" in before


TEMPLATES = [
    pytest.param('s: |\n  image: {{ f `a.io/B` "d.io/x:1" }}\n  tag: {{ .tag }}', id="block scalar"),
    pytest.param('s: >-\n  image:\n  "{{ .img | default "d.io/x:1" }}"', id="folded scalar"),
    pytest.param(r's: "image: {{ .img | default \"d.io/x:1\" }}\n"', id="double quotes"),
    pytest.param("s: 'image: {{ img | default(''d.io/x:1'') }}'", id="single quotes"),
    pytest.param(r"""s: '{"image": "{{ default \"d.io/x:1\" .img }}"}'""", id="JSON"),
    pytest.param("s: run ${IMG:-d.io/x:1} and `d.io/x:1`", id="shell"),
]


@pytest.mark.parametrize("spec", TEMPLATES)
def test_reference_in_a_template_of_a_text_is_set(spec: str, parser: str) -> None:
    setter = read_config(HEAD + "registries: [{from: d.io, to: m.io}]\nkinds: {A: {path: .spec.s, as: text}}\n")
    outcome = set_images(custom(spec), setter)
    assert outcome.text == custom(spec.replace("d.io/x:1", "m.io/x:1"))


TABS = [
    (
        "a tab after an anchor in what is copied",
        custom("image: &c\n  repository: nginx\n  l:\n  - &x\t# c\n    a: b\nother:\n- *c"),
        "images: {nginx: 'nginx:v2'}\n" + PARTS,
        custom(
            "image: &c\n"
            "  repository: nginx\n"
            "  tag: v2\n"
            "  l:\n"
            "  - &x\t# c\n"
            "    a: b\n"
            "other:\n"
            "- \n"
            "  repository: nginx\n"
            "  l:\n"
            "  - # c\n"
            "    a: b"
        ),
    ),
    (
        "a tab after an alias",
        custom("image: &c\n  repository: nginx\nother:\n- *c\t"),
        "images: {nginx: 'nginx:v2'}\n" + PARTS,
        custom("image: &c\n  repository: nginx\n  tag: v2\nother:\n- \n  repository: nginx"),
    ),
    (
        "a tab before a comment",
        custom("image: &c\n  repository: nginx\nother:\n- *c\t# c"),
        "images: {nginx: 'nginx:v2'}\n" + PARTS,
        custom("image: &c\n  repository: nginx\n  tag: v2\nother:\n- # c\n  repository: nginx"),
    ),
]


@pytest.mark.parametrize("before, config, after", [row[1:] for row in TABS], ids=[row[0] for row in TABS])
def test_tab_after_an_alias_goes_with_it(before: str, config: str, after: str) -> None:
    if events.c_parser() is None:
        pytest.skip("only libyaml takes a tab there")
    assert set_images(before, read_config(HEAD + config)).text == after


VALUES = "kinds: {A: {path: .spec.values, as: yaml, paths: .image}}\n"
LONG, PATH = "a" * 127, "a/" * 127 + "a"
SUFFIX = "images: [{name: nginx, tagSuffix: -b}]\n"
WARNINGS = [
    (
        custom("image: nginx"),
        TAG + PARTS,
        "spec.image: not changed: path .spec.image points to a string, expected a mapping",
    ),
    (
        custom("values: [a]"),
        TAG + VALUES,
        "spec.values: not changed: path .spec.values points to a list, expected a string",
    ),
    (
        custom("values: true"),
        TAG + "kinds: {A: {path: .spec.values, part: tag, of: nginx}}\n",
        "points to a boolean, expected a string",
    ),
    (
        custom("values: '{{ .x }'"),
        TAG + VALUES,
        "line 5: A/x: spec.values: not changed: line 1, column 1 of the string: invalid YAML",
    ),
    (
        custom("values: 'image: [nginx]'"),
        TAG + VALUES,
        "spec.values: image: not changed: path .image points to a list, expected a string",
    ),
    (
        custom("values: |\n  apiVersion: v1\n  kind: List\n  items: [nginx]"),
        TAG + VALUES,
        "not a Kubernetes resource",
    ),
    (
        custom("base: 300"),
        TAG + "kinds: {A: {path: .spec.base, part: name}}\n",
        "spec.base: not changed: path .spec.base points to a number, expected a string",
    ),
    (
        custom("base: nginx:1"),
        TAG + "kinds: {A: {path: .spec.base, part: name}}\n",
        "the field also contains a tag or digest",
    ),
    (
        custom("version: v1"),
        DIGEST + "kinds: {A: {path: .spec.version, part: tag, of: nginx}}\n",
        f'not changed: cannot set "nginx@{D}": the new reference has no tag',
    ),
    (
        custom("image: {repository: nginx, tag: '1'}"),
        DIGEST + PARTS,
        f'not changed: cannot set "nginx@{D}": no field can contain a digest without a tag; set `newTag` too',
    ),
    (
        custom(f"version: v1@{E}"),
        DIGEST + "kinds: {A: {path: .spec.version, part: tag, of: nginx}}\n",
        "the new reference has no tag",
    ),
    (
        custom(f"image: nginx:{LONG}"),
        SUFFIX + "kinds: {A: .spec.image}\n",
        f'not changed: cannot set "nginx:{LONG}-b": invalid tag; a tag has up to 128 letters, '
        'digits, "_", "." or "-", and does not start with "." or "-"',
    ),
    (
        custom(f"version: {LONG}"),
        SUFFIX + "kinds: {A: {path: .spec.version, part: tag, of: nginx}}\n",
        "cannot set the new reference: invalid tag;",
    ),
    (custom(f"image: {{repository: nginx, tag: {LONG}}}"), SUFFIX + PARTS, "invalid tag;"),
    (
        custom(f"image: {PATH}"),
        TAG + "registries: [{from: docker.io, to: m.example.com/x}]\nkinds: {A: .spec.image}\n",
        "the name is longer than 255 characters",
    ),
]


@pytest.mark.parametrize("text, config, message", WARNINGS)
def test_left_with_a_warning(text: str, config: str, message: str) -> None:
    outcome = set_images(text, read_config(HEAD + config))
    assert outcome.text == text
    assert message in str(outcome.results[0])
    assert outcome.results[0].severity == "warning"


AS_YAML = "{path: .data.d, as: yaml}"
RELATIVE = "{path: .data.d, as: yaml, paths: '{..img}'}"
STRINGS = [
    # id, the document, before -> after, and a path object
    pytest.param("kind: Pod\nspec: {containers: [{image: IMAGE}]}", AS_YAML, id="kind without apiVersion"),
    pytest.param("containers:\n- image: IMAGE", AS_YAML, id="part of a pod spec"),
    pytest.param("a:\n- b: {initContainers: [{image: IMAGE}]}", AS_YAML, id="part of a pod spec in values"),
    pytest.param("- image: other\n- containers: [{image: IMAGE}]", AS_YAML, id="pod spec in a list"),
    pytest.param("apiVersion: v1\nkind: Pod\nimg: IMAGE", RELATIVE, id="paths in a resource"),
    pytest.param("kind: Pod\nimg: IMAGE\nspec: {containers: [{image: IMAGE}]}", RELATIVE, id="paths and pod spec"),
    pytest.param("containers: [{img: IMAGE, image: IMAGE}]", RELATIVE, id="paths and part of a pod spec"),
    pytest.param(
        "- {apiVersion: v1, kind: Pod, spec: {containers: [{image: IMAGE}]}}", AS_YAML, id="resource in a list"
    ),
    pytest.param(
        "- {kind: A, img: IMAGE}\n- {kind: A, spec: {containers: [{image: IMAGE}]}}",
        RELATIVE,
        id="paths in a list",
    ),
    pytest.param('[{"apiVersion": "a.io/v1", "kind": "B", "spec": {"i": "IMAGE"}}]', AS_YAML, id="alm-examples"),
    pytest.param('[{"kind": "B", "spec": {"i": "IMAGE"}}]', AS_YAML, id="kinds without apiVersion in a list"),
    pytest.param(
        "apiVersion: v1\nkind: List\nitems: [{kind: B, spec: {i: IMAGE}}]\nimg: IMAGE",
        RELATIVE,
        id="paths and a List",
    ),
]


@pytest.mark.parametrize("style", ["|", ">-", '"'])
@pytest.mark.parametrize("document, path", STRINGS)
def test_document_in_a_string_is_searched(document: str, path: str, style: str, parser: str) -> None:
    def text(image: str) -> str:
        inner = document.replace("IMAGE", image)
        if style in "|>-":
            ending = "\n" if style == "|" else "\n\n"
            lines = "".join(f"    {line}{ending}" for line in inner.split("\n"))
            return f"kind: ConfigMap\ndata:\n  d: {style}\n{lines}"
        return f"kind: ConfigMap\ndata:\n  d: {json.dumps(inner)}\n"

    setter = read_config(f"{HEAD}{TAG}kinds: {{ConfigMap: {path}, B: .spec.i}}\nonUnused: ignore\n")
    outcome = set_images(text("nginx:1"), setter)
    assert outcome.text == text("nginx:2")
    assert len(outcome.results) == document.count("IMAGE")


LINES = [
    # id, text before the string, string in the file, the line where the path matches a mapping
    pytest.param("x:\n  y: |\n    a: b\n    image: {a: b}\n", 4, id="literal"),
    pytest.param("x:\n  y: |2  # c\n    a: b\n\n    image: {a: b}\n", 5, id="literal with an empty line"),
    pytest.param("x:\n  y: >\n    a: b\n\n    image: {a: b}\n", 5, id="folded"),
    pytest.param(
        "x:\n  y: >\n\n    a:\n      b:\n      c\n\n    image: {a: b}\n", 8, id="folded with deeper lines"
    ),
    pytest.param('x:\n  y: "a: b\\nimage: {a: b}"\n', 2, id="escapes"),
    pytest.param('x:\n  y: "a: b\n\n    image: {a: b}"\n', 4, id="double quotes in lines"),
    pytest.param("x:\n  y: 'a: b\n\n\n    image: {a: b}'\n", 5, id="single quotes in lines"),
    pytest.param("x:\n  y:\n    a: b\n".replace("a: b", '"a: b\\n\\\n    image: {a: b}"'), 4, id="joined lines"),
]


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"], ids=["LF", "CRLF", "CR"])
@pytest.mark.parametrize("text, line", LINES)
def test_warning_about_a_document_in_a_string_has_the_line_of_the_file(
    text: str, line: int, ending: str, parser: str
) -> None:
    setter = read_config(f"{HEAD}{TAG}kinds: {{A: {{path: .x.y, as: yaml, paths: .image}}}}\nonUnused: ignore\n")
    (result,) = set_images(f"kind: A\n{text}".replace("\n", ending), setter).results
    assert (result.severity, result.line) == ("warning", line + 1)


ERRORS = [
    (
        pod(f"- image: nginx@{D}"),
        NAME + "imagePullPolicy: Never\n",
        'line 6: spec.containers[0].image: imagePullPolicy "Never" cannot be combined with the digest in',
    ),
    (
        custom(f"values: |\n  apiVersion: v1\n  kind: Pod\n  spec: {{containers: [{{image: nginx@{D}}}]}}"),
        NAME + "imagePullPolicy: Never\nkinds: {A: {path: .spec.values, as: yaml}}\n",
        'line 8: spec.values: spec.containers[0].image: imagePullPolicy "Never" cannot be '
        "combined with the digest in",
    ),
    (custom("image: {repository: nginx, tag}"), TAG + PARTS, 'line 5, column 30: cannot set the value of "tag"'),
]


@pytest.mark.parametrize("text, config, message", ERRORS)
def test_error(text: str, config: str, message: str) -> None:
    with pytest.raises((ConfigError, InputError)) as caught:
        set_images(text, read_config(HEAD + config))
    assert message in str(caught.value)


def test_results_of_a_document_in_a_string() -> None:
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata:\n  d.yaml: 'image: nginx'\n"
    config = TAG + "kinds: {ConfigMap: {path: \".data['d.yaml']\", as: yaml, paths: .image}}\n"
    (result,) = set_images(text, read_config(HEAD + config)).results
    data = result.to_data()
    assert data["resourceRef"] == {"apiVersion": "v1", "kind": "ConfigMap", "name": "c"}
    assert data["field"] == {"path": "data['d.yaml']: image", "currentValue": "nginx", "proposedValue": "nginx:2"}


def test_results_of_a_part_and_a_policy() -> None:
    setter = read_config(
        HEAD + TAG + "kinds: {A: {path: .spec.version, part: tag, of: nginx}}\nimagePullPolicy: Always\n"
    )
    results = set_images(custom("version: '1'\ncontainers: [{image: nginx}]"), setter).results
    assert [(result.field, result.current_value, result.proposed_value) for result in results] == [
        ("spec.containers[0].image", "nginx", "nginx:2"),
        ("spec.containers[0].imagePullPolicy", "", "Always"),
        ("spec.version", "1", "2"),
    ]


def test_documents_in_documents_end() -> None:
    text = "image: nginx\n"
    for _ in range(MAX_EMBEDDED + 2):
        text = "apiVersion: v1\nkind: ConfigMap\ndata:\n  d: |\n" + "".join(
            f"    {line}\n" for line in text.splitlines()
        )
    setter = read_config(
        HEAD + TAG + "kinds: {ConfigMap: {path: .data.d, as: yaml, paths: .image}}\nonUnused: ignore\n"
    )
    outcome = set_images(text, setter)
    assert outcome.text == text
    assert "embedded documents are nested more than 20 levels deep" in outcome.results[0].message


def test_entries_that_share_a_field_or_a_resource_take_their_references_from_it() -> None:
    source = "kind: Job, name: no-op, path: .spec"
    config = read_config(
        f"{HEAD}images:\n- {{name: a, from: {{{source}.x}}}}\n- {{name: b, from: {{{source}.y}}}}\n"
        f"- {{name: c, from: {{{source}.x}}}}\n- {{name: d, from: {{kind: 'J*', name: no-op, path: .spec.y}}}}\n"
    )
    containers = "".join(f"  - image: {name}\n" for name in "abcd")
    text = (
        "kind: Job\nmetadata: {name: no-op}\nspec: {x: x:1, y: y:1}\n---\n"
        f"kind: Pod\nspec:\n  containers:\n{containers}"
    )
    after = set_images(text, config).text
    assert after.endswith("  - image: x:1\n  - image: y:1\n  - image: x:1\n  - image: y:1\n")


@pytest.mark.parametrize("count", [1, 100, 101, 500])
def test_many_entries_set_what_one_sets(count: int) -> None:
    """From 101 entries on, texts are read without a search for the names in question."""
    entries = "".join(f"- {{name: app-{number}, newTag: '2'}}\n" for number in range(count))
    pods = "---\n".join(
        f"kind: Pod\nspec: {{containers: [{{image: app-{number}:1}}]}}\n" for number in range(count + 5)
    )
    outcome = set_images(pods, read_config(f"{HEAD}images:\n{entries}"))
    assert outcome.text.count(":2}") == count
    assert outcome.text.count(":1}") == 5
    assert all(result.severity == "info" for result in outcome.results)


@pytest.mark.parametrize(
    "item",
    [
        pytest.param("{image: a, pod: %s}", id="beside an image"),
        pytest.param("{image: {a: b}, resources: %s}", id="no container"),
        pytest.param("{image: a, resources: %s}", id="field of a container"),
    ],
)
def test_pod_spec_in_an_item_of_containers(item: str) -> None:
    """A custom resource can have a pod spec anywhere, also under a name that a container of a pod has."""
    inner = item % "{containers: [{image: nginx}]}"
    text = f"apiVersion: example.com/v1\nkind: X\nspec: {{containers: [{inner}]}}\n"
    config = read_config({"images": {"nginx": "nginx:2"}, "onUnused": "ignore"})
    assert set_images(text, config).text == text.replace("nginx", "nginx:2")


@pytest.mark.parametrize(
    ("content", "is_reported"),
    [
        ("# Readme\n\n* a list", False),
        ("kind: ClusterRole\nname: {{ .x }}-{{ .y }}\n", False),
        ("kind: Pod\nimage: {{ .x }}-{{ .y }}\n", True),
        ("{repository: nginx, tag: ]\n", True),
    ],
)
def test_invalid_string_of_the_catalog_is_reported_if_it_can_have_an_image(
    content: str, is_reported: bool
) -> None:
    lines = "".join(f"      {line}\n" for line in content.splitlines())
    bundle = f"apiVersion: fleet.cattle.io/v1\nkind: Bundle\nspec:\n  resources:\n  - content: |\n{lines}"
    outcome = set_images(bundle, read_config(f"{HEAD}images: {{nginx: 'nginx:2'}}\nonUnused: ignore\n"))
    assert ["not changed" in result.message for result in outcome.results] == [True] * is_reported


def test_fields_of_more_rules_than_words_that_a_text_is_searched_for() -> None:
    count = 200
    paths = ", ".join(f".spec.a{number}" for number in range(count))
    config = read_config(f"{HEAD}{TAG}kinds: {{A: [{paths}]}}\nonUnused: ignore\n")
    text = custom("".join(f"a{number}: nginx\n" for number in range(0, count, 7)) + "b: nginx")
    assert set_images(text, config).text == re.sub(r"(a[0-9]+: nginx)", r"\1:2", text)

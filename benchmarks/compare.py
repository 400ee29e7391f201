"""Ours beside kubectl kustomize, a ruamel.yaml script, sed and cat, on the same manifests, in one run.

    python benchmarks/compare.py [RESOURCES…]     (default 1 10 1000)

Each program is run in turn, several times over; the table has the median, the spread (fastest to slowest) and the
ratio to ours.
"""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
from pathlib import Path

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web-{n}
  labels: {{app: web, tier: "1"}}
spec:
  replicas: 3
  selector: {{matchLabels: {{app: web}}}}
  template:
    metadata:
      labels: {{app: web}}
    spec:
      containers:
      # the server
      - name: web
        image: nginx:1.24   # pinned
        ports:
        - containerPort: 80
          protocol: TCP
        resources:
          limits: {{cpu: 100m, memory: 128Mi}}
        env:
        - name: MODE
          value: "production"
        - name: POD_NAME
          valueFrom: {{fieldRef: {{fieldPath: metadata.name}}}}
        readinessProbe:
          httpGet: {{path: /healthz, port: 80}}
          periodSeconds: 10
        volumeMounts:
        - name: config
          mountPath: /etc/web
      volumes:
      - name: config
        configMap: {{name: web-config}}
"""
SERVICE = """\
apiVersion: v1
kind: Service
metadata:
  name: web-{n}
spec:
  selector: {{app: web}}
  ports:
  - name: http
    port: 80
    targetPort: 8080
"""
CONNECT = """\
apiVersion: kafka.strimzi.io/v1beta2
kind: KafkaConnect
metadata:
  name: connect-{n}
  labels:
    app.kubernetes.io/part-of: streams
  annotations:
    strimzi.io/use-connector-resources: "true"   # connectors are resources of their own
spec:
  replicas: 1
  image: nginx:1.24
  bootstrapServers: kafka:9092
  config:
    group.id: connect
    offset.storage.topic: offsets
    config.storage.topic: configs
    status.storage.topic: status
    # -1 takes the broker's setting
    config.storage.replication.factor: -1
  resources:
    requests: {{cpu: "1", memory: 2Gi}}
    limits: {{cpu: "2", memory: 2Gi}}
"""
CONFIG = """\
apiVersion: krm-image-setter.dev/v1alpha1
kind: ImageSetter
images: [{name: nginx, newTag: "1.25"}]
kinds: {KafkaConnect: "{.spec.image}"}
"""
KUSTOMIZATION = """\
resources: [manifests.yaml]
images: [{name: nginx, newTag: "1.25"}]
configurations: [fields.yaml]
"""
FIELDS = "images: [{path: spec/image, kind: KafkaConnect}]\n"
ROUND_TRIP = """\
import sys
from ruamel.yaml import YAML
yaml = YAML()
yaml.preserve_quotes = True
documents = list(yaml.load_all(sys.stdin))
for document in documents:
    spec = document["spec"]
    for holder in spec["template"]["spec"]["containers"] if "template" in spec else [spec]:
        if holder.get("image", "").startswith("nginx"):
            holder["image"] = "nginx:1.25"
yaml.dump_all(documents, sys.stdout)
"""


def main(sizes: list[int]) -> None:
    ours = str(Path(sys.executable).with_name("krm-image-setter"))
    kubectl = shutil.which("kubectl", path=sysconfig.get_path("scripts")) or shutil.which("kubectl")
    print(f"{'resources':>9}  {'program':34} {'median':>9}  {'spread':>17}  {'of ours':>7}")
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            documents = [(DEPLOYMENT, SERVICE, CONNECT)[n % 3].format(n=n) for n in range(size)]
            stream = "---\n".join(documents)
            items = "".join("- " + document.replace("\n", "\n  ").removesuffix("  ") for document in documents)
            config = "functionConfig:\n  " + CONFIG.replace("\n", "\n  ").rstrip(" ")
            files = {
                "manifests.yaml": stream,
                "list.yaml": f"apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems:\n{items}{config}",
                "functions.yaml": CONFIG,
                "kustomization.yaml": KUSTOMIZATION,
                "fields.yaml": FIELDS,
            }
            for name, text in files.items():
                Path(folder, name).write_text(text)
            programs: dict[str, tuple[list[str], str]] = {
                "krm-image-setter, ResourceList": ([ours], "list.yaml"),
                "krm-image-setter, stream": ([ours, "--fn-config", "functions.yaml"], "manifests.yaml"),
            }
            if kubectl:
                programs["kubectl kustomize, images:"] = ([kubectl, "kustomize", "."], "manifests.yaml")
                programs["kubectl version --client"] = ([kubectl, "version", "--client"], "manifests.yaml")
            programs["ruamel.yaml round trip"] = ([sys.executable, "-c", ROUND_TRIP], "manifests.yaml")
            programs["sed"] = (["sed", "s/nginx:1.24/nginx:1.25/"], "manifests.yaml")
            programs["cat"] = (["cat"], "manifests.yaml")
            times: dict[str, list[float]] = {name: [] for name in programs}
            for _ in range(5 if size >= 1000 else 15):
                for name, (command, stdin) in programs.items():
                    times[name].append(timed(command, Path(folder, stdin), folder))
            base = statistics.median(times["krm-image-setter, ResourceList"])
            for name, taken in times.items():
                median = statistics.median(taken)
                spread = f"{min(taken) * 1000:.0f}–{max(taken) * 1000:.0f} ms"
                print(f"{size:>9}  {name:34} {median * 1000:6.0f} ms  {spread:>17}  {median / base:7.2f}")


def timed(command: list[str], stdin: Path, folder: str) -> float:
    with stdin.open("rb") as file:
        start = time.perf_counter()
        subprocess.run(
            command, stdin=file, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder, check=True
        )
        return time.perf_counter() - start


if __name__ == "__main__":
    main([int(argument) for argument in sys.argv[1:]] or [1, 10, 1000])

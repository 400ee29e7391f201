"""Lifelike manifests in any number: Deployments with comments, KafkaConnects, Services, ConfigMaps with scripts."""

from __future__ import annotations

from collections.abc import Iterator

OLD, NEW = "registry.example.com/shop/web:1.24", "registry.example.com/shop/web:1.25"
OTHER = "registry.example.com/infra/agent:7"

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
        image: {image}   # pinned
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
  image: {image}
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
CONFIG_MAP = """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: scripts-{n}
data:
  start.sh: |
    #!/bin/sh
    # waits for the broker
    until nc -z kafka 9092; do
      sleep 1
    done
    exec /opt/connect --config "$CONFIG"
  log4j.properties: |
    log4j.rootLogger=INFO, stdout
    log4j.appender.stdout=org.apache.log4j.ConsoleAppender
"""
_KINDS = (DEPLOYMENT, CONNECT, SERVICE, DEPLOYMENT, CONNECT, CONFIG_MAP)


def documents(count: int, load: str) -> Iterator[str]:
    """Yield resources whose images all change, or of which 1 % or none do, by the `load`: all, 1 % or none."""
    for n in range(count):
        to_set = load == "all" or (load == "1 %" and n % 100 == 0)
        yield _KINDS[n % len(_KINDS)].format(n=n, image=OLD if to_set else OTHER)


def stream(count: int, load: str) -> Iterator[str]:
    """Yield them as a stream of documents."""
    for number, text in enumerate(documents(count, load)):
        yield f"---\n{text}" if number else text


def resource_list(count: int, load: str, config: str) -> Iterator[str]:
    """Yield them as a ResourceList, as orchestrators write it."""
    yield "apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems:\n"
    for text in documents(count, load):
        yield "- " + text.replace("\n", "\n  ").removesuffix("  ")
    yield "functionConfig:\n  " + config.replace("\n", "\n  ").rstrip(" ")

# The function as an image: a ResourceList on standard input, one on standard output; as nobody, without a network, and
# with nothing to write. `make image` builds it.
ARG PYTHON_IMAGE=docker.io/library/python:3.13-slim

FROM ${PYTHON_IMAGE} AS build
COPY . /source
RUN python3 -m venv /opt/krm-image-setter
RUN /opt/krm-image-setter/bin/python -m pip install --no-cache-dir --no-compile --disable-pip-version-check /source
RUN /opt/krm-image-setter/bin/python -m pip uninstall --yes --quiet pip setuptools
# Nobody can keep byte code later. Unchecked: a builder that sets all times anew must not make it stale.
RUN python3 -m compileall -q --invalidation-mode unchecked-hash /opt/krm-image-setter/lib

FROM ${PYTHON_IMAGE}
# The base image has its standard library without byte code, and a pip that nothing here needs.
RUN python3 -m compileall -q --invalidation-mode unchecked-hash -x '/(site|dist)-packages/|/(test|idlelib|tkinter|turtledemo|lib2to3|ensurepip|pydoc_data)/' \
      "$(python3 -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')" \
 && rm -rf /usr/local/bin/pip* /usr/local/lib/python3*/ensurepip /usr/local/lib/python3*/site-packages/pip*
COPY --from=build /opt/krm-image-setter /opt/krm-image-setter
# For a shell in the container, and for images that are built from this one.
RUN ln -s /opt/krm-image-setter/bin/krm-image-setter /usr/local/bin/krm-image-setter
ARG VERSION
LABEL org.opencontainers.image.title="krm-image-setter" \
      org.opencontainers.image.description="A KRM function that sets container images anywhere in Kubernetes YAML, and changes nothing else" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}"
ENV PYTHONDONTWRITEBYTECODE=1
# By number, so that Kubernetes can see that it is not root.
USER 65534:65534
ENTRYPOINT ["/opt/krm-image-setter/bin/krm-image-setter"]

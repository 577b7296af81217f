# One image for every verb: worker (the default), dashboard, topics create, check, …
#
#   docker build --build-arg SOURCE_DATE_EPOCH="$(git log -1 --format=%ct)" --build-arg REVISION="$(git rev-parse HEAD)" -t hindcast .
#
# What is installed is what the locks name, by hash. For the same base each time, name it by its digest:
# --build-arg PYTHON_IMAGE=python:3.11-slim-bookworm@sha256:…
ARG PYTHON_IMAGE=python:3.11-slim-bookworm

FROM ${PYTHON_IMAGE} AS build
ARG SOURCE_DATE_EPOCH=0
ENV PIP_CACHE_DIR=/var/cache/pip PYTHONHASHSEED=0 SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH}
WORKDIR /build
RUN python -m venv --without-pip /opt/hindcast
COPY requirements.lock requirements-build.lock ./
# pip's cache is a mount, so it is in no layer.
# hadolint ignore=DL3042
RUN --mount=type=cache,target=/var/cache/pip \
    pip --python /opt/hindcast/bin/python install --require-hashes --no-compile --requirement requirements.lock && \
    pip install --require-hashes --requirement requirements-build.lock
COPY . .
# Nothing can write bytecode later, and sources do not change: it is made here and never compared with them.
RUN pip wheel --no-deps --no-build-isolation --wheel-dir /wheels . && \
    pip --python /opt/hindcast/bin/python install --no-cache-dir --no-index --no-deps --no-compile /wheels/*.whl && \
    python -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/hindcast/lib

FROM ${PYTHON_IMAGE}
ARG REVISION=""
LABEL org.opencontainers.image.title="Hindcast" \
      org.opencontainers.image.description="Exact quality metrics of deployed ML models from prediction and late-label streams on Kafka" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.revision="${REVISION}"
# The user that the chart runs it as; a volume that is new takes its directory's owner over.
RUN pip uninstall --yes --quiet pip setuptools wheel && \
    install --directory --owner=10001 --group=10001 /var/lib/hindcast && \
    install --directory /etc/hindcast
COPY --from=build /opt/hindcast /opt/hindcast
ENV PATH=/opt/hindcast/bin:${PATH} HOME=/tmp PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
# hindcast.yaml is looked for where the process stands.
WORKDIR /etc/hindcast
USER 10001:10001
EXPOSE 6066
STOPSIGNAL SIGTERM
ENTRYPOINT ["hindcast"]
CMD ["worker"]

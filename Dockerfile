# The program with ONNX Runtime, the default model, git and ssh inside: it needs neither Python nor the network to start.
#
#   docker build --tag warmer:0.1.0 .                    # BuildKit is needed (`RUN --mount`)
#   docker run --rm warmer:0.1.0 doctor
#   docker run --detach --env DATABASE_URL=postgres://warmer@db/warmer warmer:0.1.0
#   docker run --detach --volume warmer:/var/lib/warmer --volume ./warmer.toml:/etc/warmer/warmer.toml:ro warmer:0.1.0
#
# The root file system can be read-only (--read-only). Two directories are written: /var/lib/warmer, which uid 10001 must be able
# to write (mirrors, and the SQLite file where there is no DATABASE_URL), and /tmp (SQLite's temporary files; --tmpfs /tmp).
# For ssh remotes put key and known_hosts into /var/lib/warmer/.ssh; publish the port of `[webhooks] listen` where it is set.
# A repository in a volume that another uid owns is served by git only where `safe.directory` allows it.
# Three instances with a database: config/compose.yaml. Kubernetes: config/kubernetes.

FROM rust:1.95.0-bookworm AS build
RUN apt-get update \
    && apt-get install --yes --no-install-recommends python3-pip zstd \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY . .
# The time of the files in the archive: the history, which knows that of the last commit, is not here.
ARG SOURCE_DATE_EPOCH=0
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/source/target \
    --mount=type=cache,target=/dist/build \
    SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH} XDG_CACHE_HOME=/cache cargo xtask dist --output /dist \
    && mkdir /opt/warmer \
    && tar --extract --zstd --file /dist/warmer-*.tar.zst --directory /opt/warmer --strip-components 1

FROM debian:12.12-slim
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates git libstdc++6 openssh-client tini \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --system --gid 10001 warmer \
    && useradd --system --uid 10001 --gid 10001 --home-dir /var/lib/warmer --create-home warmer \
    # The names under which it is started; the last two are those of services that were written for worker_cache_warmer.
    && mkdir /app \
    && ln -s /opt/warmer/bin/warmer /usr/local/bin/warmer \
    && ln -s /opt/warmer/bin/worker_cache_warmer /usr/local/bin/worker_cache_warmer \
    && ln -s /opt/warmer/bin/worker_cache_warmer /app/worker_cache_warmer
# The archive as it is: the program finds runtime and model beside itself.
COPY --from=build /opt/warmer /opt/warmer
COPY config/docker/entrypoint.sh /usr/local/bin/entrypoint.sh
# Mirrors and database: the default place of the program.
ENV XDG_DATA_HOME=/var/lib
USER 10001:10001
WORKDIR /var/lib/warmer
VOLUME /var/lib/warmer
RUN warmer doctor
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 CMD ["warmer", "healthcheck"]
# tini collects what a killed git leaves behind, and passes signals on.
ENTRYPOINT ["tini", "--", "entrypoint.sh"]
CMD ["run"]

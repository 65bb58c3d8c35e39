# The program with ONNX Runtime, the default model, git and ssh inside: it needs neither Python nor the network to start.
#
#   docker build --tag warmer .                          # BuildKit is needed (`RUN --mount`)
#   docker run --rm warmer doctor
#   docker run --detach --env DATABASE_URL=postgres://warmer@db/warmer warmer run
#   docker run --detach --volume warmer:/var/lib/warmer --volume ./warmer.toml:/etc/warmer/warmer.toml:ro warmer run
#
# State (mirrors, and the SQLite file where there is no DATABASE_URL) is in /var/lib/warmer, which uid 10001 must be able to write.
# For ssh remotes put key and known_hosts into /var/lib/warmer/.ssh; publish the port of `[webhooks] listen` where it is set.
# The health check embeds a text: for a moment it needs the memory of one more model session.
# A repository in a volume that another uid owns is served by git only where `safe.directory` allows it.

FROM rust:1.95.0-bookworm AS build
RUN apt-get update \
    && apt-get install --yes --no-install-recommends python3-pip \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/source/target \
    XDG_CACHE_HOME=/cache cargo xtask setup
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/source/target \
    cargo build --release --locked --package warmer \
    && install target/release/warmer /usr/local/bin/warmer

FROM debian:12.12-slim
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates git libstdc++6 openssh-client \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /var/lib/warmer --create-home warmer
COPY --from=build /usr/local/bin/warmer /usr/local/bin/warmer
COPY --from=build --chown=warmer:warmer /cache/warmer /var/cache/warmer
# Set-up, mirrors and database: the default places of the program, below directories that its user may write.
ENV XDG_CACHE_HOME=/var/cache XDG_DATA_HOME=/var/lib
USER warmer
WORKDIR /var/lib/warmer
VOLUME /var/lib/warmer
RUN warmer doctor
HEALTHCHECK --interval=5m --timeout=30s --start-period=30s CMD ["warmer", "doctor"]
ENTRYPOINT ["warmer"]
CMD ["--help"]

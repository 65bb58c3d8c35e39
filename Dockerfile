# The program with ONNX Runtime and the default model inside: it needs neither Python nor the network to start.

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
    && apt-get install --yes --no-install-recommends ca-certificates libstdc++6 openssh-client \
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

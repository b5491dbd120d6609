# The exporter in an image without shell, libraries or package manager: docs/containers.md.
#
# The base is pinned by its exact tag. To pin its bytes too, append the digest that
# `docker buildx imagetools inspect rust:1.95.0-slim-bookworm` prints: rust:1.95.0-slim-bookworm@sha256:…
# The final stage starts from nothing, so there is no other base.
#
# Each platform builds natively, emulated where need be: `docker buildx build --platform linux/amd64,linux/arm64 .`
# A cross compiler would be faster than emulation, but needs more maintenance.
FROM rust:1.95.0-slim-bookworm AS build
WORKDIR /build

# A static program needs nothing else in the image. It links glibc rather than musl, whose allocator is slow under
# several threads. `--target` keeps the flag from build scripts and macros, which cannot be static.
ENV RUSTFLAGS="-C target-feature=+crt-static"

# Only the dependencies, so that they are rebuilt only when these files change.
COPY Cargo.toml Cargo.lock ./
COPY crates/exporter-toolkit/Cargo.toml crates/exporter-toolkit/
COPY crates/gateway-simulator/Cargo.toml crates/gateway-simulator/
RUN mkdir src crates/exporter-toolkit/src crates/gateway-simulator/src \
    && touch src/lib.rs crates/exporter-toolkit/src/lib.rs crates/gateway-simulator/src/lib.rs \
    && echo 'fn main() {}' > src/main.rs \
    && cargo build --release --locked --target "$(rustc --print host-tuple)"

# Cargo compares modification times, and the sources may be older than the placeholders.
COPY build.rs README.md ./
COPY crates crates
COPY src src
ARG REVISION=unknown
RUN touch src/lib.rs src/main.rs crates/*/src/lib.rs \
    && target="$(rustc --print host-tuple)" \
    && QLARA_BUILD_REVISION="$REVISION" cargo build --release --locked --target "$target" \
    && cp "target/$target/release/qlara-exporter" /qlara-exporter

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /qlara-exporter /qlara-exporter
COPY LICENSE /LICENSE

ARG REVISION=unknown
LABEL org.opencontainers.image.title="qlara-exporter" \
      org.opencontainers.image.description="Prometheus exporter for the social profiles connected to the Qlara messaging gateway" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.revision="$REVISION"

# By number: there is no /etc/passwd, and Kubernetes can tell that it is not root.
USER 65532:65532
EXPOSE 10017
# Serves only health, for the check below: TLS, passwords and limits of the web configuration file do not apply.
ENV QLARA_WEB_PROBE_LISTEN_ADDRESS=127.0.0.1:10019
HEALTHCHECK --interval=15s --timeout=5s --start-period=5s --retries=3 CMD ["/qlara-exporter", "healthcheck"]
ENTRYPOINT ["/qlara-exporter"]

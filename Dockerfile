# docker build -t viewgate . && docker run --rm -p 8080:8080 -v "$PWD/viewgate.yaml:/etc/viewgate/viewgate.yaml:ro" viewgate
FROM debian:bookworm-slim AS build
COPY packaging /src/packaging
RUN /src/packaging/deps && rm -rf /var/lib/apt/lists/*
COPY . /src
RUN CMAKE_ARGS="-DVIEWGATE_TESTS=OFF" JOBS="$(nproc)" /src/packaging/build release viewgate \
    && strip /src/build/release/viewgate

FROM debian:bookworm-slim
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
       ca-certificates libc-ares2 libfmt9 libhiredis0.14 libnghttp2-14 libre2-9 libspdlog1.10 libssl3 libuv1 libxxhash0 libyaml-0-2 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin viewgate
COPY --from=build /src/build/release/viewgate /usr/bin/viewgate
COPY config/container.yaml /etc/viewgate/viewgate.yaml
USER 10001
EXPOSE 8080
# Asks /readyz on the admin listener of the configuration, which therefore needs one, on loopback at least.
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s --retries=3 CMD ["viewgate", "health"]
# SIGTERM finishes what is in flight within server.drain_timeout; give `docker stop` that time: --stop-timeout 40.
STOPSIGNAL SIGTERM
ENTRYPOINT ["viewgate"]
CMD ["run"]

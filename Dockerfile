# Sluice on CPUs: the server, its client, LibTorch and the model all-MiniLM-L6-v2.
#
#   docker build -t sluice .                                    everything is fetched as pinned in ./dev
#   docker build --build-context model=DIR …                    another Hugging Face model
#   docker build --build-context libtorch=DIR …                 a LibTorch that is there, with include/ and lib/
#   docker build --build-context installed=DIR …                a tree that ./dev install made
#   docker build --build-arg BASE=debian:bookworm-slim@sha256:… a base pinned by its content
#
# ./dev image builds and tries it, also where there is no container engine. docs/deploy.md has the rest.
ARG BASE=debian:bookworm-20250520-slim

FROM ${BASE} AS fetched
ARG SLUICE_PIP_ARGS=
ARG SLUICE_TORCH_SHA256=
WORKDIR /src
COPY dev ./
RUN ./dev fetch

FROM scratch AS libtorch
COPY --from=fetched /src/.deps/libtorch /

FROM scratch AS model
COPY --from=fetched /src/.deps/model /

FROM ${BASE} AS built
WORKDIR /src
COPY dev ./
RUN ./dev packages
COPY --from=libtorch / /opt/libtorch/
COPY . ./
ENV LIBTORCH_DIR=/opt/libtorch
RUN --mount=type=cache,target=/root/.cache/ccache ./dev install /opt/sluice

FROM scratch AS installed
COPY --from=built /opt/sluice /

# LibTorch's symbol table is a fifth of it, and only a debugger reads it.
FROM ${BASE} AS stripped
RUN apt-get update && apt-get install -y --no-install-recommends binutils && rm -rf /var/lib/apt/lists/*
COPY --from=installed / /opt/sluice/
RUN find /opt/sluice/lib -name '*.so*' -exec strip --strip-unneeded {} +

FROM ${BASE} AS runtime
RUN apt-get update && apt-get install -y --no-install-recommends \
      libgrpc++1.51 libgumbo1 libicu72 libpng16-16 libprometheus-cpp-core1.0 libprotobuf32 libseccomp2 libre2-9 libspdlog1.10 \
      libsqlite3-0 libstemmer0d libutf8proc2 libyaml-cpp0.7 && \
    rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/apt /var/log/dpkg.log && \
    install -d -m 0750 -o 65532 -g 65532 /data
COPY --from=model / /opt/sluice/model/
COPY --from=stripped /opt/sluice /opt/sluice
COPY LICENSE NOTICE /opt/sluice/
ENV PATH=/opt/sluice/bin:$PATH \
    SLUICE_LISTEN=0.0.0.0:7070 \
    SLUICE_ADMIN=0.0.0.0:7090 \
    SLUICE_DATA=/data \
    SLUICE_MODEL=/opt/sluice/model
USER 65532:65532
# Fails the build when a library is missing.
RUN sluiced --version && sluice --version
LABEL org.opencontainers.image.title="Sluice" \
      org.opencontainers.image.description="Screens job postings in durable batches, over gRPC" \
      org.opencontainers.image.licenses="Apache-2.0"
VOLUME /data
EXPOSE 7070 7090
# Begins the drain: nothing accepted is lost. Give it 60 s (docker stop --time=60).
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=120s --retries=3 \
  CMD ["sluice", "--server=127.0.0.1:7070", "hardware"]
# Listening beyond loopback has to be meant: say --insecure-i-know, or SLUICE_INSECURE_I_KNOW=true.
ENTRYPOINT ["sluiced"]

# SPDX-License-Identifier: Apache-2.0
#
#   docker build -t tunhttpd .
#   docker run --device /dev/net/tun --cap-add NET_ADMIN -p 80:80 -p 443:443 -v ./site:/srv:ro -v tunhttpd:/data tunhttpd
#
# The image holds the program, the libraries that it needs and a page; no shell, no package.
ARG BASE=debian:trixie-slim
FROM ${BASE} AS build
WORKDIR /src

# From what seldom changes to what often does: packages, the libraries built from source, our own code.
COPY scripts scripts
RUN scripts/deps.sh build && rm -rf /var/lib/apt/lists/*
COPY Makefile CHANGELOG.md ./
COPY tests/tests.mk tests/
COPY deploy/install.mk deploy/
COPY tls/mbedtls_config.h tls/psa_libcrypto.h tls/
COPY tls/patches tls/patches
RUN make build/deps/mbedtls/.built build/deps/http-parser/.ready
COPY . .
RUN make "-j$(nproc)" && deploy/image-root.sh build/tunhttpd /image

FROM scratch
ARG VERSION=dev
LABEL org.opencontainers.image.title="tunhttpd" \
	org.opencontainers.image.description="An HTTPS server with a TCP/IP stack of its own, behind a TUN device" \
	org.opencontainers.image.licenses="Apache-2.0" \
	org.opencontainers.image.version="${VERSION}"
COPY --from=build /image /
# Settings, not arguments: a command of one's own keeps them. The grace ends before Docker's patience, 10 s.
ENV PATH=/usr/bin TUNHTTPD_STATE=/data TUNHTTPD_PUBLISH=auto TUNHTTPD_GRACE=8
VOLUME /data
EXPOSE 80 443
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=5s --retries=3 CMD ["tunhttpd", "healthcheck"]
ENTRYPOINT ["tunhttpd"]
CMD ["serve", "/srv"]

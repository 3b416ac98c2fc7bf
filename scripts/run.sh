#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Behind `make run`: installs what is missing, builds, serves www/. RUN_ARGS adds options:
#
#   make run RUN_ARGS='--address 10.99.0.2/24 --log json'
set -eu
cd "$(dirname "$0")/.."

scripts/deps.sh build
${MAKE:-make} -s "-j$(nproc)" all

# Made by whoever runs this, so that `make distclean` may remove what root puts there.
mkdir -p certs/local
# shellcheck disable=SC2086
set -- build/tunhttpd serve www --state certs/local ${RUN_ARGS:-}
[ "$(id -u)" -eq 0 ] || set -- sudo "$@"
exec "$@"

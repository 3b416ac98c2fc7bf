#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Downloads through the same bad network from two senders: our TCP (tunhttpd behind its TUN device) and the Linux
# kernel's with CUBIC. A client's namespace and a server's are joined by `tunhttpd link`; the same curl fetches the same
# file, for a fixed time, through the same impairments from the same seed, from the one and from the other in turn, and
# the medians are printed. Needs root, curl, python3 and iproute2.
#
#   bench/linux-tcp.sh [--cells WORD,...] [--rounds 3] [--seconds 8] [--rate 100] [--help]
set -eu
cd "$(dirname "$0")/.."
for tool in curl python3 ip; do
	command -v "$tool" >/dev/null || { echo "linux-tcp.sh: needs $tool" >&2; exit 1; }
done
exec python3 bench/linux_tcp.py "$@"

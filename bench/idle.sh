#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# What an idle TLS connection costs a worker: opens COUNT of them over TLS 1.3 in a network namespace, each of which
# has had one file, and prints how much larger the worker's memory is for each. Needs root, curl, cc and libssl.
#
#   bench/idle.sh [COUNT]                      default: 10000
set -eu
cd "$(dirname "$0")/.."
count=${1:-10000}
. bench/common.sh
needs curl ip cc

mkdir "$work/www"
head -c 1024 /dev/urandom >"$work/www/1k.bin"
chmod -R a+rX "$work"
${CC:-cc} -O2 -D_GNU_SOURCE -o "$work/idle_client" bench/idle_client.c -lssl -lcrypto
namespace "$client"
in_client sysctl -qw net.ipv4.ip_local_port_range='1024 65000'
start_ours "$work/ours.log" --idle-timeout 600 --max-connections-per-client off
ours=$started
answers https://10.77.0.2/1k.bin
worker=$(cat "/proc/$ours/task/$ours/children")

memory() { # FIELD: of the worker, in KiB
	awk -v field="$1:" '$1 == field { print $2 }' "/proc/${worker%% *}/smaps_rollup"
}
rss=$(memory Rss) pss=$(memory Pss) dirty=$(memory Private_Dirty)
mkfifo "$work/stdin" "$work/stdout"
ip netns exec "$client" "$work/idle_client" 10.77.0.2 443 "$count" /1k.bin <"$work/stdin" >"$work/stdout" &
pids="$pids $!"
exec 9>"$work/stdin"
read -r open <"$work/stdout" || { cat "$work/ours.log" >&2; exit 1; }
sleep 2
echo "$open idle connections, TLS 1.3, after one response of 1 KiB each; bytes of the worker's memory for each:"
printf '%-14s %10s %10s %12s\n' "" "before KiB" "after KiB" "bytes each"
row() { printf '%-14s %10d %10d %12d\n' "$1" "$2" "$3" $((($3 - $2) * 1024 / open)); }
row Rss "$rss" "$(memory Rss)"
row Pss "$pss" "$(memory Pss)"
row Private_Dirty "$dirty" "$(memory Private_Dirty)"

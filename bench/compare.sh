#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# First figures: requests per second of tunhttpd behind its TUN device next to nginx over a veth pair, in namespaces
# of their own. Both servers are pinned to one core and wrk to the other; the runs alternate and the medians are
# printed, with the server's CPU seconds. Needs root, nginx, wrk, curl, openssl and two cores.
#
#   bench/compare.sh [ROUNDS [SECONDS]]        default: 3 rounds of 4 seconds
set -eu
cd "$(dirname "$0")/.."
rounds=${1:-3} seconds=${2:-4}
connections=64
client=tunhttpd-bench-$$-c server=tunhttpd-bench-$$-s
work=$(mktemp -d)
ours= theirs=

cleanup() {
	trap - EXIT INT TERM
	[ -z "$ours" ] || kill "$ours" 2>/dev/null || :
	[ -z "$theirs" ] || kill "$theirs" 2>/dev/null || :
	wait 2>/dev/null || :
	ip netns del "$client" 2>/dev/null || :
	ip netns del "$server" 2>/dev/null || :
	rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

for tool in nginx wrk curl openssl ip; do
	command -v "$tool" >/dev/null || { echo "compare.sh: needs $tool" >&2; exit 1; }
done

mkdir "$work/www"
head -c 1024 /dev/urandom >"$work/www/1k.bin"
chmod -R a+rX "$work"
ip netns add "$client"
ip netns add "$server"
ip -n "$client" link set lo up
ip -n "$client" link add veth0 type veth peer name veth1 netns "$server"
ip -n "$client" addr add 10.78.0.1/24 dev veth0
ip -n "$client" link set veth0 up
ip -n "$server" addr add 10.78.0.2/24 dev veth1
ip -n "$server" link set veth1 up

ip netns exec "$client" taskset -c 0 build/tunhttpd serve "$work/www" --state "$work/state" --workers 1 \
	--log off 2>"$work/ours.log" &
ours=$!
i=0
until ip netns exec "$client" curl -sf -o /dev/null http://10.77.0.2/1k.bin; do
	i=$((i + 1))
	[ $i -lt 50 ] || { cat "$work/ours.log" >&2; exit 1; }
	sleep 0.1
done
cat >"$work/nginx.conf" <<END
daemon off; worker_processes 1; pid $work/nginx.pid; error_log $work/nginx.log;
events { worker_connections 4096; }
http {
	access_log off; sendfile on; open_file_cache max=1000; keepalive_requests 1000000000;
	ssl_certificate $work/state/server.pem; ssl_certificate_key $work/state/server-key.pem;
	ssl_protocols TLSv1.2 TLSv1.3;
	server { listen 10.78.0.2:80; listen 10.78.0.2:443 ssl; root $work/www; }
}
END
ip netns exec "$server" taskset -c 0 nginx -c "$work/nginx.conf" -e "$work/nginx.log" &
theirs=$!
sleep 0.5

# CPU seconds, user and system, that the children of a master have used.
cpu() {
	for pid in $(cat "/proc/$1/task/$1/children"); do
		awk -v hz="$(getconf CLK_TCK)" '{ sub(/^.*\) /, ""); print ($12 + $13) / hz }' "/proc/$pid/stat"
	done | awk '{ s += $1 } END { printf "%.2f", s }'
}

# one NAME MASTER URL: appends "requests/s cpu-seconds" to the results.
one() {
	before=$(cpu "$2")
	rate=$(ip netns exec "$client" taskset -c 1 wrk -t1 -c$connections -d"$seconds" "$3" |
		awk '/Requests\/sec/ { print $2 } /Socket errors|Non-2xx/ { print > "/dev/stderr" }')
	after=$(cpu "$2")
	echo "$rate $(echo "$after $before" | awk '{ printf "%.2f", $1 - $2 }')" >>"$work/$1"
}

median() {
	cut -d' ' -f"$2" "$work/$1" | sort -g | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

i=0
while [ $i -lt "$rounds" ]; do
	for scheme in http https; do
		one "ours-$scheme" "$ours" "$scheme://10.77.0.2/1k.bin"
		one "nginx-$scheme" "$theirs" "$scheme://10.78.0.2/1k.bin"
	done
	i=$((i + 1))
done

echo "1 KiB, kept alive, $connections connections, $rounds x $seconds s, medians; $(nginx -v 2>&1)"
printf '%-6s %14s %14s %8s %12s %12s\n' "" "tunhttpd req/s" "nginx req/s" ratio "cpu s ours" "cpu s nginx"
for scheme in http https; do
	a=$(median "ours-$scheme" 1) b=$(median "nginx-$scheme" 1)
	printf '%-6s %14.0f %14.0f %8.2f %12.2f %12.2f\n' $scheme "$a" "$b" "$(echo "$a $b" | awk '{ print $1 / $2 }')" \
		"$(median "ours-$scheme" 2)" "$(median "nginx-$scheme" 2)"
done

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
. bench/common.sh
needs nginx wrk curl openssl ip

mkdir "$work/www"
head -c 1024 /dev/urandom >"$work/www/1k.bin"
chmod -R a+rX "$work"
namespaces
start_ours "$work/ours.log"
ours=$started
answers http://10.77.0.2/1k.bin
cat >"$work/nginx.conf" <<END
daemon off; worker_processes 1; pid $work/nginx.pid; error_log $work/nginx.conf.log;
events { worker_connections 4096; }
http {
	access_log off; sendfile on; open_file_cache max=1000; keepalive_requests 1000000000;
	ssl_certificate $work/state/server.pem; ssl_certificate_key $work/state/server-key.pem;
	ssl_protocols TLSv1.2 TLSv1.3;
	server { listen 10.78.0.2:80; listen 10.78.0.2:443 ssl; root $work/www; }
}
END
start_nginx "$work/nginx.conf"
theirs=$started
answers https://10.77.0.2/1k.bin http://10.78.0.2/1k.bin https://10.78.0.2/1k.bin

# one NAME MASTER URL: appends "requests/s cpu-seconds" to the results.
one() {
	before=$(cpu "$2")
	rate=$(in_client taskset -c 1 wrk -t1 -c$connections -d"$seconds" "$3" |
		awk '/Requests\/sec/ { print $2 } /Socket errors|Non-2xx/ { print > "/dev/stderr" }')
	after=$(cpu "$2")
	echo "$rate $(echo "$after $before" | awk '{ printf "%.2f", $1 - $2 }')" >>"$work/$1"
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
	a=$(median "$work/ours-$scheme" 1) b=$(median "$work/nginx-$scheme" 1)
	printf '%-6s %14.0f %14.0f %8.2f %12.2f %12.2f\n' $scheme "$a" "$b" "$(echo "$a $b" | awk '{ print $1 / $2 }')" \
		"$(median "$work/ours-$scheme" 2)" "$(median "$work/nginx-$scheme" 2)"
done

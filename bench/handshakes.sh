#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# TLS handshakes per second of tunhttpd next to nginx: full and resumed, TLS 1.3 and 1.2, ECDSA P-256 and RSA-2048. Each
# server is one worker on one core, in a namespace of its own, and the client has the other core; the runs alternate
# and the medians are printed, with the server's CPU time for a handshake, which the client's speed and the load of the
# machine change little. Needs root, nginx, curl, openssl, cc, libssl and two cores.
#
#   bench/handshakes.sh [ROUNDS [SECONDS]]     default: 3 rounds of 2 seconds
set -eu
cd "$(dirname "$0")/.."
rounds=${1:-3} seconds=${2:-2}
connections=16
. bench/common.sh
needs nginx curl openssl ip cc

mkdir "$work/www"
echo hello >"$work/www/index.html"
cert() { # KIND ARGUMENTS
	kind=$1
	shift
	openssl req -x509 -nodes -days 30 -subj /CN=bench -addext subjectAltName=IP:10.77.0.2 -newkey "$@" \
		-keyout "$work/$kind.key" -out "$work/$kind.pem" 2>/dev/null
}
cert ecdsa ec -pkeyopt ec_paramgen_curve:P-256
cert rsa rsa:2048
chmod -R a+rX "$work"
cc -O2 -D_GNU_SOURCE -o "$work/client" bench/handshake_client.c -lssl -lcrypto
namespaces
# The client is the one that closes first: its ports are not to wait.
in_client sysctl -qw net.ipv4.tcp_max_tw_buckets=0 net.ipv4.ip_local_port_range='1024 65000'

start_both() { # KIND ADDRESS PORT: one tunhttpd and one nginx for a kind of key
	kind=$1
	start_ours "$work/ours-$1.log" --address "$2/24" --tun "hs-$1" --cert "$work/$1.pem" --key "$work/$1.key" --address6 off
	echo $started >"$work/ours-$kind.pid"
	cat >"$work/nginx-$1.conf" <<END
daemon off; worker_processes 1; pid $work/nginx-$1.run; error_log $work/nginx-$1.conf.log;
events { worker_connections 4096; }
http {
	access_log off; sendfile on;
	ssl_certificate $work/$1.pem; ssl_certificate_key $work/$1.key;
	ssl_protocols TLSv1.2 TLSv1.3; ssl_session_tickets on; ssl_ecdh_curve X25519:P-256;
	server { listen 10.78.0.2:$3 ssl; root $work/www; }
}
END
	start_nginx "$work/nginx-$1.conf"
	echo $started >"$work/nginx-$kind.pid"
}
start_both ecdsa 10.77.0.2 443
start_both rsa 10.79.0.2 444
answers https://10.77.0.2/ https://10.79.0.2/ https://10.78.0.2:443/ https://10.78.0.2:444/

one() { # NAME KIND ADDRESS PORT VERSION HOW: appends "handshakes/s cpu-microseconds-each"
	master=$(cat "$work/$1-$2.pid")
	before=$(cpu "$master")
	result=$(in_client taskset -c 1 "$work/client" "$3" "$4" "$seconds" $connections "$5" "$6") || {
		echo "handshakes.sh: $*" >&2
		exit 1
	}
	after=$(cpu "$master")
	echo "$result $before $after" | awk '{ printf "%.0f %.1f\n", $1 / $2, ($4 - $3) * 1e6 / $1 }' \
		>>"$work/result-$1-$2-$5-$6"
}

round=0
while [ $round -lt "$rounds" ]; do
	for version in 1.3 1.2; do
		for how in full resumed; do
			one ours ecdsa 10.77.0.2 443 $version $how
			one nginx ecdsa 10.78.0.2 443 $version $how
			one ours rsa 10.79.0.2 443 $version $how
			one nginx rsa 10.78.0.2 444 $version $how
		done
	done
	round=$((round + 1))
done

echo "TLS handshakes, $connections connections, $rounds x $seconds s, medians; $(nginx -v 2>&1)"
printf '%-22s %12s %12s %7s %10s %10s %7s\n' "" "tunhttpd /s" "nginx /s" ratio "us ours" "us nginx" ratio
for kind in ecdsa rsa; do
	for version in 1.3 1.2; do
		for how in full resumed; do
			what="$kind-$version-$how"
			a=$work/result-ours-$what b=$work/result-nginx-$what
			echo "$what $(median "$a" 1) $(median "$b" 1) $(median "$a" 2) $(median "$b" 2)" |
				awk '{ printf "%-22s %12d %12d %7.2f %10.1f %10.1f %7.2f\n", $1, $2, $3, $2 / $3, $4, $5, $5 / $4 }'
		done
	done
done

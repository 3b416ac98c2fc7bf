# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
#
# What the benchmarks share: included by them, after `set -eu`, from the top of the repository.
#
# A client and a server each have a network namespace of their own, joined by a veth pair. tunhttpd runs in the client's,
# behind its TUN device. Everything that was begun ends with the script.

name=tunhttpd-bench-$$
client=$name-c server=$name-s
work=$(mktemp -d)
pids=

cleanup() {
	trap - EXIT INT TERM
	for pid in $pids; do kill "$pid" 2>/dev/null || :; done
	wait 2>/dev/null || :
	ip netns del "$client" 2>/dev/null || :
	ip netns del "$server" 2>/dev/null || :
	rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

needs() { # TOOL...
	for tool in "$@"; do
		command -v "$tool" >/dev/null || { echo "$(basename "$0"): needs $tool" >&2; exit 1; }
	done
}

namespace() { # NAME: with loopback
	ip netns add "$1"
	ip -n "$1" link set lo up
}

# Both namespaces; nginx is to listen at 10.78.0.2.
namespaces() {
	namespace "$client"
	namespace "$server"
	ip -n "$client" link add veth0 type veth peer name veth1 netns "$server"
	ip -n "$client" addr add 10.78.0.1/24 dev veth0
	ip -n "$client" link set veth0 up
	ip -n "$server" addr add 10.78.0.2/24 dev veth1
	ip -n "$server" link set veth1 up
}

in_client() { ip netns exec "$client" "$@"; }

# Starts a command in a namespace, its errors in a log; its process id is then in $started.
start() { # NAMESPACE LOG COMMAND...
	where=$1 log=$2
	shift 2
	ip netns exec "$where" "$@" 2>"$log" &
	started=$!
	pids="$pids $started"
}

# The servers have the first core, clients the second.
start_ours() { # LOG OPTION...
	log=$1
	shift
	start "$client" "$log" taskset -c 0 "${TUNHTTPD:-build/tunhttpd}" serve "$work/www" --state "$work/state" \
		--workers 1 --log off "$@"
}

start_nginx() { # CONFIGURATION
	start "$server" "$1.log" taskset -c 0 nginx -c "$1" -e "$1.log"
}

# Waits until each answers; the first connection also fills the caches that all share.
answers() { # URL...
	for url in "$@"; do
		i=0
		until in_client curl -skf -o /dev/null "$url"; do
			i=$((i + 1))
			[ $i -lt 100 ] || { echo "no answer from $url" >&2; cat "$work"/*.log >&2; exit 1; }
			sleep 0.1
		done
	done
}

# CPU seconds, user and system, that the children of a master have used.
cpu() { # MASTER
	# shellcheck disable=SC2013
	for pid in $(cat "/proc/$1/task/$1/children"); do
		awk -v hz="$(getconf CLK_TCK)" '{ sub(/^.*\) /, ""); print ($12 + $13) / hz }' "/proc/$pid/stat"
	done | awk '{ s += $1 } END { printf "%.2f", s }'
}

median() { # FILE FIELD
	cut -d' ' -f"$2" "$1" | sort -g | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

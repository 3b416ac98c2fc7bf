#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The simulator's scenarios, and its tables against those in tests/golden/; behind `make test-sim` and `make golden`.
#
#   tests/run-sim.sh test SIM DIR      runs the scenarios; writes the tables into DIR and compares them
#   tests/run-sim.sh scenarios SIM     only the scenarios
#   tests/run-sim.sh renew SIM         writes the tables into tests/golden/
set -u
cd "$(dirname "$0")/.."
mode=$1 sim=$2 golden=tests/golden passed=0 failed=0 skipped=0

# Each table is a program of its own, so that they run at the same time.
print_tables() {
	names=$("$sim" --list-tables) || exit 1
	mkdir -p "$1"
	pids=
	for name in $names; do
		"$sim" --table "$name" >"$1/$name.txt" &
		pids="$pids $!"
	done
	for pid in $pids; do
		wait "$pid" || exit 1
	done
	if grep FAILED "$1"/*.txt; then
		exit 1
	fi
}

if [ "$mode" = renew ]; then
	print_tables "$golden"
	for file in "$golden"/*.txt; do
		name=$(basename "$file" .txt)
		echo "$names" | grep -qx "$name" || rm "$file"
	done
	git diff --stat -- "$golden"
	exit 0
fi

log=$(mktemp) || exit 1
trap 'rm -f "$log"' EXIT
{ "$sim"; echo "exit status $?"; } | tee "$log" | grep -v '^exit status \|^sim: [0-9]* passed'
counts=$(sed -n 's/^sim: \([0-9]*\) passed, \([0-9]*\) failed$/\1 \2/p' "$log")
# shellcheck disable=SC2086
set -- "$mode" "$sim" "${3:-}" $counts
if [ $# -eq 5 ]; then
	passed=$4 failed=$5
fi
# A simulator that failed without saying what is a failure, too.
if ! grep -qx 'exit status 0' "$log" && [ "$failed" -eq 0 ]; then
	failed=1
fi

if [ "$mode" = scenarios ]; then
	skipped=1
	echo "  skip  golden tables: sanitizers change nothing of what they say, and take their time"
else
	print_tables "$3"
	for name in $names; do
		if diff -u "$golden/$name.txt" "$3/$name.txt"; then
			passed=$((passed + 1))
			echo "  ok    golden table $name"
		else
			failed=$((failed + 1))
			echo "  FAIL  golden table $name: TCP behaves otherwise. If it is meant to, make golden renews it"
		fi
	done
fi
echo "sim: $passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]

#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every layer of tests, first as built for use, then under ASan and UBSan; behind `make test`.
#
# Each layer ends with a line "<layer>: N passed, N failed"; the last line of this script is their sum. A layer
# that ends without such a line counts as one failure.
set -u
cd "$(dirname "$0")/.."
# We may have been started by make: what it tells its children is not meant for the makes started here.
unset MAKEFLAGS MFLAGS MAKELEVEL

jobs=-j$(nproc)
passed=0 failed=0 skipped=0
log=build/test.log

layer() {
	title=$1
	shift
	echo "== $title"
	start=$(date +%s)
	{ "$@" 2>&1; echo "exit status $?"; } | tee "$log" | grep -v '^exit status '
	status=$(sed -n 's/^exit status //p' "$log" | tail -n 1)
	counts=$(sed -n 's/^[a-z0-9-]*: \([0-9]*\) passed, \([0-9]*\) failed\(, \([0-9]*\) skipped\)\{0,1\}$/\1 \2 \4/p' "$log" | tail -n 1)
	set -- $counts
	if [ $# -lt 2 ]; then
		set -- 0 1
		echo "$title: ended without a result"
	elif [ "$status" != 0 ] && [ "$2" = 0 ]; then
		set -- "$1" 1
		echo "$title: exit status $status"
	fi
	passed=$((passed + $1)) failed=$((failed + $2)) skipped=$((skipped + ${3:-0}))
	echo "   ($(($(date +%s) - start)) s)"
}

mkdir -p build
# Runs of the whole suite must not depend on a user's own settings.
unset TUNHTTPD_CONFIG

layer "static checks" make check
layer "build" tests/build-check.sh
layer "unit" make -s "$jobs" test-unit
layer "unit, without libcrypto" make -s "$jobs" CRYPTO=builtin test-unit-tls
layer "sim" make -s "$jobs" test-sim
layer "e2e" make -s "$jobs" test-e2e
layer "fuzz" make -s "$jobs" test-fuzz
layer "unit, sanitizers" make -s "$jobs" SAN=1 test-unit
layer "sim, sanitizers" make -s "$jobs" SAN=1 test-sim
layer "e2e, sanitizers" make -s "$jobs" SAN=1 test-e2e

rm -f "$log"
echo
if [ "$skipped" -gt 0 ]; then
	echo "$passed passed, $failed failed, $skipped skipped"
else
	echo "$passed passed, $failed failed"
fi
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]

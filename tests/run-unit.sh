#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs cmocka programs; prints only failures and a closing count. Exit status 1 when a test failed or a
# program died.
set -u
passed=0 failed=0
for program in "$@"; do
	out=$(CMOCKA_MESSAGE_OUTPUT=stdout "$program" 2>&1)
	status=$?
	ok=$(printf '%s\n' "$out" | grep -c '^\[       OK \]')
	bad=$(printf '%s\n' "$out" | grep -E '^\[  FAILED  \] [A-Za-z]' | sort -u | wc -l)
	passed=$((passed + ok))
	if [ "$status" -ne 0 ]; then
		[ "$bad" -gt 0 ] || bad=1
		failed=$((failed + bad))
		printf '%s\n' "$out"
		echo "FAILED: $program (status $status)"
	else
		printf '  %-40s %4d ok\n' "$(basename "$program")" "$ok"
	fi
done
echo "unit: $passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]

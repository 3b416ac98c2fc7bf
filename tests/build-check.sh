#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What the Makefile promises: a second make does nothing; a touched header rebuilds what includes it; libstack.a
# needs nothing but the C library's memory and string functions, so it is the state machine that it claims to be.
set -u
cd "$(dirname "$0")/.."
# We may have been started by make: what it tells its children is not meant for the makes started here.
unset MAKEFLAGS MFLAGS MAKELEVEL
passed=0 failed=0

result() {
	if [ "$2" -eq 0 ]; then
		passed=$((passed + 1))
		echo "  ok    $1"
	else
		failed=$((failed + 1))
		echo "  FAIL  $1"
	fi
}

make -s || exit 1
out=$(make)
[ -z "$(echo "$out" | grep -v 'Nothing to be done\|is up to date')" ]
result "a second make does nothing" $?

touch http/http.h
out=$(make)
echo "$out" | grep -q 'CC *http/' && ! echo "$out" | grep -q 'CC *stack/'
result "a touched header rebuilds what includes it, and no more" $?

foreign=$(nm build/libstack.a | awk '$1 == "U" { used[$2] = 1 } $2 ~ /^[TDBRtdbr]$/ { defined[$3] = 1 }
	END { for (s in used) if (!(s in defined)) print s }' |
	grep -vxE 'malloc|calloc|free|mem(cpy|move|set|cmp)|snprintf|__snprintf_chk|__mem(cpy|move|set)_chk|__assert_fail|__stack_chk_fail|_GLOBAL_OFFSET_TABLE_')
[ -z "$foreign" ]
result "libstack.a calls no clock, no I/O, no random source${foreign:+: it calls $foreign}" $?

echo "build: $passed passed, $failed failed"
[ "$failed" -eq 0 ]

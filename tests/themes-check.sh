#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every test that tests/THEMES.md names exists and is run, and every row of its tables names at least one. Prints what
# is missing; exit status 1 then.
#
#   themes-check.sh [FILE]     another table than tests/THEMES.md
set -u
cd "$(dirname "$0")/.." || exit 1
table=${1:-tests/THEMES.md}
missing=0

complain() {
	echo "$table: $1"
	missing=$((missing + 1))
}

runs() { # NAME: is it there?
	case $1 in
	sim:*) grep -q "{\"${1#sim:}\", " tests/sim/*.c ;;
	fuzz:*) [ -f "tests/fuzz/${1#fuzz:}.c" ] && grep -q "${1#fuzz:}" tests/fuzz/run.sh ;;
	e2e/*:*) grep -q "^def ${1#*:}(" "tests/${1%%:*}" 2>/dev/null ;;
	# Not its definition: it has to be in the list of what the program runs.
	test_*.c:test_*) grep -Eq "(^|[^a-z])([A-Z][A-Z0-9_]*|cmocka_unit_test[a-z_]*)\(${1#*:}[,)]" "tests/unit/${1%%:*}" 2>/dev/null ;;
	*) false ;;
	esac
}

# A row begins with "| ", and is not the head nor the line below it.
rows=$(grep -c '^| [^#]' "$table")
[ "$rows" -gt 0 ] || complain "no rows"
# shellcheck disable=SC2016
names=$(grep '^| ' "$table" | grep -o '`[^`]*`' | tr -d '`' | sort -u)
for name in $names; do
	runs "$name" || complain "no such test: $name"
done
for theme in 1 2 3 4 5 6 7 8 9 10 11 12; do
	[ "$table" != tests/THEMES.md ] || grep -q "^| $theme |" "$table" || complain "theme $theme is not in the table"
done
without=$(grep '^| ' "$table" | grep -v '`' | grep -Ev '^\| (#|attack) \|')
[ -z "$without" ] || complain "a row without a test: $without"
[ "$missing" -eq 0 ]

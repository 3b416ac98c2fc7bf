#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Static checks: both compilers without a warning, the formatter, cppcheck, file heads. Behind `make check`.
set -u
cd "$(dirname "$0")/.."
# We may have been started by make: what it tells its children is not meant for the makes started here.
unset MAKEFLAGS MFLAGS MAKELEVEL
passed=0 failed=0 skipped=0

result() {
	if [ "$2" -eq 0 ]; then
		passed=$((passed + 1))
		echo "  ok    $1"
	else
		failed=$((failed + 1))
		echo "  FAIL  $1"
	fi
}

skip() {
	skipped=$((skipped + 1))
	echo "  skip  $1"
}

sources=$(git ls-files '*.c' '*.h')

make -s "-j$(nproc)" all tests-build
result "gcc without a warning" $?

make -s "-j$(nproc)" CC=clang VARIANT=clang all tests-build
result "clang without a warning" $?

# Other versions of the formatter format otherwise; one of them has to be the reference.
if clang-format --version 2>/dev/null | grep -q 'version 14\.'; then
	# shellcheck disable=SC2086
	clang-format --dry-run --Werror $sources
	result "clang-format" $?
else
	skip "clang-format: the reference is version 14"
fi

# What it suspects differs from version to version, too.
if cppcheck --version 2>/dev/null | grep -q ' 2\.10'; then
	# shellcheck disable=SC2046
	cppcheck --quiet --std=c11 --language=c --enable=warning,performance,portability --inline-suppr \
		--suppress=missingInclude --suppress=unusedFunction --error-exitcode=1 "-j$(nproc)" -I. \
		-D__x86_64__=1 $(git ls-files '*.c' | grep -v '^tests/')
	result "cppcheck" $?
else
	skip "cppcheck: the reference is version 2.10"
fi

missing=$(git ls-files '*.c' '*.h' '*.sh' '*.py' Makefile '*.mk' | xargs grep -L 'SPDX-License-Identifier: Apache-2.0')
[ -z "$missing" ]
result "SPDX line in every file${missing:+: missing in $missing}" $?

tests/themes-check.sh
result "tests named in tests/THEMES.md exist" $?

echo "check: $passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]

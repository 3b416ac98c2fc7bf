#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs, by apt, the packages that building (deps.sh build) or building and testing (deps.sh test) need
# and that are missing; says which. When nothing is missing it says nothing and touches nothing.
set -eu
cd "$(dirname "$0")/.."

build="gcc make libc6-dev dpkg-dev debian-archive-keyring patch ca-certificates libinih-dev libssl-dev libcrypt-dev libnghttp2-dev
	libbrotli-dev libzstd-dev zlib1g-dev libseccomp-dev"
# nft cuts a client off, tshark reads what was captured, cppcheck and clang are further eyes on the code.
test="libcmocka-dev clang clang-format cppcheck git curl openssl python3 iproute2 nftables util-linux gnutls-bin nghttp2-client tshark"
# Load, and the address tools; nginx itself is unpacked below build/.
bench="python3 curl openssl iproute2 util-linux procps wrk nghttp2-client"
# A browser, where the distribution packs one (Ubuntu does not); tests that miss it say so.
browser="chromium libnss3-tools"

die() {
	echo "deps: $*" >&2
	exit 1
}

case ${1:-} in
build) wanted=$build ;;
test) wanted="$build $test" ;;
bench) wanted="$build $bench" ;;
*) die "usage: scripts/deps.sh build|test|bench" ;;
esac

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
	die "this is not Debian or Ubuntu; install the like of: $wanted"
fi

# Prints those of its arguments that are not installed.
missing() {
	for package in "$@"; do
		status=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null) || status=
		[ "$status" = installed ] || printf ' %s' "$package"
	done
}

as_root() {
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo "$@"
	else
		die "needs root to run: $*"
	fi
}

updated=no
update() {
	[ $updated = yes ] || as_root apt-get -qq update || die "cannot read the package lists"
	updated=yes
}

install() {
	echo "installing:$*"
	update
	log=$(mktemp)
	# shellcheck disable=SC2048,SC2086
	if ! as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends \
		install $* >"$log" 2>&1; then
		tail -n 20 "$log" >&2
		rm -f "$log"
		die "apt-get could not install$*"
	fi
	rm -f "$log"
}

# shellcheck disable=SC2086
packages=$(missing $wanted)
[ -z "$packages" ] || install "$packages"
# shellcheck disable=SC2086
packages=$(missing $browser)
if [ "$1" = test ] && [ -n "$packages" ] && apt-cache policy chromium | grep -q 'Candidate: [0-9]'; then
	install "$packages"
fi

# The fuzzer's and the sanitizers' run time comes with clang or as a package of clang's version, as the
# distribution likes it.
if [ "$1" = test ]; then
	works() {
		echo 'int LLVMFuzzerTestOneInput(void) { return 0; }' |
			clang -x c -fsanitize=fuzzer,address,undefined -o /dev/null - 2>/dev/null
	}
	if ! works; then
		version=$(clang -dumpversion)
		install " libclang-rt-${version%%.*}-dev"
		works || die "clang cannot build a fuzzer: its run time library is missing"
	fi
fi

# What the HTTP tests and the benchmark compare us with: nginx's program alone, unpacked where only they look for it. An installed package
# would be started, and listen on this machine's port 80.
if [ "$1" != build ] && [ ! -x /usr/sbin/nginx ] && [ ! -x build/nginx/usr/sbin/nginx ]; then
	echo "unpacking into build/nginx: nginx"
	update
	mkdir -p build/nginx
	(cd build/nginx && apt-get -qq -o APT::Sandbox::User=root download nginx && dpkg-deb -x nginx_*.deb .) ||
		die "apt-get could not download nginx"
fi

#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Every primitive that TLS needs, through the PSA API: with Mbed TLS's own code, with the driver over libcrypto, and
# what `openssl speed` says of libcrypto itself. MB are millions of bytes, rates are of CPU time on one core.
#
#   bench/primitives.sh [SECONDS]              for each figure; default 1
set -eu
cd "$(dirname "$0")/.."
seconds=${1:-1}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

make -s build/bench/primitives
make -s CRYPTO=builtin build/builtin/bench/primitives
openssl genrsa -traditional 2048 2>/dev/null | openssl rsa -outform DER -traditional -out "$work/rsa.der" 2>/dev/null
build/builtin/bench/primitives "$seconds" "$work/rsa.der" >"$work/builtin"
build/bench/primitives "$seconds" "$work/rsa.der" >"$work/driver"

speed() { # NAME ARGUMENTS: openssl's figures in our words
	name=$1
	shift
	openssl speed -mr -seconds "${seconds%.*}" "$@" 2>/dev/null | awk -F: -v name="$name" '
		/^\+F:/  { printf "%s\t%.1f\n", name, $4 / 1e6 }
		/^\+F2:/ { printf "%s sign\t%.0f\n%s verify\t%.0f\n", name, $4, name, $5 }
		/^\+F4:/ { printf "%s sign\t%.0f\n%s verify\t%.0f\n", name, $4, name, $5 }
		/^\+F5:/ { printf "%s agree\t%.0f\n", name, $4 }'
}
{
	for cipher in aes-128-gcm aes-256-gcm chacha20-poly1305; do
		speed "$cipher 16384" -bytes 16384 -aead -evp $cipher
	done
	speed "aes-128-gcm 1024" -bytes 1024 -aead -evp aes-128-gcm
	speed "sha256 16384" -bytes 16384 -evp sha256
	speed "sha384 16384" -bytes 16384 -evp sha384
	speed "sha256 64" -bytes 64 -evp sha256
	speed x25519 ecdhx25519
	speed p-256 ecdhp256
	speed p-384 ecdhp384
	speed ecdsa-p256 ecdsap256
	speed ecdsa-p384 ecdsap384
	speed rsa-2048 rsa2048
} >"$work/openssl"

echo "$(openssl version), $(sed -n 's/^model name[^:]*: *//p' /proc/cpuinfo | head -n 1)"
awk -F '\t' -v builtin="$work/builtin" -v openssl="$work/openssl" '
	BEGIN {
		while ((getline line < builtin) > 0) { split(line, f, "\t"); own[f[1]] = f[2] }
		while ((getline line < openssl) > 0) { split(line, f, "\t"); lib[f[1]] = f[2] }
		printf "%-26s %-5s %12s %12s %8s %14s %8s\n", "primitive", "unit", "Mbed TLS", "driver", "gain", "openssl speed", "driver/"
	}
	{
		printf "%-26s %-5s %12s %12s %7.1fx", $1, $3, own[$1], $2, $2 / own[$1]
		if ($1 in lib) printf " %14s %8.2f\n", lib[$1], $2 / lib[$1]; else printf " %14s\n", "-"
	}' "$work/driver"

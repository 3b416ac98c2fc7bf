#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Brings the source of a library into a directory, from Debian's signed source packages.
#
#   fetch-source.sh NAME PACKAGE MIN-VERSION PREFIX DEST
#
# Takes the newest version that begins with PREFIX and is at least MIN-VERSION out of Debian's suites,
# lets apt check its signature chain against Debian's archive keyring, unpacks it with Debian's own
# patches applied, and moves it to DEST. Nothing outside DEST's parent is written: apt gets a sources
# list, a state directory and a cache of its own there.
set -eu

name=$1 package=$2 minimum=$3 prefix=$4 dest=$5
work=$(dirname "$dest")/fetch-$name
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
mirror=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
suites="trixie forky sid bookworm"

die() {
	echo "fetch-source: $*" >&2
	exit 1
}

command -v apt-get >/dev/null && command -v dpkg-source >/dev/null && [ -r "$keyring" ] ||
	die "$name: needs apt, dpkg-dev and debian-archive-keyring (run: make deps), or name a directory with" \
		"its source: make $(echo "$name" | tr 'a-z-' 'A-Z_')_SRC=/path"

rm -rf "$work"
mkdir -p "$work/lists/partial" "$work/cache/archives/partial"
work=$(cd "$work" && pwd)
for suite in $suites; do
	echo "deb-src [signed-by=$keyring] $mirror $suite main"
done >"$work/sources.list"

# Run as root, apt would fetch as its own user, who may not write here. A mirror that stands still is good enough:
# its lists are signed all the same, and the least version is ours to say.
apt() {
	command=$1
	shift
	"$command" -qq -o Dir::Etc::sourcelist="$work/sources.list" -o Dir::Etc::sourceparts=- \
		-o Dir::State="$work" -o Dir::State::lists="$work/lists" \
		-o Dir::State::status=/var/lib/dpkg/status -o Dir::Cache="$work/cache" \
		-o Acquire::Check-Valid-Until=false -o Acquire::Check-Date=false -o APT::Sandbox::User=root -o Acquire::Languages=none -o Acquire::Retries=3 "$@"
}

apt apt-get update || die "$name: cannot read Debian's package lists from $mirror"
versions=$(apt apt-cache showsrc "$package" | sed -n 's/^Version: //p' | sort -u -V -r)
cd "$work"
for version in $versions; do
	case $version in "$prefix"*) ;; *) continue ;; esac
	dpkg --compare-versions "$version" ge "$minimum" || continue
	# A mirror can list a version whose files it no longer holds: then the next one.
	apt apt-get source --download-only "$package=$version" >log 2>&1 || continue
	dpkg-source -x "$package"_"${version#*:}".dsc source >log 2>&1 || die "$name $version: $(tail -n1 log)"
	break
done
[ -d source ] || die "$name: no version $prefix… of at least $minimum is to be had (found: $(echo $versions))"
cd - >/dev/null
rm -rf "$dest"
mv "$work/source" "$dest"
echo "$version" >"$dest/.version"
rm -rf "$work"
echo "fetched $package $version"

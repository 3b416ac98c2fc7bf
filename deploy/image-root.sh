#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The files of the image, below a directory: the program, the libraries that it is linked with, the user of the workers,
# a page to begin with.
#
#   image-root.sh BINARY DIR
set -eu
binary=$1 root=$2

mkdir -p "$root/usr/bin" "$root/etc" "$root/data" "$root/srv" "$root/usr/share/doc/tunhttpd"
install -s -m 755 "$binary" "$root/usr/bin/tunhttpd"
cp LICENSE "$root/usr/share/doc/tunhttpd/"
cp -R www/. "$root/srv/"
echo 'nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin' >"$root/etc/passwd"
echo 'nogroup:x:65534:' >"$root/etc/group"
echo 'hosts: files dns' >"$root/etc/nsswitch.conf"

# "libc.so.6 => /lib/…/libc.so.6 (0x…)", and the loader by itself. To where the loader looks for them, which is where
# they were found.
ldd "$binary" | sed -n 's/.*=> \(\/[^ ]*\) .*/\1/p; s/^[[:space:]]*\(\/[^ ]*\) (.*/\1/p' | while read -r library; do
	mkdir -p "$root$(dirname "$library")"
	cp -L "$library" "$root$library"
	# Its licence, as the package has it.
	package=$(dpkg-query -S "$library" "/usr$library" 2>/dev/null | sed -n '/^diversion /!{s/:.*//p;q}')
	mkdir -p "$root/usr/share/doc/$package"
	cp "/usr/share/doc/$package/copyright" "$root/usr/share/doc/$package/"
done

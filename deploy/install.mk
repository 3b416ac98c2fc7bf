# SPDX-License-Identifier: Apache-2.0
# make install; included by the Makefile. DESTDIR is where a package is put together, PREFIX where it will live.

PREFIX ?= /usr/local
SYSCONFDIR ?= /etc
UNITDIR ?= $(PREFIX)/lib/systemd/system
CONFIG := $(SYSCONFDIR)/tunhttpd/tunhttpd.conf
INSTALL ?= install

# A configuration that is there already is somebody's.
install: $(B)/tunhttpd
	$(Q)$(INSTALL) -D -m 755 $(B)/tunhttpd $(DESTDIR)$(PREFIX)/bin/tunhttpd
	$(Q)$(INSTALL) -d $(DESTDIR)$(PREFIX)/share/tunhttpd/www $(DESTDIR)$(PREFIX)/share/doc/tunhttpd $(DESTDIR)$(UNITDIR)
	$(Q)$(INSTALL) -m 644 $(wildcard www/*) $(DESTDIR)$(PREFIX)/share/tunhttpd/www/
	$(Q)$(INSTALL) -m 644 README.md CHANGELOG.md LICENSE deploy/compose.yaml deploy/tunhttpd.conf $(DESTDIR)$(PREFIX)/share/doc/tunhttpd/
	$(Q)sed 's|@BINDIR@|$(PREFIX)/bin|' deploy/tunhttpd.service > $(DESTDIR)$(UNITDIR)/tunhttpd.service
	$(Q)[ -e $(DESTDIR)$(CONFIG) ] || { $(INSTALL) -d $(DESTDIR)$(SYSCONFDIR)/tunhttpd && \
		sed 's|^root = .*|root = $(PREFIX)/share/tunhttpd/www|' deploy/tunhttpd.conf > $(DESTDIR)$(CONFIG); }
	$(Q)for page in $(wildcard $(B)/man/*.[1-8]); do $(INSTALL) -D -m 644 $$page \
		$(DESTDIR)$(PREFIX)/share/man/man$${page##*.}/$${page##*/}; done

# The configuration and what the server has made stay.
uninstall:
	$(Q)rm -rf $(DESTDIR)$(PREFIX)/bin/tunhttpd $(DESTDIR)$(PREFIX)/share/tunhttpd $(DESTDIR)$(PREFIX)/share/doc/tunhttpd \
		$(DESTDIR)$(UNITDIR)/tunhttpd.service $(foreach n,1 2 3 4 5 6 7 8,$(DESTDIR)$(PREFIX)/share/man/man$(n)/tunhttpd.*)

.PHONY: install uninstall

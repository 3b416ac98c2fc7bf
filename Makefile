# SPDX-License-Identifier: Apache-2.0
#
#   make          build/tunhttpd and build/libstack.a; touches nothing outside build/
#   make run      install what is missing, build, serve www/ at http://10.77.0.2/ and https://…
#   make test     install what is missing, run every layer of tests
#   make help     the other targets and variables

.DEFAULT_GOAL := all
.SUFFIXES:
.DELETE_ON_ERROR:

# Builds with sanitizers live beside the plain one: make SAN=1 → build/san/
SAN ?= 0
V ?= 0
CC ?= gcc
ifeq ($(origin CC),default)
CC := gcc
endif
AR ?= ar
DEPS := build/deps
ifeq ($(SAN),1)
B := build/san
SANFLAGS := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
OPT ?= -O1
else
B := build
SANFLAGS :=
OPT ?= -O2
endif
ifneq ($(VARIANT),)
B := build/$(VARIANT)
endif

VERSION := $(shell sed -n 's/^\#\# \[\([0-9][^]]*\)\].*/\1/p' CHANGELOG.md 2>/dev/null | head -n 1)
WARN := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wvla -Werror
CPPFLAGS += -I. -D_GNU_SOURCE -DTUNHTTPD_VERSION='"$(VERSION)"'
CFLAGS ?= -g
ALL_CFLAGS = -std=c17 $(OPT) $(WARN) $(SANFLAGS) -fstack-protector-strong -fPIE $(CFLAGS)
LDFLAGS += $(SANFLAGS) -pie -Wl,-z,relro,-z,now
Q := $(if $(filter 1,$(V)),,@)
say = $(if $(filter 1,$(V)),,@printf '  %-7s %s\n' '$(1)' '$(2)';)

# ------------------------------------------------------------------ libraries built from source

# CRYPTO=builtin leaves out libcrypto: Mbed TLS's own primitives, in a build of their own.
CRYPTO ?= libcrypto
ifeq ($(CRYPTO),libcrypto)
MBEDTLS := $(DEPS)/mbedtls
CRYPTO_CPP := -DTUNHTTPD_PSA_LIBCRYPTO
CRYPTO_LIB := -lcrypto
else ifeq ($(CRYPTO),builtin)
MBEDTLS := $(DEPS)/mbedtls-builtin
B := $(B)/builtin
else
$(error CRYPTO is libcrypto or builtin, not $(CRYPTO))
endif
HTTP_PARSER := $(DEPS)/http-parser
MBEDTLS_LIB := $(MBEDTLS)/library/libmbedtls.a $(MBEDTLS)/library/libmbedx509.a $(MBEDTLS)/library/libmbedcrypto.a $(CRYPTO_LIB)
MBEDTLS_CPP := -isystem $(MBEDTLS)/include -I. $(CRYPTO_CPP) -DMBEDTLS_CONFIG_FILE='"tls/mbedtls_config.h"'
HTTP_PARSER_CPP := -isystem $(HTTP_PARSER)

# ------------------------------------------------------------------ our objects

sources = $(sort $(wildcard $(1)/*.c))
objects = $(patsubst %.c,$(B)/obj/%.o,$(call sources,$(1)))

STACK_O := $(call objects,stack)
TLS_O := $(filter-out $(if $(CRYPTO_LIB),,$(B)/obj/tls/psa_libcrypto%.o),$(call objects,tls))
HTTP_O := $(call objects,http)
CERTS_O := $(call objects,certs)
LAB_O := $(call objects,lab)
SERVER_O := $(call objects,server)
PARSER_O := $(B)/obj/deps/http_parser.o
HTTP_LIBS := -lnghttp2 -lbrotlienc -lzstd -lz
SERVER_LIBS := -linih -lcrypt -lseccomp $(HTTP_LIBS)

all: $(B)/tunhttpd $(B)/libstack.a

$(B)/tunhttpd: $(SERVER_O) $(LAB_O) $(HTTP_O) $(CERTS_O) $(TLS_O) $(B)/libstack.a $(PARSER_O) $(MBEDTLS)/.built
	$(call say,LINK,$@)$(CC) $(LDFLAGS) -o $@ $(filter %.o %.a,$^) $(MBEDTLS_LIB) $(SERVER_LIBS) $(LDLIBS)

$(B)/libstack.a: $(STACK_O)
	$(call say,AR,$@)rm -f $@; $(AR) rcs $@ $^

$(B)/obj/%.o: %.c $(B)/obj/.flags
	$(call say,CC,$<)mkdir -p $(@D) && $(CC) $(ALL_CFLAGS) $(CPPFLAGS) $(EXTRA_CPP) -MMD -MP -c -o $@ $<

$(TLS_O) $(CERTS_O): EXTRA_CPP = $(MBEDTLS_CPP)
$(TLS_O) $(CERTS_O): $(MBEDTLS)/.built
# Tests include the libraries' headers too: in a parallel build from nothing these have to be there first.
tests_of = $(filter $(foreach m,$(1),$(B)/obj/tests/unit/test_$(m)_%.o),$(call objects,tests/unit))
$(call tests_of,tls certs) $(call objects,tests/sim): $(MBEDTLS)/.built
$(call tests_of,http): $(HTTP_PARSER)/.ready
$(HTTP_O): EXTRA_CPP = $(HTTP_PARSER_CPP)
$(HTTP_O): $(HTTP_PARSER)/.ready
$(B)/obj/server/main.o: CHANGELOG.md

# HTTP_PARSER_STRICT is http-parser's own switch; Debian's binary is built without it.
$(PARSER_O): $(HTTP_PARSER)/.ready $(B)/obj/.flags
	$(call say,CC,http_parser.c)mkdir -p $(@D) && $(CC) $(OPT) $(SANFLAGS) -fPIE -g -DHTTP_PARSER_STRICT=1 -c -o $@ $(HTTP_PARSER)/http_parser.c

# Objects are rebuilt when the compiler or its flags change.
$(B)/obj/.flags: FORCE
	@mkdir -p $(@D); echo '$(CC) $(ALL_CFLAGS) $(CPPFLAGS)' | cmp -s - $@ || echo '$(CC) $(ALL_CFLAGS) $(CPPFLAGS)' > $@
FORCE:

-include $(wildcard $(B)/obj/*/*.d $(B)/obj/tests/*/*.d)

$(HTTP_PARSER)/.ready:
	$(Q)mkdir -p $(DEPS)
	$(Q)if [ -n "$(HTTP_PARSER_SRC)" ]; then rm -rf $(HTTP_PARSER) && cp -r "$(HTTP_PARSER_SRC)" $(HTTP_PARSER); \
	else scripts/fetch-source.sh http-parser http-parser 2.9.4-5 2.9. $(HTTP_PARSER); fi
	$(Q)touch $@

$(MBEDTLS)/.source: $(wildcard tls/patches/*.patch)
	$(Q)mkdir -p $(DEPS)
	$(Q)if [ -n "$(MBEDTLS_SRC)" ]; then rm -rf $(MBEDTLS) && cp -r "$(MBEDTLS_SRC)" $(MBEDTLS); \
	else scripts/fetch-source.sh mbedtls mbedtls 3.6.7 3.6. $(MBEDTLS); fi
	$(Q)for p in $(sort $(wildcard tls/patches/*.patch)); do echo "  PATCH   $$p"; patch -s -p1 -d $(MBEDTLS) < $$p || exit 1; done
	$(Q)touch $@

# One build of mbedTLS serves every variant of ours; it is compiled with our configuration header.
# Its compiler is fixed, so that switching CC for our own code does not rebuild it.
MBEDTLS_CFLAGS := -O3 -g -fPIE -ffile-prefix-map=$(CURDIR)/= $(if $(filter x86_64,$(shell uname -m)),-mssse3)
$(MBEDTLS)/.built: $(MBEDTLS)/.source tls/mbedtls_config.h $(if $(CRYPTO_LIB),tls/psa_libcrypto.h)
	$(call say,BUILD,mbedTLS)rm -f $(MBEDTLS)/library/*.o; \
	env -u MAKEFLAGS -u MFLAGS make -s -C $(MBEDTLS)/library -j$(shell nproc) CC=gcc \
		CFLAGS='$(MBEDTLS_CFLAGS) -I$(CURDIR) $(CRYPTO_CPP) -DMBEDTLS_CONFIG_FILE=\"tls/mbedtls_config.h\"' \
		static > $(MBEDTLS)/build.log 2>&1 || { tail -n 20 $(MBEDTLS)/build.log; exit 1; }
	$(Q)touch $@

# ------------------------------------------------------------------ benchmarks

$(B)/obj/bench/%.o: EXTRA_CPP = $(MBEDTLS_CPP)
$(B)/obj/bench/primitives.o: $(MBEDTLS)/.built
$(B)/bench/primitives: $(B)/obj/bench/primitives.o $(filter $(B)/obj/tls/psa_libcrypto%.o,$(TLS_O))
	$(call say,LINK,$@)mkdir -p $(@D) && $(CC) $(LDFLAGS) -o $@ $(filter %.o,$^) $(MBEDTLS)/library/libmbedcrypto.a $(CRYPTO_LIB)

# tunhttpd beside nginx: BENCH=https for the cases whose names begin so, ROUNDS and SECONDS for more or less of it.
bench: $(B)/tunhttpd
	$(Q)scripts/deps.sh bench
	$(Q)python3 bench/bench.py --binary $(B)/tunhttpd $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(SECONDS),--seconds $(SECONDS)) $(BENCH)

# ------------------------------------------------------------------ tests

include tests/tests.mk

test:
	$(Q)scripts/deps.sh test
	$(Q)tests/run-all.sh

check:
	$(Q)tests/check.sh

# ------------------------------------------------------------------ use

include deploy/install.mk

deps:
	$(Q)scripts/deps.sh build

run:
	$(Q)scripts/run.sh

format:
	$(Q)git ls-files '*.c' '*.h' | xargs clang-format -i

clean:
	$(Q)rm -rf $(filter-out $(DEPS),$(wildcard build/*))

distclean:
	$(Q)rm -rf build certs/local

help:
	@sed -n 's/^#   //p' Makefile
	@echo 'make deps     install the packages that building and testing need (root)'
	@echo 'make check    compiler warnings (gcc, clang), clang-format, cppcheck'
	@echo 'make test-unit | test-sim | test-e2e | test-fuzz   one layer of the tests'
	@echo 'make golden   renew the tables in tests/golden, which test-sim compares'
	@echo 'make bench    beside nginx; BENCH=CASE... for some of it'
	@echo 'make install DESTDIR= PREFIX=/usr/local   the program, its service, a page, a configuration; make uninstall'
	@echo 'make format | clean | distclean'
	@echo 'V=1 shows commands, SAN=1 builds with ASan and UBSan into build/san, CC=clang picks the compiler,'
	@echo 'MBEDTLS_SRC=DIR and HTTP_PARSER_SRC=DIR take these sources from a directory instead of Debian'

.PHONY: all bench deps run test check format clean distclean help FORCE

# SPDX-License-Identifier: Apache-2.0
# The layers of tests, as rules; included by the Makefile.
#
# tests/unit/test_<module>_<what>.c is a cmocka program of its own: <module> is stack, tls, http, certs, lab or
# server and says what it is linked with. tests/sim/*.c together are one program, build/tests/sim.

UNIT_SRC := $(sort $(wildcard tests/unit/test_*.c))
UNIT_BIN := $(patsubst tests/unit/%.c,$(B)/tests/%,$(UNIT_SRC))
SIM_SRC := $(sort $(wildcard tests/sim/*.c))
SIM_O := $(patsubst %.c,$(B)/obj/%.o,$(SIM_SRC))

$(B)/obj/tests/unit/test_tls_%.o $(B)/obj/tests/unit/test_certs_%.o: EXTRA_CPP = $(MBEDTLS_CPP)
$(B)/obj/tests/unit/test_http_%.o: EXTRA_CPP = $(HTTP_PARSER_CPP)
$(SIM_O): EXTRA_CPP = $(MBEDTLS_CPP)

unit_link = $(call say,LINK,$@)mkdir -p $(@D) && $(CC) $(LDFLAGS) -o $@ $(filter %.o %.a,$^) $(1) -lcmocka -lm $(LDLIBS)
# cmocka.h wants these first; and its macros convert between integer types.
$(B)/obj/tests/unit/%.o: private ALL_CFLAGS += -Wno-conversion -include tests/unit/cmocka_all.h

$(B)/tests/test_stack_%: $(B)/obj/tests/unit/test_stack_%.o $(B)/obj/tests/unit/wire.o $(B)/libstack.a
	$(call unit_link)
# The compiler calls a function of the test at the beginning of each basic block of the stack: so work is
# counted and not timed.
COUNTED_O := $(patsubst stack/%.c,$(B)/obj/stack-counted/%.o,$(call sources,stack))
$(B)/obj/stack-counted/%.o: stack/%.c $(B)/obj/.flags
	$(call say,CC,$< (counted))mkdir -p $(@D) && $(CC) $(ALL_CFLAGS) -fsanitize-coverage=trace-pc $(CPPFLAGS) -MMD -MP -c -o $@ $<
$(B)/tests/test_stack_work: $(B)/obj/tests/unit/test_stack_work.o $(B)/obj/tests/unit/wire.o $(COUNTED_O)
	$(call unit_link)
$(B)/tests/test_tls_%: $(B)/obj/tests/unit/test_tls_%.o $(TLS_O) $(MBEDTLS)/.built
	$(call unit_link,$(MBEDTLS_LIB))
$(B)/tests/test_certs_%: $(B)/obj/tests/unit/test_certs_%.o $(CERTS_O) $(TLS_O) $(MBEDTLS)/.built
	$(call unit_link,$(MBEDTLS_LIB))
$(B)/tests/test_http_%: $(B)/obj/tests/unit/test_http_%.o $(HTTP_O) $(PARSER_O)
	$(call unit_link,$(HTTP_LIBS) -lbrotlidec)
$(B)/tests/test_server_%: $(B)/obj/tests/unit/test_server_%.o $(filter-out $(B)/obj/server/main.o,$(SERVER_O)) $(LAB_O) $(HTTP_O) $(CERTS_O) $(TLS_O) $(B)/libstack.a $(PARSER_O) $(MBEDTLS)/.built
	$(call unit_link,$(MBEDTLS_LIB) $(SERVER_LIBS))
$(B)/tests/test_lab_%: $(B)/obj/tests/unit/test_lab_%.o $(filter-out $(B)/obj/server/main.o,$(SERVER_O)) $(LAB_O) $(HTTP_O) $(CERTS_O) $(TLS_O) $(B)/libstack.a $(PARSER_O) $(MBEDTLS)/.built
	$(call unit_link,$(MBEDTLS_LIB) $(SERVER_LIBS))
# The simulator runs the server's sans-IO part and not its program. What TLS asks the system for, randomness
# and the time of day, comes from the simulator: see tests/sim/entropy.c.
SIM_LINK := -Wl,--wrap=syscall -Wl,--wrap=time
SIM_SERVER_O := $(B)/obj/server/app.o $(B)/obj/server/close_reason.o $(B)/obj/server/handshakes.o $(B)/obj/server/session.o $(B)/obj/server/session_out.o \
	$(B)/obj/server/progress.o $(B)/obj/server/limits.o
$(B)/tests/sim: $(SIM_O) $(SIM_SERVER_O) $(HTTP_O) $(CERTS_O) $(TLS_O) $(B)/libstack.a $(PARSER_O) $(MBEDTLS)/.built
	$(call say,LINK,$@)mkdir -p $(@D) && $(CC) $(LDFLAGS) $(SIM_LINK) -o $@ $(filter %.o %.a,$^) $(MBEDTLS_LIB) $(HTTP_LIBS) $(LDLIBS)

.PRECIOUS: $(B)/obj/%.o
tests-build: $(UNIT_BIN) $(if $(SIM_SRC),$(B)/tests/sim)

test-unit: $(UNIT_BIN)
	$(Q)tests/run-unit.sh $(UNIT_BIN)

# What leans on cryptography, to be run with CRYPTO=builtin as well.
test-unit-tls: $(filter $(B)/tests/test_tls_% $(B)/tests/test_certs_%,$(UNIT_BIN))
	$(Q)tests/run-unit.sh $^

test-sim: $(B)/tests/sim
	$(Q)tests/run-sim.sh $(if $(filter 1,$(SAN)),scenarios,test) $(B)/tests/sim $(B)/golden

# After a change of congestion control, loss recovery or the simulator: the differences are the review's.
golden: $(B)/tests/sim
	$(Q)tests/run-sim.sh renew $(B)/tests/sim

# The large file is smaller where the sanitizers slow everything down.
test-e2e: $(B)/tunhttpd
	$(Q)TUNHTTPD=$(B)/tunhttpd $(if $(filter 1,$(SAN)),E2E_BIG_MB=$${E2E_BIG_MB:-64}) python3 tests/e2e/run.py

# The fuzzers: clang's libFuzzer with ASan and UBSan, in a build of their own, build/fuzz.
FUZZ_SECONDS ?= 60
FUZZ_BIN := $(addprefix $(B)/tests/,fuzz_stack_input fuzz_stack_ip fuzz_stack_ops fuzz_http fuzz_h2 fuzz_encoding fuzz_range fuzz_mime fuzz_path fuzz_tls fuzz_config)
FUZZ_SAN := -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
fuzz_link = $(call say,LINK,$@)mkdir -p $(@D) && $(CC) $(LDFLAGS) -fsanitize=fuzzer -o $@ $(filter %.o %.a,$^)

$(B)/tests/fuzz_stack_%: $(B)/obj/tests/fuzz/fuzz_stack_%.o $(B)/obj/tests/fuzz/fuzz.o $(B)/obj/tests/sim/packet.o $(B)/obj/tests/sim/heap.o $(B)/libstack.a
	$(call fuzz_link)
$(B)/tests/fuzz_http $(B)/tests/fuzz_h2 $(B)/tests/fuzz_encoding $(B)/tests/fuzz_range $(B)/tests/fuzz_mime $(B)/tests/fuzz_path: $(B)/tests/fuzz_%: $(B)/obj/tests/fuzz/fuzz_%.o $(HTTP_O) $(PARSER_O)
	$(call fuzz_link) $(HTTP_LIBS)
$(B)/obj/tests/fuzz/fuzz_tls.o: EXTRA_CPP = $(MBEDTLS_CPP)
$(B)/obj/tests/fuzz/fuzz_tls.o: $(MBEDTLS)/.built
$(B)/tests/fuzz_tls: $(B)/obj/tests/fuzz/fuzz_tls.o $(B)/obj/tests/sim/entropy.o $(TLS_O) $(MBEDTLS)/.built
	$(call fuzz_link) $(SIM_LINK) $(MBEDTLS_LIB) $(LDLIBS)
$(B)/tests/fuzz_config: $(B)/obj/tests/fuzz/fuzz_config.o $(filter-out $(B)/obj/server/main.o,$(SERVER_O)) $(LAB_O) $(HTTP_O) $(CERTS_O) $(TLS_O) $(B)/libstack.a $(PARSER_O) $(MBEDTLS)/.built
	$(call fuzz_link) $(MBEDTLS_LIB) $(SERVER_LIBS)
fuzz-build: $(FUZZ_BIN)

test-fuzz: $(B)/tests/sim
	$(Q)command -v clang > /dev/null || { echo 'test-fuzz needs clang with its compiler-rt: make deps installs what tests need'; exit 1; }
	$(Q)$(MAKE) --no-print-directory CC=clang VARIANT=fuzz OPT=-O1 'SANFLAGS=$(FUZZ_SAN)' fuzz-build
	$(Q)tests/fuzz/run.sh build/fuzz/tests $(FUZZ_SECONDS) $(B)/tests/sim

.PHONY: tests-build test-unit test-unit-tls test-sim golden test-e2e fuzz-build test-fuzz

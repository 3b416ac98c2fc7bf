/* SPDX-License-Identifier: Apache-2.0 */
/*
 * corpus.h — what arrives at host 1 in a scenario, written as an input of fuzz_stack_input: from real
 * conversations the fuzzer gets on faster than from nothing.
 */
#ifndef TESTS_SIM_CORPUS_H
#define TESTS_SIM_CORPUS_H

#include "tests/sim/packet.h"

#define SIM_CORPUS_MAX 4096u /* bytes of an input: the fuzzers' -max_len */

struct sim_corpus {
	uint8_t bytes[SIM_CORPUS_MAX];
	size_t len;
	uint64_t last_us;
};

struct sim;

/* Appends the packet, with its acknowledgments counted from 0: the fuzzer's stack has the initial sequence
 * number 0. What no longer fits is left out. */
void sim_corpus_add(struct sim_corpus *c, const struct sim *sim, const struct sim_packet *p);
/* Writes DIR/NAME; false, with errno, when that fails. An empty input is not written. */
bool sim_corpus_write(const struct sim_corpus *c, const char *dir, const char *name);

#endif

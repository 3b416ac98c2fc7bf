/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz.h — what the fuzzers of the stack share: a stack at 10.0.0.2 and fd00::2 with a listener, virtual time, and checks
 * that end the program, which is how a fuzzer is told of a finding.
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

#include "stack/stack.h"
#include "tests/sim/packet.h"

#define FUZZ_PORT 80u

struct fuzz_world {
	struct stack *stack;
	struct tcp_listener *listener;
	uint64_t now_us;
	void (*application)(struct stack *s); /* handles all events; may be NULL */
	/* Called with every TCP segment that the stack sends; may be NULL. */
	void (*sent)(void *ctx, const struct sim_segment *seg);
	void *ctx;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

void fuzz_world_create(struct fuzz_world *w, void (*application)(struct stack *s));
/* stack_check, or the end. */
void fuzz_check(struct fuzz_world *w);
/* Timers, the application, and all output, each packet of which is checked. */
void fuzz_turn(struct fuzz_world *w);
/* Lets time pass until nothing is left to happen, for a thousand hours at most; then no entry
 * and no byte may be left, nor any connection when the application has given all its handles
 * back. */
void fuzz_world_end(struct fuzz_world *w, bool given_back);
/* Prints what is wrong and ends the program. */
void fuzz_found(const char *what) __attribute__((noreturn));
void fuzz_ip_checksum(uint8_t *ip);

#endif

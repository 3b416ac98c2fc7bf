/* SPDX-License-Identifier: Apache-2.0 */
/*
 * siphash.h — SipHash-2-4 (Aumasson and Bernstein, 2012): the keyed pseudo-random function behind the
 * demultiplexing table, initial sequence numbers, timestamps' offsets and ephemeral ports. Without
 * the key its output cannot be predicted, nor can colliding inputs be made.
 */
#ifndef STACK_SIPHASH_H
#define STACK_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

uint64_t siphash24(const uint8_t key[16], const void *data, size_t len);

#endif

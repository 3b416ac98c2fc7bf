/* SPDX-License-Identifier: Apache-2.0 */
/*
 * checksum.h — the Internet checksum (RFC 1071). A sum is carried as a 64-bit accumulator of
 * native-order words and folded once at the end, so that pieces can be added one after the other.
 */
#ifndef STACK_CHECKSUM_H
#define STACK_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

#include "stack/stack.h"

/* Adds `len` bytes. Every piece but the last must have an even length, or be added with
 * checksum_add_odd when it begins at an odd offset of the whole. */
uint64_t checksum_add(uint64_t sum, const void *data, size_t len);
/* As above for a piece that starts at an odd offset (RFC 1071 2: swap the bytes of its sum). */
uint64_t checksum_add_odd(uint64_t sum, const void *data, size_t len);
/* Adds the pseudo-header of RFC 9293 3.1 (IPv4) or RFC 8200 8.1 (IPv6). `len` is the TCP length. */
uint64_t checksum_add_pseudo(uint64_t sum, const struct ip_addr *src, const struct ip_addr *dst,
			     uint8_t protocol, uint32_t len);
/* Folds to 16 bits, host byte order: the sum itself, not its complement. */
uint16_t checksum_fold(uint64_t sum);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* tls_mac.h — HMAC-SHA-256 (RFC 2104), for whoever has something to recognise that must not be kept. */
#ifndef TLS_TLS_MAC_H
#define TLS_TLS_MAC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TLS_MAC_SIZE 32

/* Calls psa_crypto_init(): see tls.h. False when the library fails. */
bool tls_mac(const uint8_t key[TLS_MAC_SIZE], const void *data, size_t len,
	     uint8_t out[TLS_MAC_SIZE]);

#endif

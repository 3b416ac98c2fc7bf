/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls_client.h — a client's context, for tests: its sessions are driven by the functions of tls.h.
 * The server itself never connects to anybody.
 */
#ifndef TLS_TLS_CLIENT_H
#define TLS_TLS_CLIENT_H

#include "tls/tls.h"

enum tls_version {
	TLS_VERSION_ANY,
	TLS_VERSION_1_2,
	TLS_VERSION_1_3,
};

struct tls_client_config {
	struct tls_blob ca;      /* trust anchors; data NULL: the server is not verified   */
	const char *server_name; /* sent as SNI and compared with the certificate; or NULL */
	const char *const *alpn; /* NULL-terminated, or NULL                               */
	enum tls_version version;
	const uint16_t *groups;  /* IANA numbers, 0-terminated; NULL: the policy's         */
	const int *ciphersuites; /* IANA numbers, 0-terminated; NULL: the policy's         */
};

/* NULL with one line in `error`. `ca` may be freed afterwards; `groups` and `ciphersuites` must
 * live as long as the context. Freed by tls_context_destroy. */
struct tls_context *tls_context_create_client(const struct tls_client_config *cfg,
					      char error[TLS_ERROR_SIZE]);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls.h — TLS 1.3 and 1.2 over any byte stream: mbedTLS behind a small contract.
 *
 * A struct tls_context holds what connections share (certificate, key, policy); a struct
 * tls_session is one connection. The session does no I/O of its own: it moves bytes through the
 * two callbacks of struct tls_stream, which never block. Single-threaded, like all of a worker.
 *
 * psa_crypto_init() is called by tls_context_create: create contexts after fork() (CVE-2026-25835).
 */
#ifndef TLS_TLS_H
#define TLS_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tls_context;
struct tls_session;

#define TLS_ERROR_SIZE 256

/* A PEM (or DER) blob in memory, so that the master can read the files while it still may and the
 * unprivileged worker parses them. PEM needs no terminating NUL here. */
struct tls_blob {
	const uint8_t *data;
	size_t len;
	const char *name; /* what to call it in an error: the file's path */
};

/* A certificate chain in any order, perhaps with more around it, and its key. A client is sent the certificate of the key
 * and what of the rest leads up from it. */
struct tls_pair {
	struct tls_blob cert, key;
};

/* Does a client have to show a certificate? */
enum tls_client_auth {
	TLS_CLIENT_OFF,      /* it is not asked                                              */
	TLS_CLIENT_WANTED,   /* it may have none; one that it shows must be good             */
	TLS_CLIENT_REQUIRED, /* without a good one there is no connection                    */
};

struct tls_config {
	/* At least one. A client gets one whose DNS names match the name that it asks for (RFC 6066 3), of a kind
	 * that it can verify: so a name may have an RSA and an ECDSA certificate. The first one, and those for
	 * exactly the same names, are for all who ask for no name or for one that nobody has. */
	const struct tls_pair *pair;
	size_t pair_count;
	bool strict_names; /* names that nobody has are refused: the alert unrecognized_name */
	enum tls_client_auth client_auth;
	struct tls_blob client_ca; /* whom client certificates must come from; unless OFF      */
	const char *const *alpn;   /* in order of preference, NULL-terminated; NULL: no ALPN. An
	                               offer without overlap is answered with the alert
	                               no_application_protocol (RFC 7301 3.2)               */
};

/* Returns NULL with one line in `error`: what, where, what to do. `cfg` and its blobs may be freed
 * afterwards. A key that belongs to no certificate of its file is an error. */
struct tls_context *tls_context_create(const struct tls_config *cfg, char error[TLS_ERROR_SIZE]);
/* Gives it back: it goes with its last session. */
void tls_context_destroy(struct tls_context *ctx);

/* Session tickets (RFC 5077, RFC 8446 4.6.1): the state of a session travels with the client, sealed by AES-256-GCM
 * under keys that all servers of a name share. Tickets are written with `current` and read with both. */
struct tls_ticket_key {
	uint8_t name[16]; /* the first four bytes say which key it is */
	uint8_t secret[32];
};
struct tls_ticket_keys {
	struct tls_ticket_key current, previous;
	uint32_t lifetime_s; /* of a ticket: at most seven days (RFC 8446 4.6.1) */
};
#define TLS_TICKET_LIFETIME_MAX_S 604800u

/* Begins to offer tickets, or changes their keys; sessions go on undisturbed. Call again before `lifetime_s` is
 * over, be it with the same keys: Mbed TLS lets no key grow older. Without a call nothing is resumed, nor
 * where clients have to show certificates: a ticket would pass them by.
 * Returns 0, or -1 with one line in `error`. */
int tls_context_set_ticket_keys(struct tls_context *ctx, const struct tls_ticket_keys *keys,
				char error[TLS_ERROR_SIZE]);

/* Who is told the secrets of every session: lines of RFC 9850, with their newline, of which none is kept. For looking at
 * traffic with other tools; whoever has them can read it. */
struct tls_keylog {
	void (*write)(void *ctx, const char *line, size_t len); /* NULL: nobody */
	void *ctx;
};
void tls_context_set_keylog(struct tls_context *ctx, const struct tls_keylog *keylog);

/* The stream below. `send` takes the whole of `len` bytes or nothing: it returns len, 0 when there is
 * no room now, -1 when the stream will never take more. `recv` returns how many bytes it gave, 0 when
 * there are none now, -1 at the end of the stream (the peer's FIN). */
struct tls_stream {
	void *ctx;
	long (*send)(void *ctx, const uint8_t *data, size_t len);
	long (*recv)(void *ctx, uint8_t *buf, size_t len);
};

/* NULL when memory is short. */
struct tls_session *tls_session_create(struct tls_context *ctx, const struct tls_stream *stream);
/* Sends nothing; call tls_session_close_notify first for an orderly end. */
void tls_session_destroy(struct tls_session *t);

enum tls_status {
	TLS_OK = 0,         /* progress was made; see each function                             */
	TLS_WANT_READ = 1,  /* call again when the stream has bytes                             */
	TLS_WANT_WRITE = 2, /* call again, with the same arguments, when the stream has room    */
	TLS_CLOSED = 3,     /* the peer's close_notify came                                     */
	TLS_TRUNCATED = 4,  /* the stream ended without close_notify (RFC 8446 6.1)             */
	TLS_FAILED = 5,     /* fatal; an alert has been sent if one could be. tls_session_error */
};

/* Drives the handshake. TLS_OK once it is complete. */
enum tls_status tls_session_handshake(struct tls_session *t);
bool tls_session_established(const struct tls_session *t);

/* Reads decrypted bytes: TLS_OK with 1..cap in *got. */
enum tls_status tls_session_read(struct tls_session *t, uint8_t *buf, size_t cap, size_t *got);
/* True when decrypted or received bytes wait inside the session, so a read may succeed although the
 * stream is silent. */
bool tls_session_pending(const struct tls_session *t);
/* Encrypts and sends up to `len` bytes as one record; TLS_OK with 1..len in *taken. After
 * TLS_WANT_WRITE nothing counts as taken and the call must be repeated with the same data and length. */
enum tls_status tls_session_write(struct tls_session *t, const uint8_t *data, size_t len,
				  size_t *taken);
/* Largest plaintext of one record at present. */
size_t tls_session_max_write(const struct tls_session *t);
/* Most bytes of the stream that a write of `len` plaintext bytes can take. */
size_t tls_session_wire_size(const struct tls_session *t, size_t len);
/* Sends close_notify once: TLS_OK (also when it was sent before), TLS_WANT_WRITE, TLS_FAILED. */
enum tls_status tls_session_close_notify(struct tls_session *t);

/* Gives the record buffers back, more than 32 KiB, if nothing is in them; the next call takes others. To be called
 * when there is nothing to do for the session at the moment. */
void tls_session_rest(struct tls_session *t);

/* One line about the last TLS_FAILED, with mbedTLS's own name of the error. */
const char *tls_session_error(const struct tls_session *t);
/* True when what failed was that the very first bytes are no TLS record but look like plain HTTP; they
 * are then still unread in the stream and nothing was sent. Decided by tls_looks_like_http below. */
bool tls_looks_like_http(const uint8_t *data, size_t len);

struct tls_info {
	const char *version; /* "TLSv1.3", "TLSv1.2"; NULL before it is negotiated             */
	const char
		*ciphersuite; /* IANA name, NULL before                                         */
	const char *alpn;     /* NULL when none was negotiated                                  */
	const char *sni;      /* the name that the client asked for, NULL when none             */
	const char *client;   /* subject of the certificate that the client showed, NULL for none */
	bool resumed;         /* by a ticket: no certificate was sent                            */
	bool close_notify_in, close_notify_out;
};
void tls_session_info(const struct tls_session *t, struct tls_info *info);

/* "Mbed TLS 3.6.7" */
const char *tls_library_version(void);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* tls_internal.h — what the files of tls/ share. */
#ifndef TLS_TLS_INTERNAL_H
#define TLS_TLS_INTERNAL_H

#include <mbedtls/ssl.h>
#include <mbedtls/ssl_ticket.h>

#include "tls/tls.h"

/* ---- tls_identity.c */

/* Who we are to a client. */
struct tls_identity {
	mbedtls_x509_crt chain; /* leaf first    */
	mbedtls_pk_context key; /* names key_id  */
	mbedtls_svc_key_id_t key_id;
};

void tls_identity_init(struct tls_identity *id);
/* 0, or -1 with one line in `error`. tls_identity_free in any case. */
int tls_identity_load(struct tls_identity *id, const struct tls_pair *pair,
		      char error[TLS_ERROR_SIZE]);
void tls_identity_free(struct tls_identity *id);
/* Whom to trust: certificates only, all of which must be understood; `what` is what they are called in an error. */
int tls_chain_load(mbedtls_x509_crt *chain, const struct tls_blob *blob, const char *what,
		   char error[TLS_ERROR_SIZE]);

/* ---- tls_names.c: which identities are for which name */

struct tls_name {
	char *name; /* lower case; "*.example.org" for a wildcard */
	size_t identity;
};
struct tls_names {
	struct tls_name *entry; /* sorted by name, then identity */
	size_t count, cap;
};

/* Takes in the DNS names of a leaf: its subjectAltName (RFC 9525 6.3), or nothing. 0, or -1 when memory is short. */
int tls_names_add(struct tls_names *names, const mbedtls_x509_crt *leaf, size_t identity,
		  char error[TLS_ERROR_SIZE]);
void tls_names_sort(struct tls_names *names);
/* The entries for the name that a client asks for; a wildcard stands for one label (RFC 9525 6.3) and counts only
 * when nobody has the name itself. */
bool tls_names_find(const struct tls_names *names, const unsigned char *name, size_t len,
		    size_t *first, size_t *count);
/* True when both leaves are for exactly the same names and addresses. */
bool tls_names_alike(const mbedtls_x509_crt *a, const mbedtls_x509_crt *b);
void tls_names_free(struct tls_names *names);

/* ---- tls_buffers.c */

#define TLS_RECORD_HEADER 5

/* More than Mbed TLS asks for either direction; test_tls_idle holds that against it. */
#define TLS_RECORD_BUFFER (16384 + 512)
#define TLS_SPARES_MAX 32

/* Record buffers that no session uses. */
struct tls_spares {
	struct tls_spare *first;
	size_t count;
};
void tls_spares_free(struct tls_spares *spares);
/* Takes buffers again; false when memory is short. Before any call that reads or writes. */
bool tls_session_wake(struct tls_session *t);

/* ---- tls_context.c */

struct tls_context {
	mbedtls_ssl_config conf;
	struct tls_identity *identity; /* a server's; the first is the default */
	size_t identities;
	struct tls_names names;
	bool strict_names;
	enum tls_client_auth client_auth;
	mbedtls_x509_crt trusted; /* whom we believe about a peer */
	char *server_name;        /* a client's: whom it wants to talk to */
	const char **alpn;        /* a copy that the configuration points to */
	size_t sessions;          /* that use this context            */
	bool condemned;           /* freed with the last of them     */
	mbedtls_ssl_ticket_context tickets;
	bool has_tickets;
	struct tls_spares spares;
	struct tls_session *pool; /* `pooled` of them, for the next clients */
	unsigned pooled;
	struct tls_keylog keylog;
};

/* ---- tls_ticket.c */

void tls_ticket_init(struct tls_context *ctx);
void tls_ticket_free(struct tls_context *ctx);

/* ---- tls_keylog.c */

/* After mbedtls_ssl_setup. */
void tls_keylog_begin(struct tls_session *t);

/* ---- tls_policy.c */

/* One table of everything that may be negotiated, for servers and test clients alike. */
void tls_policy_apply(mbedtls_ssl_config *conf);
/* IANA's name of a suite of the table, NULL for any other number. */
const char *tls_policy_suite_name(int id);

/* ---- tls_record.c: what record headers tell without keys */

/* Follows the records of a byte stream, whatever pieces it comes in. */
struct tls_record_scan {
	uint8_t header[TLS_RECORD_HEADER]; /* of the newest record              */
	uint8_t content[2];                /* the first bytes behind it         */
	size_t have;                       /* bytes of the header that are here */
	size_t body;                       /* bytes of the record yet to come   */
};
void tls_record_scan(struct tls_record_scan *scan, const uint8_t *data, size_t len);
/* True when the newest record is an alert in the clear and all of it is here. */
bool tls_record_is_plain_alert(const struct tls_record_scan *scan);
/* True when one of the whole records in `data` is an alert, or protected and as long as one. */
bool tls_records_hold_alert(const uint8_t *data, size_t len);

/* ---- tls_error.c */

#define TLS_NO_ALERT -1

/* Writes "what where: Mbed TLS's words (-0xCODE)"; `where` may be NULL. */
void tls_error_format(char out[TLS_ERROR_SIZE], const char *what, const char *where, int code);
/* The alert that answers a failure (RFC 8446 6.2), TLS_NO_ALERT when none does. `last` is the
 * record that was being read. */
int tls_error_alert(int code, const struct tls_record_scan *last);
/* The name that RFC 8446 or RFC 5246 gives to an alert. */
const char *tls_alert_name(unsigned alert);

/* ---- tls_session.c */

#define TLS_SNI_MAX 255

struct tls_session {
	struct tls_context *context;
	mbedtls_ssl_context ssl; /* its buffers come with the first tls_session_handshake */
	struct tls_stream stream;
	struct tls_record_scan in;
	enum tls_status ended; /* how reading ended, TLS_OK before            */
	size_t write_len;      /* of the write that must be repeated, 0: none */
	bool write_sent;       /* its record has left with another call       */
	bool started, established;
	bool certified;  /* our certificate was sent: a full handshake      */
	bool starved;    /* the stream had no bytes when last asked         */
	bool at_eof;     /* the peer's FIN was seen                         */
	bool blocked;    /* Mbed TLS holds bytes that the stream refused    */
	bool gone;       /* the stream will never take more                 */
	bool alerting;   /* what is sent now may hold a fatal alert         */
	bool alert_sent; /* one was taken by the stream since the last read */
	bool failing;    /* fatal: all that remains to do is to send `alert` */
	int alert;       /* TLS_NO_ALERT for none                           */
	bool closing;    /* close_notify has been sealed                    */
	bool close_notify_in, close_notify_out;
	char sni[TLS_SNI_MAX + 1];
	struct tls_session *next; /* in the pool: tls_pool.c                             */
	bool pooled;              /* from the pool, not begun: its `ssl` is set up         */
	bool resting;             /* its record buffers are given back: tls_buffers.c    */
	uint8_t in_counter[MBEDTLS_SSL_SEQUENCE_NUMBER_LEN]; /* of the next record, while resting */
	size_t out_content; /* where content begins in a record of ours, while resting */
	char *client;       /* its certificate's subject, NULL for none */
	char error[TLS_ERROR_SIZE];
};

/* Gives the record buffers of a session in whom nothing is under way to the spare ones: tls_buffers.c. */
void tls_session_put_aside(struct tls_session *t);

/* Contexts kept for the next clients; the same record buffers serve them all. */
#define TLS_POOL_MAX 16
/* Takes a session that is over into the pool: true, and it is no longer the caller's. */
bool tls_pool_give(struct tls_session *t);
/* One that can begin anew, or NULL. */
struct tls_session *tls_pool_take(struct tls_context *ctx);
void tls_pool_free(struct tls_context *ctx);

#endif

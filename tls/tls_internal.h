/* SPDX-License-Identifier: Apache-2.0 */
/* tls_internal.h — what the files of tls/ share. */
#ifndef TLS_TLS_INTERNAL_H
#define TLS_TLS_INTERNAL_H

#include <mbedtls/ssl.h>
#include <mbedtls/ssl_ticket.h>

#include "tls/tls.h"

/* ---- tls_context.c */

struct tls_context {
	mbedtls_ssl_config conf;
	mbedtls_x509_crt chain; /* ours: leaf first */
	mbedtls_pk_context key; /* names key_id */
	mbedtls_svc_key_id_t key_id;
	mbedtls_x509_crt trusted; /* a client's trust anchors */
	char *server_name;        /* a client's: whom it wants to talk to */
	const char **alpn;        /* a copy that the configuration points to */
	size_t sessions; /* that use this context            */
	bool condemned;  /* freed with the last of them     */
	mbedtls_ssl_ticket_context tickets;
	bool has_tickets;
};

/* ---- tls_ticket.c */

void tls_ticket_init(struct tls_context *ctx);
void tls_ticket_free(struct tls_context *ctx);

/* ---- tls_policy.c */

/* One table of everything that may be negotiated, for servers and test clients alike. */
void tls_policy_apply(mbedtls_ssl_config *conf);
/* IANA's name of a suite of the table, NULL for any other number. */
const char *tls_policy_suite_name(int id);

/* ---- tls_record.c: what record headers tell without keys */

#define TLS_RECORD_HEADER 5

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
	char error[TLS_ERROR_SIZE];
};

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * options.h — what the program can be told, from one table (options_table.c).
 *
 * Every option is a flag (--grace 5), an environment variable (TUNHTTPD_GRACE=5) and a key of the
 * configuration file (grace = 5). A flag beats the environment, that beats the file, that the default.
 */
#ifndef SERVER_OPTIONS_H
#define SERVER_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "server/log_sink.h"
#include "server/options_files.h"
#include "server/options_limits.h"
#include "server/options_sites.h"
#include "server/values.h"

#define EXIT_RUNTIME 1 /* what was asked for did not work                          */
#define EXIT_USAGE 2   /* the command line is wrong                                */
#define EXIT_CONFIG 78 /* sysexits.h EX_CONFIG: environment, file, certificate, DIR */

#define OPTIONS_ERROR_SIZE 512
#define OPTIONS_MAX 128 /* rows that the table may have */

enum option_source {
	SOURCE_DEFAULT,
	SOURCE_FILE,
	SOURCE_ENV,
	SOURCE_FLAG
};

/* What the user said, or the default, per row of the table. */
struct option_setting {
	char *text;  /* NULL: neither said nor a default */
	char *where; /* of the file: "file:line"         */
	enum option_source source;
};

/* A section of the file: a site of its own. What it does not say is as for the default site. */
struct site_section {
	char *where;            /* "file:line" of its beginning                        */
	bool own_pair;          /* cert and key are its own                              */
	struct name_list hosts; /* as value_host makes them; at least one              */
	struct site_options site;
	struct option_setting set[OPTIONS_MAX]; /* what it says itself                  */
};
#define SECTIONS_MAX 1024

struct options {
	struct site_options site;     /* the default site: whom no section is for        */
	struct site_section *section; /* the other sites, in the order of the file       */
	size_t section_count;
	struct link_address address;
	struct link_address address6; /* stack.version 0: off                             */
	bool address6_given;          /* not the default                                  */
	uint16_t http, https;         /* 0: off                                                 */
	bool http2, http2_clear;      /* over TLS by ALPN; in clear with prior knowledge        */
	bool strict_hosts;            /* a host that no site has is refused                    */
	bool strict_names;            /* a name that no certificate has is refused             */
	enum tls_client_auth client_auth;
	const char *client_ca;    /* file; goes with client_auth                           */
	const char *state;        /* directory of the local authority                       */
	struct name_list names;   /* of the certificate, beside the address and localhost   */
	const char *tun;          /* name of the device                                     */
	struct name_list publish; /* interfaces, or the word auto                          */
	unsigned mtu;             /* bytes                                                  */
	bool offload;             /* checksum and segmentation offload of the device        */
	enum stack_ecn ecn;       /* explicit congestion notification                       */
	bool fast_open;           /* requests in SYNs                                       */
	unsigned workers;         /* 0: one per processor                                   */
	const char *user;         /* whom the workers become                                */
	bool user_given;          /* not the default                                        */
	bool sandbox;             /* sandbox.h, for the workers                             */
	enum log_format log;
	const char *log_text; /* what was said of it: for LOG_LAYOUT                      */
	struct log_target log_target;
	bool log_connections;    /* a line for each connection that is over                */
	bool request_id;         /* X-Request-Id in responses                               */
	unsigned max_handshakes; /* of TLS, in a worker                                    */
	struct option_limits limits;
	struct option_files files;
	uint64_t grace_us;
	uint64_t header_timeout_us, idle_timeout_us, handshake_timeout_us, send_timeout_us;
	uint64_t linger_timeout_us, tcp_timeout_us;
	uint64_t tcp_keepalive_us;   /* 0: off                                                 */
	uint64_t ticket_lifetime_us; /* 0: no tickets                                         */
	const char *ticket_keys;     /* NULL: keys of our own, which rotate                   */
	const char *keylog;          /* file for the secrets of TLS, NULL: none               */
	const char *config;          /* NULL: none */
	bool check, print_config, help, version;
	struct option_setting set[OPTIONS_MAX];
	char *state_default;
};

/* Reads the arguments after the command `serve`, the environment and the configuration file. `env` is
 * NULL-terminated like environ. Returns 0, or EXIT_USAGE or EXIT_CONFIG with one line in `error`. With
 * --help and --version nothing else is looked at. options_free in any case. */
int options_parse(struct options *o, int argc, char *const argv[], char *const env[],
		  char error[OPTIONS_ERROR_SIZE]);
void options_free(struct options *o);

/* Where the local authority lives unless somebody says it: to be freed; NULL when the environment has no home. False when
 * memory is short. */
bool options_default_state(char *const env[], char **path);

/* Does any site bring a certificate? Otherwise the local authority makes one. */
bool options_have_certificate(const struct options *o);

/* The table as text for --help. */
void options_print_help(FILE *out);
/* Every option with its value and where that came from; itself a valid configuration file. */
void options_print(const struct options *o, FILE *out);

#endif

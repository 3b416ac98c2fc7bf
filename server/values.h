/* SPDX-License-Identifier: Apache-2.0 */
/* values.h — texts of options made into values. Each parser returns false for what is not allowed. */
#ifndef SERVER_VALUES_H
#define SERVER_VALUES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/limits.h"
#include "stack/stack.h"
#include "tls/tls.h"

/* The stack's address, and the host's on the other side of the TUN device. */
struct link_address {
	struct ip_addr stack; /* version 0: off (IPv6 only)                              */
	struct ip_addr host;  /* the first address of the prefix that is not the stack's */
	unsigned prefix_len;  /* 1..30; for IPv6 1..126                                  */
};

enum log_format {
	LOG_COMBINED,
	LOG_JSON,
	LOG_OFF,
	LOG_LAYOUT /* a text with variables: log_layout.h */
};

#define VALUES_NAMES_MAX 32
struct name_list {
	char *text;                             /* what `list` points into            */
	const char *list[VALUES_NAMES_MAX + 1]; /* NULL-terminated                    */
	size_t count;
};

/* "10.77.0.2/24"; without a prefix length it is /24. The address must be a host's in its prefix. */
bool value_link_address(const char *text, struct link_address *out);
/* "fd77:7475:6e00::2/64", without a prefix length /64; "off" gives version 0. Link-local addresses are refused:
 * they need a scope wherever they are written. */
bool value_link_address6(const char *text, struct link_address *out);
/* 1..65535, or "off" for 0. */
bool value_port(const char *text, uint16_t *out);
/* A whole number of min..max in decimal, nothing else. */
bool value_number(const char *text, unsigned long min, unsigned long max, unsigned long *out);
/* "10", "0.25": seconds with up to six decimals, at most a day, as microseconds. */
bool value_seconds(const char *text, uint64_t *out_us);
/* "500", "16k", "1m", "2g": bytes of min..max, with units of 1024. */
bool value_size(const char *text, uint64_t min, uint64_t max, uint64_t *out);
/* One of the words, or anything with a $ in it. */
bool value_log_format(const char *text, enum log_format *out);
bool value_ecn(const char *text, enum stack_ecn *out);
bool value_on_off(const char *text, bool *out);
/* A name that a network interface may have. */
bool value_interface(const char *text);
/* "20/s", "20/s,50": so many events a second (or minute, "/m"), and how many at once, without it as many; "off". */
bool value_limit(const char *text, struct limits_rate *out);
/* "10.0.0.0/8,fd00::/8,192.0.2.7"; replaces the list. */
bool value_prefixes(const char *text, struct prefix_list *out);
/* DNS names and IP addresses with commas between; replaces the list. The list owns its text. */
bool value_names(const char *text, struct name_list *out);
/* A host as a request names it, without a port: a DNS name, perhaps with "*." before it, in lower case and without the
 * dot at its end; an IP address in its one usual form, IPv6 with or without brackets. */
#define VALUE_HOST_SIZE 256
bool value_host(const char *text, char out[VALUE_HOST_SIZE]);
/* The same with paths of files. */
bool value_files(const char *text, struct name_list *out);
/* Names of interfaces with commas between; "off": none. */
bool value_interfaces(const char *text, struct name_list *out);
/* "off", "wanted", "required". */
bool value_client_auth(const char *text, enum tls_client_auth *out);
void name_list_free(struct name_list *names);

#endif

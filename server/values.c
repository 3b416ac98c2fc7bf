/* SPDX-License-Identifier: Apache-2.0 */
/* values.c — see values.h. */
#include "server/values.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

bool value_number(const char *text, unsigned long min, unsigned long max, unsigned long *out)
{
	unsigned long n = 0;

	if (*text == '\0')
		return false;
	for (const char *p = text; *p; p++) {
		if (*p < '0' || *p > '9')
			return false;
		const unsigned long digit = (unsigned long)(*p - '0');
		if (n > max / 10 || n * 10 > max - digit)
			return false;
		n = n * 10 + digit;
	}
	if (n < min)
		return false;
	*out = n;
	return true;
}

bool value_port(const char *text, uint16_t *out)
{
	unsigned long n = 0;

	if (strcmp(text, "off") != 0 && !value_number(text, 1, UINT16_MAX, &n))
		return false;
	*out = (uint16_t)n;
	return true;
}

bool value_seconds(const char *text, uint64_t *out_us)
{
	const char *dot = strchr(text, '.');
	char whole[8];
	unsigned long seconds, micros = 0;
	const size_t len = dot ? (size_t)(dot - text) : strlen(text);

	if (len >= sizeof whole)
		return false;
	memcpy(whole, text, len);
	whole[len] = '\0';
	if (!value_number(whole, 0, 86400, &seconds))
		return false;
	if (dot) {
		char digits[] = "000000";
		const size_t decimals = strlen(dot + 1);
		if (decimals == 0 || decimals >= sizeof digits)
			return false;
		memcpy(digits, dot + 1, decimals);
		if (!value_number(digits, 0, 999999, &micros))
			return false;
	}
	*out_us = (uint64_t)seconds * 1000000 + micros;
	return *out_us <= 86400ull * 1000000;
}

bool value_size(const char *text, uint64_t min, uint64_t max, uint64_t *out)
{
	const size_t len = strlen(text);
	char digits[20];
	unsigned long n;
	unsigned shift = 0;

	if (len == 0 || len >= sizeof digits)
		return false;
	memcpy(digits, text, len + 1);
	switch (digits[len - 1]) {
	case 'k':
		shift = 10;
		break;
	case 'm':
		shift = 20;
		break;
	case 'g':
		shift = 30;
		break;
	default:
		break;
	}
	if (shift > 0)
		digits[len - 1] = '\0';
	if (!value_number(digits, 0, UINT64_MAX >> shift, &n) || (uint64_t)n << shift < min ||
	    (uint64_t)n << shift > max)
		return false;
	*out = (uint64_t)n << shift;
	return true;
}

bool value_limit(const char *text, struct limits_rate *out)
{
	const char *slash = strchr(text, '/'), *comma = strchr(text, ',');
	char count[8];
	unsigned long n, burst;

	if (strcmp(text, "off") == 0) {
		*out = (struct limits_rate){0};
		return true;
	}
	if (!slash || (size_t)(slash - text) >= sizeof count ||
	    (slash[1] != 's' && slash[1] != 'm') || (comma ? comma != slash + 2 : slash[2] != '\0'))
		return false;
	memcpy(count, text, (size_t)(slash - text));
	count[slash - text] = '\0';
	if (!value_number(count, 1, 1000000, &n))
		return false;
	burst = n;
	if (comma && !value_number(comma + 1, 1, 1000000, &burst))
		return false;
	out->interval_ns = (slash[1] == 's' ? 1u : 60u) * 1000000000ull / n;
	out->burst = (uint32_t)burst;
	return true;
}

static bool read_prefix(const char *text, struct ip_prefix *out)
{
	const char *slash = strchr(text, '/');
	const size_t len = slash ? (size_t)(slash - text) : strlen(text);
	char address[INET6_ADDRSTRLEN];
	uint8_t bytes[16] = {0};
	unsigned long bits;

	if (len >= sizeof address)
		return false;
	memcpy(address, text, len);
	address[len] = '\0';
	const bool v6 = strchr(address, ':') != NULL;
	bits = v6 ? 128 : 32;
	if (inet_pton(v6 ? AF_INET6 : AF_INET, address, bytes) != 1 ||
	    (slash && !value_number(slash + 1, 0, bits, &bits)))
		return false;
	out->addr = v6 ? ip_addr_v6(bytes) : ip_addr_v4(bytes[0], bytes[1], bytes[2], bytes[3]);
	out->len = (uint8_t)bits;
	return true;
}

bool value_prefixes(const char *text, struct prefix_list *out)
{
	struct prefix_list fresh = {.count = 0};

	while (true) {
		char item[INET6_ADDRSTRLEN + 4];
		text += strspn(text, " \t");
		const size_t len = strcspn(text, ", \t");
		if (len >= sizeof item || fresh.count == LIMITS_PREFIXES_MAX)
			return false;
		memcpy(item, text, len);
		item[len] = '\0';
		if (!read_prefix(item, &fresh.list[fresh.count++]))
			return false;
		text += len;
		text += strspn(text, " \t");
		if (*text == '\0')
			break;
		if (*text++ != ',')
			return false;
	}
	*out = fresh;
	return true;
}

bool value_log_format(const char *text, enum log_format *out)
{
	static const char *const names[] = {
		[LOG_COMBINED] = "combined", [LOG_JSON] = "json", [LOG_OFF] = "off"};

	for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++) {
		if (strcmp(text, names[i]) == 0) {
			*out = (enum log_format)i;
			return true;
		}
	}
	*out = LOG_LAYOUT;
	return strchr(text, '$') != NULL;
}

bool value_ecn(const char *text, enum stack_ecn *out)
{
	static const char *const name[] = {
		[STACK_ECN_OFF] = "off", [STACK_ECN_ANSWER] = "answer", [STACK_ECN_ASK] = "ask"};

	for (size_t i = 0; i < sizeof name / sizeof name[0]; i++) {
		if (strcmp(text, name[i]) == 0) {
			*out = (enum stack_ecn)i;
			return true;
		}
	}
	return false;
}

bool value_on_off(const char *text, bool *out)
{
	const bool on = strcmp(text, "on") == 0;

	if (!on && strcmp(text, "off") != 0)
		return false;
	*out = on;
	return true;
}

/* The kernel's rule (dev_valid_name), less what a shell or a log would stumble over. */
bool value_interface(const char *text)
{
	const size_t len = strlen(text);

	if (len == 0 || len >= IFNAMSIZ || strcmp(text, ".") == 0 || strcmp(text, "..") == 0)
		return false;
	for (const char *p = text; *p; p++)
		if (*p <= ' ' || *p >= 0x7f || strchr("/:%\"'\\", *p))
			return false;
	return true;
}

static struct ip_addr addr_of(uint32_t host_order)
{
	return ip_addr_v4((uint8_t)(host_order >> 24), (uint8_t)(host_order >> 16),
			  (uint8_t)(host_order >> 8), (uint8_t)host_order);
}

/* What the stack accepts as a host's own address, and the kernel as a neighbour's. */
static bool is_unicast(uint32_t addr)
{
	const uint32_t top = addr >> 24;

	return top != 0 && top != 127 && top < 224;
}

bool value_link_address(const char *text, struct link_address *out)
{
	const char *slash = strchr(text, '/');
	char dotted[INET_ADDRSTRLEN];
	struct in_addr in;
	unsigned long prefix = 24;
	const size_t len = slash ? (size_t)(slash - text) : strlen(text);

	if (len >= sizeof dotted || (slash && !value_number(slash + 1, 1, 30, &prefix)))
		return false;
	memcpy(dotted, text, len);
	dotted[len] = '\0';
	if (inet_pton(AF_INET, dotted, &in) != 1)
		return false;
	const uint32_t addr = ntohl(in.s_addr);
	const uint32_t host_bits = UINT32_MAX >> prefix;
	/* All zeros names the network, all ones is its broadcast address (RFC 1122 3.2.1.3). */
	if (!is_unicast(addr) || (addr & host_bits) == 0 || (addr & host_bits) == host_bits)
		return false;
	const uint32_t first = (addr & ~host_bits) + 1;
	out->stack = addr_of(addr);
	out->host = addr_of(first == addr ? first + 1 : first);
	out->prefix_len = (unsigned)prefix;
	return true;
}

/* A single host's, and good without a scope: not ::/96, mapped, link-local or multicast. */
static bool is_unicast6(const uint8_t a[16])
{
	static const uint8_t zero[12] = {0}, mapped[12] = {[10] = 0xff, [11] = 0xff};

	return a[0] != 0xff && (a[0] != 0xfe || a[1] >> 6 != 2) && memcmp(a, zero, 12) != 0 &&
	       memcmp(a, mapped, 12) != 0;
}

bool value_link_address6(const char *text, struct link_address *out)
{
	const char *slash = strchr(text, '/');
	const size_t len = slash ? (size_t)(slash - text) : strlen(text);
	char address[INET6_ADDRSTRLEN];
	unsigned long prefix = 64;
	struct in6_addr in, net;

	if (strcmp(text, "off") == 0) {
		*out = (struct link_address){0};
		return true;
	}
	if (len >= sizeof address || (slash && !value_number(slash + 1, 1, 126, &prefix)))
		return false;
	memcpy(address, text, len);
	address[len] = '\0';
	if (inet_pton(AF_INET6, address, &in) != 1 || !is_unicast6(in.s6_addr))
		return false;
	memcpy(&net, &in, sizeof net);
	for (size_t bit = prefix; bit < 128; bit++)
		net.s6_addr[bit / 8] &= (uint8_t) ~(0x80u >> bit % 8);
	/* All zeros behind the prefix is the routers' anycast address (RFC 4291 2.6.1). */
	if (memcmp(&net, &in, sizeof net) == 0)
		return false;
	out->stack = ip_addr_v6(in.s6_addr);
	net.s6_addr[15] |= 1;
	if (memcmp(&net, &in, sizeof net) == 0)
		net.s6_addr[15] ^= 3;
	out->host = ip_addr_v6(net.s6_addr);
	out->prefix_len = (unsigned)prefix;
	return true;
}

/* An IP address, or a DNS name of letters, digits, hyphens and dots, perhaps with a leading "*.". */
static bool valid_name(const char *name)
{
	struct in6_addr any;
	const char *p = strncmp(name, "*.", 2) == 0 ? name + 2 : name;
	size_t label = 0;

	if (inet_pton(AF_INET, name, &any) == 1 || inet_pton(AF_INET6, name, &any) == 1)
		return true;
	if (*p == '\0' || strlen(name) > 253)
		return false;
	for (; *p; p++) {
		const bool alnum = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
				   (*p >= '0' && *p <= '9');
		if (*p == '.' ? label == 0 : !alnum && *p != '_' && (*p != '-' || label == 0))
			return false;
		label = *p == '.' ? 0 : label + 1;
		if (label > 63)
			return false;
	}
	return label > 0;
}

bool value_host(const char *text, char out[VALUE_HOST_SIZE])
{
	uint8_t address[sizeof(struct in6_addr)];
	size_t len = strlen(text);
	const bool brackets = len > 2 && text[0] == '[' && text[len - 1] == ']';

	if (brackets) {
		text++;
		len -= 2;
	} else if (len > 1 && text[len - 1] == '.') {
		len--;
	}
	if (len == 0 || len >= VALUE_HOST_SIZE)
		return false;
	for (size_t i = 0; i < len; i++)
		out[i] = (char)(text[i] >= 'A' && text[i] <= 'Z' ? text[i] - 'A' + 'a' : text[i]);
	out[len] = '\0';
	if (inet_pton(AF_INET6, out, address) == 1)
		return inet_ntop(AF_INET6, address, out, VALUE_HOST_SIZE) != NULL;
	return !brackets && valid_name(out);
}

static bool value_list(const char *text, struct name_list *out, bool (*valid)(const char *item))
{
	struct name_list fresh = {.text = strdup(text)};
	char *rest = fresh.text;

	while (rest) {
		char *name = rest + strspn(rest, " \t");
		rest = strchr(name, ',');
		if (rest)
			*rest++ = '\0';
		for (size_t n = strlen(name); n > 0 && strchr(" \t", name[n - 1]); n--)
			name[n - 1] = '\0';
		if (!valid(name) || fresh.count == VALUES_NAMES_MAX) {
			name_list_free(&fresh);
			return false;
		}
		fresh.list[fresh.count++] = name;
	}
	if (fresh.count == 0)
		return false; /* out of memory */
	name_list_free(out);
	*out = fresh;
	return true;
}

bool value_names(const char *text, struct name_list *out)
{
	return value_list(text, out, valid_name);
}

static bool valid_file(const char *path)
{
	return *path != '\0';
}

bool value_interfaces(const char *text, struct name_list *out)
{
	if (strcmp(text, "off") != 0)
		return value_list(text, out, value_interface);
	name_list_free(out);
	*out = (struct name_list){0};
	return true;
}

bool value_files(const char *text, struct name_list *out)
{
	return value_list(text, out, valid_file);
}

bool value_client_auth(const char *text, enum tls_client_auth *out)
{
	static const char *const words[] = {
		[TLS_CLIENT_OFF] = "off",
		[TLS_CLIENT_WANTED] = "wanted",
		[TLS_CLIENT_REQUIRED] = "required",
	};

	for (unsigned i = 0; i < sizeof words / sizeof *words; i++) {
		if (strcmp(text, words[i]) == 0) {
			*out = (enum tls_client_auth)i;
			return true;
		}
	}
	return false;
}

void name_list_free(struct name_list *names)
{
	free(names->text);
	*names = (struct name_list){0};
}

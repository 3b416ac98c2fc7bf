/* SPDX-License-Identifier: Apache-2.0 */
/* host6.c — the IPv6 half of host.h. */
#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "server/host.h"
#include "server/rtnetlink.h"

#define MTU_MIN 1280u /* RFC 8200 5 */

static bool same_prefix(const uint8_t a[16], const uint8_t b[16], unsigned bits)
{
	const unsigned whole = bits / 8, rest = bits % 8;

	return memcmp(a, b, whole) == 0 && (rest == 0 || (a[whole] ^ b[whole]) >> (8 - rest) == 0);
}

static unsigned smaller(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* An IPv6 address of an interface with its prefix length; false for others. */
static bool address_of(const struct ifaddrs *i, struct ip_addr *addr, unsigned *prefix_len)
{
	struct sockaddr_in6 in, mask;

	if (!i->ifa_addr || i->ifa_addr->sa_family != AF_INET6 || !i->ifa_netmask)
		return false;
	memcpy(&in, i->ifa_addr, sizeof in);
	memcpy(&mask, i->ifa_netmask, sizeof mask);
	*addr = ip_addr_v6(in.sin6_addr.s6_addr);
	*prefix_len = 0;
	for (size_t k = 0; k < 16; k++)
		*prefix_len += (unsigned)__builtin_popcount(mask.sin6_addr.s6_addr[k]);
	return true;
}

/* ------------------------------------------------------------------ conflicts */

static bool addresses_are_free(const char *name, const struct link_address *ours,
			       char error[HOST_ERROR_SIZE])
{
	char mine[IP_ADDR_TEXT_SIZE], theirs[IP_ADDR_TEXT_SIZE];
	struct ifaddrs *all;
	bool ok = true;

	if (getifaddrs(&all) != 0)
		return true; /* no way to tell; the kernel will */
	for (const struct ifaddrs *i = all; i && ok; i = i->ifa_next) {
		struct ip_addr addr;
		unsigned len;
		if (strcmp(i->ifa_name, name) == 0 || !address_of(i, &addr, &len) ||
		    !same_prefix(addr.bytes, ours->stack.bytes, smaller(len, ours->prefix_len)))
			continue;
		snprintf(error, HOST_ERROR_SIZE,
			 "%s/%u is taken: %s has %s/%u; choose another address with --address6",
			 ip_addr_text(&ours->stack, mine), ours->prefix_len, i->ifa_name,
			 ip_addr_text(&addr, theirs), len);
		ok = false;
	}
	freeifaddrs(all);
	return ok;
}

/* 32 hexadecimal digits, as /proc/net/ipv6_route has them. */
static bool read_hex(const char *text, struct ip_addr *out)
{
	*out = (struct ip_addr){.version = 6};
	for (size_t i = 0; i < 16; i++) {
		unsigned byte;
		if (sscanf(text + 2 * i, "%2x", &byte) != 1)
			return false;
		out->bytes[i] = (uint8_t)byte;
	}
	return true;
}

/* As with IPv4, a wider route than ours is no conflict. */
static bool routes_are_free(const char *name, const struct link_address *ours,
			    char error[HOST_ERROR_SIZE])
{
	char line[512], dest[33], dev[IFNAMSIZ], mine[IP_ADDR_TEXT_SIZE], theirs[IP_ADDR_TEXT_SIZE];
	FILE *f = fopen("/proc/net/ipv6_route", "re");
	unsigned len;
	bool ok = true;

	if (!f)
		return true;
	while (ok && fgets(line, sizeof line, f)) {
		struct ip_addr addr;
		if (sscanf(line, "%32s %x %*s %*s %*s %*s %*s %*s %*s %15s", dest, &len, dev) !=
			    3 ||
		    !read_hex(dest, &addr))
			continue;
		if (strcmp(dev, name) == 0 || strcmp(dev, "lo") == 0 || len < ours->prefix_len ||
		    !same_prefix(addr.bytes, ours->stack.bytes, ours->prefix_len))
			continue;
		snprintf(error, HOST_ERROR_SIZE,
			 "%s/%u is taken: there is a route to %s/%u by %s; choose another address "
			 "with --address6",
			 ip_addr_text(&ours->stack, mine), ours->prefix_len,
			 ip_addr_text(&addr, theirs), len, dev);
		ok = false;
	}
	fclose(f);
	return ok;
}

bool host_prefix6_is_free(const char *name, const struct link_address *addr,
			  char error[HOST_ERROR_SIZE])
{
	return addresses_are_free(name, addr, error) && routes_are_free(name, addr, error);
}

/* ------------------------------------------------------------------ configuration */

/* Somebody has given the device an address beforehand from which the stack's can be reached. */
static bool configured_beforehand(const char *name, const struct link_address *ours)
{
	struct ifaddrs *all;
	bool reaches = false;

	if (getifaddrs(&all) != 0)
		return false;
	for (const struct ifaddrs *i = all; i && !reaches; i = i->ifa_next) {
		struct ip_addr addr;
		unsigned len;
		reaches = strcmp(i->ifa_name, name) == 0 && address_of(i, &addr, &len) &&
			  !ip_addr_equal(&addr, &ours->stack) &&
			  same_prefix(addr.bytes, ours->stack.bytes, len);
	}
	freeifaddrs(all);
	return reaches;
}

bool host_configure6(const char *name, const struct link_address *addr, unsigned mtu,
		     char note[HOST_ERROR_SIZE])
{
	char host[IP_ADDR_TEXT_SIZE];

	if (mtu < MTU_MIN) {
		snprintf(note, HOST_ERROR_SIZE, "it needs an MTU of %u, and %s has %u", MTU_MIN,
			 name, mtu);
		return false;
	}
	const int err = rtnetlink_add_address(if_nametoindex(name), &addr->host, addr->prefix_len);
	if (err == 0 || configured_beforehand(name, addr))
		return true;
	ip_addr_text(&addr->host, host);
	if (err == EPERM)
		snprintf(note, HOST_ERROR_SIZE,
			 "%s has no address of it, and this process may give it none: ip addr add "
			 "%s/%u dev %s nodad",
			 name, host, addr->prefix_len, name);
	else
		snprintf(note, HOST_ERROR_SIZE, "the host takes no %s/%u on %s (%s)", host,
			 addr->prefix_len, name, strerror(err));
	return false;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* host.c — see host.h. Addresses by rtnetlink(7), the rest by netdevice(7)'s ioctls. IPv6: host6.c. */
#include "server/host.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/rtnetlink.h"

/* Packets that wait for us, per queue of the device. The default, 500, is less than one client may send
 * into our window in full segments, and every overflow is a loss; a slot costs 8 bytes. */
#define TX_QUEUE_LEN 8192

static uint32_t to_host_order(const struct ip_addr *a)
{
	return (uint32_t)a->bytes[0] << 24 | (uint32_t)a->bytes[1] << 16 |
	       (uint32_t)a->bytes[2] << 8 | a->bytes[3];
}

static uint32_t ipv4_of(const struct sockaddr *sa)
{
	struct sockaddr_in in;

	memcpy(&in, sa, sizeof in);
	return ntohl(in.sin_addr.s_addr);
}

static uint32_t mask_of(unsigned prefix_len)
{
	return prefix_len == 0 ? 0 : UINT32_MAX << (32 - prefix_len);
}

static unsigned prefix_of(uint32_t mask)
{
	return (unsigned)__builtin_popcount(mask);
}

static const char *prefix_text(uint32_t addr, uint32_t mask, char text[64])
{
	const uint32_t net = htonl(addr & mask);
	char dotted[INET_ADDRSTRLEN];

	inet_ntop(AF_INET, &net, dotted, sizeof dotted);
	snprintf(text, 64, "%s/%u", dotted, prefix_of(mask));
	return text;
}

/* ------------------------------------------------------------------ conflicts */

static bool addresses_are_free(const char *name, uint32_t net, uint32_t mask,
			       char error[HOST_ERROR_SIZE])
{
	struct ifaddrs *all;
	char ours[64], theirs[INET_ADDRSTRLEN];
	bool ok = true;

	if (getifaddrs(&all) != 0)
		return true; /* no way to tell; the kernel will */
	for (const struct ifaddrs *i = all; i && ok; i = i->ifa_next) {
		if (!i->ifa_addr || i->ifa_addr->sa_family != AF_INET || !i->ifa_netmask ||
		    strcmp(i->ifa_name, name) == 0)
			continue;
		const uint32_t addr = ipv4_of(i->ifa_addr);
		const uint32_t wire = htonl(addr);
		const uint32_t other = ipv4_of(i->ifa_netmask);
		if (((addr ^ net) & mask & other) != 0)
			continue;
		inet_ntop(AF_INET, &wire, theirs, sizeof theirs);
		snprintf(error, HOST_ERROR_SIZE,
			 "%s is taken: %s has %s/%u; choose another address with --address",
			 prefix_text(net, mask, ours), i->ifa_name, theirs, prefix_of(other));
		ok = false;
	}
	freeifaddrs(all);
	return ok;
}

/* A route that is wider than ours, a VPN's 10.0.0.0/8 say, is no conflict: ours is the more specific. */
static bool routes_are_free(const char *name, uint32_t net, uint32_t mask,
			    char error[HOST_ERROR_SIZE])
{
	FILE *f = fopen("/proc/net/route", "re");
	char line[512], dev[IFNAMSIZ], ours[64], theirs[64];
	unsigned dest, other;
	bool ok = true;

	if (!f)
		return true;
	while (ok && fgets(line, sizeof line, f)) {
		if (sscanf(line, "%15s %x %*s %*s %*s %*s %*s %x", dev, &dest, &other) != 3)
			continue; /* the heading */
		dest = ntohl(dest);
		other = ntohl(other);
		if (strcmp(dev, name) == 0 || prefix_of(other) < prefix_of(mask) ||
		    ((dest ^ net) & mask) != 0)
			continue;
		snprintf(error, HOST_ERROR_SIZE,
			 "%s is taken: there is a route to %s by %s; choose another address with "
			 "--address",
			 prefix_text(net, mask, ours), prefix_text(dest, other, theirs), dev);
		ok = false;
	}
	fclose(f);
	return ok;
}

bool host_prefix_is_free(const char *name, const struct link_address *addr,
			 char error[HOST_ERROR_SIZE])
{
	const uint32_t mask = mask_of(addr->prefix_len);
	const uint32_t net = to_host_order(&addr->stack) & mask;

	return addresses_are_free(name, net, mask, error) &&
	       routes_are_free(name, net, mask, error);
}

/* ------------------------------------------------------------------ configuration */

static void name_request(struct ifreq *ifr, const char *name)
{
	*ifr = (struct ifreq){0};
	snprintf(ifr->ifr_name, sizeof ifr->ifr_name, "%s", name);
}

/* Returns 0 or an errno. */
static int set_link(int fd, const char *name, unsigned mtu)
{
	struct ifreq ifr;

	name_request(&ifr, name);
	ifr.ifr_mtu = (int)mtu;
	if (ioctl(fd, SIOCSIFMTU, &ifr) != 0)
		return errno;
	name_request(&ifr, name);
	ifr.ifr_qlen = TX_QUEUE_LEN;
	if (ioctl(fd, SIOCSIFTXQLEN, &ifr) != 0)
		return errno;
	name_request(&ifr, name);
	if (ioctl(fd, SIOCGIFFLAGS, &ifr) != 0)
		return errno;
	ifr.ifr_flags |= IFF_UP;
	return ioctl(fd, SIOCSIFFLAGS, &ifr) == 0 ? 0 : errno;
}

/* Somebody made the device ready for us: it is up and reaches the stack's address. */
static bool configured_beforehand(int fd, const char *name, const struct link_address *addr,
				  unsigned *mtu)
{
	struct ifreq ifr;
	struct ifaddrs *all;
	bool reaches = false;

	name_request(&ifr, name);
	if (ioctl(fd, SIOCGIFFLAGS, &ifr) != 0 || !(ifr.ifr_flags & IFF_UP))
		return false;
	name_request(&ifr, name);
	if (ioctl(fd, SIOCGIFMTU, &ifr) != 0 || ifr.ifr_mtu < 576 || getifaddrs(&all) != 0)
		return false;
	*mtu = (unsigned)ifr.ifr_mtu;
	for (const struct ifaddrs *i = all; i; i = i->ifa_next) {
		if (!i->ifa_addr || i->ifa_addr->sa_family != AF_INET || !i->ifa_netmask ||
		    strcmp(i->ifa_name, name) != 0)
			continue;
		const uint32_t a = ipv4_of(i->ifa_addr);
		const uint32_t m = ipv4_of(i->ifa_netmask);
		const uint32_t stack = to_host_order(&addr->stack);
		reaches |= a != stack && ((a ^ stack) & m) == 0;
	}
	freeifaddrs(all);
	return reaches;
}

bool host_configure(const char *name, const struct link_address *addr, unsigned *mtu,
		    char error[HOST_ERROR_SIZE])
{
	char host[IP_ADDR_TEXT_SIZE];
	const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int err =
		fd < 0 ? errno
		       : rtnetlink_add_address(if_nametoindex(name), &addr->host, addr->prefix_len);

	if (err == 0)
		err = set_link(fd, name, *mtu);
	ip_addr_text(&addr->host, host);
	const bool ready = err == 0 || ((err == EPERM || err == EACCES) && fd >= 0 &&
					configured_beforehand(fd, name, addr, mtu));
	if (fd >= 0)
		close(fd);
	if (ready)
		return true;
	if (err == EPERM || err == EACCES)
		snprintf(
			error, HOST_ERROR_SIZE,
			"%s has to be configured first, as this process may not: ip addr add %s/%u "
			"dev %s; ip link set %s up",
			name, host, addr->prefix_len, name, name);
	else
		snprintf(error, HOST_ERROR_SIZE, "cannot configure %s with %s/%u, MTU %u: %s", name,
			 host, addr->prefix_len, *mtu, strerror(err));
	return false;
}

int host_set_up(const char *name, unsigned mtu)
{
	const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return errno;
	const int err = set_link(fd, name, mtu);
	close(fd);
	return err;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * publish.c — see publish.h.
 *
 * What comes from others is matched when it arrives, by interface and by the kernel's own knowledge of its addresses (fib),
 * so addresses that change need nothing of us. What this host itself sends has no such interface: there the addresses stand
 * in the rules, and the table is replaced when they change. With "auto" the fib does for both.
 */
#include "server/publish.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/ip6.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/forwarding.h"
#include "server/log.h"
#include "server/nft.h"

/* netfilter_ipv4.h: where addresses are translated. Other tables of the same kind come first if they say -101. */
#define PRIORITY_DSTNAT (-100)
#define INCOMING "incoming"
#define OUTGOING "outgoing"

/* ------------------------------------------------------------------ interfaces and addresses */

bool publish_is_auto(const struct name_list *interfaces)
{
	return interfaces->count == 1 && strcmp(interfaces->list[0], "auto") == 0;
}

bool publish_check(const struct name_list *interfaces, char error[PUBLISH_ERROR_SIZE])
{
	if (publish_is_auto(interfaces))
		return true;
	for (size_t i = 0; i < interfaces->count; i++) {
		if (if_nametoindex(interfaces->list[i]) != 0)
			continue;
		snprintf(error, PUBLISH_ERROR_SIZE,
			 "--publish: there is no network interface %s; ip link shows which there "
			 "are, and "
			 "auto means all",
			 interfaces->list[i]);
		return false;
	}
	return true;
}

static bool is_published(const struct publish *p, const char *interface)
{
	const struct name_list *list = p->cfg.interfaces;

	if (publish_is_auto(list))
		return strcmp(interface, "lo") != 0 && strcmp(interface, p->cfg.tun) != 0;
	for (size_t i = 0; i < list->count; i++)
		if (strcmp(list->list[i], interface) == 0)
			return true;
	return false;
}

static bool address_of(const struct ifaddrs *i, struct ip_addr *out)
{
	struct sockaddr_in in;
	struct sockaddr_in6 in6;

	if (!i->ifa_addr)
		return false;
	if (i->ifa_addr->sa_family == AF_INET) {
		memcpy(&in, i->ifa_addr, sizeof in);
		*out = (struct ip_addr){.version = 4};
		memcpy(out->bytes, &in.sin_addr, 4);
		return true;
	}
	if (i->ifa_addr->sa_family != AF_INET6)
		return false;
	memcpy(&in6, i->ifa_addr, sizeof in6);
	*out = (struct ip_addr){.version = 6};
	memcpy(out->bytes, &in6.sin6_addr, 16);
	/* Link-local addresses are not passed on to another link (RFC 4291 2.5.6). */
	return !IN6_IS_ADDR_LINKLOCAL(&in6.sin6_addr);
}

/* Calls `fn` for each address of the published interfaces. */
static void each_address(struct publish *p,
			 void (*fn)(struct publish *p, const struct ip_addr *addr, void *ctx),
			 void *ctx)
{
	struct ifaddrs *all;
	struct ip_addr addr;

	if (getifaddrs(&all) != 0)
		return;
	for (const struct ifaddrs *i = all; i; i = i->ifa_next)
		if (is_published(p, i->ifa_name) && address_of(i, &addr))
			fn(p, &addr, ctx);
	freeifaddrs(all);
}

static void find_v6(struct publish *p, const struct ip_addr *addr, void *ctx)
{
	(void)p;
	*(bool *)ctx |= addr->version == 6;
}

/* IPv6 is published once there is an address for it, which may come later, and the kernel passes packets on. Where it does
 * not, IPv4 alone has to do. */
static void look_for_v6(struct publish *p)
{
	char error[FORWARDING_ERROR_SIZE];
	bool there = false;

	if (p->v6 || p->no_v6 || p->cfg.address6->stack.version == 0)
		return;
	each_address(p, find_v6, &there);
	if (!there)
		return;
	p->v6 = forwarding_enable6(error);
	if (p->v6)
		return;
	p->no_v6 = true;
	log_error("IPv6 is not published: %s", error);
}

/* ------------------------------------------------------------------ rules */

static void match_interface(struct nft_batch *b, bool equal, const char *name)
{
	char padded[IFNAMSIZ] = {0};

	snprintf(padded, sizeof padded, "%s", name);
	nft_match_meta(b, NFT_META_IIFNAME, equal, padded, sizeof padded);
}

static void match_port(struct nft_batch *b, uint16_t port)
{
	const uint8_t tcp = IPPROTO_TCP;
	const uint16_t wire = htons(port);

	nft_match_meta(b, NFT_META_L4PROTO, true, &tcp, sizeof tcp);
	nft_match_payload(b, NFT_PAYLOAD_TRANSPORT_HEADER, 2, true, NULL, &wire, sizeof wire);
}

static void match_version(struct nft_batch *b, unsigned version)
{
	const uint8_t family = version == 6 ? NFPROTO_IPV6 : NFPROTO_IPV4;

	nft_match_meta(b, NFT_META_NFPROTO, true, &family, sizeof family);
}

static void match_destination(struct nft_batch *b, bool equal, const struct ip_addr *mask,
			      const struct ip_addr *addr)
{
	const bool v6 = addr->version == 6;

	nft_match_payload(b, NFT_PAYLOAD_NETWORK_HEADER, v6 ? 24 : 16, equal,
			  mask ? mask->bytes : NULL, addr->bytes, v6 ? 16 : 4);
}

/* Neither from fe80::/10 nor for it: the answer could not be passed on. */
static void refuse_link_local(struct nft_batch *b)
{
	const struct ip_addr mask = {.version = 6, .bytes = {0xff, 0xc0}};
	const struct ip_addr prefix = {.version = 6, .bytes = {0xfe, 0x80}};

	nft_match_payload(b, NFT_PAYLOAD_NETWORK_HEADER, offsetof(struct ip6_hdr, ip6_src), false,
			  mask.bytes, prefix.bytes, 16);
	match_destination(b, false, &mask, &prefix);
}

static void translate(const struct publish *p, struct nft_batch *b, unsigned version)
{
	if (version == 6)
		nft_dnat(b, NFPROTO_IPV6, p->cfg.address6->stack.bytes);
	else
		nft_dnat(b, NFPROTO_IPV4, p->cfg.address->stack.bytes);
}

/* interface NULL: any but loopback and the TUN device. */
static void add_incoming(const struct publish *p, struct nft_batch *b, const char *interface,
			 unsigned version, uint16_t port)
{
	nft_begin_rule(b, INCOMING);
	match_version(b, version);
	if (interface) {
		match_interface(b, true, interface);
	} else {
		match_interface(b, false, "lo");
		match_interface(b, false, p->cfg.tun);
	}
	match_port(b, port);
	if (version == 6)
		refuse_link_local(b);
	nft_match_local(b, interface != NULL);
	translate(p, b, version);
	nft_end_rule(b);
}

/* This host's packets for any address of its own, but loopback's and those of the TUN device. */
static void add_outgoing_auto(const struct publish *p, struct nft_batch *b, unsigned version,
			      uint16_t port)
{
	const struct link_address *link = version == 6 ? p->cfg.address6 : p->cfg.address;
	const struct ip_addr mask = {.version = 4, .bytes = {0xff}};
	const struct ip_addr loopback = {.version = 4, .bytes = {127}};
	const struct ip_addr loopback6 = {.version = 6, .bytes = {[15] = 1}};

	nft_begin_rule(b, OUTGOING);
	match_version(b, version);
	match_port(b, port);
	if (version == 6)
		refuse_link_local(b);
	if (version == 6)
		match_destination(b, false, NULL, &loopback6);
	else
		match_destination(b, false, &mask, &loopback);
	match_destination(b, false, NULL, &link->host);
	nft_match_local(b, false);
	translate(p, b, version);
	nft_end_rule(b);
}

static void add_outgoing(struct publish *p, const struct ip_addr *addr, void *ctx)
{
	struct nft_batch *b = ctx;

	if (addr->version == 6 && !p->v6)
		return;
	for (size_t i = 0; i < 2; i++) {
		if (p->cfg.port[i] == 0)
			continue;
		nft_begin_rule(b, OUTGOING);
		match_version(b, addr->version);
		match_port(b, p->cfg.port[i]);
		match_destination(b, true, NULL, addr);
		translate(p, b, addr->version);
		nft_end_rule(b);
	}
}

static void add_rules_auto(const struct publish *p, struct nft_batch *b, unsigned version,
			   uint16_t port)
{
	add_incoming(p, b, NULL, version, port);
	add_outgoing_auto(p, b, version, port);
}

static void add_rules(struct publish *p, struct nft_batch *b)
{
	const struct name_list *list = p->cfg.interfaces;
	const bool all = publish_is_auto(list);

	for (unsigned version = 4; version <= (p->v6 ? 6 : 4); version += 2)
		for (size_t port = 0; port < 2; port++) {
			if (p->cfg.port[port] == 0)
				continue;
			if (all)
				add_rules_auto(p, b, version, p->cfg.port[port]);
			for (size_t i = 0; i < list->count && !all; i++)
				add_incoming(p, b, list->list[i], version, p->cfg.port[port]);
		}
	if (!all)
		each_address(p, add_outgoing, b);
}

static void add_table(struct publish *p, struct nft_batch *b, bool owned)
{
	nft_add_table(b, owned);
	nft_add_chain(b, INCOMING, NF_INET_PRE_ROUTING, PRIORITY_DSTNAT);
	nft_add_chain(b, OUTGOING, NF_INET_LOCAL_OUT, PRIORITY_DSTNAT);
	add_rules(p, b);
}

/* ------------------------------------------------------------------ the table's life */

static int remove_table(struct publish *p)
{
	struct nft_batch b;

	nft_begin(&b, p->table);
	nft_delete_table(&b);
	return nft_commit(&b, p->fd);
}

static int make_table(struct publish *p, bool owned)
{
	struct nft_batch b;

	nft_begin(&b, p->table);
	add_table(p, &b, owned);
	const int err = nft_commit(&b, p->fd);
	p->owned = err == 0 && owned;
	return err;
}

static bool explain(const struct publish *p, int err, char error[PUBLISH_ERROR_SIZE])
{
	if (err == EPERM || err == EACCES)
		snprintf(error, PUBLISH_ERROR_SIZE,
			 "may not publish (nftables, table %s): run it as root, a container with "
			 "--cap-add "
			 "NET_ADMIN, or without --publish",
			 p->table);
	else if (err == ENOENT || err == EOPNOTSUPP || err == EPROTONOSUPPORT ||
		 err == EAFNOSUPPORT)
		snprintf(error, PUBLISH_ERROR_SIZE,
			 "cannot publish: this kernel lacks nftables' address translation (%s): "
			 "modprobe "
			 "nft_chain_nat nft_nat nft_fib_inet on the host, or leave --publish out",
			 strerror(err));
	else
		snprintf(error, PUBLISH_ERROR_SIZE, "cannot publish (nftables, table %s): %s",
			 p->table, strerror(err));
	return false;
}

/* What is left of a server that was killed goes first. Kernels before 5.12 know no owner. */
static int make_first(struct publish *p)
{
	p->fd = nft_open();
	if (p->fd < 0)
		return errno;
	int err = remove_table(p);
	if (err != 0 && err != ENOENT)
		return err;
	err = make_table(p, true);
	if (err == EOPNOTSUPP || err == EINVAL)
		err = make_table(p, false);
	return err;
}

/* Without it addresses that change are not noticed, which only this host itself would see. */
static int open_watch(void)
{
	const struct sockaddr_nl groups = {.nl_family = AF_NETLINK,
					   .nl_groups = RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR};
	const int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);

	if (fd >= 0 && bind(fd, (const struct sockaddr *)&groups, sizeof groups) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

/* A firewall of this host's: what its rules say is not looked at, so this is no error. */
static void note_firewall(const struct publish *p)
{
	struct nft_chain_name name;

	if (nft_find_forward_drop(&name))
		log_error(
			"note: the firewall (nftables, table %s, chain %s) drops what is forwarded "
			"unless a rule accepts it: packets from and to %s have to pass",
			name.table, name.chain, p->cfg.tun);
}

bool publish_start(struct publish *p, const struct publish_config *cfg,
		   char error[PUBLISH_ERROR_SIZE])
{
	*p = (struct publish){.cfg = *cfg, .fd = -1, .watch_fd = -1};
	snprintf(p->table, sizeof p->table, "tunhttpd-%s", cfg->tun);
	if (!publish_check(cfg->interfaces, error) ||
	    !forwarding_enable(cfg->interfaces, cfg->tun, error))
		return false;
	p->watch_fd = open_watch(); /* before the addresses are read: none is missed */
	look_for_v6(p);
	const int err = make_first(p);
	if (err == 0) {
		note_firewall(p);
		return true;
	}
	publish_forget(p);
	return explain(p, err, error);
}

void publish_refresh(struct publish *p)
{
	struct nft_batch b;
	uint8_t news[8192];
	ssize_t n;

	/* What has changed does not matter, nor that some news were lost (ENOBUFS): all is read anew. */
	do
		n = recv(p->watch_fd, news, sizeof news, MSG_DONTWAIT);
	while (n > 0 || (n < 0 && (errno == EINTR || errno == ENOBUFS)));
	look_for_v6(p);
	nft_begin(&b, p->table);
	nft_delete_table(&b);
	add_table(p, &b, p->owned);
	const int err = nft_commit(&b, p->fd);
	if (err != 0)
		log_error("addresses have changed, and what is published has not: %s",
			  strerror(err));
}

void publish_stop(struct publish *p)
{
	if (p->fd < 0)
		return;
	const int err = remove_table(p);
	if (err != 0 && err != ENOENT)
		log_error("the nftables table %s is still there: %s", p->table, strerror(err));
	publish_forget(p);
}

void publish_forget(struct publish *p)
{
	if (p->fd >= 0)
		close(p->fd);
	if (p->watch_fd >= 0)
		close(p->watch_fd);
	p->fd = p->watch_fd = -1;
}

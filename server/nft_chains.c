/* SPDX-License-Identifier: Apache-2.0 */
/* nft_chains.c — the chains of others that would drop what is passed on to us; see nft.h. */
#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/nft.h"

#define MESSAGE_HEAD (sizeof(struct nlmsghdr) + sizeof(struct nfgenmsg))
#define DUMP_SIZE 32768 /* the kernel fills no more at once */

/* The value of an attribute among `len` bytes of them, and how long it is; NULL when it is not there. */
static const uint8_t *find(const uint8_t *at, size_t len, uint16_t type, size_t *value_len)
{
	struct nlattr head;

	while (len >= sizeof head) {
		memcpy(&head, at, sizeof head);
		if (head.nla_len < sizeof head || head.nla_len > len)
			return NULL;
		if ((head.nla_type & NLA_TYPE_MASK) == type) {
			*value_len = head.nla_len - sizeof head;
			return at + sizeof head;
		}
		const size_t whole = NLMSG_ALIGN(head.nla_len);
		if (whole > len)
			return NULL;
		at += whole;
		len -= whole;
	}
	return NULL;
}

static bool has_number(const uint8_t *at, size_t len, uint16_t type, uint32_t wanted)
{
	size_t n;
	const uint8_t *value = find(at, len, type, &n);
	uint32_t wire;

	if (!value || n != sizeof wire)
		return false;
	memcpy(&wire, value, sizeof wire);
	return ntohl(wire) == wanted;
}

static void copy_name(const uint8_t *at, size_t len, uint16_t type, char name[NFT_NAME_SIZE])
{
	size_t n;
	const uint8_t *value = find(at, len, type, &n);

	snprintf(name, NFT_NAME_SIZE, "%.*s", value ? (int)n : 0, value ? (const char *)value : "");
}

static bool drops_forwarded(const uint8_t *at, size_t len, struct nft_chain_name *out)
{
	size_t n;
	const uint8_t *hook = find(at, len, NFTA_CHAIN_HOOK, &n);

	if (!hook || !has_number(hook, n, NFTA_HOOK_HOOKNUM, NF_INET_FORWARD) ||
	    !has_number(at, len, NFTA_CHAIN_POLICY, NF_DROP))
		return false;
	copy_name(at, len, NFTA_CHAIN_TABLE, out->table);
	copy_name(at, len, NFTA_CHAIN_NAME, out->chain);
	return true;
}

/* Of one datagram of the answer. *more: there will be another. */
static bool look(const uint8_t *buf, size_t len, struct nft_chain_name *out, bool *more)
{
	struct nlmsghdr head;

	*more = true;
	for (size_t at = 0; len - at >= sizeof head; at += NLMSG_ALIGN(head.nlmsg_len)) {
		memcpy(&head, buf + at, sizeof head);
		if (head.nlmsg_type == NLMSG_DONE || head.nlmsg_type == NLMSG_ERROR ||
		    head.nlmsg_len < MESSAGE_HEAD || head.nlmsg_len > len - at) {
			*more = false;
			return false;
		}
		if (drops_forwarded(buf + at + MESSAGE_HEAD, head.nlmsg_len - MESSAGE_HEAD, out))
			return true;
		if (NLMSG_ALIGN(head.nlmsg_len) > len - at)
			break;
	}
	return false;
}

bool nft_find_forward_drop(struct nft_chain_name *out)
{
	const struct {
		struct nlmsghdr head;
		struct nfgenmsg msg;
	} request = {
		.head = {.nlmsg_len = MESSAGE_HEAD,
			 .nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETCHAIN,
			 .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
		.msg = {.nfgen_family = NFPROTO_UNSPEC, .version = NFNETLINK_V0},
	};
	uint8_t buf[DUMP_SIZE];
	const int fd = nft_open();
	bool found = false, more = fd >= 0 && send(fd, &request, sizeof request, 0) > 0;

	while (more && !found) {
		const ssize_t n = recv(fd, buf, sizeof buf, 0);
		if (n <= 0)
			break;
		found = look(buf, (size_t)n, out, &more);
	}
	if (fd >= 0)
		close(fd);
	return found;
}

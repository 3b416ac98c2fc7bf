/* SPDX-License-Identifier: Apache-2.0 */
/* nft.c — see nft.h. Numbers in nf_tables' attributes are big-endian; values that are compared are as in the packet. */
#include "server/nft.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BATCH_MAX (1u << 20)
#define ANSWER_SIZE 8192
/* The macros of netlink.h are signed. */
#define ATTRIBUTE_HEAD sizeof(struct nlattr)
#define MESSAGE_HEAD sizeof(struct nlmsghdr)

/* ------------------------------------------------------------------ messages and attributes */

/* Room for `len` more bytes, zeroed and rounded up; NULL when there is none. */
static uint8_t *extend(struct nft_batch *b, size_t len)
{
	const size_t whole = NLMSG_ALIGN(len);

	if (b->failed)
		return NULL;
	if (b->size - b->len < whole) {
		const size_t size = b->size == 0 ? 8192 : b->size * 2;
		uint8_t *data =
			size <= BATCH_MAX && size - b->len >= whole ? realloc(b->data, size) : NULL;
		if (!data) {
			b->failed = true;
			return NULL;
		}
		b->data = data;
		b->size = size;
	}
	uint8_t *at = b->data + b->len;
	memset(at, 0, whole);
	b->len += whole;
	return at;
}

/* The length of what began at `start` is up to here. */
static void close_attribute(struct nft_batch *b, size_t start)
{
	if (b->failed)
		return;
	const uint16_t len = (uint16_t)(b->len - start);
	memcpy(b->data + start + offsetof(struct nlattr, nla_len), &len, sizeof len);
}

static void put(struct nft_batch *b, uint16_t type, const void *data, size_t len)
{
	const struct nlattr head = {.nla_len = (uint16_t)(ATTRIBUTE_HEAD + len), .nla_type = type};
	uint8_t *at = extend(b, ATTRIBUTE_HEAD + len);

	if (!at)
		return;
	memcpy(at, &head, sizeof head);
	memcpy(at + ATTRIBUTE_HEAD, data, len);
}

static void put_u32(struct nft_batch *b, uint16_t type, uint32_t value)
{
	const uint32_t wire = htonl(value);

	put(b, type, &wire, sizeof wire);
}

static void put_text(struct nft_batch *b, uint16_t type, const char *text)
{
	put(b, type, text, strlen(text) + 1);
}

static void open_nest(struct nft_batch *b, uint16_t type)
{
	const struct nlattr head = {.nla_type = (uint16_t)(type | NLA_F_NESTED)};

	b->nest[b->depth++] = b->len;
	uint8_t *at = extend(b, ATTRIBUTE_HEAD);
	if (at)
		memcpy(at, &head, sizeof head);
}

static void close_nest(struct nft_batch *b)
{
	close_attribute(b, b->nest[--b->depth]);
}

static void put_value(struct nft_batch *b, uint16_t type, const void *value, size_t len)
{
	open_nest(b, type);
	put(b, NFTA_DATA_VALUE, value, len);
	close_nest(b);
}

static void begin_message(struct nft_batch *b, uint16_t type, uint16_t flags, uint8_t family,
			  uint16_t res_id)
{
	const struct nlmsghdr head = {.nlmsg_type = type,
				      .nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags),
				      .nlmsg_seq = b->count++};
	const struct nfgenmsg msg = {
		.nfgen_family = family, .version = NFNETLINK_V0, .res_id = htons(res_id)};

	b->message = b->len;
	uint8_t *at = extend(b, MESSAGE_HEAD + sizeof msg);
	if (!at)
		return;
	memcpy(at, &head, sizeof head);
	memcpy(at + MESSAGE_HEAD, &msg, sizeof msg);
}

static void end_message(struct nft_batch *b)
{
	if (b->failed)
		return;
	const uint32_t len = (uint32_t)(b->len - b->message);
	memcpy(b->data + b->message + offsetof(struct nlmsghdr, nlmsg_len), &len, sizeof len);
}

/* Each is acknowledged, so that no answer at all is an error, too. */
static void begin_request(struct nft_batch *b, uint16_t what, uint16_t flags)
{
	begin_message(b, (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | what), flags | NLM_F_ACK,
		      NFPROTO_INET, 0);
}

/* ------------------------------------------------------------------ the batch */

int nft_open(void)
{
	return socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
}

void nft_begin(struct nft_batch *b, const char *table)
{
	*b = (struct nft_batch){.table = table};
	begin_message(b, NFNL_MSG_BATCH_BEGIN, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES);
	end_message(b);
}

/* The kernel has answered when send returns. The first error is the one that counts; the others follow from it. */
static int read_answers(int fd)
{
	uint8_t buf[ANSWER_SIZE] __attribute__((aligned(NLMSG_ALIGNTO)));
	bool answered = false;
	int err = 0;
	ssize_t n;

	while ((n = recv(fd, buf, sizeof buf, MSG_DONTWAIT)) > 0) {
		size_t at = 0, left = (size_t)n;
		while (left >= MESSAGE_HEAD + sizeof(struct nlmsgerr)) {
			struct nlmsghdr head;
			struct nlmsgerr msg;
			memcpy(&head, buf + at, sizeof head);
			memcpy(&msg, buf + at + MESSAGE_HEAD, sizeof msg);
			const size_t len = NLMSG_ALIGN(head.nlmsg_len);
			if (head.nlmsg_type == NLMSG_ERROR) {
				answered = true;
				err = err == 0 ? -msg.error : err;
			}
			if (len < MESSAGE_HEAD || len > left)
				break;
			at += len;
			left -= len;
		}
	}
	if (n < 0 && errno == EINTR)
		return EINTR;
	return answered ? err : EPROTO;
}

int nft_commit(struct nft_batch *b, int fd)
{
	begin_message(b, NFNL_MSG_BATCH_END, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES);
	end_message(b);
	int err = b->failed ? ENOMEM : 0;
	if (err == 0 && send(fd, b->data, b->len, 0) < 0)
		err = errno;
	if (err == 0)
		err = read_answers(fd);
	free(b->data);
	*b = (struct nft_batch){0};
	return err;
}

void nft_add_table(struct nft_batch *b, bool owned)
{
	begin_request(b, NFT_MSG_NEWTABLE, NLM_F_CREATE);
	put_text(b, NFTA_TABLE_NAME, b->table);
	if (owned)
		put_u32(b, NFTA_TABLE_FLAGS, NFT_TABLE_F_OWNER);
	end_message(b);
}

void nft_delete_table(struct nft_batch *b)
{
	begin_request(b, NFT_MSG_DELTABLE, 0);
	put_text(b, NFTA_TABLE_NAME, b->table);
	end_message(b);
}

void nft_add_chain(struct nft_batch *b, const char *name, unsigned hook, int priority)
{
	begin_request(b, NFT_MSG_NEWCHAIN, NLM_F_CREATE);
	put_text(b, NFTA_CHAIN_TABLE, b->table);
	put_text(b, NFTA_CHAIN_NAME, name);
	put_text(b, NFTA_CHAIN_TYPE, "nat");
	put_u32(b, NFTA_CHAIN_POLICY, NF_ACCEPT);
	open_nest(b, NFTA_CHAIN_HOOK);
	put_u32(b, NFTA_HOOK_HOOKNUM, hook);
	put_u32(b, NFTA_HOOK_PRIORITY, (uint32_t)priority);
	close_nest(b);
	end_message(b);
}

/* ------------------------------------------------------------------ expressions */

void nft_begin_rule(struct nft_batch *b, const char *chain)
{
	begin_request(b, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND);
	put_text(b, NFTA_RULE_TABLE, b->table);
	put_text(b, NFTA_RULE_CHAIN, chain);
	open_nest(b, NFTA_RULE_EXPRESSIONS);
}

void nft_end_rule(struct nft_batch *b)
{
	close_nest(b);
	end_message(b);
}

static void begin_expression(struct nft_batch *b, const char *name)
{
	open_nest(b, NFTA_LIST_ELEM);
	put_text(b, NFTA_EXPR_NAME, name);
	open_nest(b, NFTA_EXPR_DATA);
}

static void end_expression(struct nft_batch *b)
{
	close_nest(b);
	close_nest(b);
}

static void compare(struct nft_batch *b, bool equal, const void *value, size_t len)
{
	begin_expression(b, "cmp");
	put_u32(b, NFTA_CMP_SREG, NFT_REG_1);
	put_u32(b, NFTA_CMP_OP, equal ? NFT_CMP_EQ : NFT_CMP_NEQ);
	put_value(b, NFTA_CMP_DATA, value, len);
	end_expression(b);
}

void nft_match_meta(struct nft_batch *b, uint32_t key, bool equal, const void *value, size_t len)
{
	begin_expression(b, "meta");
	put_u32(b, NFTA_META_DREG, NFT_REG_1);
	put_u32(b, NFTA_META_KEY, key);
	end_expression(b);
	compare(b, equal, value, len);
}

static void apply_mask(struct nft_batch *b, const void *mask, size_t len)
{
	const uint8_t zero[16] = {0};

	begin_expression(b, "bitwise");
	put_u32(b, NFTA_BITWISE_SREG, NFT_REG_1);
	put_u32(b, NFTA_BITWISE_DREG, NFT_REG_1);
	put_u32(b, NFTA_BITWISE_LEN, (uint32_t)len);
	put_value(b, NFTA_BITWISE_MASK, mask, len);
	put_value(b, NFTA_BITWISE_XOR, zero, len);
	end_expression(b);
}

void nft_match_payload(struct nft_batch *b, uint32_t base, uint32_t offset, bool equal,
		       const void *mask, const void *value, size_t len)
{
	begin_expression(b, "payload");
	put_u32(b, NFTA_PAYLOAD_DREG, NFT_REG_1);
	put_u32(b, NFTA_PAYLOAD_BASE, base);
	put_u32(b, NFTA_PAYLOAD_OFFSET, offset);
	put_u32(b, NFTA_PAYLOAD_LEN, (uint32_t)len);
	end_expression(b);
	if (mask)
		apply_mask(b, mask, len);
	compare(b, equal, value, len);
}

void nft_match_local(struct nft_batch *b, bool of_interface)
{
	const uint32_t local =
		RTN_LOCAL; /* in the host's byte order, as the kernel leaves it in the register */

	begin_expression(b, "fib");
	put_u32(b, NFTA_FIB_DREG, NFT_REG_1);
	put_u32(b, NFTA_FIB_RESULT, NFT_FIB_RESULT_ADDRTYPE);
	put_u32(b, NFTA_FIB_FLAGS, NFTA_FIB_F_DADDR | (of_interface ? NFTA_FIB_F_IIF : 0));
	end_expression(b);
	compare(b, true, &local, sizeof local);
}

void nft_dnat(struct nft_batch *b, uint32_t family, const uint8_t *addr)
{
	begin_expression(b, "immediate");
	put_u32(b, NFTA_IMMEDIATE_DREG, NFT_REG_1);
	put_value(b, NFTA_IMMEDIATE_DATA, addr, family == NFPROTO_IPV6 ? 16 : 4);
	end_expression(b);
	begin_expression(b, "nat");
	put_u32(b, NFTA_NAT_TYPE, NFT_NAT_DNAT);
	put_u32(b, NFTA_NAT_FAMILY, family);
	put_u32(b, NFTA_NAT_REG_ADDR_MIN, NFT_REG_1);
	end_expression(b);
}

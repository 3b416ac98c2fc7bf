/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nft.h — as much of nf_tables' netlink protocol as publishing needs (linux/netfilter/nf_tables.h): one table of family
 * inet, chains of address translation, rules made of expressions.
 *
 * Spoken here and not through libnftables, which is under the GPL, version 2, and so cannot be linked with a program under
 * the Apache licence.
 */
#ifndef SERVER_NFT_H
#define SERVER_NFT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Messages that the kernel takes all together or not at all. Building never fails: a batch that memory was short for is
 * refused by nft_commit. */
struct nft_batch {
	uint8_t *data;
	size_t len, size;
	uint32_t count; /* of messages; the number of the next one             */
	size_t message; /* where the one that is being built begins            */
	size_t nest[4]; /* and the nested attributes that are open in it       */
	size_t depth;
	bool failed;       /* out of memory                                       */
	const char *table; /* the caller's                                        */
};

/* A socket for batches. Returns -1 with errno. */
int nft_open(void);

void nft_begin(struct nft_batch *b, const char *table);
/* Sends it and waits for the answer. Returns 0 or an errno. Frees the batch. */
int nft_commit(struct nft_batch *b, int fd);

/* `owned`: nobody else may change it, and the kernel removes it when the socket is closed (Linux 5.12). */
void nft_add_table(struct nft_batch *b, bool owned);
void nft_delete_table(struct nft_batch *b);
/* A base chain of type nat; `hook` is NF_INET_…, `priority` as in netfilter_ipv4.h. */
void nft_add_chain(struct nft_batch *b, const char *name, unsigned hook, int priority);

/* A rule is begun, given its expressions in order, and ended. */
void nft_begin_rule(struct nft_batch *b, const char *chain);
void nft_end_rule(struct nft_batch *b);
/* Goes on when the packet's meta `key` (NFT_META_…) is equal, or not equal, to `len` bytes. */
void nft_match_meta(struct nft_batch *b, uint32_t key, bool equal, const void *value, size_t len);
/* The same for bytes of a header, after `mask` when that is not NULL. `base` is NFT_PAYLOAD_…. */
void nft_match_payload(struct nft_batch *b, uint32_t base, uint32_t offset, bool equal,
		       const void *mask, const void *value, size_t len);
/* Goes on when the destination is an address of this host; `of_interface`: of the one that the packet came in by. */
void nft_match_local(struct nft_batch *b, bool of_interface);
/* Translates the destination; `family` is NFPROTO_IPV4 or NFPROTO_IPV6, and so long is the address. */
void nft_dnat(struct nft_batch *b, uint32_t family, const uint8_t *addr);

/* nft_chains.c: a base chain, whoever's, that drops what is forwarded unless one of its rules lets it pass. False when there
 * is none, or it cannot be told. */
#define NFT_NAME_SIZE 64
struct nft_chain_name {
	char table[NFT_NAME_SIZE], chain[NFT_NAME_SIZE]; /* cut when they are longer */
};
bool nft_find_forward_drop(struct nft_chain_name *out);

#endif

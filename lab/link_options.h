/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link_options.h — what `tunhttpd link` can be told, on the command line only.
 *
 * What is done to packets is said for both directions, or, behind --left-to-right or --right-to-left, for
 * that one. So nothing has to be said twice and no option exists twice.
 */
#ifndef LAB_LINK_OPTIONS_H
#define LAB_LINK_OPTIONS_H

#include <net/if.h>
#include <stdio.h>

#include "lab/link_path.h"
#include "stack/stack.h"

#define LINK_ERROR_SIZE 1024
#define LINK_ADDRESSES_MAX 4
#define LINK_NETNS_MAX 256

struct link_address_option {
	struct ip_addr addr;
	unsigned prefix_len;
};

struct link_side_options {
	bool given;
	char netns[LINK_NETNS_MAX]; /* name or path; empty: the current one */
	char device[IFNAMSIZ];
	struct link_address_option address[LINK_ADDRESSES_MAX];
	unsigned address_count;
};

struct link_options {
	struct link_side_options side[2]; /* left, right                      */
	struct link_config path[2];       /* left to right, right to left     */
	bool seed_given, help;
	uint64_t seed;
	unsigned device_mtu;
	bool offload;
};

/* Reads the arguments after the command `link`. Returns 0, or EXIT_USAGE with one line in `error`. With
 * --help nothing is checked further. */
int link_options_parse(struct link_options *o, int argc, char *const argv[],
		       char error[LINK_ERROR_SIZE]);

void link_options_print_help(FILE *out);
/* "delay 10 ms, loss 1%", or "nothing" for a plain wire; no newline. */
void link_config_print(const struct link_config *cfg, FILE *out);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* rtnetlink.c — see rtnetlink.h. */
#include "server/rtnetlink.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct address_request {
	struct nlmsghdr head;
	struct ifaddrmsg msg;
	uint8_t attributes[2 * RTA_SPACE(16)];
};

static void add_attribute(struct address_request *req, unsigned short type, const void *data,
			  size_t len)
{
	const struct rtattr head = {.rta_len = (unsigned short)RTA_LENGTH(len), .rta_type = type};
	uint8_t *at = (uint8_t *)req + NLMSG_ALIGN(req->head.nlmsg_len);

	memcpy(at, &head, sizeof head);
	memcpy(at + RTA_LENGTH(0), data, len);
	req->head.nlmsg_len = (uint32_t)(NLMSG_ALIGN(req->head.nlmsg_len) + RTA_SPACE(len));
}

/* Returns 0 or an errno. */
static int ask(const struct address_request *req)
{
	struct {
		struct nlmsghdr head;
		struct nlmsgerr msg;
		uint8_t rest[256];
	} answer;
	const int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	int err = 0;

	if (fd < 0)
		return errno;
	if (send(fd, req, req->head.nlmsg_len, 0) < 0) {
		err = errno;
	} else {
		const ssize_t n = recv(fd, &answer, sizeof answer, 0);
		if (n < 0)
			err = errno;
		else if ((size_t)n < NLMSG_LENGTH(sizeof answer.msg) ||
			 answer.head.nlmsg_type != NLMSG_ERROR)
			err = EPROTO;
		else
			err = -answer.msg.error;
	}
	close(fd);
	return err;
}

int rtnetlink_add_address(unsigned ifindex, const struct ip_addr *addr, unsigned prefix_len)
{
	const bool v6 = addr->version == 6;
	const size_t len = v6 ? 16 : 4;
	struct address_request req = {
		.head = {.nlmsg_len = NLMSG_LENGTH(sizeof req.msg),
			 .nlmsg_type = RTM_NEWADDR,
			 .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL},
		.msg = {.ifa_family = v6 ? AF_INET6 : AF_INET,
			.ifa_prefixlen = (uint8_t)prefix_len,
			.ifa_flags = v6 ? IFA_F_NODAD : 0,
			.ifa_index = ifindex},
	};

	add_attribute(&req, IFA_LOCAL, addr->bytes, len);
	add_attribute(&req, IFA_ADDRESS, addr->bytes, len);
	const int err = ask(&req);
	return err == EEXIST ? 0 : err;
}

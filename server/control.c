/* SPDX-License-Identifier: Apache-2.0 */
/* control.c — see control.h. */
#include "server/control.h"

#include <string.h>
#include <sys/socket.h>

union control {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(sizeof(int))];
};

bool control_send(int socket, char word, int fd)
{
	struct iovec iov = {.iov_base = &word, .iov_len = 1};
	union control control;
	struct msghdr msg = {.msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = control.bytes,
			     .msg_controllen = sizeof control.bytes};

	memset(&control, 0, sizeof control);
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof fd);
	memcpy(CMSG_DATA(c), &fd, sizeof fd);
	return sendmsg(socket, &msg, MSG_NOSIGNAL | MSG_DONTWAIT) == 1;
}

long control_read(int socket, char *word, int *fd)
{
	struct iovec iov = {.iov_base = word, .iov_len = 1};
	union control control;
	struct msghdr msg = {.msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = control.bytes,
			     .msg_controllen = sizeof control.bytes};

	*fd = -1;
	const ssize_t n = recvmsg(socket, &msg, MSG_CMSG_CLOEXEC);
	if (n <= 0)
		return n;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c))
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
		    c->cmsg_len == CMSG_LEN(sizeof *fd))
			memcpy(fd, CMSG_DATA(c), sizeof *fd);
	return n;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* control.h — words of one byte between master and worker, with a descriptor or without. */
#ifndef SERVER_CONTROL_H
#define SERVER_CONTROL_H

#include <stdbool.h>

/* Sends `word` and with it a copy of `fd`. False with errno. */
bool control_send(int socket, char word, int fd);
/* Reads one word of a socket and the descriptor that came with it; -1 for none. Returns what recvmsg does. */
long control_read(int socket, char *word, int *fd);

#endif

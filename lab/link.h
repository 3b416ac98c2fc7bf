/* SPDX-License-Identifier: Apache-2.0 */
/* link.h — the command `tunhttpd link`: an emulated link between two network namespaces. */
#ifndef LAB_LINK_H
#define LAB_LINK_H

/* Runs until SIGINT or SIGTERM; `argv` begins behind the command's name. Returns the exit status; errors
 * have been printed. */
int link_command(int argc, char *const argv[]);

#endif

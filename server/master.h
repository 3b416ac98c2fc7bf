/* SPDX-License-Identifier: Apache-2.0 */
/* master.h — the process that starts the workers, watches over them and takes the signals. */
#ifndef SERVER_MASTER_H
#define SERVER_MASTER_H

#include "server/startup.h"

/* Serves until told to stop. `s` has passed startup_check and startup_link. Returns the exit status. */
int master_run(struct startup *s);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sandbox.h — what a worker can still ask of the kernel: the system calls that serving takes, and to read what is
 * below the served directories.
 *
 * Two locks, neither of which can be taken off again. Landlock knows files: whatever is opened has to be below
 * a root, and is opened to be read. A seccomp filter knows system calls by name and by arguments that are numbers;
 * openat2(2) has its flags in memory, which a filter does not see, so it is Landlock (and the user's permissions)
 * that keep that one from writing.
 */
#ifndef SERVER_SANDBOX_H
#define SERVER_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>

#include "http/site.h"
#include "server/options.h"
#include "server/sites.h"

#define SANDBOX_ERROR_SIZE 256

/* The exit status of a process that made a call which only an intruder makes: to make a socket, to run a program, to
 * trace another process. It has written one line with the call's number on standard error. Any other call
 * that is not on the list fails with ENOSYS, and the kernel's log has a line. */
#define SANDBOX_EXIT 5

/* The two locks, for good; no_new_privs has to be set. Files come first, before the first thread is made, since Landlock
 * is for this thread and those that it makes; system calls come last, for all threads that there are.
 *
 * Each returns true when it is in force, or when the kernel or the container does not let us have it, which `gap` says in
 * one line then ("" otherwise). False with one line in `error` when something else went wrong: then the process must
 * end. */
bool sandbox_files(const struct http_site *sites, size_t count, char gap[SANDBOX_ERROR_SIZE],
		   char error[SANDBOX_ERROR_SIZE]);
bool sandbox_calls(char gap[SANDBOX_ERROR_SIZE], char error[SANDBOX_ERROR_SIZE]);

/* The same if the options want it, with errors logged; and the gaps, if `say`: one process says them for all. */
bool sandbox_lock_files(const struct options *o, const struct sites *sites, bool say);
bool sandbox_lock_calls(const struct options *o, bool say);

#endif

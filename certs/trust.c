/* SPDX-License-Identifier: Apache-2.0 */
/* trust.c — `tunhttpd certs trust`: what it takes to have the root trusted, here and elsewhere. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "certs/authority.h"
#include "certs/command.h"
#include "certs/describe.h"
#include "certs/files.h"
#include "certs/system.h"

/* The file and the name by which stores know the root: several authorities may be trusted on one machine. */
struct root {
	char path[PATH_MAX]; /* of ca.pem */
	char name[32];       /* tunhttpd-1A2B3C4D, of the fingerprint */
	char fingerprint[96];
	uint8_t *pem;
	size_t len;
};

/* ------------------------------------------------------------------ what is printed */

static void print_system(const struct root *r, const struct certs_system *s, const char *here)
{
	printf("%s%s\n  cp '%s' %s/%s%s && ", s->title, here, r->path, s->anchors, r->name,
	       s->extension);
	for (const char *const *word = s->update; *word; word++)
		printf("%s%s", word == s->update ? "" : " ", *word);
	puts("");
}

static void print_others(const struct root *r)
{
	const char *p = r->path, *n = r->name;

	printf("macOS\n"
	       "  sudo security add-trusted-cert -d -r trustRoot -k "
	       "/Library/Keychains/System.keychain "
	       "'%s'\n"
	       "Windows (as administrator)\n"
	       "  certutil -addstore -f ROOT ca.pem\n",
	       p);
	printf("Chromium and Chrome on Linux (package libnss3-tools)\n"
	       "  certutil -d sql:$HOME/.pki/nssdb -A -t C,, -n %s -i '%s'\n"
	       "Firefox (or Settings, Certificates, Import)\n"
	       "  for d in ~/.mozilla/firefox/*/; do certutil -d sql:$d -A -t C,, -n %s -i '%s'; "
	       "done\n",
	       n, p, n, p);
	printf("Java\n"
	       "  keytool -importcert -cacerts -noprompt -storepass changeit -alias %s -file '%s'\n"
	       "one program only\n"
	       "  curl --cacert '%s' ...\n"
	       "  wget --ca-certificate='%s' ...\n"
	       "  git -c http.sslCAInfo='%s' ...\n",
	       n, p, p, p, p);
	printf("by the environment: OpenSSL, Go and Ruby; Node.js; Python's requests; curl\n"
	       "  export SSL_CERT_FILE='%s'\n"
	       "  export NODE_EXTRA_CA_CERTS='%s'\n"
	       "  export REQUESTS_CA_BUNDLE='%s'\n"
	       "  export CURL_CA_BUNDLE='%s'\n"
	       "  (all but NODE_EXTRA_CA_CERTS replace the usual roots)\n",
	       p, p, p, p);
}

static void print_all(const struct root *r)
{
	const struct certs_system *here = certs_system_here();

	printf("%s\nSHA-256 %s\n\n", r->path, r->fingerprint);
	if (here)
		print_system(r, here, " (this system; tunhttpd certs trust --install does it)");
	for (size_t i = 0; i < certs_system_count; i++)
		if (&certs_systems[i] != here)
			print_system(r, &certs_systems[i], "");
	print_others(r);
}

/* ------------------------------------------------------------------ what is done */

static void print_run(const char *const *words)
{
	printf("ran   ");
	for (; *words; words++)
		printf("%s%s", *words, words[1] ? " " : "\n");
}

/* Runs a program of the system, its output on ours. An exit status. */
static int run(const char *const *words)
{
	int status;

	fflush(NULL);
	const pid_t pid = fork();
	if (pid < 0)
		return certs_complain(CERTS_FAILED, "cannot start %s: %s", words[0],
				      strerror(errno));
	if (pid == 0) {
		/* We are root: only the system's own programs. */
		setenv("PATH", "/usr/sbin:/usr/bin:/sbin:/bin", 1);
		execvp(words[0], (char *const *)(uintptr_t)words);
		_exit(127);
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return certs_complain(CERTS_FAILED, "cannot wait for %s: %s", words[0],
					      strerror(errno));
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
		print_run(words);
		return 0;
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
		return certs_complain(CERTS_FAILED, "there is no program %s here", words[0]);
	return certs_complain(CERTS_FAILED, "%s failed", words[0]);
}

static int install(const struct root *r, const struct certs_system *s)
{
	char error[CERTS_ERROR_SIZE], file[64];

	snprintf(file, sizeof file, "%s%s", r->name, s->extension);
	if (certs_dir_make(s->anchors, 0755, error) ||
	    certs_file_write(s->anchors, file, 0644, r->pem, r->len, true, error))
		return certs_complain(CERTS_FAILED, "%s", error);
	printf("made  %s/%s\n", s->anchors, file);
	return run(s->update);
}

static int uninstall(const struct root *r, const struct certs_system *s)
{
	char path[PATH_MAX];

	snprintf(path, sizeof path, "%s/%s%s", s->anchors, r->name, s->extension);
	const int err = unlink(path) ? errno : 0;
	if (err == ENOENT) {
		printf("%s is not there: nothing to be done\n", path);
		return 0;
	}
	if (err)
		return certs_complain(CERTS_FAILED, "cannot remove %s: %s", path, strerror(err));
	printf("removed %s\n", path);
	return run(s->remove);
}

/* ------------------------------------------------------------------ the command */

static int load_root(const struct certs_options *o, struct root *r)
{
	struct certs_authority a = {.dir = o->dir};
	char error[CERTS_ERROR_SIZE];
	mbedtls_x509_crt crt;

	*r = (struct root){.pem = NULL};
	a.error = error;
	mbedtls_x509_crt_init(&crt);
	const int got = certs_load_chain(&a, CERTS_CA_FILE, &crt);
	if (got == 0) {
		certs_fingerprint(&crt, r->fingerprint);
		const char *f = r->fingerprint;
		snprintf(r->name, sizeof r->name, "tunhttpd-%.2s%.2s%.2s%.2s", f, f + 3, f + 6,
			 f + 9);
	}
	mbedtls_x509_crt_free(&crt);
	if (got == 1)
		return certs_complain(
			CERTS_BAD_FILE,
			"there is no authority in %s; tunhttpd certs init makes one, or "
			"say with --dir where it is",
			o->dir);
	if (got || certs_file_read(o->dir, CERTS_CA_FILE, &r->pem, &r->len, error))
		return certs_complain(CERTS_BAD_FILE, "%s", error);
	/* Whole, so that what is printed can be run from anywhere. */
	char *dir = realpath(o->dir, NULL);
	if ((size_t)snprintf(r->path, sizeof r->path, "%s/%s", dir ? dir : o->dir, CERTS_CA_FILE) >=
	    sizeof r->path)
		r->path[0] = '\0';
	free(dir);
	return 0;
}

static int change_system(const struct certs_options *o, const struct root *r)
{
	const struct certs_system *here = certs_system_here();

	if (!here)
		return certs_complain(
			CERTS_FAILED,
			"this system is none that we know; tunhttpd certs trust says what "
			"there is to do");
	if (geteuid() != 0)
		return certs_complain(
			CERTS_FAILED,
			"only root may change whom this system trusts: sudo tunhttpd certs "
			"trust --%s --dir '%.*s'",
			o->install ? "install" : "uninstall",
			(int)(strlen(r->path) - strlen("/" CERTS_CA_FILE)), r->path);
	return o->install ? install(r, here) : uninstall(r, here);
}

int certs_trust(const struct certs_options *o)
{
	struct root root;
	int status = 0;

	if (o->install && o->uninstall)
		return certs_complain(CERTS_USAGE, "--install and --uninstall exclude each other");
	status = load_root(o, &root);
	if (status == 0 && (o->install || o->uninstall))
		status = change_system(o, &root);
	else if (status == 0)
		print_all(&root);
	free(root.pem);
	return status;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * startup.c — see startup.h.
 *
 * What needs the crypto library or the workers' identity is tried in a child process, the rehearsal:
 * psa_crypto_init() must not have run in the parent of the workers, or all of them would draw the same
 * random numbers (CVE-2026-25835), and privileges that were given up do not come back.
 */
#include "server/startup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "certs/certs.h"
#include "server/blob.h"
#include "server/host.h"
#include "server/keylog.h"
#include "server/log.h"
#include "server/mime_types.h"
#include "server/publish.h"
#include "server/sandbox.h"
#include "server/ticket_file.h"

#define CAP(number) (1ull << (number))
#define FILES_COUNTED 10000u /* more than that is "10000+" */
#define DEPTH_COUNTED 32
#define SITES_SHOWN 8

/* ------------------------------------------------------------------ paths */

static bool add_pair(struct startup *s, const char *cert, const char *key)
{
	if (s->pairs == IDENTITIES_MAX) {
		log_error("more than %d certificates", IDENTITIES_MAX);
		return false;
	}
	s->cert_path[s->pairs] = strdup(cert);
	s->key_path[s->pairs] = strdup(key);
	s->pairs++;
	if (s->cert_path[s->pairs - 1] && s->key_path[s->pairs - 1])
		return true;
	log_error("out of memory");
	return false;
}

static bool add_pairs(struct startup *s, const struct site_options *site)
{
	for (size_t i = 0; i < site->cert.count; i++)
		if (!add_pair(s, site->cert.list[i], site->key.list[i]))
			return false;
	return true;
}

/* The certificates of all sites are one list, of which TLS chooses by name: the default site's come first. */
static bool choose_certificates(struct startup *s)
{
	const struct options *o = s->options;
	char cert[PATH_MAX], key[PATH_MAX];

	if (o->https == 0)
		return true;
	if (options_have_certificate(o)) {
		bool good = add_pairs(s, &o->site);
		for (size_t i = 0; i < o->section_count && good; i++)
			good = !o->section[i].own_pair || add_pairs(s, &o->section[i].site);
		return good;
	}
	snprintf(cert, sizeof cert, "%s/" CERTS_LEAF_FILE, o->state);
	snprintf(key, sizeof key, "%s/" CERTS_LEAF_KEY_FILE, o->state);
	if (asprintf(&s->ca_path, "%s/" CERTS_CA_FILE, o->state) < 0)
		s->ca_path = NULL;
	if (!s->ca_path)
		log_error("out of memory");
	return s->ca_path && add_pair(s, cert, key);
}

/* The state directory and those above it, as far as they are missing. Everybody may enter: ca.pem is there
 * to be handed out, also when root started the server and somebody else runs curl; keys are 0600. What
 * goes wrong here shows when the certificate is made. */
static void make_state_directory(const char *path)
{
	char *copy = strdup(path);

	if (!copy)
		return;
	for (char *p = copy + 1; *p; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		(void)mkdir(copy, 0755);
		*p = '/';
	}
	(void)mkdir(copy, 0755);
	free(copy);
}

/* ------------------------------------------------------------------ the rehearsal */

/* The sites' hosts, as the names of a certificate: NULL at the end, to be freed. NULL when memory is short. */
static const char **local_names(const struct startup *s)
{
	size_t max = 1, n = 0;

	for (size_t i = 0; i < s->sites.count; i++)
		for (const char *const *h = s->sites.site[i].hosts; *h; h++)
			max++;
	const char **names = calloc(max, sizeof *names);
	for (size_t i = 0; i < s->sites.count && names; i++)
		for (const char *const *h = s->sites.site[i].hosts; *h; h++)
			names[n++] = *h;
	return names;
}

static bool make_local_certificate(const struct startup *s)
{
	const char **names = local_names(s);
	char error[CERTS_ERROR_SIZE] = "out of memory";

	make_state_directory(s->options->state);
	const bool made =
		names && certs_ensure_local(s->options->state, names, time(NULL), NULL, error) == 0;
	if (!made)
		log_error("%s", error);
	free(names);
	return made;
}

bool startup_read_identities(const struct startup *s, struct identities *out)
{
	char error[BLOB_ERROR_SIZE];
	bool ok = true;

	*out = (struct identities){0};
	for (size_t i = 0; i < s->pairs && ok; i++) {
		out->count++;
		ok = blob_read(&out->pair[i].cert, "certificate", s->cert_path[i], error) &&
		     blob_read(&out->pair[i].key, "private key", s->key_path[i], error);
	}
	if (ok && s->pairs > 0 && s->options->client_ca)
		ok = blob_read(&out->client_ca, "CA of the clients", s->options->client_ca, error);
	if (!ok) {
		log_error("%s", error);
		identities_free(out);
	}
	return ok;
}

static bool try_identities(const struct options *o, const struct identities *identities)
{
	struct tls_config cfg;
	char error[TLS_ERROR_SIZE];

	if (identities->count == 0)
		return true;
	identities_config(identities, o, &cfg);
	struct tls_context *tls = tls_context_create(&cfg, error);
	if (tls)
		tls_context_destroy(tls);
	else
		log_error("%s", error);
	return tls != NULL;
}

static bool try_ticket_file(const struct options *o)
{
	struct tls_ticket_keys keys;

	if (o->https == 0 || !o->ticket_keys)
		return true;
	const bool ok = ticket_file_read(o->ticket_keys, &keys);
	explicit_bzero(&keys, sizeof keys);
	return ok;
}

static bool rehearse(void *ctx)
{
	struct startup *s = ctx;
	char error[PRIVILEGES_ERROR_SIZE];

	if (s->ca_path && !make_local_certificate(s))
		return false;
	if (!startup_read_identities(s, &s->identities) ||
	    !try_identities(s->options, &s->identities))
		return false;
	if (!try_ticket_file(s->options))
		return false;
	if (!privileges_drop(&s->identity, error)) {
		log_error("%s", error);
		return false;
	}
	if (!sandbox_lock_files(s->options, &s->sites, true) ||
	    !sandbox_lock_calls(s->options, true))
		return false;
	return sites_try(&s->sites, s->options,
			 s->identity.change ? s->identity.name : "of this process");
}

/* Runs `fn` in a process of its own: 0 when it said true, else an exit status. */
static int run_apart(bool (*fn)(void *ctx), void *ctx)
{
	int status;

	fflush(NULL);
	const pid_t pid = fork();
	if (pid == 0)
		_exit(fn(ctx) ? 0 : EXIT_CONFIG);
	if (pid < 0) {
		log_error("cannot start a process: %m");
		return EXIT_RUNTIME;
	}
	while (waitpid(pid, &status, 0) < 0) {
		if (errno == EINTR)
			continue;
		log_error("cannot wait for a process: %m");
		return EXIT_RUNTIME;
	}
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	log_error("checking the certificate ended by signal %d", WTERMSIG(status));
	return EXIT_RUNTIME;
}

struct attempt {
	const struct startup *startup;
	const struct identities *identities;
};

static bool try_apart(void *ctx)
{
	const struct attempt *a = ctx;

	return try_identities(a->startup->options, a->identities);
}

bool startup_try_identities(const struct startup *s, const struct identities *identities)
{
	struct attempt a = {s, identities};

	return run_apart(try_apart, &a) == 0;
}

static bool make_local_apart(void *ctx)
{
	const struct startup *s = ctx;

	return make_local_certificate(s);
}

void startup_renew_local(struct startup *s)
{
	(void)run_apart(make_local_apart, s);
}

/* What --check can find out of the access log: that it could be opened. */
static bool try_log(const struct options *o)
{
	char error[LOG_SINK_ERROR_SIZE];

	if (!o->check || log_target_check(&o->log_target, error))
		return true;
	log_error("%s", error);
	return false;
}

static bool try_publish(const struct options *o)
{
	char error[PUBLISH_ERROR_SIZE];

	if (publish_check(&o->publish, error))
		return true;
	log_error("%s", error);
	return false;
}

int startup_check(struct startup *s, const struct options *o)
{
	char error[PRIVILEGES_ERROR_SIZE];

	*s = (struct startup){.options = o,
			      .mtu = o->mtu,
			      .address6 = o->address6,
			      .keylog_fd = -1,
			      .log_fd = -1};
	if (!sites_open(&s->sites, o))
		return EXIT_CONFIG;
	if (!privileges_identity(&s->identity, o->user, o->user_given, error)) {
		log_error("%s", error);
		return EXIT_CONFIG;
	}
	if (!s->identity.change && s->identity.uid == 0)
		log_error("the workers stay root, though without capabilities: becoming %s needs "
			  "CAP_SETUID and CAP_SETGID",
			  o->user);
	if (!try_log(o) || !try_publish(o) || !mime_types_read(o->files.mime_types, &s->mime))
		return EXIT_CONFIG;
	if (!choose_certificates(s))
		return EXIT_CONFIG;
	const int status = run_apart(rehearse, s);
	if (status != 0)
		return status;
	sites_warn(o);
	/* The workers parse these bytes once they can read no such file any more. */
	return startup_read_identities(s, &s->identities) ? 0 : EXIT_CONFIG;
}

/* ------------------------------------------------------------------ the link */

static unsigned worker_count(const struct options *o)
{
	const long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	if (o->workers > 0)
		return o->workers;
	return cpus < 1 ? 1 : cpus > TUN_QUEUES_MAX ? TUN_QUEUES_MAX : (unsigned)cpus;
}

/* IPv6 is on by default and nobody needs it: only a prefix that was asked for by name has to be free. False
 * with one line in `text`; else that says why there is no IPv6, if so. */
static bool prefix6_is_free(struct startup *s, char text[HOST_ERROR_SIZE])
{
	text[0] = '\0';
	if (s->address6.stack.version == 0 ||
	    host_prefix6_is_free(s->options->tun, &s->address6, text))
		return true;
	s->address6.stack.version = 0;
	return !s->options->address6_given;
}

static void configure6(struct startup *s, char note[HOST_ERROR_SIZE])
{
	if (s->address6.stack.version != 0 &&
	    !host_configure6(s->tun.name, &s->address6, s->mtu, note))
		s->address6.stack.version = 0;
	if (note[0] != '\0')
		log_error("no IPv6: %s", note);
}

static bool open_log(struct startup *s)
{
	char error[LOG_SINK_ERROR_SIZE];

	s->log_fd = log_target_open(&s->options->log_target, error);
	if (s->log_fd < 0)
		log_error("%s", error);
	return s->log_fd >= 0;
}

/* Not with --check, which makes no file. */
static bool open_keylog(struct startup *s)
{
	const char *path = s->options->keylog;
	char error[KEYLOG_ERROR_SIZE];

	if (!path || s->options->https == 0)
		return true;
	s->keylog_fd = keylog_open(path, error);
	if (s->keylog_fd < 0) {
		log_error("%s", error);
		return false;
	}
	log_error("warning: the secrets of every TLS connection go to %s: who reads that file can "
		  "read all traffic",
		  path);
	return true;
}

int startup_link(struct startup *s)
{
	const struct options *o = s->options;
	const struct tun_config cfg = {
		.name = o->tun, .queues = worker_count(o), .offload = o->offload};
	char error[TUN_ERROR_SIZE], note[TUN_ERROR_SIZE], note6[HOST_ERROR_SIZE];

	if (!open_log(s) || !open_keylog(s))
		return EXIT_CONFIG;
	if (getrandom(s->fastopen_key, sizeof s->fastopen_key, 0) !=
	    (ssize_t)sizeof s->fastopen_key) {
		log_error("no random numbers: %m");
		return EXIT_RUNTIME;
	}
	if (!prefix6_is_free(s, note6)) {
		log_error("%s", note6);
		return EXIT_RUNTIME;
	}
	if (!host_prefix_is_free(o->tun, &o->address, error) ||
	    !tun_open(&s->tun, &cfg, note, error) ||
	    !host_configure(s->tun.name, &o->address, &s->mtu, error)) {
		log_error("%s", error);
		return EXIT_RUNTIME;
	}
	if (note[0] != '\0')
		log_error("%s", note);
	configure6(s, note6);
	return 0;
}

/* A device and its routes go with the process. What is left to be done as somebody else, or with other people's files: */
bool startup_give_up(const struct startup *s)
{
	const struct options *o = s->options;
	char error[PRIVILEGES_ERROR_SIZE];
	uint64_t keep = 0;

	/* A worker in place of one that died, and the end of one that hangs. */
	if (s->identity.change)
		keep |= CAP(CAP_SETUID) | CAP(CAP_SETGID) | CAP(CAP_KILL);
	/* New certificates and ticket keys, whoever owns the files. */
	if (o->https != 0)
		keep |= CAP(CAP_DAC_READ_SEARCH);
	/* New files in directories that are not root's: a leaf of the local authority, the access log. */
	if (s->ca_path || o->log_target.kind == LOG_TO_FILE)
		keep |= CAP(CAP_DAC_OVERRIDE);
	/* New addresses, and to take the rules away in the end. */
	if (o->publish.count > 0)
		keep |= CAP(CAP_NET_ADMIN);
	if (privileges_keep(keep, error))
		return true;
	log_error("%s", error);
	return false;
}

void startup_free(struct startup *s)
{
	tun_close(&s->tun);
	sites_free(&s->sites);
	if (s->keylog_fd >= 0)
		close(s->keylog_fd);
	if (s->log_fd >= 0)
		close(s->log_fd);
	identities_free(&s->identities);
	for (size_t i = 0; i < s->pairs; i++) {
		free(s->cert_path[i]);
		free(s->key_path[i]);
	}
	free(s->ca_path);
	http_mime_table_free(s->mime);
}

/* ------------------------------------------------------------------ the announcement */

static bool dot_or_dot_dot(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* Regular files below an open directory, which it closes; stops counting at FILES_COUNTED. */
static unsigned count_files(int dir_fd, unsigned counted, int depth)
{
	DIR *dir = fdopendir(dir_fd);
	struct dirent *e;

	if (!dir) {
		close(dir_fd);
		return counted;
	}
	while (counted < FILES_COUNTED && (e = readdir(dir)) != NULL) {
		struct stat st;
		if (dot_or_dot_dot(e->d_name) ||
		    fstatat(dir_fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0)
			continue;
		if (S_ISREG(st.st_mode))
			counted++;
		if (!S_ISDIR(st.st_mode) || depth == 0)
			continue;
		const int sub =
			openat(dir_fd, e->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (sub >= 0)
			counted = count_files(sub, counted, depth - 1);
	}
	closedir(dir);
	return counted;
}

static void print_url(const char *scheme, const struct ip_addr *addr, unsigned port, unsigned usual)
{
	const bool v6 = addr->version == 6; /* in brackets: RFC 3986 3.2.2 */
	char text[IP_ADDR_TEXT_SIZE];

	fprintf(stderr, "%s://%s%s%s", scheme, v6 ? "[" : "", ip_addr_text(addr, text),
		v6 ? "]" : "");
	if (port != usual)
		fprintf(stderr, ":%u", port);
	fputc('/', stderr);
}

/* The server's URLs for one of its ports, over both versions. */
static void print_urls(const struct startup *s, const char *scheme, unsigned port, unsigned usual)
{
	fprintf(stderr, "  %-7s", scheme);
	print_url(scheme, &s->options->address.stack, port, usual);
	if (s->address6.stack.version == 0)
		return;
	fprintf(stderr, "   ");
	print_url(scheme, &s->address6.stack, port, usual);
}

static void announce_try(const struct startup *s)
{
	const struct options *o = s->options;

	fprintf(stderr, "try:   curl ");
	if (o->https == 0) {
		print_url("http", &o->address.stack, o->http, 80);
	} else {
		if (s->ca_path)
			fprintf(stderr, "--cacert %s ", s->ca_path);
		print_url("https", &o->address.stack, o->https, 443);
	}
	fputc('\n', stderr);
}

static unsigned files_of(const struct startup *s, size_t site)
{
	const int fd = openat(s->sites.site[site].root_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? 0 : count_files(fd, 0, DEPTH_COUNTED);
}

static void announce_files(const struct startup *s, size_t site)
{
	const unsigned files = files_of(s, site);

	fprintf(stderr, "%s (%u%s file%s)", sites_root(s->options, site), files,
		files == FILES_COUNTED ? "+" : "", files == 1 ? "" : "s");
}

/* The sites of their own, a line each as far as that is a list to be read. */
static void announce_sites(const struct startup *s)
{
	for (size_t i = 1; i < s->sites.count && i <= SITES_SHOWN; i++) {
		fprintf(stderr, "  site  ");
		for (const char *const *h = s->sites.site[i].hosts; *h; h++)
			fprintf(stderr, " %s", *h);
		fprintf(stderr, "   ");
		announce_files(s, i);
		fputc('\n', stderr);
	}
	if (s->sites.count > SITES_SHOWN + 1)
		fprintf(stderr, "  and %zu more sites\n", s->sites.count - SITES_SHOWN - 1);
}

static void announce_published(const struct options *o)
{
	if (o->publish.count == 0)
		return;
	fprintf(stderr, "  also at the addresses of");
	for (size_t i = 0; i < o->publish.count; i++)
		fprintf(stderr, " %s",
			publish_is_auto(&o->publish) ? "all interfaces" : o->publish.list[i]);
	fputc('\n', stderr);
}

void startup_announce(const struct startup *s)
{
	const struct options *o = s->options;
	char address[IP_ADDR_TEXT_SIZE];

	fprintf(stderr, "serving ");
	announce_files(s, 0);
	fprintf(stderr, "   stack: %s %s", s->tun.name, ip_addr_text(&o->address.stack, address));
	if (s->address6.stack.version == 6)
		fprintf(stderr, " %s", ip_addr_text(&s->address6.stack, address));
	if (o->https != 0)
		fprintf(stderr, "   tls: %s, TLS 1.3+1.2", tls_library_version());
	fputc('\n', stderr);
	if (o->http != 0) {
		print_urls(s, "http", o->http, 80);
		fputc('\n', stderr);
	}
	if (o->https != 0) {
		print_urls(s, "https", o->https, 443);
		fprintf(stderr, "     certificate: %s\n",
			s->ca_path ? "local CA, leaf 90 days" : s->cert_path[0]);
	}
	announce_published(o);
	announce_sites(s);
	announce_try(s);
	fprintf(stderr, "stop:  Ctrl-C (drains up to %g s)\n", (double)o->grace_us / 1e6);
}

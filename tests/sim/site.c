/* SPDX-License-Identifier: Apache-2.0 */
/* site.c — see site.h. */
#include "tests/sim/site.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "certs/certs.h"
#include "tests/sim/heap.h"
#include "tests/sim/pattern.h"

static const uint64_t sizes[SITE_FILES] = {0,     1,     2,      100,    1000,     1460,
					   16383, 16384, 100000, 300000, 1u << 20, 3u << 20};

uint64_t site_file_size(unsigned file)
{
	return sizes[file];
}

uint64_t site_file_key(unsigned file)
{
	return sim_mix(0x517e + file);
}

static bool complain(const struct site *site, const char *what)
{
	fprintf(stderr, "sim: %s in %s: %s\n", what, site->dir, strerror(errno));
	return false;
}

static bool write_file(struct site *site, unsigned file)
{
	/* The date goes into Last-Modified and ETag, and so into the trace. */
	const struct timespec times[2] = {{.tv_sec = SITE_WALL_CLOCK - 86400},
					  {.tv_sec = SITE_WALL_CLOCK - 86400}};
	uint8_t block[4096];
	char name[16];

	snprintf(name, sizeof name, "f%u.bin", file);
	const int fd = openat(site->root_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0)
		return complain(site, "cannot create a file");
	bool ok = true;
	for (uint64_t at = 0; at < sizes[file] && ok; at += sizeof block) {
		const uint64_t left = sizes[file] - at;
		const size_t n = left < sizeof block ? (size_t)left : sizeof block;
		sim_pattern_fill(block, site_file_key(file), at, n);
		ok = write(fd, block, n) == (ssize_t)n;
	}
	ok = ok && futimens(fd, times) == 0;
	close(fd);
	return ok || complain(site, "cannot write a file");
}

static bool read_blob(struct site *site, const char *name, struct tls_blob *out)
{
	char path[128];
	struct stat st;

	snprintf(path, sizeof path, "%s/certs/%s", site->dir, name);
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) != 0)
		return complain(site, "cannot read a certificate");
	uint8_t *data = sim_alloc((size_t)st.st_size);
	const bool ok = read(fd, data, (size_t)st.st_size) == st.st_size;
	close(fd);
	*out = (struct tls_blob){data, (size_t)st.st_size, name};
	return ok || complain(site, "cannot read a certificate");
}

static bool make_certificates(struct site *site)
{
	static const char *const names[] = {SITE_NAME, NULL};
	char path[80], error[CERTS_ERROR_SIZE];

	snprintf(path, sizeof path, "%s/certs", site->dir);
	if (certs_ensure_local(path, names, SITE_WALL_CLOCK, NULL, error) != 0) {
		fprintf(stderr, "sim: %s\n", error);
		return false;
	}
	return read_blob(site, CERTS_CA_FILE, &site->ca) &&
	       read_blob(site, CERTS_LEAF_FILE, &site->cert) &&
	       read_blob(site, CERTS_LEAF_KEY_FILE, &site->key);
}

bool site_create(struct site *site)
{
	const char *tmp = getenv("TMPDIR");
	char root[80];

	*site = (struct site){.root_fd = -1};
	snprintf(site->dir, sizeof site->dir, "%.40s/tunhttpd-sim-XXXXXX", tmp ? tmp : "/tmp");
	if (!mkdtemp(site->dir))
		return complain(site, "cannot make a directory");
	site->ready = true;
	snprintf(root, sizeof root, "%s/root", site->dir);
	if (mkdir(root, 0755) != 0)
		return complain(site, "cannot make a directory");
	site->root_fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (site->root_fd < 0)
		return complain(site, "cannot open a directory");
	for (unsigned i = 0; i < SITE_FILES; i++)
		if (!write_file(site, i))
			return false;
	site_seed_tls(0);
	return make_certificates(site);
}

static void remove_dir(int parent, const char *name)
{
	const int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	for (struct dirent *e; dir && (e = readdir(dir)) != NULL;) {
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		if (unlinkat(fd, e->d_name, 0) != 0)
			remove_dir(fd, e->d_name);
	}
	if (dir)
		closedir(dir);
	unlinkat(parent, name, AT_REMOVEDIR);
}

void site_destroy(struct site *site)
{
	if (!site->ready)
		return;
	if (site->root_fd >= 0)
		close(site->root_fd);
	remove_dir(AT_FDCWD, site->dir);
	free((void *)(uintptr_t)site->ca.data);
	free((void *)(uintptr_t)site->cert.data);
	free((void *)(uintptr_t)site->key.data);
	*site = (struct site){.root_fd = -1};
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What connections share: configuration, the state of a drain, the cached Date. */
#include "http/server.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "http/range.h"
#include "http/variants.h"

void http_server_config_default(struct http_server_config *cfg)
{
	*cfg = (struct http_server_config){
		.https_port = 443,
		.server_name = "tunhttpd",
		.max_head = 16 * 1024,
		.max_target = 8 * 1024,
		.max_fields = 100,
		.max_body = 1024 * 1024,
		.header_timeout_us = 20 * 1000000ULL,
		.body_timeout_us = 20 * 1000000ULL,
		.min_receive = {240, 60 * 1000000ULL},
		.min_send = {240, 60 * 1000000ULL},
		.idle_timeout_us = 60 * 1000000ULL,
		.stall_timeout_us = 60 * 1000000ULL,
		.max_requests = 1000,
		.max_ranges = 32,
		.max_pipeline = 64,
		.precompressed = true,
	};
}

/* Limits that no request could meet, or that do not fit the types they are kept in. */
static bool config_valid(const struct http_server_config *cfg)
{
	if (cfg->max_head < 64 || cfg->max_head > HTTP_HEAD_MAX || cfg->max_target == 0 ||
	    cfg->site_count == 0 || cfg->max_ranges > HTTP_RANGES_MAX || cfg->max_fields == 0 ||
	    cfg->max_requests == 0 || cfg->max_pipeline == 0 || cfg->max_body > UINT64_MAX / 32)
		return false;
	/* It is put into a header as it is. */
	for (const char *p = cfg->server_name; p && *p; p++)
		if ((unsigned char)*p < 0x20 || (unsigned char)*p >= 0x7f)
			return false;
	return true;
}

/* NULL when there are none. False when memory is short. */
static bool fields_of(const struct http_site *site, bool secure, char **out)
{
	struct http_buf text = {0};

	http_site_fields_write(&text, site, secure);
	if (text.len > 0)
		http_buf_append(&text, "", 1);
	*out = text.data;
	return !text.failed;
}

static bool copy_sites(struct http_server *server)
{
	struct http_server_config *cfg = &server->cfg;

	server->sites = calloc(cfg->site_count, sizeof(*server->sites));
	if (!server->sites)
		return false;
	memcpy(server->sites, cfg->sites, cfg->site_count * sizeof(*server->sites));
	cfg->sites = server->sites;
	for (size_t i = 0; i < cfg->site_count; i++) {
		struct http_site *site = &server->sites[i];
		site->cache = server->files;
		site->fields_plain = site->fields_secure = NULL;
	}
	for (size_t i = 0; i < cfg->site_count; i++) {
		struct http_site *site = &server->sites[i];
		if (http_resolver_probe(site->root_fd, &site->resolver) != 0 ||
		    !fields_of(site, false, &site->fields_plain) ||
		    !fields_of(site, true, &site->fields_secure))
			return false;
	}
	return http_hosts_init(&server->hosts, server->sites, cfg->site_count);
}

static bool listen_to(const struct http_server *server, int fd)
{
	struct epoll_event event = {.events = EPOLLIN};

	return fd < 0 || epoll_ctl(server->events_fd, EPOLL_CTL_ADD, fd, &event) == 0;
}

static bool make_caches(struct http_server *server)
{
	const struct http_server_config *cfg = &server->cfg;

	server->events_fd = -1;
	if (cfg->file_cache.entries == 0 && cfg->compress_memory == 0)
		return true;
	server->events_fd = epoll_create1(EPOLL_CLOEXEC);
	if (server->events_fd < 0)
		return false;
	if (cfg->file_cache.entries > 0) {
		server->files = http_file_cache_create(&cfg->file_cache);
		if (!server->files || !listen_to(server, http_file_cache_fd(server->files)))
			return false;
	}
	if (cfg->compress_memory > 0) {
		server->variants = http_variants_create(cfg->compress_memory);
		/* Without it files are served as they are. */
		if (server->variants && !listen_to(server, http_variants_fd(server->variants)))
			return false;
	}
	return true;
}

struct http_server *http_server_create(const struct http_server_config *cfg)
{
	struct http_server *server;

	if (!config_valid(cfg)) {
		errno = EINVAL;
		return NULL;
	}
	server = calloc(1, sizeof(*server));
	if (!server)
		return NULL;
	server->cfg = *cfg;
	server->limits = (struct http_gate_limits){cfg->max_head, cfg->max_target, cfg->max_fields};
	server->date_at = -1;
	if (!make_caches(server))
		goto fail;
	if (cfg->server_name) {
		server->cfg.server_name = strdup(cfg->server_name);
		if (!server->cfg.server_name)
			goto fail;
	}
	if (!copy_sites(server))
		goto fail;
	return server;
fail:
	http_server_destroy(server);
	return NULL;
}

struct http_spare {
	struct http_spare *next;
};

/* The sanitizer sees more when each buffer is a new one. */
#ifdef __SANITIZE_ADDRESS__
#define SPARES_MAX 0
#else
#define SPARES_MAX 64
#endif

uint8_t *http_server_take_input(struct http_server *server)
{
	struct http_spare *spare = server->spares;

	if (!spare)
		return malloc(HTTP_INPUT_FIRST);
	server->spares = spare->next;
	server->spare_count--;
	return (uint8_t *)spare;
}

void http_server_put_input(struct http_server *server, uint8_t *buf)
{
	struct http_spare *spare = (struct http_spare *)(void *)buf;

	if (server->spare_count + 1 > SPARES_MAX) {
		free(buf);
		return;
	}
	spare->next = server->spares;
	server->spares = spare;
	server->spare_count++;
}

void http_server_destroy(struct http_server *server)
{
	int saved = errno;

	if (!server)
		return;
	http_file_cache_destroy(server->files);
	http_variants_destroy(server->variants);
	if (server->events_fd >= 0)
		close(server->events_fd);
	while (server->spares)
		free(http_server_take_input(server));
	free((char *)server->cfg.server_name);
	http_hosts_free(&server->hosts);
	for (size_t i = 0; server->sites && i < server->cfg.site_count; i++) {
		free(server->sites[i].fields_plain);
		free(server->sites[i].fields_secure);
	}
	free(server->sites);
	free(server);
	errno = saved;
}

int http_server_event_fd(const struct http_server *server)
{
	return server->events_fd;
}

bool http_server_compresses(const struct http_server *server)
{
	return server->variants != NULL;
}

bool http_server_watches_files(const struct http_server *server)
{
	return server->files && http_file_cache_fd(server->files) >= 0;
}

void http_server_refresh(struct http_server *server)
{
	if (server->files)
		http_file_cache_refresh(server->files);
	if (server->variants)
		http_variants_collect(server->variants);
}

void http_server_drain(struct http_server *server)
{
	server->draining = true;
}

const char *http_server_date(struct http_server *server, time_t wall)
{
	if (server->date_at != wall || server->date[0] == '\0') {
		http_date_format(wall, server->date);
		server->date_at = wall;
	}
	return server->date;
}

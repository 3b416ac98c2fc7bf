/* SPDX-License-Identifier: Apache-2.0 */
/*
 * web.h — the whole server in virtual time: stack, TLS, HTTP, files and the glue of server/app.h on host 1, HTTP
 * clients on host 0.
 */
#ifndef TESTS_SIM_WEB_H
#define TESTS_SIM_WEB_H

#include "http/http.h"
#include "http/site.h"
#include "server/app.h"
#include "tests/sim/scenario.h"
#include "tests/sim/web_client.h"

#define WEB_CLIENT_PORT 30000u

/* Both ends of one scenario. */
struct web {
	struct sim *sim;
	struct stack_config cfg[2];
	struct http_server_config http_cfg;
	struct http_site files;
	struct app_config app_cfg;
	bool secure;
	enum tls_version version;
	struct http_server *http;
	struct tls_context *server_tls, *client_tls;
	struct app *app;
	struct web_clients clients;
};

/* Defaults with patience; then change cfg, secure, version and sim->link, then web_start. */
void web_init(struct web *w, struct sim *sim);
/* False when something is missing; the failure is noted. */
bool web_start(struct web *w);
void web_stop(struct web *w);
/* At the end: `count` clients are done, and nothing is left of them. */
void web_expect_served(struct web *w, unsigned count);

#endif

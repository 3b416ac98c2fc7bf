/* SPDX-License-Identifier: Apache-2.0 */
/* fastopen.h — scripts in which a client opens with TCP Fast Open (RFC 7413). */
#ifndef TESTS_UNIT_FASTOPEN_H
#define TESTS_UNIT_FASTOPEN_H

#include "tests/unit/wire.h"

#define PENDING 4

/* A listener that knows Fast Open. */
static inline void fast_listen(struct wire *w)
{
	w->cfg.fastopen = true;
	w->cfg.fastopen_pending = PENDING;
	wire_restart(w);
	wire_listen(w, WIRE_PORT, 16);
}

/* The client was here before: from now on `fo $` is its cookie. */
static inline void take_cookie(struct wire *w)
{
	inject(w, "* S 0:0(0) win 65535 <mss 1460,fo> port 999");
	expect(w, "* S. 0:0(0) ack 1 <mss 1460,fo *> port 999");
	inject(w, "* R 1:1(0) port 999");
}

/* A request of 100 bytes in the SYN. */
static inline void open_fast(struct wire *w)
{
	inject(w, "* S 0:100(100) win 65535 <mss 1460,fo $>");
	expect(w, "* S. 0:0(0) ack 101 <mss 1460>");
	expect_state(w, TCP_SYN_RECEIVED);
}

static inline void fast_setup(struct wire *w)
{
	fast_listen(w);
	take_cookie(w);
}

#endif

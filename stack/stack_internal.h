/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stack_internal.h — struct stack itself and what its parts share: the memory account, the cache of ring
 * buffers and the queues between input, application and output.
 */
#ifndef STACK_STACK_INTERNAL_H
#define STACK_STACK_INTERNAL_H

#include "stack/list.h"
#include "stack/pmtu_cache.h"
#include "stack/pressure.h"
#include "stack/reply.h"
#include "stack/stack.h"
#include "stack/tcp_syncache.h"
#include "stack/tcp_syncookie.h"
#include "stack/tcp_types.h"
#include "stack/timer_wheel.h"

#define BUFFER_MIN 4096u /* smallest ring; sizes are powers of two from here */
#define BUFFER_CLASSES 16
#define BUFFER_CACHE_MAX (8u << 20) /* bytes of free buffers kept for reuse */
#define REPLY_QUEUE_MAX 4096u

struct free_buffer {
	struct free_buffer *next;
};

struct tcp_table {
	struct tcp_node **bucket;
	uint32_t mask;
	uint32_t count;
	uint8_t key[16];
};

struct stack {
	struct stack_config cfg;
	uint64_t now_us; /* the latest time that the owner has told us */
	struct timer_wheel wheel;
	struct tcp_table table;
	struct list listeners;
	struct list conns;
	struct list output;           /* connections that may have packets to send */
	struct tcp_conn *last_output; /* whose packet stack_output gave last; NULL: none */
	struct list events;           /* connections that have events              */
	struct list
		starved; /* connections whose send ring could not grow: woken when memory is freed */
	bool memory_freed; /* since they were last woken                */
	struct list replies;
	uint32_t reply_count;
	uint64_t icmp_error_us; /* start of the second that icmp_error_count counts in */
	uint32_t icmp_error_count;
	struct reply *reply_out;
	struct list syncache; /* oldest first */
	struct syncache_bucket syncache_bucket[SYNCACHE_BUCKETS];
	struct tcp_syncookies cookies;
	struct list timewait; /* oldest first */
	struct list reass;    /* datagrams of which fragments are missing; oldest first */
	uint32_t reass_count;
	size_t reass_memory; /* of the bytes charged, those for reassembly */
	uint32_t conn_count, syncache_count, timewait_count;
	uint32_t established, orphans; /* of conn_count, see tcp_metrics.h */
	uint64_t next_id;
	uint8_t isn_key[16], ts_key[16], port_key[16], fastopen_key[16];
	struct pmtu_entry *pmtu_cache; /* NULL while it is empty */
	struct timer pmtu_timer;
	uint8_t pmtu_key[16];
	uint32_t port_counter;
	uint8_t rcv_wscale; /* what we offer: enough for recv_buffer_max */

	size_t memory; /* bytes charged */
	struct pressure pressure;
	struct free_buffer *buffers[BUFFER_CLASSES];
	size_t buffers_cached;
	struct stack_counters counters;
};

/* What memory is for, the first to be refused first. The marks are explained in pressure.h. */
enum memory_use {
	MEMORY_LOW,    /* only a mark: pressure ends below it                          */
	MEMORY_GROWTH, /* rings beyond PRESSURE_RING                                   */
	MEMORY_DATA,   /* other rings, fragments                                       */
	MEMORY_RECORD, /* connections, half-open entries, TIME-WAIT, scoreboards       */
	MEMORY_ANSWER, /* packets on their way out                                     */
};
/* How many bytes may be charged when something is to be allocated for this. */
size_t memory_mark(const struct stack *s, enum memory_use use);

/* Allocates and charges to the global account, as MEMORY_RECORD; NULL when the limit or malloc says no. */
void *account_alloc(struct stack *s, size_t len);
/* The same as MEMORY_ANSWER. */
void *account_alloc_answer(struct stack *s, size_t len);
/* Would account_alloc succeed? Asking counts as being refused. */
bool account_has(struct stack *s, size_t len);
void account_free(struct stack *s, void *p, size_t len);

/* A ring's buffer of `cap` bytes, a power of two of at least BUFFER_MIN. Charged while in use. */
uint8_t *buffer_get(struct stack *s, uint32_t cap);
/* To take the place of a larger one, which is put back at once: may use what is kept for answers. */
uint8_t *buffer_get_smaller(struct stack *s, uint32_t cap);
void buffer_put(struct stack *s, uint8_t *data, uint32_t cap);
void buffer_free_cache(struct stack *s);

/* Are the options in the configuration within the limits of tcp_set_option? */
bool tcp_option_config_valid(const struct stack_config *cfg);

#endif

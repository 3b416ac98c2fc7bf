/* SPDX-License-Identifier: Apache-2.0 */
/*
 * list.h — an intrusive doubly linked list with a sentinel: the node lies inside the object, so that
 * queueing never allocates and removal is O(1) from anywhere. A node that is in no list points to itself.
 */
#ifndef STACK_LIST_H
#define STACK_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
	struct list *next;
	struct list *prev;
};

#define list_entry(node, type, member) ((type *)(void *)((char *)(node)-offsetof(type, member)))

static inline void list_init(struct list *l)
{
	l->next = l;
	l->prev = l;
}

static inline bool list_empty(const struct list *l)
{
	return l->next == l;
}

/* True when the node is a member of some list. */
static inline bool list_linked(const struct list *node)
{
	return node->next != node;
}

static inline void list_append(struct list *l, struct list *node)
{
	node->prev = l->prev;
	node->next = l;
	l->prev->next = node;
	l->prev = node;
}

static inline void list_remove(struct list *node)
{
	node->prev->next = node->next;
	node->next->prev = node->prev;
	list_init(node);
}

#endif

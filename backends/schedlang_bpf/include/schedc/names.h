/* SPDX-License-Identifier: GPL-2.0 */
/* Patterns on a task's name. `length` excludes the final NUL and is 1..15. */
#ifndef SCHEDC_NAMES_H
#define SCHEDC_NAMES_H

#include "kfuncs.h"

/* A name, padded with zeroes. */
struct name {
	char text[TASK_COMM_LEN];
};

static __always_inline struct name comm_of(struct task_struct *p)
{
	struct name name = {};

	bpf_probe_read_kernel_str(name.text, sizeof(name.text), p->comm);
	return name;
}

/* The name of the task's process, which is that of its first thread. */
static __always_inline struct name process_of(struct task_struct *p)
{
	struct name name = {};

	bpf_probe_read_kernel_str(name.text, sizeof(name.text), p->group_leader->comm);
	return name;
}

enum {
	FROM_START = 1,
	TO_END = 2,
};

static __noinline bool name_matches(const struct name *name, const char *text, u32 length,
				    u32 where)
{
	u32 at, i;

	for (at = 0; at + length < TASK_COMM_LEN; at++) {
		for (i = 0; i < length && name->text[at + i] == text[i]; i++)
			;
		if (i == length && (!(where & TO_END) || !name->text[at + length]))
			return true;
		if (where & FROM_START)
			return false;
	}
	return false;
}

#define name_is(name, text, length) name_matches(name, text, length, FROM_START | TO_END)
#define name_starts(name, text, length) name_matches(name, text, length, FROM_START)
#define name_ends(name, text, length) name_matches(name, text, length, TO_END)
#define name_contains(name, text, length) name_matches(name, text, length, 0)

#endif

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

static __always_inline bool name_has_at(const struct name *name, u32 at, const char *text,
					u32 length)
{
	u32 i;

#pragma clang loop unroll(full)
	for (i = 0; i < TASK_COMM_LEN; i++) {
		if (i < length && name->text[at + i] != text[i])
			return false;
	}
	return true;
}

static __always_inline bool name_starts(struct name name, const char *text, u32 length)
{
	return name_has_at(&name, 0, text, length);
}

static __always_inline bool name_is(struct name name, const char *text, u32 length)
{
	return name_has_at(&name, 0, text, length) && !name.text[length];
}

static __always_inline bool name_contains(struct name name, const char *text, u32 length)
{
	u32 at;

#pragma clang loop unroll(full)
	for (at = 0; at < TASK_COMM_LEN; at++) {
		if (at + length < TASK_COMM_LEN && name_has_at(&name, at, text, length))
			return true;
	}
	return false;
}

static __always_inline bool name_ends(struct name name, const char *text, u32 length)
{
	u32 at;

#pragma clang loop unroll(full)
	for (at = 0; at < TASK_COMM_LEN; at++) {
		if (at + length < TASK_COMM_LEN && !name.text[at + length] &&
		    name_has_at(&name, at, text, length))
			return true;
	}
	return false;
}

#endif

/* SPDX-License-Identifier: GPL-2.0 */
/* The control groups that the kernel has told of, by id. */
#ifndef SCHEDC_GROUP_MAP_H
#define SCHEDC_GROUP_MAP_H

#include "kfuncs.h"

#define MAX_GROUPS 16384

/* `members` is what those weigh that it has, `counted` what it weighs for its parent now. */
struct group {
	u64 parent;
	s64 weight;
	s64 members;
	s64 counted;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_GROUPS);
	__type(key, u64);
	__type(value, struct group);
} groups SEC(".maps");

static __always_inline struct group *find_group(u64 id)
{
	return bpf_map_lookup_elem(&groups, &id);
}

static __always_inline s32 add_group(u64 id, const struct group *group)
{
	return bpf_map_update_elem(&groups, &id, group, 0);
}

static __always_inline void remove_group(u64 id)
{
	bpf_map_delete_elem(&groups, &id);
}

#endif

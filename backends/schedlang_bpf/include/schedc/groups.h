/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How much of the machine a task is worth by its control group. A group's members are its tasks
 * that run or wait, and its child groups that have members. A task's part is the product, up to
 * the root, of each member's weight over what all members beside it weigh.
 *
 * Sums are moved when a task wakes or sleeps, and further up only when a group gets its first
 * member or loses its last.
 */
#ifndef SCHEDC_GROUPS_H
#define SCHEDC_GROUPS_H

#include "arith.h"
#include "group_map.h"

#define GROUP_DEPTH 16
#define GROUP_UNIT 1000000000
#define MAX_GROUP_WEIGHT 10000

/* Where a task belongs, and where and with which weight it counts; 0 if it does not. */
struct membership {
	u64 group;
	u64 counts_in;
	s64 weight;
};

static __always_inline u64 cgroup_id(struct cgroup *cgrp)
{
	return read_member(read_member(cgrp, kn), id);
}

/*
 * Let a group weigh for its parent what it should; by how much that has changed. What `counted`
 * changes by is what the parent's sum changes by, whichever CPU comes first; whoever comes last
 * sees whether there are members.
 */
__global u64 settle_group(struct group *group __arg_nonnull)
{
	s64 wanted, change = 0;
	u32 round;

	for (round = 0; round < 4; round++) {
		wanted = READ_ONCE(group->members) > 0 ? READ_ONCE(group->weight) : 0;
		if (wanted == READ_ONCE(group->counted))
			break;
		change += wanted - __sync_lock_test_and_set(&group->counted, wanted);
	}
	return change;
}

/* A member of the group comes, or goes: its weight is negative then. */
__global int count_member(u64 id, s64 weight)
{
	struct group *group;
	u32 level;

	for (level = 0; level < GROUP_DEPTH && weight; level++) {
		group = find_group(id);
		if (!group)
			break;
		__sync_fetch_and_add(&group->members, weight);
		weight = settle_group(group);
		id = group->parent;
	}
	return 0;
}

/* What is due to a task of that weight in the group, of MAX_GROUP_WEIGHT; 1 at least. */
__global u64 share_of_group(u64 id, s64 weight)
{
	u64 part = (u64)weight * GROUP_UNIT;
	struct group *group;
	u32 level;

	for (level = 0; level < GROUP_DEPTH; level++) {
		group = find_group(id);
		if (!group)
			break;
		part /= (u64)max_of(READ_ONCE(group->members), 1);
		id = group->parent;
		if (id)
			part *= (u64)READ_ONCE(group->counted);
	}
	return clamp_to(part / (GROUP_UNIT / MAX_GROUP_WEIGHT), 1, MAX_GROUP_WEIGHT);
}

static __always_inline void stop_counting(struct membership *member)
{
	if (member->weight)
		count_member(member->counts_in, -member->weight);
	member->weight = 0;
}

/* From its arrival on a task counts, with the weight that it has then, until it sleeps. */
static __always_inline void count_task(struct task_struct *p, struct membership *member)
{
	s64 weight = p->scx.weight;

	if (member->weight == weight && member->counts_in == member->group)
		return;
	stop_counting(member);
	member->counts_in = member->group;
	member->weight = weight;
	count_member(member->group, weight);
}

static __always_inline s32 init_group(struct cgroup *cgrp, u32 weight)
{
	struct group group = { .weight = weight };
	int level = read_member(cgrp, level);

	if (level > 0)
		group.parent = cgroup_id(read_member(cgrp, ancestors[level - 1]));
	return add_group(cgroup_id(cgrp), &group);
}

static __always_inline void weigh_group(struct cgroup *cgrp, u32 weight)
{
	struct group *group = find_group(cgroup_id(cgrp));

	if (!group)
		return;
	group->weight = weight;
	count_member(group->parent, settle_group(group));
}

#endif

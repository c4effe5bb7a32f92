/* SPDX-License-Identifier: GPL-2.0 */
/* Why the scheduler was let go: kept in a map, where a loader can read it afterwards. */
#ifndef SCHEDC_EXIT_H
#define SCHEDC_EXIT_H

#include "kfuncs.h"

struct exit_record {
	s64 kind;
	s64 code;
	char reason[64];
	char message[256];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct exit_record);
} exit_record SEC(".maps");

static __always_inline void save_exit_info(struct scx_exit_info *info)
{
	struct exit_record *record;
	u32 zero = 0;

	record = bpf_map_lookup_elem(&exit_record, &zero);
	if (!record)
		return;
	record->kind = info->kind;
	record->code = info->exit_code;
	bpf_probe_read_kernel_str(record->reason, sizeof(record->reason), info->reason);
	bpf_probe_read_kernel_str(record->message, sizeof(record->message), info->msg);
}

#endif

/* SPDX-License-Identifier: GPL-2.0 */
/* One queue, first come, first served: examples/fifo.sched by hand. */
#include <schedc/kfuncs.h>

#define SLICE_NS 20000000
#define SHARED_DSQ 0
#define NR_DSQS 1

struct cpu_ctx {
	bool in_vain;
};

#include "common.h"

OP3(s32, fifo_select_cpu, struct task_struct *, p, s32, prev_cpu, u64, wake_flags)
{
	s32 cpu = claim_idle_cpu(p, prev_cpu);

	if (cpu < 0)
		return prev_cpu;
	insert_local(p, SLICE_NS);
	return cpu;
}

OP2(void, fifo_enqueue, struct task_struct *, p, u64, enq_flags)
{
	/* select_cpu was not asked. */
	if ((enq_flags & ENQ_WAKEUP) && is_pinned(p)) {
		s32 cpu = claim_idle_cpu(p, scx_bpf_task_cpu(p));

		if (cpu >= 0) {
			insert_local(p, SLICE_NS);
			kick_idle(cpu);
			return;
		}
	}
	insert(p, SHARED_DSQ, SLICE_NS);
	kick_an_idle_cpu(p);
}

OP2(void, fifo_dispatch, s32, cpu, struct task_struct *, prev)
{
	bool found = move_to_local(SHARED_DSQ);
	struct cpu_ctx *c;

	if (prev) {
		if (!found && is_queued(prev) && may_run_on(prev, cpu))
			set_slice(prev, SLICE_NS);
		return;
	}
	c = find_cpu(cpu);
	if (c)
		kicked_cpu_has_chosen(c, cpu, found);
}

OP2(void, fifo_stopping, struct task_struct *, p, bool, runnable)
{
	/* Whom a higher class interrupts goes to the end. */
	if (runnable && p->scx.slice)
		set_slice(p, 0);
}

OP2(void, fifo_update_idle, s32, cpu, bool, idle)
{
	idle_changes(cpu, idle);
}

OP_INIT(fifo_init)
{
	return create_dsqs();
}

OP1(void, fifo_exit, struct scx_exit_info *, info)
{
	save_exit_info(info);
}

SEC(".struct_ops.link")
struct sched_ext_ops fifo_ops = {
	.select_cpu = (void *)fifo_select_cpu,
	.enqueue = (void *)fifo_enqueue,
	.dispatch = (void *)fifo_dispatch,
	.stopping = (void *)fifo_stopping,
	.update_idle = (void *)fifo_update_idle,
	.init = (void *)fifo_init,
	.exit = (void *)fifo_exit,
	.flags = OPS_KEEP_BUILTIN_IDLE | OPS_ENQ_EXITING,
	.timeout_ms = 30000,
	.name = "fifo",
};

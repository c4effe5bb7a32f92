/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the caller sees of one machine: a table of its functions. `start` makes the machine new:
 * every variable, the scheduler's too, is in one of the two sections that are put back. Defined
 * before: DATA and BSS (the sections), PARAMS (the policy's, or NULL).
 */
#define CONCAT(a, b) a##b
#define BEGIN(section) CONCAT(__start_, section)
#define END(section) CONCAT(__stop_, section)

static char *at_first;

static void make_new(void)
{
	size_t size = END(DATA) - BEGIN(DATA);
	char *saved = at_first;
	u64 counted = lookups;

	if (!saved) {
		saved = malloc(size);
		memcpy(saved, BEGIN(DATA), size);
	}
	for (int i = 0; i < nr_tasks; i++)
		free(tasks_[i].storage);
	for (int i = 0; i < VALUES && values[i].map; i++)
		free(values[i].value);
	memset(BEGIN(BSS), 0, END(BSS) - BEGIN(BSS));
	memcpy(BEGIN(DATA), saved, size);
	at_first = saved;
	lookups = counted;
}

/* Look-ups in maps since the library was loaded. */
static u64 table_lookups(void)
{
	return lookups;
}

static void table_start(int cpus, int llcs, int nodes, int smt, int little, const s64 *chosen, int nr_chosen)
{
	make_new();
	if (nr_chosen)
		memcpy(PARAMS, chosen, nr_chosen * sizeof(*chosen));
	host_start(cpus, llcs, nodes, smt, little);
}

static void table_tune(int number, s64 value)
{
	s64 *tunable = PARAMS;

	tunable[number] = value;
}

struct table {
	void (*start)(int cpus, int llcs, int nodes, int smt, int little, const s64 *chosen, int nr_chosen);
	void (*time)(u64 now);
	int (*fork)(const char *comm, const char *process, int nice, int weight, const char *cgroup,
		    int kthread, const u32 *ids, u64 mask, int cpu);
	void (*change)(int task, int nice, int weight, u64 mask);
	void (*weigh)(const char *cgroup, int weight);
	void (*wake)(int task, int cpu, int sync);
	void (*wake_late)(int task, int cpu);
	void (*expire)(int cpu);
	int (*tick)(int cpu);
	void (*block)(int cpu);
	void (*touch)(int cpu);
	void (*tune)(int number, s64 value);
	int (*schedule)(int cpu);
	int (*kicked)(int cpu);
	int (*ended)(int cpu);
	int (*cpu)(int task);
	u64 (*slice)(int task);
	int (*speed)(int cpu);
	const char *(*fault)(void);
	u64 (*lookups)(void);
};

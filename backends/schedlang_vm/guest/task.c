/*
 * The guest's workload program: one task of a workload, and two small services for the job's
 * shell. Freestanding and without any relocation (no strings, no globals), so that it needs
 * neither a C library nor a linker: freestanding.py wraps its code in an ELF header.
 *
 *   task c			print CLOCK_MONOTONIC in ns
 *   task f PID			make PID a SCHED_FIFO task, so that sampling does not wait
 *   task v			print each BPF program's id and how many instructions the
 *				verifier looked at, which bpftool does not tell
 *   task t NICE CPUS RUN SLEEP ONCE COUNTERS NAME
 *				be a task; it starts when descriptor 3 reaches end of file.
 *				CPUS is a mask (0: any); RUN and SLEEP are ns (0 and 0: a hog);
 *				ONCE stops it after RUN; COUNTERS is a file to map
 */
typedef unsigned long u64;
typedef long s64;

enum { SYS_READ = 0, SYS_WRITE = 1, SYS_OPEN = 2, SYS_CLOSE = 3, SYS_MMAP = 9,
       SYS_PAUSE = 34, SYS_EXIT = 60, SYS_FTRUNCATE = 77, SYS_SETPRIORITY = 141, SYS_SETSCHEDULER = 144, SYS_PRCTL = 157,
       SYS_SETAFFINITY = 203, SYS_CLOCK_GETTIME = 228, SYS_CLOCK_NANOSLEEP = 230,
       SYS_BPF = 321 };

enum { MONOTONIC = 1, THREAD_CPU = 3, GATE = 3, BUCKETS = 256 };

/* Read by session.py: little-endian 64-bit words in this order. */
struct counters {
	u64 rounds;		/* run-then-sleep rounds completed */
	u64 finished_ns;	/* CLOCK_MONOTONIC when a ONCE task was done, or 0 */
	u64 started_ns;		/* CLOCK_MONOTONIC at the first instruction after the gate, or 0 */
	u64 seen_ns;		/* when it last ran, or was due to run: since then it waits */
	u64 delay_max_ns;	/* longest wait for a CPU that has ended */
	u64 delays[BUCKETS];	/* waits by length, four buckets per power of two */
};

static inline s64 call(s64 number, s64 a, s64 b, s64 c, s64 d, s64 e, s64 f)
{
	register s64 r10 __asm__("r10") = d;
	register s64 r8 __asm__("r8") = e;
	register s64 r9 __asm__("r9") = f;
	s64 result;

	__asm__ volatile("syscall" : "=a"(result)
			 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return result;
}

static u64 now_ns(s64 clock)
{
	u64 time[2];

	call(SYS_CLOCK_GETTIME, clock, (s64)time, 0, 0, 0, 0);
	return time[0] * 1000000000ul + time[1];
}

static s64 number(const char *text)
{
	s64 sign = 1, value = 0;

	if (*text == '-') {
		sign = -1;
		text++;
	}
	for (; *text; text++)
		value = value * 10 + (*text - '0');
	return sign * value;
}

static void print_number(u64 value)
{
	char text[24];
	int at = 24;

	text[--at] = '\n';
	do {
		text[--at] = '0' + value % 10;
		value /= 10;
	} while (value);
	call(SYS_WRITE, 1, (s64)(text + at), 24 - at, 0, 0, 0);
}

static void record_delay(struct counters *counters, u64 delay_ns)
{
	u64 power = delay_ns < 4 ? 2 : 63 - __builtin_clzl(delay_ns);

	counters->delays[power * 4 + ((delay_ns >> (power - 2)) & 3)]++;
	if (delay_ns > counters->delay_max_ns)
		counters->delay_max_ns = delay_ns;
}

/*
 * Use `run_ns` of CPU time (0: never return). Two readings of the clock that lie far apart
 * were separated by a wait for the CPU; a reading itself takes some microseconds under TCG.
 */
static void spin(struct counters *counters, u64 run_ns)
{
	enum { NOTICEABLE_NS = 200000 };
	u64 until = now_ns(THREAD_CPU) + run_ns;
	u64 before = now_ns(MONOTONIC);

	while (!run_ns || now_ns(THREAD_CPU) < until) {
		u64 after;
		int i;

		for (i = 0; i < 1000; i++)
			__asm__ volatile("" ::: "memory");
		after = now_ns(MONOTONIC);
		if (after - before > NOTICEABLE_NS)
			record_delay(counters, after - before);
		counters->seen_ns = before = after;
	}
}

static void sleep_for(struct counters *counters, u64 sleep_ns)
{
	u64 due = now_ns(MONOTONIC) + sleep_ns, late;
	u64 time[2] = { due / 1000000000ul, due % 1000000000ul };

	counters->seen_ns = due;
	call(SYS_CLOCK_NANOSLEEP, MONOTONIC, 1 /* TIMER_ABSTIME */, (s64)time, 0, 0, 0);
	late = now_ns(MONOTONIC);
	record_delay(counters, late > due ? late - due : 0);
}

static struct counters *map_counters(const char *path)
{
	s64 file = call(SYS_OPEN, (s64)path, 0102 /* O_RDWR | O_CREAT */, 0644, 0, 0, 0);

	call(SYS_FTRUNCATE, file, sizeof(struct counters), 0, 0, 0, 0);
	return (struct counters *)call(SYS_MMAP, 0, sizeof(struct counters), 3, 1, file, 0);
}

static void be_task(char **args)
{
	int no_priority = 0;
	u64 cpus = number(args[1]), run_ns = number(args[2]), sleep_ns = number(args[3]);
	struct counters *counters;
	char byte;

	call(SYS_SETSCHEDULER, 0, 0 /* SCHED_OTHER */, (s64)&no_priority, 0, 0, 0);
	call(SYS_SETPRIORITY, 0, 0, number(args[0]), 0, 0, 0);
	call(SYS_PRCTL, 15 /* PR_SET_NAME */, (s64)args[6], 0, 0, 0, 0);
	call(SYS_PRCTL, 29 /* PR_SET_TIMERSLACK */, 1, 0, 0, 0, 0);
	if (cpus)
		call(SYS_SETAFFINITY, 0, sizeof(cpus), (s64)&cpus, 0, 0, 0);
	counters = map_counters(args[5]);	/* the file's size says: ready */
	call(SYS_READ, GATE, (s64)&byte, 1, 0, 0, 0);
	counters->started_ns = now_ns(MONOTONIC);
	do {
		spin(counters, run_ns);
		if (sleep_ns)
			sleep_for(counters, sleep_ns);
		counters->rounds++;
	} while (!number(args[4]));
	counters->finished_ns = now_ns(MONOTONIC);
	for (;;)	/* stay, so that /proc still tells what this task got */
		call(SYS_PAUSE, 0, 0, 0, 0, 0, 0);
}

static void print_verified(void)
{
	enum { NEXT_ID = 11, FD_BY_ID = 13, INFO_BY_FD = 15, VERIFIED_AT = 216, INFO_SIZE = 224 };
	unsigned int ids[4], info[INFO_SIZE / 4];
	u64 request[2];
	int i;

	for (ids[0] = 0; !call(SYS_BPF, NEXT_ID, (s64)ids, sizeof(ids), 0, 0, 0); ids[0] = ids[1]) {
		s64 file;

		ids[2] = 0;	/* open flags */
		request[0] = ids[1];
		request[1] = 0;
		file = call(SYS_BPF, FD_BY_ID, (s64)request, sizeof(request), 0, 0, 0);
		for (i = 0; i < INFO_SIZE / 4; i++)
			info[i] = 0;
		request[0] = (u64)file | (u64)INFO_SIZE << 32;
		request[1] = (u64)info;
		call(SYS_BPF, INFO_BY_FD, (s64)request, sizeof(request), 0, 0, 0);
		print_number(ids[1]);
		print_number(info[VERIFIED_AT / 4]);
		call(SYS_CLOSE, file, 0, 0, 0, 0, 0);
	}
}

__attribute__((used)) static void entry(u64 *stack)
{
	char **args = (char **)(stack + 1);
	int priority = 50;

	if (stack[0] == 9 && args[1][0] == 't')
		be_task(args + 2);
	else if (stack[0] == 3 && args[1][0] == 'f')
		call(SYS_SETSCHEDULER, number(args[2]), 1 /* SCHED_FIFO */, (s64)&priority, 0, 0, 0);
	else if (stack[0] == 2 && args[1][0] == 'v')
		print_verified();
	else
		print_number(now_ns(MONOTONIC));
	call(SYS_EXIT, 0, 0, 0, 0, 0, 0);
}

__attribute__((naked)) void _start(void)
{
	__asm__("mov %rsp, %rdi\n\tand $-16, %rsp\n\tcall entry");
}

/*
 * What the player asks of the kernel, without a C library. Nothing here needs a relocation
 * or data: freestanding.py wraps the code alone in an ELF header.
 */
#ifndef SYS_H
#define SYS_H

typedef unsigned int u32;
typedef unsigned long u64;
typedef long s64;

enum {
	SYS_READ = 0, SYS_WRITE = 1, SYS_OPEN = 2, SYS_CLOSE = 3, SYS_MMAP = 9, SYS_SIGACTION = 13,
	SYS_MADVISE = 28, SYS_DUP2 = 33, SYS_EXECVE = 59, SYS_EXIT = 60, SYS_WAIT4 = 61, SYS_KILL = 62,
	SYS_SETPRIORITY = 141, SYS_SETSCHEDULER = 144, SYS_PRCTL = 157, SYS_FUTEX = 202,
	SYS_SETAFFINITY = 203, SYS_CLOCK_GETTIME = 228, SYS_CLOCK_NANOSLEEP = 230,
	SYS_EXIT_GROUP = 231, SYS_WAITID = 247, SYS_BPF = 321, SYS_CLONE3 = 435,
};

enum { MONOTONIC = 1, THREAD_CPU = 3 };
enum { PR_SET_NAME = 15, PR_SET_TIMERSLACK = 29, PR_SET_CHILD_SUBREAPER = 36 };
enum { SIGKILL = 9, SIGCHLD = 17, SIGSTOP = 19 };
enum { O_RDWR_CREATE = 01102, O_PATH_FOLDER = 010200000 };

#define SECOND_NS 1000000000ul
#define NEVER (~0ul)

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

static inline u64 clock_ns(s64 clock)
{
	u64 time[2];

	call(SYS_CLOCK_GETTIME, clock, (s64)time, 0, 0, 0, 0);
	return time[0] * SECOND_NS + time[1];
}

static inline u64 now_ns(void)
{
	return clock_ns(MONOTONIC);
}

/* The CPU that this runs on, from the segment in which the kernel keeps its number. */
static inline u32 this_cpu(void)
{
	u32 found;

	__asm__ volatile("lsl %1, %0" : "=r"(found) : "r"(0x7b));
	return found & 0xfff;
}

/* Wait while *word is `value`, until `deadline_ns` (NEVER: for ever). 0: it was woken. */
static inline s64 futex_wait(u32 *word, u32 value, u64 deadline_ns)
{
	u64 time[2] = { deadline_ns / SECOND_NS, deadline_ns % SECOND_NS };

	return call(SYS_FUTEX, (s64)word, 9 /* FUTEX_WAIT_BITSET */, value,
		    deadline_ns == NEVER ? 0 : (s64)time, 0, -1);
}

static inline void futex_wake(u32 *word)
{
	call(SYS_FUTEX, (s64)word, 1 /* FUTEX_WAKE */, 1, 0, 0, 0);
}

/* Sleep until CLOCK_MONOTONIC says `due_ns`. */
static inline void sleep_to(u64 due_ns)
{
	u64 time[2] = { due_ns / SECOND_NS, due_ns % SECOND_NS };

	call(SYS_CLOCK_NANOSLEEP, MONOTONIC, 1 /* TIMER_ABSTIME */, (s64)time, 0, 0, 0);
}

/*
 * Memory that is 0 and takes up no pages before it is used; small ones, for who uses a huge page first
 * has two milliseconds of work with it.
 */
static inline void *memory(u64 bytes)
{
	s64 place = call(SYS_MMAP, 0, bytes, 3, 0x4022 /* NORESERVE, PRIVATE, ANONYMOUS */, -1, 0);

	call(SYS_MADVISE, place, bytes, 15 /* MADV_NOHUGEPAGE */, 0, 0, 0);
	return (void *)place;
}

struct clone_args {
	u64 flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls;
	u64 set_tid, set_tid_size, cgroup;
};

enum {
	CLONE_VM = 0x100, CLONE_FS = 0x200, CLONE_FILES = 0x400, CLONE_SIGHAND = 0x800,
	CLONE_VFORK = 0x4000, CLONE_THREAD = 0x10000, CLONE_SYSVSEM = 0x40000,
	CLONE_PARENT_SETTID = 0x100000, CLONE_CHILD_CLEARTID = 0x200000,
};
#define CLONE_INTO_CGROUP 0x200000000ul

/* clone3; the child calls body(argument) on its own stack, and must not return from it. */
static inline s64 clone_into(struct clone_args *args, void (*body)(void *), void *argument)
{
	register void *r12 __asm__("r12") = argument;
	register void *r13 __asm__("r13") = (void *)body;
	s64 result;

	__asm__ volatile("syscall\n\t"
			 "test %%rax, %%rax\n\t"
			 "jnz 1f\n\t"
			 "xor %%ebp, %%ebp\n\t"
			 "mov %%r12, %%rdi\n\t"
			 "call *%%r13\n"
			 "1:"
			 : "=a"(result)
			 : "a"((s64)SYS_CLONE3), "D"(args), "S"(sizeof(*args)), "r"(r12), "r"(r13)
			 : "rcx", "r11", "memory");
	return result;
}

static inline char *write_number(char *at, u64 value)
{
	char text[20];
	int length = 0;

	do {
		text[length++] = '0' + value % 10;
		value /= 10;
	} while (value);
	while (length)
		*at++ = text[--length];
	return at;
}

static inline void print_number(u64 value)
{
	char text[24];
	char *end = write_number(text, value);

	*end++ = '\n';
	call(SYS_WRITE, 1, (s64)text, end - text, 0, 0, 0);
}

/* INVARIANT: texts lie beside the code and are found relative to it, so that nobody resolves them. */
__asm__(".text\n"
	"proc_text: .asciz \"/proc/\"\n"
	"schedstat_text: .asciz \"/schedstat\"\n");
extern const char proc_text[] __attribute__((visibility("hidden")));
extern const char schedstat_text[] __attribute__((visibility("hidden")));

static inline char *write_text(char *at, const char *text)
{
	while (*text)
		*at++ = *text++;
	*at = 0;
	return at;
}

/* What the kernel accounts to a thread. */
struct account {
	u64 run_ns, wait_ns, switches;
};

static struct account account_of(u32 tid)
{
	struct account account = { 0, 0, 0 };
	u64 *figures = &account.run_ns;
	char path[40], text[80];
	s64 file, length, i;

	write_text(write_number(write_text(path, proc_text), tid), schedstat_text);
	file = call(SYS_OPEN, (s64)path, 0, 0, 0, 0, 0);
	length = call(SYS_READ, file, (s64)text, sizeof(text), 0, 0, 0);
	call(SYS_CLOSE, file, 0, 0, 0, 0, 0);
	for (i = 0; i < length && text[i] != '\n'; i++) {
		if (text[i] == ' ')
			figures++;
		else
			*figures = *figures * 10 + (text[i] - '0');
	}
	return account;
}

#endif

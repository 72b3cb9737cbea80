/*
 * player: executes plans. A plan is an ordered list of system calls as data; this program knows
 * no mount and no namespace, it only puts memory together, calls syscall(2), stores the result
 * and reports it. Every decision is in the plan, so every decision can be read and tested in
 * TypeScript. (docs: packages/syscall/src/plan.ts; the encoder: src/plan-codec.ts)
 *
 * Which process am I? This file runs as four kinds of process, all of one thread:
 *
 *   zygote  The resident process that the daemon starts; host root, host namespaces. Reads
 *           messages, forks a runner per plan, reaps children. It never runs a plan itself.
 *   runner  A fork of the zygote; runs the plan's first process ("outside").
 *   child   Made by a clone3 call in a plan; goes on with another list of the same plan, in
 *           whatever namespaces the call asked for.
 *   init    A runner or child at a become-init step: PID 1 of its pid namespace, for good.
 *
 * A runner or child at a detach step leaves the run and goes on alone: it has no socket any more,
 * says nothing, waits for no step, and nothing that becomes of run, zygote or daemon ends it. Only
 * its failure leaves last words, struct last_words below, in an fd that the plan may name.
 *
 * Who talks to whom:
 *
 *   daemon <== stream socket (REPORT_FD) ==> zygote     messages in; records out
 *   daemon <-- the same socket --------------- runner, child    records of calls, whole per write
 *   zygote <== seqpacket socket per run ====> runner, child (RUN_FD)
 *              up: one HELLO per process (the kernel adds its host pid: SCM_CREDENTIALS), FAILED,
 *              DETACHED; nothing comes down;
 *              its end of file = every process of the run has exec'ed, become init, detached or
 *              exited, and to the processes: the zygote has died.
 *   zygote <-- shared page per stepped run --> runner, child    steps allowed, one futex a process
 *
 * Wire format, little-endian throughout, fields unaligned.
 *   message:  u32 length of what follows; u32 type; u32 run; body
 *     RUN 1:   u32 flags (1 = stepped, 2 = reports batched); plan
 *     STEP 2:  u32 process: its next step may happen                   ABORT 3: (nothing)
 *   plan:     u32 slot count; u32 first process; u32 process count; processes
 *   process:  u32 step count; steps
 *   step:     u32 kind: 1 = call, as below; 2 = become-init: nothing follows;
 *             3 = detach: u32 slot with the fd for its last words, NONE where without
 *   call:     u32 number; u32 store slot; u32 child process; u32 report block; u32 ack block (NONE
 *             where without); u32 ack offset; u64 at least (0: no such bound);
 *             u32 count, then u32 tolerated errno each;
 *             u32 count, then blocks; u32 count, then arguments; u32 count, then loads
 *   block:    u32 size in bytes; u32 count, then parts; a block may point to earlier ones only
 *   part:     u32 kind: 1 bytes: u32 length, bytes     2 int: u32 slot, u32 width (4 or 8)
 *                       3 decimal: u32 slot            4 pointer: u32 block
 *   argument: u32 kind: 1 number, 2 slot, 3 block, 4 length of a block's parts;  u64 value
 *   load:     u32 block; u32 offset; u32 width (4 or 8); u32 slot
 *
 *   record:   struct record below (all its fields, then `length` counts what follows it)
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* In the sanitized build, what lies behind a message or a block is forbidden, not just spare. */
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#define FORBID_ACCESS(from, bytes) __asan_poison_memory_region(from, bytes)
#define ALLOW_ACCESS(from, bytes) __asan_unpoison_memory_region(from, bytes)
#else
#define FORBID_ACCESS(from, bytes) ((void)(from), (void)(bytes))
#define ALLOW_ACCESS(from, bytes) ((void)(from), (void)(bytes))
#endif

/* ---- limits: plan-codec.ts has the same numbers; what exceeds them is refused, never cut ---- */

enum {
	PROTOCOL_VERSION = 3,
	MESSAGE_BYTES = 1024 * 1024, /* a whole message; the largest plan so far has 40 KiB */
	SLOTS = 256,
	PROCESSES = 16,          /* of one plan */
	STEPS = 4096,            /* of one process */
	BLOCKS = 1024,           /* of one call: argv and envp have one for each string */
	CALL_BYTES = 256 * 1024, /* all blocks of one call together */
	TOLERATED = 16,          /* errnos of one call */
	LOADS = 16,              /* of one call */
	REPORT_BYTES = 16 * 1024, /* of a report block: record and bytes must fit one skb (32 KiB) */
	RUNS = 256,              /* plans at a time */
	ARGUMENTS = 6,
	MAIN_CHILDREN = 16, /* children that an init forwards signals to */
	ERRNO_MAX = 4095,   /* MAX_ERRNO of the kernel */
};

enum { FUTEX_WAIT = 0, FUTEX_WAKE = 1 }; /* <linux/futex.h>, which musl-gcc does not see; shared, not PRIVATE */

#define NONE UINT32_MAX
#define QUEUE_NANOSECONDS 2000000u /* a plan of 300 calls takes 3 to 6 ms */

/* Player fds sit high, so that a plan's own fds count from 3, but below 64, so that the kernel
 * need not enlarge the fd table. All are close-on-exec. */
enum { REPORT_FD = 63, SIGNAL_FD = 62, RUN_FD = 61, START_FD = 3, FIRST_RUN_FD = 64 };

enum { MESSAGE_RUN = 1, MESSAGE_STEP = 2, MESSAGE_ABORT = 3 };
enum { RUN_STEPPED = 1, RUN_BATCHED = 2 };
enum { STEP_CALL = 1, STEP_BECOME_INIT = 2, STEP_DETACH = 3 };
enum { PART_BYTES = 1, PART_INT = 2, PART_DECIMAL = 3, PART_POINTER = 4 };
enum { ARGUMENT_NUMBER = 1, ARGUMENT_SLOT = 2, ARGUMENT_BLOCK = 3, ARGUMENT_LENGTH = 4 };
enum { HELLO = 'h', FAILED = 'f', DETACHED = 'd' }; /* packets on a run's socket */
enum { EXIT_FAILED = 125, EXIT_PROTOCOL = 2 };

enum record_kind {
	RECORD_READY = 1,    /* result: protocol version */
	RECORD_CALL = 2,     /* run, process, index, error, result, nanoseconds, report block's bytes */
	RECORD_ENTERING = 3, /* run, process, index: this call does not return if it succeeds */
	RECORD_STARTED = 4,  /* run, process, result: host pid */
	RECORD_DONE = 5,     /* run: all its processes have exec'ed, become init, detached or exited */
	RECORD_EXIT = 6,     /* result: host pid; error: wait status */
	RECORD_REFUSED = 7,  /* run; bytes: why the message is malformed; nothing was run */
	RECORD_WAITING = 8,  /* run, process, index: stands before this step until a STEP comes */
};

/* One record to the daemon; 48 bytes, then `length` bytes. No padding: fields are in order of
 * the widths that the compiler would align to anyway. */
struct record {
	uint32_t length, kind, run, process;
	uint32_t index, error;
	int64_t result;
	uint64_t nanoseconds;
	uint64_t reserved;
};

/* What a detached process says when it cannot go on: the step, and its errno; 0 where the result
 * was below its bound. */
struct last_words {
	uint32_t index, error;
};

/* ---- what a process of a run knows ---- */

struct list { /* the steps of one process of the plan: a stretch of the message */
	uint32_t start, count;
};

struct plan {
	uint32_t run, flags, slot_count, first, process_count;
	uint32_t end; /* of the message */
	struct list processes[PROCESSES];
};

struct block { /* a block put together in the arena */
	unsigned char *address;
	uint32_t size, length; /* length: what the parts came to */
};

struct load {
	uint32_t block, offset, width, slot;
};

struct call {
	uint32_t number, store, child, report_block, ack_block, ack_offset;
	uint64_t at_least;
	uint32_t tolerated_count, block_count, argument_count, load_count;
	uint32_t tolerated[TOLERATED];
	uint64_t arguments[ARGUMENTS];
	struct load loads[LOADS];
	struct block blocks[BLOCKS];
};

/* Steps that each process of a stepped run may still take; a futex word each. One page, shared by
 * the zygote, which counts up, and the run's processes, which count down. */
struct permits {
	atomic_uint of[PROCESSES];
};

struct member { /* a process of a run that has not detached */
	pid_t pid; /* as the zygote sees it */
	int pidfd;
};

struct run { /* zygote: one plan under way */
	uint32_t id;
	int channel; /* our end of the run's socket */
	bool dying;  /* a call failed or the daemon aborted: newcomers are killed too */
	struct permits *permits; /* NULL unless stepped */
	struct member members[PROCESSES];
	uint32_t member_count;
};

#define PAGE_ALIGNED __attribute__((aligned(4096)))
static unsigned char message[MESSAGE_BYTES] PAGE_ALIGNED; /* forks have a copy-on-write view */
static unsigned char arena[CALL_BYTES] PAGE_ALIGNED;      /* the blocks of one call */
static struct plan plan;
static struct call call;
static uint64_t slots[SLOTS];
static struct run runs[RUNS];
static uint32_t run_count;
static pid_t main_children[MAIN_CHILDREN]; /* made by this process's own clone3 calls */
static uint32_t main_child_count;
static char *argument_area; /* argv, for the name that ps shows */
static size_t argument_area_bytes;
static unsigned char queue[sizeof(struct record) + REPORT_BYTES]; /* records not sent yet */
static size_t queue_length;
static uint64_t queued_since;
static struct permits *permits; /* of this process's run; NULL when it need not wait for steps */
static bool detached;           /* this process has left its run: no sockets, nothing to say */
static int last_words_fd = -1;  /* of a detached process: where its failure is told */
static bool dry_run; /* --dry-run: everything but the system calls; the fuzz tests use it */

/* ---- records to the daemon: any process ---- */

/* Sends what is queued with one system call, so that records of several processes never mix. When
 * the daemon is gone nobody listens: the plan goes on, MSG_NOSIGNAL spares us SIGPIPE. */
static void flush_records(void)
{
	ssize_t sent;
	if (queue_length == 0 || detached)
		return;
	do
		sent = send(REPORT_FD, queue, queue_length, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	queue_length = 0;
}

static void queue_record(struct record record, const void *bytes, uint32_t length)
{
	if (detached)
		return;
	if (queue_length + sizeof record + length > sizeof queue)
		flush_records();
	record.length = length;
	memcpy(queue + queue_length, &record, sizeof record);
	if (length > 0)
		memcpy(queue + queue_length + sizeof record, bytes, length);
	queue_length += sizeof record + length;
}

static void send_record(struct record record, const void *bytes, uint32_t length)
{
	queue_record(record, bytes, length);
	flush_records();
}

/* The report of a call. Each record that arrives wakes the daemon, which costs more than most
 * calls: a batched run's reports wait for each other until QUEUE_NANOSECONDS after the first, a
 * fork (the child would send them again), an exec or the end. While a call blocks they wait too. */
static void report_call(struct record record, const void *bytes, uint32_t length, uint64_t time)
{
	if (queue_length == 0)
		queued_since = time;
	queue_record(record, bytes, length);
	if (!(plan.flags & RUN_BATCHED) || time - queued_since > QUEUE_NANOSECONDS)
		flush_records();
}

static void die(const char *what)
{
	fprintf(stderr, "player: %s: %s\n", what, strerror(errno));
	_exit(EXIT_PROTOCOL);
}

/* ---- reading the message: the zygote checks it, runner and child read it again ---- */

struct cursor {
	uint32_t at, end;
	char problem[120]; /* empty while all is well; afterwards every read gives 0 */
};

__attribute__((format(printf, 2, 3)))
static void refuse(struct cursor *cursor, const char *format, ...)
{
	if (cursor->problem[0] != '\0')
		return; /* the first problem is the cause of the others */
	va_list list;
	va_start(list, format);
	int used = snprintf(cursor->problem, sizeof cursor->problem, "byte %u: ", cursor->at);
	vsnprintf(cursor->problem + used, sizeof cursor->problem - (size_t)used, format, list);
	va_end(list);
}

static bool refused(const struct cursor *cursor)
{
	return cursor->problem[0] != '\0';
}

/* The address of the next `length` bytes, or NULL when the message ends before. */
static const unsigned char *take(struct cursor *cursor, uint32_t length)
{
	if (refused(cursor))
		return NULL;
	if (length > cursor->end - cursor->at) {
		refuse(cursor, "the message ends in the middle of a field");
		return NULL;
	}
	const unsigned char *bytes = message + cursor->at;
	cursor->at += length;
	return bytes;
}

static uint32_t take_u32(struct cursor *cursor)
{
	uint32_t value = 0;
	const unsigned char *bytes = take(cursor, sizeof value);
	if (bytes != NULL)
		memcpy(&value, bytes, sizeof value);
	return value;
}

static uint64_t take_u64(struct cursor *cursor)
{
	uint64_t value = 0;
	const unsigned char *bytes = take(cursor, sizeof value);
	if (bytes != NULL)
		memcpy(&value, bytes, sizeof value);
	return value;
}

/* A count or an index: refused unless below `limit`. */
static uint32_t take_below(struct cursor *cursor, uint32_t limit, const char *what)
{
	uint32_t value = take_u32(cursor);
	if (value < limit)
		return value;
	refuse(cursor, "%s %u, must be below %u", what, value, limit);
	return 0;
}

static uint32_t take_optional(struct cursor *cursor, uint32_t limit, const char *what)
{
	uint32_t value = take_u32(cursor);
	if (value == NONE || value < limit)
		return value;
	refuse(cursor, "%s %u, must be below %u", what, value, limit);
	return NONE;
}

static uint32_t take_width(struct cursor *cursor)
{
	uint32_t width = take_u32(cursor);
	if (width == 4 || width == 8)
		return width;
	refuse(cursor, "width %u, must be 4 or 8", width);
	return 4;
}

/* ---- one call: memory is put together while reading ---- */

/* Appends bytes to a block of which `block->length` bytes are in use. */
static void append(struct cursor *cursor, struct block *block, const void *bytes, uint32_t length)
{
	if (bytes == NULL || refused(cursor))
		return;
	if (length > block->size - block->length) {
		refuse(cursor, "the parts of a block exceed its %u bytes", block->size);
		return;
	}
	memcpy(block->address + block->length, bytes, length);
	block->length += length;
}

static void read_part(struct cursor *cursor, struct block *block, uint32_t earlier_blocks)
{
	uint32_t kind = take_u32(cursor);
	if (kind == PART_BYTES) {
		uint32_t length = take_u32(cursor);
		append(cursor, block, take(cursor, length), length);
	} else if (kind == PART_INT) {
		uint64_t value = slots[take_below(cursor, plan.slot_count, "slot")];
		append(cursor, block, &value, take_width(cursor)); /* little-endian: low bytes first */
	} else if (kind == PART_DECIMAL) {
		char digits[24];
		int64_t value = (int64_t)slots[take_below(cursor, plan.slot_count, "slot")];
		int length = snprintf(digits, sizeof digits, "%lld", (long long)value);
		append(cursor, block, digits, (uint32_t)length);
	} else if (kind == PART_POINTER) {
		uint32_t target = take_below(cursor, earlier_blocks, "pointer to block");
		append(cursor, block, &call.blocks[target].address, sizeof(void *));
	} else {
		refuse(cursor, "unknown part %u", kind);
	}
}

static void read_blocks(struct cursor *cursor)
{
	uint32_t used = 0;
	ALLOW_ACCESS(arena, sizeof arena);
	call.block_count = take_below(cursor, BLOCKS + 1, "block count");
	for (uint32_t i = 0; i < call.block_count && !refused(cursor); i++) {
		uint32_t size = take_below(cursor, CALL_BYTES - used + 1, "block size");
		call.blocks[i] = (struct block){.address = arena + used, .size = size};
		memset(arena + used, 0, size);
		used += (size + 15) & ~15u; /* structs of the kernel expect natural alignment */
		if (used > CALL_BYTES)
			used = CALL_BYTES;
		uint32_t parts = take_u32(cursor);
		for (uint32_t part = 0; part < parts && !refused(cursor); part++)
			read_part(cursor, &call.blocks[i], i);
	}
	FORBID_ACCESS(arena + used, sizeof arena - used);
}

static uint64_t read_argument(struct cursor *cursor)
{
	uint32_t kind = take_u32(cursor);
	uint64_t value = take_u64(cursor);
	uint64_t limit = kind == ARGUMENT_SLOT ? plan.slot_count : call.block_count;
	if (kind == ARGUMENT_NUMBER)
		return value;
	if (kind > ARGUMENT_LENGTH || kind == 0)
		refuse(cursor, "unknown argument %u", kind);
	else if (value >= limit)
		refuse(cursor, "argument refers to slot or block %llu of %llu", (unsigned long long)value,
		       (unsigned long long)limit);
	if (refused(cursor))
		return 0;
	if (kind == ARGUMENT_SLOT)
		return slots[value];
	return kind == ARGUMENT_BLOCK ? (uint64_t)(uintptr_t)call.blocks[value].address
	                              : call.blocks[value].length;
}

static struct load read_load(struct cursor *cursor)
{
	struct load load = {.block = take_below(cursor, call.block_count, "load from block")};
	load.offset = take_u32(cursor);
	load.width = take_width(cursor);
	load.slot = take_below(cursor, plan.slot_count, "load to slot");
	if (refused(cursor))
		return load;
	uint32_t size = call.blocks[load.block].size;
	if (size < load.width || load.offset > size - load.width)
		refuse(cursor, "load at %u is outside its block of %u bytes", load.offset, size);
	return load;
}

/* Where the answer stands whose errno decides on the call: netlink's nlmsgerr.error. */
static void check_ack(struct cursor *cursor)
{
	if (call.ack_block == NONE || refused(cursor))
		return;
	if (call.ack_block >= call.block_count) {
		refuse(cursor, "ack block %u of %u", call.ack_block, call.block_count);
		return;
	}
	uint32_t size = call.blocks[call.ack_block].size;
	if (size < sizeof(int32_t) || call.ack_offset > size - sizeof(int32_t))
		refuse(cursor, "ack at %u is outside its block of %u bytes", call.ack_offset, size);
}

/* Reads the call at the cursor into `call`, with its memory in `arena` and slots filled in. */
static void read_call(struct cursor *cursor)
{
	call.number = take_u32(cursor);
	call.store = take_optional(cursor, plan.slot_count, "store slot");
	call.child = take_optional(cursor, plan.process_count, "child process");
	call.report_block = take_u32(cursor);
	call.ack_block = take_u32(cursor);
	call.ack_offset = take_u32(cursor);
	call.at_least = take_u64(cursor);
	call.tolerated_count = take_below(cursor, TOLERATED + 1, "tolerated count");
	for (uint32_t i = 0; i < call.tolerated_count; i++)
		call.tolerated[i] = take_u32(cursor);
	read_blocks(cursor);
	call.argument_count = take_below(cursor, ARGUMENTS + 1, "argument count");
	memset(call.arguments, 0, sizeof call.arguments);
	for (uint32_t i = 0; i < call.argument_count && !refused(cursor); i++)
		call.arguments[i] = read_argument(cursor);
	call.load_count = take_below(cursor, LOADS + 1, "load count");
	for (uint32_t i = 0; i < call.load_count && !refused(cursor); i++)
		call.loads[i] = read_load(cursor);
	check_ack(cursor);
	if (call.report_block == NONE || refused(cursor))
		return;
	if (call.report_block >= call.block_count)
		refuse(cursor, "report block %u of %u", call.report_block, call.block_count);
	else if (call.blocks[call.report_block].size > REPORT_BYTES)
		refuse(cursor, "a report block has at most %u bytes", REPORT_BYTES);
}

/* Checks a whole plan and notes where each process's list starts. Zygote: nothing runs unless
 * all of it is well-formed. Slots are all 0 here, so a decimal has one digit; the block sizes that
 * the encoder gives allow for twenty, and the process that runs the call checks again. */
static void read_plan(struct cursor *cursor)
{
	memset(slots, 0, sizeof slots);
	plan.end = cursor->end;
	plan.flags = take_u32(cursor);
	plan.slot_count = take_below(cursor, SLOTS + 1, "slot count");
	plan.first = take_u32(cursor);
	plan.process_count = take_below(cursor, PROCESSES + 1, "process count");
	if (plan.first >= plan.process_count)
		refuse(cursor, "first process %u of %u", plan.first, plan.process_count);
	for (uint32_t i = 0; i < plan.process_count && !refused(cursor); i++) {
		plan.processes[i].count = take_below(cursor, STEPS + 1, "step count");
		plan.processes[i].start = cursor->at;
		for (uint32_t step = 0; step < plan.processes[i].count && !refused(cursor); step++) {
			uint32_t kind = take_u32(cursor);
			if (kind == STEP_CALL)
				read_call(cursor);
			else if (kind == STEP_DETACH)
				take_optional(cursor, plan.slot_count, "last words slot");
			else if (kind != STEP_BECOME_INIT)
				refuse(cursor, "unknown step %u", kind);
			else if (kind == STEP_BECOME_INIT && step + 1 != plan.processes[i].count)
				refuse(cursor, "become-init is not the last step");
		}
	}
	if (!refused(cursor) && cursor->at != cursor->end)
		refuse(cursor, "%u bytes behind the plan", cursor->end - cursor->at);
}

/* ---- running: runner and child ---- */

static uint64_t now(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

/* Tells the zygote one byte and the process that says it. The kernel adds our pid as the zygote
 * sees it, which we ourselves cannot know inside a pid namespace. */
static void tell_zygote(unsigned char what, uint32_t process)
{
	unsigned char packet[2] = {what, (unsigned char)process};
	if (detached)
		return;
	while (send(RUN_FD, packet, sizeof packet, MSG_NOSIGNAL) < 0 && errno == EINTR)
		;
}

/* A record about one step of this run. */
static struct record record_of(enum record_kind kind, uint32_t process, uint32_t index)
{
	return (struct record){.kind = kind, .run = plan.run, .process = process, .index = index};
}

/* Whoever waits at the other end of that fd hears of our end in any case; of a success by its
 * being closed at execve. */
static void say_last_words(uint32_t index, int error)
{
	struct last_words words = {.index = index, .error = (uint32_t)error};
	if (detached && last_words_fd >= 0)
		while (write(last_words_fd, &words, sizeof words) < 0 && errno == EINTR)
			;
}

/* This process cannot go on: says why, lets the zygote end the run's others, and exits. */
static void give_up(uint32_t process, uint32_t index, const char *why) __attribute__((noreturn));
static void give_up(uint32_t process, uint32_t index, const char *why)
{
	struct record record = record_of(RECORD_REFUSED, process, index);
	send_record(record, why, (uint32_t)strlen(why));
	tell_zygote(FAILED, process);
	say_last_words(index, EPROTO);
	_exit(EXIT_FAILED);
}

static bool take_permit(atomic_uint *permit)
{
	unsigned left = atomic_load(permit);
	while (left > 0)
		if (atomic_compare_exchange_weak(permit, &left, left - 1))
			return true;
	return false;
}

/* What the other end of RUN_FD is: POLLHUP = the zygote has died, POLLNVAL = the plan closed it. */
static short run_socket_state(void)
{
	struct pollfd socket = {.fd = RUN_FD};
	return poll(&socket, 1, 0) > 0 ? socket.revents : 0;
}

/* Stepped runs: waits until the daemon wants this process's next step. A futex and no fd: the steps
 * of a run's processes stay apart, and a plan that closes fds takes none from the wait. No zygote,
 * no step: we end, at most a second after it. */
static void wait_for_step(uint32_t process, uint32_t index)
{
	static const struct timespec second = {.tv_sec = 1};
	send_record(record_of(RECORD_WAITING, process, index), NULL, 0);
	while (!take_permit(&permits->of[process])) {
		if (syscall(SYS_futex, &permits->of[process], FUTEX_WAIT, 0, &second, NULL, 0) == 0)
			continue;
		if (errno != EAGAIN && errno != EINTR && errno != ETIMEDOUT)
			give_up(process, index, "cannot wait for a step: futex is forbidden");
		short state = run_socket_state();
		if (state & POLLHUP)
			_exit(EXIT_FAILED);
		if (state & POLLNVAL) { /* out of the run's reach by its own doing: as if not stepped */
			permits = NULL;
			return;
		}
	}
}

static bool may_not_return(uint32_t number)
{
	return number == SYS_execve || number == SYS_execveat || number == SYS_exit_group ||
	       number == SYS_exit;
}

/* A copy of the process that calls it (clone3 of a plan): it goes on with another list. The copy
 * gets no stack of its own, so plans never ask for CLONE_VM; the encoder refuses a child without
 * clone3. */
static bool is_new_child(long result)
{
	return call.child != NONE && result == 0 && !dry_run;
}

static bool tolerated(int error)
{
	for (uint32_t i = 0; i < call.tolerated_count; i++)
		if (call.tolerated[i] == (uint32_t)error)
			return true;
	return false;
}

/* The errno in the kernel's answer, which is a message in memory and not the call's result. What is
 * no errno in negative form is no answer of the kind that the plan expects: EPROTO. */
static int acknowledged_error(void)
{
	int32_t value;
	if (call.ack_block == NONE)
		return 0;
	memcpy(&value, call.blocks[call.ack_block].address + call.ack_offset, sizeof value);
	if (value == 0)
		return 0;
	return value < 0 && value >= -ERRNO_MAX ? -value : EPROTO;
}

static void store_results(long result)
{
	if (call.store != NONE)
		slots[call.store] = (uint64_t)result;
	for (uint32_t i = 0; i < call.load_count; i++) {
		uint64_t value = 0;
		struct load load = call.loads[i];
		memcpy(&value, call.blocks[load.block].address + load.offset, load.width);
		slots[load.slot] = value;
	}
}

static void remember_main_child(pid_t pid)
{
	if (main_child_count < MAIN_CHILDREN)
		main_children[main_child_count++] = pid;
}

/* Performs `call` and reports it. Returns true when this process is now the new child. */
static bool perform(uint32_t process, uint32_t index)
{
	struct record record = record_of(RECORD_CALL, process, index);
	if (call.child != NONE)
		flush_records(); /* or the child would send its copy of them again */
	if (may_not_return(call.number) && !detached)
		send_record(record_of(RECORD_ENTERING, process, index), NULL, 0);
	uint64_t *a = call.arguments;
	uint64_t start = now();
	errno = 0;
	long result = dry_run ? 1 : syscall((long)call.number, a[0], a[1], a[2], a[3], a[4], a[5]);
	int error = result == -1 ? errno : 0; /* at once: anything below may change it */
	if (error == 0 && is_new_child(result))
		return true;
	uint64_t end = now();
	bool too_small = error == 0 && (uint64_t)result < call.at_least && !dry_run;
	if (error == 0 && !too_small && !dry_run) {
		error = acknowledged_error();
		result = error == 0 ? result : -1;
	}
	record.nanoseconds = end - start;
	record.result = result;
	record.error = (uint32_t)error;
	if (error == 0) {
		store_results(result);
		if (call.child != NONE)
			remember_main_child((pid_t)result);
	}
	bool failed = too_small || (error != 0 && !tolerated(error));
	struct block *block = call.report_block == NONE ? NULL : &call.blocks[call.report_block];
	report_call(record, block ? block->address : NULL, block ? block->size : 0, end);
	if (failed) {
		flush_records();
		tell_zygote(FAILED, process); /* it kills the run's other processes */
		say_last_words(index, error);
		_exit(EXIT_FAILED);
	}
	return false;
}

/* Writing to a pipe without reader is an error to report, not a death without a word. A handler,
 * not SIG_IGN, which a program that we exec would inherit. */
static void on_sigpipe(int signal)
{
	(void)signal;
}

static void handle_sigpipe(void (*handler)(int))
{
	struct sigaction action = {.sa_handler = handler};
	sigaction(SIGPIPE, &action, NULL);
}

/* Gives back what connects this process with its zygote beside the sockets. */
static void forget_permits(void)
{
	if (permits != NULL)
		munmap(permits, sizeof *permits);
	permits = NULL;
}

/* Leaves the run: from here on nobody is told anything, and nobody ends this process because of
 * the run. The zygote hears of it before the daemon does: an abort that the daemon sends after
 * this report finds the process gone. */
static void detach(uint32_t process, uint32_t index, uint32_t last_words)
{
	tell_zygote(DETACHED, process);
	send_record(record_of(RECORD_CALL, process, index), NULL, 0);
	detached = true;
	if (last_words != NONE)
		last_words_fd = (int)slots[last_words];
	forget_permits();
	close(RUN_FD);
	close(REPORT_FD);
}

static void become_init(uint32_t process, uint32_t index) __attribute__((noreturn));

/* Runs the list of `process`; at a clone3 the child goes on here with its own list. */
static void run_list(uint32_t process) __attribute__((noreturn));
static void run_list(uint32_t process)
{
restart:
	tell_zygote(HELLO, process);
	handle_sigpipe(on_sigpipe); /* here, as CLONE_CLEAR_SIGHAND may have taken it from a child */
	struct cursor cursor = {.at = plan.processes[process].start, .end = plan.end};
	for (uint32_t index = 0; index < plan.processes[process].count; index++) {
		uint32_t kind = take_u32(&cursor), last_words = NONE;
		if (kind == STEP_CALL)
			read_call(&cursor);
		else if (kind == STEP_DETACH)
			last_words = take_optional(&cursor, plan.slot_count, "last words slot");
		if (refused(&cursor)) /* digits longer than the block has room for */
			give_up(process, index, cursor.problem);
		if (permits != NULL && !dry_run)
			wait_for_step(process, index);
		if (kind == STEP_BECOME_INIT)
			become_init(process, index);
		if (kind == STEP_DETACH)
			detach(process, index, last_words);
		else if (perform(process, index)) { /* I am the child now, in the namespaces it asked for */
			process = call.child;
			main_child_count = 0;
			last_words_fd = -1; /* which are the parent's */
			goto restart;
		}
	}
	flush_records();
	_exit(0);
}

/* The fork of the zygote for one run: host root, host namespaces. Fds 0 to 2 are /dev/null, so
 * that an exec'ed program without own ones never opens a file as its standard output. */
static void become_runner(int channel, struct permits *own) __attribute__((noreturn));
static void become_runner(int channel, struct permits *own)
{
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	dup3(channel, RUN_FD, O_CLOEXEC);
	if (!dry_run)
		dup2(STDIN_FILENO, STDERR_FILENO);
	/* The zygote's pidfds and its ends of other runs' sockets, which would keep those runs from
	 * noticing a dead zygote. */
	syscall(SYS_close_range, START_FD, RUN_FD - 1, 0);
	syscall(SYS_close_range, FIRST_RUN_FD, ~0u, 0);
	close(SIGNAL_FD);
	for (uint32_t i = 0; i < run_count; i++) /* nor may this run step another one */
		if (runs[i].permits != NULL)
			munmap(runs[i].permits, sizeof *runs[i].permits);
	permits = own;
	run_list(plan.first);
}

/* ---- init: PID 1 of a pid namespace ---- */

/* The name that a learner sees in ps and in /proc/1/cmdline. The kernel shows the argument area
 * up to its first NUL when the area's last byte is not NUL (fs/proc/base.c, setproctitle(3)). */
static void take_the_name_of_init(void)
{
	static const char name[] = "/sbin/init";
	prctl(PR_SET_NAME, "init");
	if (argument_area_bytes <= sizeof name)
		return;
	memset(argument_area, 0, argument_area_bytes);
	memcpy(argument_area, name, sizeof name);
	argument_area[argument_area_bytes - 1] = 1;
}

/* Reaps every dead child; orphans of the whole pid namespace become ours. */
static void reap_as_init(void)
{
	pid_t pid;
	while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
		for (uint32_t i = 0; i < main_child_count; i++)
			if (main_children[i] == pid)
				main_children[i] = main_children[--main_child_count];
}

/* Gives the pages of a page-aligned buffer back; what they held is gone. */
static void forget(void *pages, size_t bytes)
{
	ALLOW_ACCESS(pages, bytes);
	if (madvise(pages, bytes, MADV_DONTNEED) < 0)
		memset(pages, 0, bytes); /* a kernel with larger pages */
}

/* Never returns, holds no fd and no memory worth reading: what can ptrace us is the learner.
 *
 * Signals: PID 1 ignores what it has no handler for, from inside its namespace (pid_namespaces(7)).
 * We take those that ask a program to end, reload or redraw and forward them to the children that
 * the plan's clone3 calls of this process made (a container's main process), as docker's --init
 * does; adopted orphans are reaped and otherwise left alone. Blocked signals are queued even for
 * PID 1, so sigwaitinfo sees them; all others keep their default action: none, for a PID 1. Only
 * SIGKILL from an outer namespace ends us, and all the namespace with us. */
static void become_init(uint32_t process, uint32_t index)
{
	static const int forwarded[] = {SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2, SIGWINCH};
	if (dry_run)
		_exit(0);
	sigset_t awaited;
	sigemptyset(&awaited);
	sigaddset(&awaited, SIGCHLD);
	for (size_t i = 0; i < sizeof forwarded / sizeof forwarded[0]; i++)
		sigaddset(&awaited, forwarded[i]);
	sigprocmask(SIG_SETMASK, &awaited, NULL);
	handle_sigpipe(SIG_DFL);
	take_the_name_of_init();
	send_record(record_of(RECORD_CALL, process, index), NULL, 0);
	forget_permits();
	forget(message, sizeof message);
	forget(arena, sizeof arena);
	explicit_bzero(queue, sizeof queue);
	explicit_bzero(slots, sizeof slots);
	syscall(SYS_close_range, 0, ~0u, 0); /* the run's socket too: this is "init is ready" */
	for (;;) {
		reap_as_init(); /* before waiting: a child may have died before we blocked SIGCHLD */
		siginfo_t info;
		int signal = sigwaitinfo(&awaited, &info);
		if (signal <= 0 || signal == SIGCHLD)
			continue;
		for (uint32_t i = 0; i < main_child_count; i++)
			kill(main_children[i], signal);
	}
}

/* ---- zygote: the resident process ---- */

static struct run *find_run(uint32_t id)
{
	for (uint32_t i = 0; i < run_count; i++)
		if (runs[i].id == id)
			return &runs[i];
	return NULL;
}

static void kill_run(struct run *run)
{
	run->dying = true;
	for (uint32_t i = 0; i < run->member_count; i++)
		syscall(SYS_pidfd_send_signal, run->members[i].pidfd, SIGKILL, NULL, 0);
}

/* A new process of the run said HELLO: hold it by a pidfd, which cannot come to mean another
 * process, and tell the daemon its pid. It has not been reaped yet: see reap_children. */
static void welcome(struct run *run, uint32_t process, pid_t pid)
{
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (pidfd >= 0 && run->member_count < PROCESSES)
		run->members[run->member_count++] = (struct member){.pid = pid, .pidfd = pidfd};
	else if (pidfd >= 0)
		close(pidfd);
	if (run->dying)
		kill_run(run);
	struct record record = {.kind = RECORD_STARTED, .run = run->id, .process = process};
	record.result = pid;
	send_record(record, NULL, 0);
}

/* A process has detached: it is nothing of ours any more but, perhaps, a child to reap. */
static void release(struct run *run, pid_t pid)
{
	for (uint32_t i = run->member_count; i-- > 0;) { /* the youngest: pids are used again */
		if (run->members[i].pid != pid)
			continue;
		close(run->members[i].pidfd);
		run->members[i] = run->members[--run->member_count];
		return;
	}
}

static void finish_run(struct run *run)
{
	struct record record = {.kind = RECORD_DONE, .run = run->id};
	send_record(record, NULL, 0);
	for (uint32_t i = 0; i < run->member_count; i++)
		close(run->members[i].pidfd);
	if (run->permits != NULL)
		munmap(run->permits, sizeof *run->permits);
	close(run->channel);
	*run = runs[--run_count];
}

/* Reads what the processes of a run said. Returns false when the run has ended and is gone. */
static bool hear_run(struct run *run)
{
	for (;;) {
		unsigned char packet[2];
		union {
			struct cmsghdr header;
			char space[CMSG_SPACE(sizeof(struct ucred))];
		} control;
		struct iovec vector = {packet, sizeof packet};
		struct msghdr header = {.msg_iov = &vector,
		                        .msg_iovlen = 1,
		                        .msg_control = &control,
		                        .msg_controllen = sizeof control};
		ssize_t got = recvmsg(run->channel, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0 && errno == EAGAIN)
			return true;
		if (got != sizeof packet) {
			finish_run(run);
			return false;
		}
		struct ucred sender = {0};
		struct cmsghdr *item = CMSG_FIRSTHDR(&header);
		if (item != NULL && item->cmsg_type == SCM_CREDENTIALS)
			memcpy(&sender, CMSG_DATA(item), sizeof sender);
		if (packet[0] == HELLO)
			welcome(run, packet[1], sender.pid);
		else if (packet[0] == DETACHED)
			release(run, sender.pid);
		else if (packet[0] == FAILED)
			kill_run(run);
	}
}

static void hear_all_runs(void)
{
	for (uint32_t i = 0; i < run_count;)
		if (hear_run(&runs[i]))
			i++; /* otherwise another run took its place */
}

/* Reaps our children: runners, children made with CLONE_PARENT, and (we are a subreaper) orphans.
 * A dead child keeps its pid until it is reaped; so what it said is heard first, and a STARTED
 * record always comes before the EXIT of the same pid. */
static void reap_children(void)
{
	for (;;) {
		siginfo_t info = {0};
		if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid == 0)
			return;
		hear_all_runs();
		int status = 0;
		if (waitpid(info.si_pid, &status, WNOHANG) <= 0)
			continue;
		struct record record = {.kind = RECORD_EXIT, .result = info.si_pid};
		record.error = (uint32_t)status;
		send_record(record, NULL, 0);
	}
}

static void send_refusal(uint32_t run, const char *why)
{
	struct record record = {.kind = RECORD_REFUSED, .run = run, .process = NONE};
	send_record(record, why, (uint32_t)strlen(why));
}

/* The page through which a stepped run's processes are let go on; all words are 0. */
static struct permits *make_permits(struct cursor *cursor)
{
	struct permits *made = mmap(NULL, sizeof *made, PROT_READ | PROT_WRITE,
	                            MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (made != MAP_FAILED)
		return made;
	refuse(cursor, "mmap: %s", strerror(errno));
	return NULL;
}

/* Forks a runner that talks to us over `pair`. Returns the run; refuses when there are no fds or
 * processes left. */
static struct run fork_runner(struct cursor *cursor, uint32_t id, const int pair[2])
{
	struct run run = {.id = id, .channel = fcntl(pair[0], F_DUPFD_CLOEXEC, FIRST_RUN_FD)};
	int on = 1;
	if (run.channel < 0)
		refuse(cursor, "fcntl: %s", strerror(errno));
	setsockopt(run.channel, SOL_SOCKET, SO_PASSCRED, &on, sizeof on);
	close(pair[0]);
	if (plan.flags & RUN_STEPPED)
		run.permits = make_permits(cursor);
	pid_t pid = refused(cursor) ? -1 : fork();
	if (pid == 0)
		become_runner(pair[1], run.permits);
	if (pid < 0)
		refuse(cursor, "fork: %s", strerror(errno)); /* unless refused before */
	close(pair[1]);
	return run;
}

/* Starts the plan in `message`, or says why not. */
static void start_run(struct cursor *cursor, uint32_t id)
{
	int pair[2];
	struct run run = {.channel = -1};
	plan.run = id;
	read_plan(cursor);
	if (!refused(cursor) && find_run(id) != NULL)
		refuse(cursor, "run %u is already under way", id);
	if (!refused(cursor) && run_count == RUNS)
		refuse(cursor, "%u plans are already under way", RUNS);
	if (!refused(cursor) && socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		refuse(cursor, "socketpair: %s", strerror(errno));
	if (!refused(cursor))
		run = fork_runner(cursor, id, pair);
	if (!refused(cursor)) {
		runs[run_count++] = run;
		return;
	}
	send_refusal(id, cursor->problem);
	if (run.permits != NULL)
		munmap(run.permits, sizeof *run.permits);
	if (run.channel >= 0)
		close(run.channel);
}

/* Lets one process of a stepped run take one more step; it need not stand before it yet, nor exist.
 * `run` is NULL when the message crossed with the run's end. */
static void allow_step(struct cursor *cursor, uint32_t id, struct run *run)
{
	uint32_t process = take_below(cursor, PROCESSES, "process");
	if (!refused(cursor) && run != NULL && run->permits == NULL)
		refuse(cursor, "run %u is not stepped", id);
	if (refused(cursor)) {
		send_refusal(id, cursor->problem);
		return;
	}
	if (run == NULL)
		return;
	atomic_fetch_add(&run->permits->of[process], 1);
	syscall(SYS_futex, &run->permits->of[process], FUTEX_WAKE, 1, NULL, NULL, 0);
}

static void handle_message(uint32_t length)
{
	struct cursor cursor = {.end = length};
	uint32_t type = take_u32(&cursor), id = take_u32(&cursor);
	if (type == MESSAGE_ABORT)
		hear_all_runs(); /* who has detached by now must not be killed */
	struct run *run = find_run(id);
	if (type == MESSAGE_RUN)
		start_run(&cursor, id);
	else if (type == MESSAGE_STEP)
		allow_step(&cursor, id, run);
	else if (type == MESSAGE_ABORT && run != NULL)
		kill_run(run);
	else if (type != MESSAGE_ABORT) /* which may cross with the run's end */
		send_refusal(id, "unknown message type");
}

/* Reads exactly `length` bytes. Returns false at the end of the socket. */
static bool receive(void *to, size_t length)
{
	for (size_t got = 0; got < length;) {
		ssize_t part = recv(REPORT_FD, (char *)to + got, length - got, 0);
		if (part < 0 && errno == EINTR)
			continue;
		if (part <= 0)
			return false;
		got += (size_t)part;
	}
	return true;
}

/* Reads and handles one message. Returns false when the daemon has gone. After a wrong length nothing else on the socket can be understood. */
static bool serve_message(void)
{
	uint32_t length;
	if (!receive(&length, sizeof length))
		return false;
	if (length < 8 || length > MESSAGE_BYTES) {
		send_refusal(NONE, "message length out of bounds");
		_exit(EXIT_PROTOCOL);
	}
	ALLOW_ACCESS(message, sizeof message);
	if (!receive(message, length))
		return false;
	FORBID_ACCESS(message + length, sizeof message - length);
	handle_message(length);
	return true;
}

/* Until the daemon has gone. Then we go too: what finished plans started lives on, half-built
 * things do not, as nobody would ever finish, use or remove them. */
static void serve(void)
{
	static struct pollfd wanted[2 + RUNS];
	for (;;) {
		wanted[0] = (struct pollfd){.fd = REPORT_FD, .events = POLLIN};
		wanted[1] = (struct pollfd){.fd = SIGNAL_FD, .events = POLLIN};
		uint32_t polled = run_count;
		for (uint32_t i = 0; i < polled; i++)
			wanted[2 + i] = (struct pollfd){.fd = runs[i].channel, .events = POLLIN};
		if (poll(wanted, 2 + polled, -1) < 0 && errno != EINTR)
			die("poll");
		hear_all_runs();
		if (wanted[1].revents != 0) {
			struct signalfd_siginfo info;
			while (read(SIGNAL_FD, &info, sizeof info) > 0)
				;
			reap_children();
		}
		if (wanted[0].revents != 0 && !serve_message())
			break;
	}
	hear_all_runs();
	for (uint32_t i = 0; i < run_count; i++)
		kill_run(&runs[i]);
}

/* Moves the daemon's socket up, takes SIGCHLD by a signalfd, resets what children inherit. */
static void set_up_zygote(void)
{
	for (int signal = 1; signal < NSIG; signal++) {
		struct sigaction standard = {.sa_handler = SIG_DFL};
		sigaction(signal, &standard, NULL); /* Node ignores SIGPIPE; an exec'ed shell must not */
	}
	sigset_t blocked;
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGCHLD);
	sigprocmask(SIG_SETMASK, &blocked, NULL);
	if (dup3(START_FD, REPORT_FD, O_CLOEXEC) < 0)
		die("no socket on fd 3");
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int signals = signalfd(-1, &blocked, SFD_CLOEXEC | SFD_NONBLOCK);
	if (null < 0 || signals < 0)
		die("/dev/null or signalfd");
	dup3(signals, SIGNAL_FD, O_CLOEXEC);
	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	syscall(SYS_close_range, START_FD, RUN_FD - 1, 0);
	syscall(SYS_close_range, FIRST_RUN_FD, ~0u, 0);
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		die("prctl PR_SET_CHILD_SUBREAPER");
}

/* ---- the program itself ---- */

#ifndef MFD_EXEC
#define MFD_EXEC 0x10u /* Linux 6.3 */
#endif
#define PROGRAM_NAME "terrarium-player"

/* Copies the running program to memory that nobody can change. Returns its fd, or -1 and errno. */
static int sealed_copy(const char *path)
{
	char name[64];
	uint32_t hash = 2166136261u; /* FNV-1a of the path: tells one checkout's players from another's */
	for (const char *c = path; *c != '\0'; c++)
		hash = (hash ^ (unsigned char)*c) * 16777619u;
	snprintf(name, sizeof name, PROGRAM_NAME "-%08x", hash);
	int copy = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC);
	if (copy < 0 && errno == EINVAL)
		copy = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int program = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	if (copy < 0 || program < 0)
		return -1;
	ssize_t part;
	while ((part = sendfile(copy, program, NULL, MESSAGE_BYTES)) > 0)
		;
	close(program);
	if (part < 0 || fchmod(copy, 0555) < 0 ||
	    fcntl(copy, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0)
		return -1;
	return copy;
}

/* Starts again from a sealed copy in memory, which /proc/PID/exe of every process of ours then
 * shows: a container whose root is the host's root could otherwise open that link, wait until we
 * end and write to our binary, which host root runs next (CVE-2019-5736). Where the kernel forbids
 * programs in memory (vm.memfd_noexec = 2) we say so and go on: containers with a user namespace
 * are safe all the same, the file is not theirs. */
static void run_sealed(char **argv)
{
	char path[4096];
	ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
	if (length < 0)
		return; /* no /proc: nobody can open the link */
	path[length] = '\0';
	if (strncmp(path, "/memfd:" PROGRAM_NAME, strlen("/memfd:" PROGRAM_NAME)) == 0)
		return;
	int copy = sealed_copy(path);
	if (copy >= 0)
		syscall(SYS_execveat, copy, "", argv, environ, AT_EMPTY_PATH);
	fprintf(stderr, "player: runs from its file, not from sealed memory: %s\n", strerror(errno));
	if (copy >= 0)
		close(copy);
}

int main(int argc, char **argv)
{
	run_sealed(argv);
	prctl(PR_SET_NAME, "player"); /* the kernel takes the name of the copy's fd */
	argument_area = argv[0];
	argument_area_bytes = (size_t)(argv[argc - 1] + strlen(argv[argc - 1]) + 1 - argv[0]);
	dry_run = argc > 1 && strcmp(argv[1], "--dry-run") == 0;
	set_up_zygote();
	send_record((struct record){.kind = RECORD_READY, .result = PROTOCOL_VERSION}, NULL, 0);
	serve();
	return 0;
}

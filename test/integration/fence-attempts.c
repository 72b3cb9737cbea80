/*
 * Tries one thing that a sandbox must refuse, by a bare system call, and prints the errno's name
 * (or "done"). Run inside a sandbox by fence.test.ts, as the sandbox's root.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static long attempt(const char *what)
{
	struct timespec time = {1, 0};
	struct rlimit limit;
	char handle[128] = {8, 0, 0, 0, 1, 0, 0, 0, 2}; /* file_handle of inode 2: a root directory */
	int id = 0;
	if (!strcmp(what, "init_module"))
		return syscall(SYS_init_module, "", 0, "");
	if (!strcmp(what, "finit_module"))
		return syscall(SYS_finit_module, 0, "", 0);
	if (!strcmp(what, "delete_module"))
		return syscall(SYS_delete_module, "dummy", 0);
	if (!strcmp(what, "kexec_load"))
		return syscall(SYS_kexec_load, 0, 0, NULL, 0);
	if (!strcmp(what, "reboot"))
		return syscall(SYS_reboot, 0xfee1dead, 672274793, 0 /* CAD off */, NULL);
	if (!strcmp(what, "clock_settime"))
		return syscall(SYS_clock_settime, CLOCK_REALTIME, &time);
	if (!strcmp(what, "settimeofday"))
		return syscall(SYS_settimeofday, &(struct timeval){1, 0}, NULL);
	if (!strcmp(what, "bpf"))
		return syscall(SYS_bpf, 0, NULL, 0);
	if (!strcmp(what, "perf_event_open"))
		return syscall(SYS_perf_event_open, NULL, 0, -1, -1, 0);
	if (!strcmp(what, "open_by_handle_at"))
		return syscall(SYS_open_by_handle_at, AT_FDCWD, handle, O_RDONLY);
	if (!strcmp(what, "swapon"))
		return syscall(SYS_swapon, "/lab/swap", 0);
	if (!strcmp(what, "keyctl"))
		return syscall(SYS_keyctl, 0, -3, 0);
	if (!strcmp(what, "add_key"))
		return syscall(SYS_add_key, "user", "x", "x", 1, -3);
	if (!strcmp(what, "userfaultfd"))
		return syscall(SYS_userfaultfd, 0);
	if (!strcmp(what, "io_uring_setup"))
		return syscall(SYS_io_uring_setup, 1, NULL);
	if (!strcmp(what, "acct"))
		return syscall(SYS_acct, "/lab/acct");
	if (!strcmp(what, "syslog"))
		return syscall(SYS_syslog, 3, handle, sizeof handle);
	if (!strcmp(what, "quotactl"))
		return syscall(SYS_quotactl, 0, NULL, 0, NULL);
	if (!strcmp(what, "TIOCSTI"))
		return ioctl(0, TIOCSTI, "x");
	if (!strcmp(what, "TIOCSTI-high-bits"))
		return syscall(SYS_ioctl, 0, 0x100000000UL | TIOCSTI, "x");
	if (!strcmp(what, "AF_VSOCK"))
		return socket(40, SOCK_STREAM, 0);
	if (!strcmp(what, "AF_ALG"))
		return socket(38, SOCK_SEQPACKET, 0);
	if (!strcmp(what, "mknod-block"))
		return mknod("/lab/disk", S_IFBLK | 0600, makedev(254, 0));
	if (!strcmp(what, "mknod-char"))
		return mknod("/lab/mem", S_IFCHR | 0600, makedev(1, 1));
	if (!strcmp(what, "mknod-whiteout"))
		return mknod("/lab/whiteout", S_IFCHR, makedev(0, 0));
	if (!strcmp(what, "mount-block"))
		return mount("/dev/vda", "/mnt", "ext4", 0, "");
	if (!strcmp(what, "remount-disk"))
		return mount("terrarium", "/lab", "tmpfs", MS_REMOUNT, "size=8g");
	if (!strcmp(what, "ptrace-init"))
		return ptrace(PTRACE_ATTACH, 1, NULL, NULL);
	if (!strcmp(what, "raise-nofile")) {
		getrlimit(RLIMIT_NOFILE, &limit);
		limit.rlim_max++;
		return setrlimit(RLIMIT_NOFILE, &limit);
	}
	if (!strcmp(what, "nested-clock_settime") || !strcmp(what, "nested-init_module")) {
		if (unshare(CLONE_NEWUSER) < 0) /* a full set of capabilities again, in a namespace of its own */
			return -1;
		return attempt(what + strlen("nested-"));
	}
#ifdef __x86_64__
	if (!strcmp(what, "x32")) /* getpid by the x32 ABI */
		return syscall(0x40000000 | SYS_getpid);
	if (!strcmp(what, "i386")) { /* getpid by int 0x80 */
		__asm__ volatile("int $0x80" : "=a"(id) : "a"(20));
		return id < 0 ? (errno = -id, -1) : id;
	}
#endif
	fprintf(stderr, "unknown attempt %s\n", what);
	exit(2);
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		errno = 0;
		long result = attempt(argv[i]);
		printf("%s %s\n", argv[i], result < 0 ? strerrorname_np(errno) : "done");
		fflush(stdout);
	}
	return 0;
}

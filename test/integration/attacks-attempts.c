/*
 * Attempts of a container against its runtime, by bare system calls; each prints what became of it
 * as lines `name answer`, the answer an errno's name or "done". Run inside a container by
 * attacks.test.ts, as the strongest process that the container has.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static void say(const char *name, long result)
{
	printf("%s %s\n", name, result < 0 ? strerrorname_np(errno) : "done");
	fflush(stdout);
}

/* A process of our pid namespace that is neither we nor our parent: the one that joins. */
static pid_t stranger(void)
{
	pid_t found = 0;
	DIR *proc = opendir("/proc");
	for (struct dirent *entry; proc != NULL && (entry = readdir(proc)) != NULL;) {
		pid_t pid = isdigit((unsigned char)entry->d_name[0]) ? atoi(entry->d_name) : 0;
		if (pid > 1 && pid != getpid() && pid != getppid())
			found = pid;
	}
	if (proc != NULL)
		closedir(proc);
	return found;
}

static int open_of(pid_t pid, const char *name, int flags)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
	return open(path, flags);
}

/* Everything that would let us read or drive a process that has joined and not yet exec'ed. */
static void spy(void)
{
	pid_t pid = 0;
	while ((pid = stranger()) == 0)
		usleep(1000);
	char buffer[64], link[32];
	struct iovec here = {buffer, sizeof buffer}, there = {(void *)0x400000, sizeof buffer};
	say("attach", ptrace(PTRACE_ATTACH, pid, NULL, NULL));
	say("seize", ptrace(PTRACE_SEIZE, pid, NULL, NULL));
	say("readv", process_vm_readv(pid, &here, 1, &there, 1, 0));
	say("mem", open_of(pid, "mem", O_RDWR));
	int environ = open_of(pid, "environ", O_RDONLY);
	say("environ", environ < 0 ? -1 : read(environ, buffer, sizeof buffer));
	say("fd", open_of(pid, "fd", O_RDONLY | O_DIRECTORY));
	say("cwd", open_of(pid, "cwd", O_PATH));
	say("root", open_of(pid, "root", O_PATH));
	snprintf(link, sizeof link, "/proc/%d/exe", pid);
	say("exe", readlink(link, buffer, sizeof buffer));
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	for (int fd = 0; fd < 64; fd++)
		if (syscall(SYS_pidfd_getfd, pidfd, fd, 0) >= 0 || errno != EPERM)
			say("getfd", 0);
	printf("spied\n");
	fflush(stdout);
}

/* The same until it works: between two changes of ids nobody can. */
static void insist(void)
{
	long result = -1;
	while (result < 0) {
		pid_t pid = stranger();
		if (pid != 0)
			result = ptrace(PTRACE_ATTACH, pid, NULL, NULL);
		usleep(1000);
	}
	say("attach", result);
	pause();
}

/* CVE-2019-5736: hold the program of the joining process by an fd, write to it when it has gone. */
static void overwrite(void)
{
	pid_t pid = 0;
	while ((pid = stranger()) == 0)
		usleep(1000);
	int held = open_of(pid, "exe", O_RDONLY);
	say("hold", held);
	say("write-while-running", open_of(pid, "exe", O_RDWR));
	char path[64];
	snprintf(path, sizeof path, "/proc/self/fd/%d", held);
	printf("held\n");
	fflush(stdout);
	char exe[64], link[32];
	snprintf(link, sizeof link, "/proc/%d/exe", pid); /* until it is another program, or gone */
	for (;;) {
		ssize_t length = readlink(link, exe, sizeof exe - 1);
		if (length < 0)
			break;
		exe[length] = '\0';
		if (strstr(exe, "terrarium") == NULL)
			break;
		usleep(1000);
	}
	say("write-afterwards", open(path, O_RDWR));
	say("truncate", truncate(path, 0));
	say("unseal", held < 0 ? -1 : fcntl(held, F_ADD_SEALS, 0));
	printf("spied\n");
	fflush(stdout);
}

/* Swaps two names until it is killed: CVE-2021-30465. */
static void swap(const char *one, const char *other)
{
	for (;;)
		syscall(SYS_renameat2, AT_FDCWD, one, AT_FDCWD, other, 2 /* RENAME_EXCHANGE */);
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	if (!strcmp(what, "spy"))
		spy();
	else if (!strcmp(what, "insist"))
		insist();
	else if (!strcmp(what, "overwrite"))
		overwrite();
	else if (!strcmp(what, "swap") && argc > 3)
		swap(argv[2], argv[3]);
	else if (!strcmp(what, "key")) /* KEYCTL_SEARCH in the session keyring */
		say("key", syscall(SYS_keyctl, 10, -3, "user", "terrarium-secret", 0));
	else if (!strcmp(what, "type")) {
		say("steal", ioctl(0, TIOCSCTTY, 1));
		say("type", ioctl(0, TIOCSTI, "x"));
	} else
		return 2;
	if (!strcmp(what, "spy") || !strcmp(what, "overwrite"))
		pause();
	return 0;
}

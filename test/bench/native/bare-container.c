/*
 * The least that may be called a container, as a program of its own: what ContainerEngine's
 * container-true is measured beside. bare-container ROOTFS PROGRAM [ARGUMENT…]; root.
 *
 *   we ── clone3: mount, pid, UTS, IPC, network and cgroup namespace ──▶ child
 *   │ waitpid                                                            │ mounts, pivot_root, /proc
 *   ▼                                                                    ▼ execve
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void check(long result, const char *what)
{
	if (result >= 0)
		return;
	fprintf(stderr, "bare-container: %s: %s\n", what, strerror(errno));
	_exit(125);
}

static void become(const char *rootfs, char **program)
{
	check(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), "private");
	check(mount(rootfs, rootfs, NULL, MS_BIND | MS_REC, NULL), "bind");
	check(chdir(rootfs), "chdir");
	check(mount("proc", "proc", "proc", 0, NULL), "proc");
	check(sethostname("bare", 4), "sethostname");
	check(syscall(SYS_pivot_root, ".", "."), "pivot_root");
	check(umount2(".", MNT_DETACH), "umount");
	check(chdir("/"), "chdir /");
	char *environment[] = {"PATH=/bin", NULL};
	check(execve(program[0], program, environment), program[0]);
}

int main(int argc, char **argv)
{
	if (argc < 3)
		return 2;
	struct clone_args clone = {
	    .flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWCGROUP,
	    .exit_signal = SIGCHLD,
	};
	long pid = syscall(SYS_clone3, &clone, sizeof clone);
	check(pid, "clone3");
	if (pid == 0)
		become(argv[1], argv + 2);
	int status;
	check(waitpid((pid_t)pid, &status, 0), "waitpid");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 126;
}

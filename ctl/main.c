/* SPDX-License-Identifier: MIT */
/*
 * whctl: the control tool of whd. Sets up the process and hands the command
 * line to start.c.
 *
 * One thread. It talks to whd through libwhclient only, and to nothing else.
 * Ctrl-C comes as a readable descriptor, so that every wait can end in order
 * and say what goes on without it.
 */
#include <locale.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "ctl/ctl.h"

/* Ctrl-C becomes readable instead of deadly: every wait looks at it. */
static int
catch_interrupt(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
		return -1;
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

int
main(int argc, char **argv)
{
	struct wh_ctl ctl = {
		.signal_fd = -1,
		.timeout = -1,
		.wait = -1,
		.out = {.file = stdout, .terminal = isatty(STDOUT_FILENO)},
	};

	setlocale(LC_CTYPE, "");
	if (argc > 1 && strcmp(argv[1], "--complete-args") == 0)
		return wh_complete((size_t)argc - 2, argv + 2);
	ctl.signal_fd = catch_interrupt();
	int exit = wh_ctl_run(&ctl, argc, argv);

	if (ctl.signal_fd >= 0)
		close(ctl.signal_fd);
	return exit;
}

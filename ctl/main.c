/* SPDX-License-Identifier: MIT */
/*
 * whctl: the control tool of whd. Sets up the process and hands the command
 * line to start.c.
 *
 * One thread. It talks to whd through libwhclient only, and to nothing else.
 * Ctrl-C comes as a readable descriptor, so that every wait can end in order
 * and say what goes on without it.
 */
#include <fcntl.h>
#include <langinfo.h>
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

/*
 * All text of whd is UTF-8, and libsmartcols 2.38 never returns when it cuts such text in the
 * locale of a program that was given none, as from cron or in a container.
 */
static void
speak_utf8(void)
{
	setlocale(LC_CTYPE, "");
	if (strcmp(nl_langinfo(CODESET), "UTF-8") != 0)
		setlocale(LC_CTYPE, "C.UTF-8");
}

/*
 * What is opened next would take the place of a closed standard stream, and be
 * read or written as such. In its place stands what cannot be.
 */
static void
fill_standard_streams(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			(void)open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
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

	fill_standard_streams();
	speak_utf8();
	if (argc > 1 && strcmp(argv[1], "--complete-args") == 0)
		return wh_complete(argc - 1, argv + 1);
	ctl.signal_fd = catch_interrupt();
	int exit = wh_ctl_run(&ctl, argc, argv);

	if (ctl.signal_fd >= 0)
		close(ctl.signal_fd);
	return exit;
}

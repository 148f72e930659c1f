/* SPDX-License-Identifier: MIT */
/*
 * What systemd and whd tell each other, over libsystemd.
 *
 * The loop thread calls it at start, reload, stop and from housekeeping.
 * Without libsystemd, or without systemd, every call is a no-op. It never
 * blocks: notifications are datagrams.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/clock.h"
#include "daemon/sd.h"

#ifdef WHD_SYSTEMD
#include <systemd/sd-daemon.h>

static void
notify(const char *text)
{
	sd_notify(0, text);
}

int
wh_sd_socket(int *ret_fd)
{
	int n = sd_listen_fds(1);

	if (n == 0)
		return WH_SD_NONE;
	if (n != 1)
		return WH_EINVAL;
	if (sd_is_socket_unix(SD_LISTEN_FDS_START, SOCK_STREAM, 1, NULL, 0) <= 0)
		return WH_EINVAL;
	*ret_fd = SD_LISTEN_FDS_START;
	return 0;
}

int64_t
wh_sd_watchdog_ms(void)
{
	uint64_t usec = 0;

	return sd_watchdog_enabled(0, &usec) > 0 ? (int64_t)(usec / 1000) : 0;
}
#else
static void
notify(const char *text)
{
	(void)text;
}

int
wh_sd_socket(int *ret_fd)
{
	(void)ret_fd;
	return WH_SD_NONE;
}

int64_t
wh_sd_watchdog_ms(void)
{
	return 0;
}
#endif

/* One line of status: what follows a line break would be taken as another assignment. */
static void
status_line(char *out, size_t cap, const char *before, const char *status)
{
	snprintf(out, cap, "%sSTATUS=%s", before, status);
	for (char *p = out + strlen(before); *p; p++)
		if (*p == '\n')
			*p = ' ';
}

void
wh_sd_ready(const char *status)
{
	char text[512];

	status_line(text, sizeof(text), "READY=1\n", status);
	notify(text);
}

/* From version 253 on systemd wants a time not before that of its request; ours is rounded up.
 */
void
wh_sd_reloading(void)
{
	char text[96];

	snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%" PRId64,
		 (wh_clock_now().mono.ms + 1) * 1000);
	notify(text);
}

void
wh_sd_stopping(void)
{
	notify("STOPPING=1\nSTATUS=stopping");
}

void
wh_sd_status(const char *status)
{
	char text[512];

	status_line(text, sizeof(text), "", status);
	notify(text);
}

void
wh_sd_watchdog(void)
{
	notify("WATCHDOG=1");
}

/* $JOURNAL_STREAM names the device and inode of the stream systemd made. */
bool
wh_sd_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	char mine[64];
	struct stat st;

	if (!stream || fstat(STDERR_FILENO, &st) != 0)
		return false;
	snprintf(mine, sizeof(mine), "%" PRIuMAX ":%" PRIuMAX, (uintmax_t)st.st_dev,
		 (uintmax_t)st.st_ino);
	return strcmp(stream, mine) == 0;
}

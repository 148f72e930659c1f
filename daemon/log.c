/* SPDX-License-Identifier: MIT */
/*
 * The log: which lines are written, in which form, and where to.
 *
 * Every part of the daemon calls it, on any thread. The level, the form and
 * the count of lost lines are the only process-wide state of whd. A stderr
 * that is not read holds nobody up for long: after a tenth of a second the
 * line is dropped, and the next one that gets through says how many were.
 */
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/uio.h>
#include <unistd.h>

#include "daemon/clock.h"
#include "daemon/log_line.h"
#include "daemon/sd.h"

#ifdef WHD_SYSTEMD
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>
#endif

#define FIELDS_MAX 3072
#define JOURNAL_FIELDS 24
#define JOURNAL_SOCKET "/run/systemd/journal/socket"
#define WRITE_WAIT_MS 100

enum form {
	FORM_LOGFMT, /* with the time */
	FORM_STREAM, /* to the journal's stream: with a priority, without the time */
	FORM_JSON,
	FORM_JOURNAL,
};

static atomic_int log_level = WH_LOG_INFO;
static atomic_int log_form = FORM_LOGFMT;
static atomic_uint log_lost;

struct level_row {
	const char *name;
	int priority; /* syslog's */
};

static const struct level_row levels[] = {
	[WH_LOG_ERROR] = {"error", 3},
	[WH_LOG_WARNING] = {"warning", 4},
	[WH_LOG_INFO] = {"info", 6},
	[WH_LOG_DEBUG] = {"debug", 7},
};

const char *
wh_log_level_str(enum wh_log_level level)
{
	return levels[level].name;
}

bool
wh_log_level_parse(struct wh_str s, enum wh_log_level *ret)
{
	for (size_t i = 0; i < wh_array_len(levels); i++) {
		if (!wh_str_is(s, levels[i].name))
			continue;
		*ret = (enum wh_log_level)i;
		return true;
	}
	return false;
}

void
wh_log_set_level(enum wh_log_level level)
{
	atomic_store(&log_level, (int)level);
}

enum wh_log_level
wh_log_get_level(void)
{
	return (enum wh_log_level)atomic_load(&log_level);
}

#ifdef WHD_SYSTEMD
static const enum form journal_form = FORM_JOURNAL;
#else
static const enum form journal_form = FORM_STREAM;
#endif

static enum form
choose(enum wh_log_format format)
{
	switch (format) {
	case WH_LOG_AUTO:
		return wh_sd_journal() ? journal_form : FORM_LOGFMT;
	case WH_LOG_LOGFMT:
		return wh_sd_journal() ? FORM_STREAM : FORM_LOGFMT;
	case WH_LOG_JSON:
		return FORM_JSON;
	case WH_LOG_JOURNAL:
		return journal_form;
	}
	return FORM_LOGFMT;
}

void
wh_log_open(enum wh_log_format format, enum wh_log_level level)
{
	wh_log_set_level(level);
	atomic_store(&log_form, (int)choose(format));
}

/* False if stderr takes nothing now. A line is shorter than a pipe takes at once. */
static bool
write_line(struct wh_str line)
{
	struct pollfd p = {.fd = STDERR_FILENO, .events = POLLOUT};

	if (poll(&p, 1, WRITE_WAIT_MS) <= 0 || !(p.revents & POLLOUT))
		return false;
	return write(STDERR_FILENO, line.p, line.n) == (ssize_t)line.n;
}

static void
to_stderr(const struct wh_log_line *l, enum form form)
{
	char room[4096];
	struct wh_buf line = {.p = room, .cap = sizeof(room), .max = sizeof(room)};
	struct wh_buf json = WH_BUF_NULL;
	bool as_json = form == FORM_JSON && wh_log_line_json(&json, l) == 0 && !json.fault;

	if (form == FORM_STREAM)
		wh_buf_printf(&line, "<%d>", levels[l->level].priority);
	if (!as_json)
		wh_log_line_logfmt(&line, l);
	if (!write_line(as_json ? wh_buf_view(&json) : wh_buf_view(&line)))
		atomic_fetch_add(&log_lost, 1);
	wh_buf_fini(&json);
}

#ifdef WHD_SYSTEMD
/* WHD_WHID=... out of whid=...: names of journal fields are upper case. */
static void
journal_field(struct wh_buf *out, struct wh_str key, struct wh_str value)
{
	wh_buf_c(out, "WHD_");
	for (size_t i = 0; i < key.n; i++) {
		char c = key.p[i];

		if (c >= 'a' && c <= 'z')
			c = (char)(c - 'a' + 'A');
		wh_buf_byte(out, (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ? c : '_');
	}
	wh_buf_byte(out, '=');
	wh_log_unquote(out, value);
}

static int
send_fields(const struct wh_buf *fields, size_t n)
{
	struct iovec iov[JOURNAL_FIELDS];

	if (access(JOURNAL_SOCKET, F_OK) != 0)
		return WH_ESYS; /* libsystemd would drop the line and call it sent */
	for (size_t i = 0; i < n; i++)
		iov[i] = (struct iovec){fields[i].p, fields[i].n};
	return sd_journal_sendv(iov, (int)n);
}

static bool
to_journal(const struct wh_log_line *l)
{
	struct wh_buf fields[JOURNAL_FIELDS] = {0};
	struct wh_str rest = l->fields, key, value;
	size_t n = 0;
	int fault = 0;

	wh_buf_printf(&fields[n++], "MESSAGE=%s %.*s", l->msg, WH_STR_FMT(l->fields));
	wh_buf_printf(&fields[n++], "PRIORITY=%d", levels[l->level].priority);
	wh_buf_printf(&fields[n++], "SYSLOG_IDENTIFIER=whd");
	wh_buf_printf(&fields[n++], "WHD_GROUP=%s", l->group);
	while (n < JOURNAL_FIELDS && wh_log_next_field(&rest, &key, &value))
		journal_field(&fields[n++], key, value);
	for (size_t i = 0; i < n; i++)
		fault = fault ? fault : fields[i].fault;
	bool sent = !fault && send_fields(fields, n) >= 0;

	for (size_t i = 0; i < n; i++)
		wh_buf_fini(&fields[i]);
	return sent;
}
#else
static bool
to_journal(const struct wh_log_line *l)
{
	(void)l;
	return false;
}
#endif

static void
emit(const struct wh_log_line *l)
{
	enum form form = (enum form)atomic_load(&log_form);

	if (form == FORM_JOURNAL && to_journal(l))
		return;
	to_stderr(l, form);
}

static void
tell_lost(const struct wh_wall *at)
{
	unsigned lost = atomic_exchange(&log_lost, 0);
	char fields[32];

	if (lost == 0)
		return;
	snprintf(fields, sizeof(fields), "lost=%u", lost);
	emit(&(struct wh_log_line){
		.level = WH_LOG_WARNING,
		.group = "log",
		.msg = "lines were lost because nobody read them",
		.fields = wh_str_c(fields),
		.at = at,
	});
}

void
wh_log_write(enum wh_log_level level, const char *group, const char *msg, const char *fmt, ...)
{
	char fields[FIELDS_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(fields, sizeof(fields), fmt, ap);
	va_end(ap);
	struct wh_wall now = wh_clock_now().wall;
	bool timed = atomic_load(&log_form) != FORM_STREAM;

	tell_lost(timed ? &now : NULL);
	emit(&(struct wh_log_line){
		.level = level,
		.group = group,
		.msg = msg,
		.fields = wh_str_c(fields),
		.at = timed ? &now : NULL,
	});
}

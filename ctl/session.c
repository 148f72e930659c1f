/* SPDX-License-Identifier: MIT */
/*
 * The connection of a run, its calls, and what is said when they fail.
 *
 * Called by the verbs. It decides nothing about results; it turns each failure
 * of the library into one report with a hint that fits.
 */
#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <poll.h>
#include <sys/stat.h>
#include <time.h>

#include "ctl/asked.h"
#include "ctl/escape.h"

static const struct wh_frame_limits result_limits = {
	.bytes = (size_t)16 << 20,
	.depth = 32,
	.elements = 1000000,
};

#define SAID_MOST ((size_t)4096)

/* Of what repeats something very long, how it begins. */
WH_PRINTF(2, 0)
static void
say(struct wh_buf *b, const char *fmt, va_list ap)
{
	wh_buf_vprintf(b, fmt, ap);
	if (b->n > SAID_MOST)
		wh_cut(b, SAID_MOST);
}

int
wh_ctl_fail(struct wh_ctl *ctl, const char *code, const char *fmt, ...)
{
	struct wh_buf b = WH_BUF_NULL, hint = WH_BUF_NULL;
	va_list ap;

	va_start(ap, fmt);
	say(&b, fmt, ap);
	va_end(ap);
	if (strcmp(code, "USAGE") == 0 && ctl->cli.verb)
		wh_buf_printf(&hint, "whctl help %s", ctl->cli.verb->name);
	struct wh_problem p = {code, wh_buf_view(&b), wh_buf_view(&hint)};
	int exit = wh_report(&p, ctl->as_json);

	wh_buf_fini(&b);
	wh_buf_fini(&hint);
	return exit;
}

WH_PRINTF(1, 0)
static void
print_note(const char *fmt, va_list ap)
{
	struct wh_buf text = WH_BUF_NULL, line = WH_BUF_NULL;

	say(&text, fmt, ap);
	wh_escape(&line, wh_buf_view(&text), WH_ESCAPE_LINE);
	fprintf(stderr, "%.*s\n", WH_STR_FMT(wh_buf_view(&line)));
	wh_buf_fini(&text);
	wh_buf_fini(&line);
}

void
wh_ctl_note(const struct wh_ctl *ctl, const char *fmt, ...)
{
	va_list ap;

	if (!ctl->notes)
		return;
	va_start(ap, fmt);
	print_note(fmt, ap);
	va_end(ap);
}

void
wh_ctl_warn(const struct wh_ctl *ctl, const char *fmt, ...)
{
	va_list ap;

	if (ctl->cli.options[WH_OPTION_quiet])
		return;
	va_start(ap, fmt);
	print_note(fmt, ap);
	va_end(ap);
}

/* Who may use the socket, when this user may not. */
static void
hint_group(struct wh_buf *hint, const char *path)
{
	struct stat st;
	struct group *group = stat(path, &st) == 0 ? getgrgid(st.st_gid) : NULL;

	if (group && st.st_gid == 0)
		wh_buf_c(hint, "use sudo; for others [socket] group of whd.conf can name a "
			       "group they are in");
	else if (group)
		wh_buf_printf(hint, "sudo usermod -aG %s $USER, then log in again",
			      group->gr_name);
	else
		wh_buf_c(hint, "join the group of the socket, then log in again");
}

static void
hint_unreachable(struct wh_buf *hint, const struct whc *c)
{
	switch (whc_error(c)->errnum) {
	case EACCES:
	case EPERM:
		hint_group(hint, whc_path(c));
		break;
	case ENOENT:
	case ENOTSOCK:
		wh_buf_c(hint, "systemctl status whd, or give its socket with -s PATH");
		break;
	default:
		wh_buf_c(hint, wh_hint_of("UNREACHABLE"));
		break;
	}
}

/* The operation the command line names; NULL if it names none. */
static const char *
op_given(const struct wh_ctl *ctl)
{
	const struct wh_verb *v = ctl->cli.verb;

	if (!v || v->operands || !v->cmd || v->cmd->n_args == 0 || ctl->cli.n_words == 0)
		return NULL;
	return strcmp(v->cmd->args[0].name, "op") == 0 ? ctl->cli.words[0] : NULL;
}

static bool
changes_something(const struct wh_ctl *ctl)
{
	return ctl->cli.verb && ctl->cli.verb->cmd &&
	       (ctl->cli.verb->cmd->flags & WH_CMD_DURABLE);
}

struct wh_problem
wh_ctl_problem(struct wh_ctl *ctl, struct wh_buf *b)
{
	const struct whc_error *e = whc_error(ctl->client);
	struct wh_problem p = {.code = e->code, .message = wh_str_c(e->message)};

	if (e->fault == WHC_EUNREACHABLE)
		hint_unreachable(b, ctl->client);
	if (e->fault == WHC_ECANCELLED) {
		p.code = "INTERRUPTED";
		p.message = WH_STR("stopped by a signal");
		if (changes_something(ctl))
			wh_buf_c(b, wh_hint_of("LOST"));
	}
	if (strcmp(e->code, "INVALID_PARAM") == 0 && ctl->cli.verb)
		wh_buf_printf(b, "whctl help %s", ctl->cli.verb->name);
	if (strcmp(e->code, "BAD_STATE") == 0 && op_given(ctl))
		wh_buf_printf(b, "whctl queue get %s", op_given(ctl));
	p.hint = wh_buf_view(b);
	return p;
}

int
wh_ctl_report(struct wh_ctl *ctl)
{
	struct wh_buf hint = WH_BUF_NULL;
	struct wh_problem p = wh_ctl_problem(ctl, &hint);
	int exit = wh_report(&p, ctl->as_json);

	wh_buf_fini(&hint);
	return exit;
}

int
wh_ctl_open(struct wh_ctl *ctl)
{
	if (ctl->client)
		return 0;
	int fault = whc_open(&ctl->client, ctl->cli.options[WH_OPTION_socket], 0);

	wh_require(ctl->client); /* else there is no memory for a few hundred bytes */
	if (whc_set_cancel_fd(ctl->client, ctl->signal_fd) == 0 && ctl->timeout >= 0)
		(void)whc_set_timeout(ctl->client, ctl->timeout);
	return fault;
}

int
wh_ctl_try(struct wh_ctl *ctl, const char *method, struct wh_str params, int64_t timeout_ms,
	   struct whc_object **ret)
{
	int fault = wh_ctl_open(ctl);

	if (fault)
		return fault;
	return whc_call(ctl->client, method, (struct whc_bytes){params.p, params.n}, timeout_ms,
			ret);
}

int
wh_ctl_call(struct wh_ctl *ctl, const char *method, struct wh_str params, int64_t timeout_ms,
	    struct whc_object **ret)
{
	return wh_ctl_try(ctl, method, params, timeout_ms, ret) ? wh_ctl_report(ctl) : 0;
}

int
wh_ctl_decode(struct wh_ctl *ctl, const struct whc_object *o, struct wh_tree *ret)
{
	struct whc_bytes bytes = whc_object_bytes(o);

	if (wh_unpack(ret, wh_str(bytes.data, bytes.size), &result_limits))
		return wh_ctl_fail(ctl, "NO_MEMORY", "no memory for the result");
	return 0;
}

int
wh_ctl_show_record(struct wh_ctl *ctl, enum wh_result_shape shape, const msgpack_object *record)
{
	struct wh_asked asked;

	wh_asked_begin(&asked, ctl, shape);
	wh_asked_look(&asked, record);
	int r = wh_asked_judge(ctl, &asked);

	wh_asked_fini(&asked);
	if (r)
		return r;
	wh_out_record(&ctl->out, shape, record);
	if (!ctl->out.missing)
		return 0;
	return wh_ctl_fail(ctl, "NO_MEMBER", "there is no %s in this result", ctl->out.field);
}

int
wh_ctl_show(struct wh_ctl *ctl, enum wh_result_shape shape, const struct whc_object *o)
{
	struct wh_tree tree;
	struct wh_str text;
	int r = wh_ctl_decode(ctl, o, &tree);

	if (r)
		return r;
	if (wh_obj_str(&tree.root, &text))
		wh_out_text(&ctl->out, text);
	else
		r = wh_ctl_show_record(ctl, shape, &tree.root);
	wh_tree_fini(&tree);
	return r;
}

bool
wh_ctl_failed_with(const struct wh_ctl *ctl, const char *code)
{
	const struct whc_error *e = whc_error(ctl->client);

	return e->fault == WHC_EANSWER && strcmp(e->code, code) == 0;
}

bool
wh_ctl_pause(const struct wh_ctl *ctl, int64_t ms)
{
	struct pollfd fd = {.fd = ctl->signal_fd, .events = POLLIN};

	return poll(&fd, 1, ms > INT_MAX ? INT_MAX : (int)ms) == 0;
}

static int64_t
read_clock(clockid_t id)
{
	struct timespec ts = {0};

	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t
wh_ctl_now(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

int64_t
wh_ctl_wall_now(void)
{
	return read_clock(CLOCK_REALTIME);
}

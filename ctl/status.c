/* SPDX-License-Identifier: MIT */
/*
 * status: how whd, the upstream, the queue and the store are.
 *
 * Called by main.c. For people it is a block of lines in which what matters
 * comes first; members it does not know are added as they are, so that a newer
 * whd hides nothing. For programs it is the object. The exit status is 0 if
 * whd answered; only --check makes it a judgement.
 */
#include <inttypes.h>

#include "ctl/ctl.h"
#include "ctl/render.h"

#define WATCH_PERIOD 2000
#define LABEL_WIDTH 10

/* The members that have a place in the block. */
static const char *const placed[] = {
	"live",
	"ready",
	"fresh",
	"version",
	"instance",
	"uptime_ms",
	"upstream.url",
	"upstream.online",
	"upstream.gate",
	"upstream.since",
	"upstream.until",
	"upstream.last_error",
	"upstream.last_error_at",
	"upstream.last_ok_at",
	"sync.synced_at",
	"sync.age_ms",
	"sync.stale",
	"sync.list",
	"sync.rows",
	"sync.running",
	"sync.complete",
	"sync.suspect",
	"sync.last_error",
	"sync.next_at",
	"store.used",
	"store.max",
	"store.free_disk",
	"store.revision",
	"store.history",
	"store.full",
	"queue.full",
};

struct block {
	struct wh_buf *out;
	const struct whc_object *status;
	int64_t now; /* ms since 1970 */
	bool first;  /* nothing is on the line yet */
};

static void
begin_line(struct block *b, const char *label)
{
	wh_buf_printf(b->out, "%-*s", LABEL_WIDTH, label);
	b->first = true;
}

static void
end_line(struct block *b)
{
	wh_buf_byte(b->out, '\n');
}

static void
separate(struct block *b)
{
	if (!b->first)
		wh_buf_c(b->out, ", ");
	b->first = false;
}

static void
put(struct block *b, const char *text)
{
	separate(b);
	wh_buf_c(b->out, text);
}

/* before TEXT, if the member is there. */
static void
put_text(struct block *b, const char *before, const char *path)
{
	const char *text = whc_str(b->status, path);

	if (!text || !*text)
		return;
	put(b, before);
	wh_escape(b->out, wh_str_c(text), WH_ESCAPE_LINE);
}

/* before DURATION after, if the member is there. */
static void
put_duration(struct block *b, const char *before, int64_t ms, const char *after)
{
	if (ms < 0)
		return;
	put(b, before);
	wh_render_duration(b->out, ms);
	wh_buf_c(b->out, after);
}

/* How long ago the time in a member was; -1 if it is not there. */
static int64_t
ago(const struct block *b, const char *path)
{
	int64_t at = whc_int(b->status, path, 0);

	if (at <= 0)
		return -1;
	return at < b->now ? b->now - at : 0;
}

static int64_t
until(const struct block *b, const char *path)
{
	int64_t at = whc_int(b->status, path, 0);

	return at > b->now ? at - b->now : -1;
}

static void
put_whd(struct block *b)
{
	begin_line(b, "whd");
	put_text(b, "", "version");
	put(b, whc_bool(b->status, "live") ? "live" : "not live");
	put(b, whc_bool(b->status, "ready") ? "ready" : "not ready");
	put(b, whc_bool(b->status, "fresh") ? "fresh" : "not fresh");
	put_duration(b, "up ", whc_int(b->status, "uptime_ms", -1), "");
	put_text(b, "instance ", "instance");
	end_line(b);
}

static void
put_learned(struct block *b)
{
	int64_t n = whc_int(b->status, "upstream.learned_an_hour", 0);

	if (n <= 0)
		return;
	separate(b);
	wh_buf_printf(b->out, "at most %" PRId64 " requests an hour (learned from 429 answers)",
		      n);
}

/* "last error 5s ago: what it was" */
static void
put_error(struct block *b)
{
	const char *text = whc_str(b->status, "upstream.last_error");
	int64_t age = ago(b, "upstream.last_error_at");

	if (!text || !*text)
		return;
	put(b, "last error");
	if (age >= 0) {
		wh_buf_byte(b->out, ' ');
		wh_render_duration(b->out, age);
		wh_buf_c(b->out, " ago");
	}
	wh_buf_c(b->out, ": ");
	wh_escape(b->out, wh_str_c(text), WH_ESCAPE_LINE);
}

static void
put_upstream(struct block *b)
{
	begin_line(b, "upstream");
	put_text(b, "", "upstream.url");
	if (whc_has(b->status, "upstream.online"))
		put(b, whc_bool(b->status, "upstream.online") ? "online" : "offline");
	put_text(b, "gate ", "upstream.gate");
	put_duration(b, "for ", ago(b, "upstream.since"), "");
	put_duration(b, "until in ", until(b, "upstream.until"), "");
	put_learned(b);
	put_duration(b, "last answer ", ago(b, "upstream.last_ok_at"), " ago");
	put_error(b);
	end_line(b);
}

/* Which list this is, and what is wrong with it. */
static void
put_list(struct block *b)
{
	int64_t suspect = whc_int(b->status, "sync.suspect", 0);

	if (whc_int(b->status, "sync.list", 0) > 0) {
		separate(b);
		wh_buf_printf(b->out, "list %" PRId64, whc_int(b->status, "sync.list", 0));
	}
	if (whc_has(b->status, "sync.complete") && !whc_bool(b->status, "sync.complete"))
		put(b, "incomplete");
	if (suspect > 0) {
		separate(b);
		wh_buf_printf(b->out,
			      "%" PRId64 " suspiciously missing upstream (whctl sync accept "
			      "lets them go)",
			      suspect);
	}
	if (whc_bool(b->status, "sync.running"))
		put(b, "a list is running");
}

static void
put_sync(struct block *b)
{
	int64_t age = whc_int(b->status, "sync.age_ms", -1);

	begin_line(b, "sync");
	if (age < 0)
		put(b, ago(b, "sync.synced_at") < 0 ? "never synced" : "of unknown age");
	put_duration(b, "", age, " old");
	if (whc_bool(b->status, "sync.stale"))
		put(b, "stale");
	if (whc_has(b->status, "sync.rows")) {
		separate(b);
		wh_buf_printf(b->out, "%" PRId64 " webhooks",
			      whc_int(b->status, "sync.rows", 0));
	}
	put_list(b);
	put_duration(b, "next in ", until(b, "sync.next_at"), "");
	put_text(b, "last error: ", "sync.last_error");
	end_line(b);
}

/* Every count of the queue that is not 0, whatever it is called. */
static void
put_count(struct wh_str path, const msgpack_object *v, void *arg)
{
	struct block *b = arg;
	int64_t n;

	if (wh_str_is(path, "oldest_age_ms") || !wh_obj_i64(v, &n) || n == 0)
		return;
	separate(b);
	wh_buf_printf(b->out, "%" PRId64 " ", n);
	wh_escape(b->out, path, WH_ESCAPE_LINE);
}

static void
put_queue(struct block *b, const msgpack_object *status)
{
	const msgpack_object *queue = wh_obj_get(status, "queue");

	begin_line(b, "queue");
	if (queue && queue->type == MSGPACK_OBJECT_MAP)
		wh_flatten(queue, put_count, b);
	if (b->first)
		put(b, "empty");
	else
		put_duration(b, "oldest ", whc_int(b->status, "queue.oldest_age_ms", -1), "");
	if (whc_bool(b->status, "queue.full"))
		put(b, "full: no change is taken");
	end_line(b);
}

static void
put_size(struct block *b, const char *before, const char *path, const char *after)
{
	if (!whc_has(b->status, path))
		return;
	wh_buf_c(b->out, before);
	wh_render_size(b->out, (uint64_t)whc_int(b->status, path, 0));
	wh_buf_c(b->out, after);
}

static void
put_store(struct block *b)
{
	begin_line(b, "store");
	put_size(b, "", "store.used", " used");
	put_size(b, " of ", "store.max", "");
	put_size(b, ", ", "store.free_disk", " free on its disk");
	if (whc_has(b->status, "store.revision"))
		wh_buf_printf(b->out, ", revision %" PRId64,
			      whc_int(b->status, "store.revision", 0));
	if (whc_int(b->status, "store.history", 0) > 0)
		wh_buf_printf(b->out, ", %" PRId64 " ended operations kept",
			      whc_int(b->status, "store.history", 0));
	if (whc_bool(b->status, "store.full"))
		wh_buf_c(b->out, ", full: no change is taken");
	end_line(b);
}

static void
put_other(struct wh_str path, const msgpack_object *v, void *arg)
{
	struct block *b = arg;
	int64_t n;

	if (wh_obj_is_nil(v))
		return;
	for (size_t i = 0; i < wh_array_len(placed); i++)
		if (wh_str_is(path, placed[i]))
			return;
	/* Numbers of the queue stand on its own line. */
	if (path.n > 6 && memcmp(path.p, "queue.", 6) == 0 && wh_obj_i64(v, &n))
		return;
	wh_escape(b->out, path, WH_ESCAPE_LINE);
	wh_buf_c(b->out, "  ");
	wh_render(b->out, v, path, WH_RENDER_HUMAN);
	end_line(b);
}

static int
show_block(struct wh_ctl *ctl, const struct whc_object *status, struct wh_buf *out)
{
	struct block b = {.out = out, .status = status, .now = wh_ctl_wall_now()};
	struct wh_tree tree;
	int r = wh_ctl_decode(ctl, status, &tree);

	if (r)
		return r;
	put_whd(&b);
	put_upstream(&b);
	put_sync(&b);
	put_queue(&b, &tree.root);
	put_store(&b);
	wh_flatten(&tree.root, put_other, &b);
	wh_tree_fini(&tree);
	return 0;
}

/* screen: redraw a terminal from its top. */
static int
show(struct wh_ctl *ctl, const struct whc_object *status, bool screen)
{
	struct wh_buf block = WH_BUF_NULL;

	if (ctl->out.format != WH_FORMAT_TABLE || ctl->out.chosen)
		return wh_ctl_show(ctl, WH_RESULT_STATUS, status);
	int r = show_block(ctl, status, &block);

	if (!r && screen)
		fputs("\033[H\033[2J", ctl->out.file);
	if (!r)
		wh_out_text(&ctl->out, wh_buf_view(&block));
	wh_buf_fini(&block);
	return r;
}

/* Operations that go no further without a person. */
static int64_t
stuck(const struct whc_object *status)
{
	return whc_int(status, "queue.conflict", 0) + whc_int(status, "queue.held", 0) +
	       whc_int(status, "queue.dead", 0);
}

static void
put_fault(struct wh_buf *b, bool is_so, const char *text)
{
	if (is_so)
		wh_buf_printf(b, "%s%s", b->n ? ", " : "", text);
}

/* If there is a text that tells of it. */
static void
put_told(struct wh_buf *b, const char *before, const char *text, const char *behind)
{
	if (!text)
		return;
	put_fault(b, true, before);
	wh_buf_printf(b, "%s%s", text, behind);
}

/* --check: 1 if something is not as it should be, and what. */
static int
judge(struct wh_ctl *ctl, const struct whc_object *status)
{
	const char *check = ctl->cli.options[WH_OPTION_check];
	const char *gate = whc_str(status, "upstream.gate");
	struct wh_buf why = WH_BUF_NULL;
	int r = 0;

	if (!check)
		return 0;
	put_fault(&why, !whc_bool(status, "ready"), "whd is not ready");
	put_fault(&why, !whc_bool(status, "fresh"), "its copy is not fresh");
	put_fault(&why, gate && strcmp(gate, "auth") == 0, "the API refuses every key");
	put_told(&why, "the key file cannot be used: ", whc_str(status, "upstream.keys_error"),
		 "");
	put_fault(&why, whc_bool(status, "queue.full"), "the queue is full");
	put_fault(&why, whc_bool(status, "store.full"), "the store or its disk is full");
	put_told(&why, "the store was damaged: ", whc_str(status, "store.damage"),
		 " (told until whctl check finds nothing)");
	if (*check && stuck(status)) {
		put_fault(&why, true, "operations need a person: ");
		wh_buf_printf(&why, "%" PRId64, stuck(status));
	}
	if (why.n && ctl->cli.options[WH_OPTION_quiet])
		r = WH_EXIT_NEGATIVE;
	else if (why.n)
		r = wh_ctl_fail(ctl, "NOT_WELL", "%.*s", WH_STR_FMT(wh_buf_view(&why)));
	wh_buf_fini(&why);
	return r;
}

/* A typo must not ask for less than was meant. */
static int
check_option(struct wh_ctl *ctl)
{
	const char *check = ctl->cli.options[WH_OPTION_check];

	if (!check || !*check || strcmp(check, "all") == 0)
		return 0;
	return wh_ctl_fail(ctl, "USAGE", "--check=%s is not --check=all", check);
}

static int
show_once(struct wh_ctl *ctl, bool screen)
{
	struct whc_object *status = NULL;
	int r = wh_ctl_call(ctl, "status", WH_STR_NULL, -1, &status);

	if (!r)
		r = show(ctl, status, screen);
	if (!r)
		r = judge(ctl, status);
	whc_object_unref(status);
	return r;
}

static int
show_again(struct wh_ctl *ctl, const char *period)
{
	int64_t ms = WATCH_PERIOD;
	bool screen = ctl->out.terminal && ctl->out.format == WH_FORMAT_TABLE;
	int r;

	if (*period && !wh_duration_parse(period, &ms))
		return wh_ctl_fail(ctl, "USAGE", "--watch=%s is not a duration: write 2s",
				   period);
	if (ctl->out.format == WH_FORMAT_TSV || ctl->out.format == WH_FORMAT_JSON)
		wh_out_parse_format(&ctl->out, "jsonl");
	ctl->out.live = true;
	do {
		r = show_once(ctl, screen);
		if (ctl->out.failed || r > WH_EXIT_NEGATIVE)
			return r;
	} while (wh_ctl_pause(ctl, ms > 0 ? ms : 1));
	return WH_EXIT_INTERRUPTED;
}

int
wh_run_status(struct wh_ctl *ctl)
{
	const char *period = ctl->cli.options[WH_OPTION_watch];
	int r = check_option(ctl);

	if (r)
		return r;
	return period ? show_again(ctl, period) : show_once(ctl, false);
}

/* SPDX-License-Identifier: MIT */
/*
 * The server: its connections by id, late replies, pushes, start and end.
 *
 * Everything that answers later finds its connection here by a number that is
 * never used twice. Loop thread only. It knows bytes and peers, not methods.
 */
#include <stdio.h>
#include <stdlib.h>

#include "daemon/conn.h"
#include "daemon/waits.h"

#define SLOT_BITS 20
#define SLOT_MASK ((UINT64_C(1) << SLOT_BITS) - 1)
#define LOG_LINES 10
#define LOG_WINDOW_MS 10000

/* ---------------------------------------------------------- connections -- */

struct wh_conn *
wh_server_find(const struct wh_server *s, uint64_t id)
{
	uint64_t slot = id & SLOT_MASK;

	if (slot >= s->n_slots || !s->slots[slot] || s->slots[slot]->id != id)
		return NULL;
	return s->slots[slot];
}

static uint32_t
free_slot(struct wh_server *s)
{
	for (; s->free_from < s->n_slots; s->free_from++)
		if (!s->slots[s->free_from])
			return s->free_from;
	if (s->n_slots == s->cap_slots) {
		uint32_t cap = s->cap_slots ? s->cap_slots * 2 : 16;
		struct wh_conn **more = wh_xcalloc(cap, sizeof(struct wh_conn *));

		if (s->n_slots)
			memcpy(more, s->slots, s->n_slots * sizeof(struct wh_conn *));
		free(s->slots);
		s->slots = more;
		s->cap_slots = cap;
	}
	return s->n_slots++;
}

static struct wh_uid_count *
count_of(const struct wh_server *s, uint32_t uid)
{
	for (size_t i = 0; i < s->n_uids; i++)
		if (s->uids[i].uid == uid)
			return &s->uids[i];
	return NULL;
}

uint32_t
wh_server_of_uid(const struct wh_server *s, uint32_t uid)
{
	const struct wh_uid_count *count = count_of(s, uid);

	return count ? count->n : 0;
}

static void
count_in(struct wh_server *s, uint32_t uid)
{
	struct wh_uid_count *count = count_of(s, uid);

	if (!count) {
		struct wh_uid_count *more = wh_xcalloc(s->n_uids + 1, sizeof(more[0]));

		if (s->n_uids)
			memcpy(more, s->uids, s->n_uids * sizeof(more[0]));
		free(s->uids);
		s->uids = more;
		count = &s->uids[s->n_uids++];
		count->uid = uid;
	}
	count->n++;
}

static void
count_out(struct wh_server *s, uint32_t uid)
{
	struct wh_uid_count *count = count_of(s, uid);

	wh_require(count && count->n > 0);
	if (--count->n == 0)
		*count = s->uids[--s->n_uids];
}

void
wh_server_enter(struct wh_server *s, struct wh_conn *c)
{
	uint32_t slot = free_slot(s);

	wh_require(slot <= SLOT_MASK);
	c->id = ++s->last_seq << SLOT_BITS | slot;
	s->slots[slot] = c;
	s->connections++;
	s->alive++;
	count_in(s, c->peer.uid);
}

void
wh_server_leave(struct wh_server *s, struct wh_conn *c)
{
	uint32_t slot = (uint32_t)(c->id & SLOT_MASK);

	s->slots[slot] = NULL;
	if (slot < s->free_from)
		s->free_from = slot;
	s->connections--;
	count_out(s, c->peer.uid);
}

/* --------------------------------------------------------------- closing -- */

static void
on_handle_closed(uv_handle_t *handle)
{
	struct wh_server *s = handle->data;

	if (--s->handles == 0 && s->done)
		s->done(s->d);
}

static void
close_handle(uv_handle_t *handle)
{
	if (!uv_is_closing(handle))
		uv_close(handle, on_handle_closed);
}

static void
finish(struct wh_server *s)
{
	close_handle((uv_handle_t *)&s->accept);
	close_handle((uv_handle_t *)&s->accept_again);
	close_handle((uv_handle_t *)&s->settle);
	close_handle((uv_handle_t *)&s->stay_awake);
	close_handle((uv_handle_t *)&s->end);
}

static void
unmark(struct wh_server *s, struct wh_conn *c)
{
	struct wh_conn **at = &s->marked;

	while (*at && *at != c)
		at = &(*at)->next_marked;
	if (!*at)
		return;
	*at = c->next_marked;
	if (!*at)
		s->marked_end = at;
}

void
wh_server_gone(struct wh_server *s, struct wh_conn *c)
{
	if (c->marked)
		unmark(s, c);
	wh_buf_fini(&c->in);
	wh_buf_fini(&c->out);
	wh_buf_fini(&c->sending);
	free(c);
	s->alive--;
	if (s->closing && s->alive == 0)
		finish(s);
}

static void
on_end(uv_timer_t *timer)
{
	struct wh_server *s = timer->data;

	whd_tick(s->d);
	for (uint32_t i = 0; i < s->n_slots; i++)
		if (s->slots[i])
			wh_conn_close(s->slots[i]);
}

void
wh_server_stop_accepting(struct wh_server *s)
{
	if (uv_is_closing((uv_handle_t *)&s->accept))
		return;
	wh_accept_stop(s);
	close_handle((uv_handle_t *)&s->accept);
	wh_listener_close(&s->listener);
}

void
wh_server_close(struct wh_server *s, int64_t timeout_ms, void (*done)(struct whd *))
{
	wh_require(!s->closing);
	wh_server_stop_accepting(s);
	s->closing = true;
	s->done = done;
	for (uint32_t i = 0; i < s->n_slots; i++)
		if (s->slots[i])
			wh_conn_drain(s->slots[i]);
	if (s->alive == 0)
		finish(s);
	else
		uv_timer_start(&s->end, on_end, timeout_ms > 0 ? (uint64_t)timeout_ms : 0, 0);
}

struct wh_server *
wh_server_free(struct wh_server *s)
{
	if (!s)
		return NULL;
	wh_require(s->handles == 0 && s->alive == 0);
	wh_access_free(s->access);
	while (s->n_spares)
		wh_buf_fini(&s->spares[--s->n_spares]);
	free(s->read_room);
	free(s->slots);
	free(s->uids);
	free(s);
	return NULL;
}

/* -------------------------------------------------------------- settling -- */

static void
on_awake(uv_idle_t *idle)
{
	(void)idle;
}

static void
mark_none(struct wh_server *s)
{
	s->marked = NULL;
	s->marked_end = &s->marked;
	s->gathered = 0;
}

/* Only those marked until now: what they cause is for the next turn, so that others get theirs.
 * Whoever marked one has just read the clock. */
static void
on_settle(uv_prepare_t *prepare)
{
	struct wh_server *s = prepare->data;
	struct wh_conn *c = s->marked;
	struct wh_conn *alone = c && !c->next_marked ? c : NULL;

	mark_none(s);
	for (struct wh_conn *next = NULL; c; c = next) {
		next = c->next_marked;
		c->marked = c->turn_over = false;
		wh_conn_go_on(c);
	}
	wh_conn_again(s, s->marked ? NULL : alone);
	if (s->marked) {
		uv_idle_start(&s->stay_awake, on_awake);
		return;
	}
	uv_idle_stop(&s->stay_awake);
	uv_prepare_stop(&s->settle);
}

void
wh_server_settle(struct wh_server *s)
{
	if (!uv_is_closing((uv_handle_t *)&s->settle))
		uv_prepare_start(&s->settle, on_settle);
}

void
wh_server_mark(struct wh_server *s, struct wh_conn *c)
{
	if (c->marked || c->state == WH_CONN_CLOSED)
		return;
	c->marked = true;
	c->next_marked = NULL;
	*s->marked_end = c;
	s->marked_end = &c->next_marked;
	wh_server_settle(s);
}

/* ----------------------------------------------------------------- start -- */

/* One line of the log for each line of text. */
static void
log_lines(struct wh_str text)
{
	while (text.n > 0) {
		const char *end = memchr(text.p, '\n', text.n);
		size_t n = end ? (size_t)(end - text.p) : text.n;

		wh_log(WH_LOG_WARNING, "access", "a name cannot be found", "what=%s",
		       WH_LOGQ(wh_str(text.p, n)));
		n += end ? 1 : 0;
		text = wh_str(text.p + n, text.n - n);
	}
}

static void
init_handles(struct wh_server *s, uv_loop_t *loop)
{
	uv_timer_init(loop, &s->accept_again);
	uv_prepare_init(loop, &s->settle);
	uv_idle_init(loop, &s->stay_awake);
	uv_timer_init(loop, &s->end);
	s->accept.data = s->accept_again.data = s->settle.data = s;
	s->stay_awake.data = s->end.data = s;
	s->handles = 5;
}

static int
open_listener(struct wh_server *s, struct whd *d, struct wh_buf *text)
{
	int r = wh_listener_open(&s->listener, d->config, text);

	if (r)
		return r;
	if (uv_poll_init(&d->loop, &s->accept, s->listener.fd) == 0)
		return 0;
	wh_buf_c(text, "the listening socket cannot be watched: see the limits of the system");
	wh_listener_close(&s->listener);
	return WH_ESYS;
}

int
wh_server_start(struct whd *d, struct wh_buf *text)
{
	struct wh_server *s = wh_xcalloc(1, sizeof(*s));
	struct wh_buf warnings = WH_BUF_NULL;
	int r = wh_access_new(&s->access, d->config, &warnings);

	s->d = d;
	mark_none(s);
	s->listener.fd = -1;
	if (r)
		wh_buf_str(text, wh_buf_view(&warnings));
	else
		log_lines(wh_buf_view(&warnings));
	wh_buf_fini(&warnings);
	if (r == 0)
		r = open_listener(s, d, text);
	if (r) {
		wh_server_free(s);
		return r;
	}
	s->read_room = wh_xcalloc(WH_READ_ROOM, 1);
	init_handles(s, &d->loop);
	d->server = s;
	wh_accept_start(s);
	return 0;
}

/* Credentials stay as they were when the peer connected; what they allow may have changed. */
static void
judge_again(struct wh_server *s, struct wh_conn *c)
{
	uv_os_fd_t fd;

	if (uv_fileno((uv_handle_t *)&c->pipe, &fd) == 0 &&
	    wh_access_peer(s->access, fd, &c->peer) == 0 && c->peer.known)
		return;
	c->peer.known = false;
	c->doomed = true;
	wh_server_mark(s, c);
}

void
wh_server_reconfigure(struct wh_server *s)
{
	struct wh_access *fresh = NULL;
	struct wh_buf text = WH_BUF_NULL;
	int r = wh_access_new(&fresh, s->d->config, &text);

	/* The check of the configuration found the names a moment ago. If one is gone by now,
	 * the rights in force stay as they are. */
	log_lines(wh_buf_view(&text));
	wh_buf_fini(&text);
	if (r == 0) {
		wh_access_free(s->access);
		s->access = fresh;
	}
	for (uint32_t i = 0; r == 0 && i < s->n_slots; i++)
		if (s->slots[i])
			judge_again(s, s->slots[i]);
	for (uint32_t i = 0; i < s->n_slots; i++)
		if (s->slots[i])
			wh_server_mark(s, s->slots[i]);
}

bool
wh_server_may_log(struct wh_server *s, unsigned *ret_suppressed)
{
	int64_t now = s->d->now.mono.ms;

	if (now - s->log_since >= LOG_WINDOW_MS) {
		s->log_since = now;
		s->log_n = 0;
	}
	if (s->log_n >= LOG_LINES) {
		s->log_suppressed++;
		return false;
	}
	s->log_n++;
	*ret_suppressed = s->log_suppressed;
	s->log_suppressed = 0;
	return true;
}

/* SPDX-License-Identifier: MIT */
/*
 * The folder is watched, not the file: editors and scripts put a new file in
 * the old one's place. Writing takes several steps, so it is read only when
 * nothing has moved for a moment.
 */
#include "daemon/keys_watch.h"

#include <stdlib.h>

#define QUIET_MS 200

struct wh_keys_watch {
	struct whd *d;
	void (*on_change)(struct whd *d);
	uv_fs_event_t event;
	uv_timer_t quiet;
	char *file;    /* name within the folder; NULL = nothing is watched */
	unsigned open; /* handles that are not closed yet */
};

static void
on_quiet(uv_timer_t *t)
{
	struct wh_keys_watch *w = t->data;

	whd_tick(w->d);
	w->on_change(w->d);
}

static void
on_event(uv_fs_event_t *e, const char *name, int events, int status)
{
	struct wh_keys_watch *w = e->data;

	(void)events;
	if (status == 0 && w->file && (!name || strcmp(name, w->file) == 0))
		uv_timer_start(&w->quiet, on_quiet, QUIET_MS, 0);
}

struct wh_keys_watch *
wh_keys_watch_new(struct whd *d, void (*on_change)(struct whd *d))
{
	struct wh_keys_watch *w = wh_xcalloc(1, sizeof(*w));

	w->d = d;
	w->on_change = on_change;
	uv_fs_event_init(&d->loop, &w->event);
	uv_timer_init(&d->loop, &w->quiet);
	w->event.data = w->quiet.data = w;
	w->open = 2;
	return w;
}

void
wh_keys_watch_file(struct wh_keys_watch *w, const char *file)
{
	const char *slash = file ? strrchr(file, '/') : NULL;

	uv_fs_event_stop(&w->event);
	free(wh_steal(&w->file));
	if (!slash)
		return;

	char *folder = wh_xstrdup(wh_str(file, slash == file ? 1 : (size_t)(slash - file)));
	int r = uv_fs_event_start(&w->event, on_event, folder, 0);

	if (r == 0)
		w->file = wh_xstrdup(wh_str_c(slash + 1));
	else
		wh_log(WH_LOG_WARNING, "keys",
		       "changes of the file of keys are not noticed: reload after one",
		       "file=%s why=%s", WH_LOGQ(wh_str_c(file)), uv_err_name(r));
	free(folder);
}

static void
on_closed(uv_handle_t *h)
{
	struct wh_keys_watch *w = h->data;

	if (--w->open > 0)
		return;
	free(w->file);
	free(w);
}

struct wh_keys_watch *
wh_keys_watch_free(struct wh_keys_watch *w)
{
	if (!w)
		return NULL;
	uv_close((uv_handle_t *)&w->event, on_closed);
	uv_close((uv_handle_t *)&w->quiet, on_closed);
	return NULL;
}

/* SPDX-License-Identifier: MIT */
/*
 * watch: events as they happen.
 *
 * Called by main.c. When the connection breaks it says so, connects again and
 * goes on where it stopped; when the change log does not reach back that far
 * it says that events are missing, among the events too: who keeps a copy by
 * them reads nothing else. It ends by Ctrl-C, after --limit events, when
 * nobody reads it any more, or when whd stays away longer than --timeout.
 */
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>

#include "ctl/ctl.h"

#define PAUSE_FIRST 100 /* ms between tries to connect again, doubled ... */
#define PAUSE_MAX 5000  /* ... up to this */

/* An event that was there before the answer to the subscription could be read. */
struct early {
	struct early *next;
	struct whc_object *event;
};

struct watcher {
	struct wh_ctl *ctl;
	int64_t left; /* events still to be shown */
	int64_t revision;
	char instance[128];
	bool subscribing;
	struct early *early, **early_end;
	int exit;
};

static void
show_event(struct watcher *w, const msgpack_object *event)
{
	wh_out_item(&w->ctl->out, event);
	w->left--;
	if (w->ctl->out.failed)
		w->left = 0;
}

static void
take_event(struct watcher *w, const struct whc_object *event)
{
	struct wh_tree tree;

	if (w->left == 0 || w->exit)
		return;
	w->exit = wh_ctl_decode(w->ctl, event, &tree);
	if (w->exit)
		return;
	w->revision = whc_int(event, "revision", w->revision);
	show_event(w, &tree.root);
	wh_tree_fini(&tree);
}

static void
put_aside(struct watcher *w, struct whc_object *event)
{
	struct early *e = wh_xcalloc(1, sizeof(*e));

	e->event = whc_object_ref(event);
	*w->early_end = e;
	w->early_end = &e->next;
}

static void
take_early(struct watcher *w)
{
	while (w->early) {
		struct early *e = w->early;

		take_event(w, e->event);
		w->early = e->next;
		whc_object_unref(e->event);
		free(e);
	}
}

static void
on_event(struct whc *c, struct whc_object *event, void *arg)
{
	struct watcher *w = arg;

	(void)c;
	if (event && w->subscribing)
		put_aside(w, event);
	else if (event)
		take_event(w, event);
}

/* What whd logs itself as a reset looks the same. */
static void
show_reset(struct watcher *w)
{
	struct wh_params p;
	struct wh_tree tree;

	fprintf(stderr, "whctl: events are missing here: list again\n");
	wh_params_begin(&p);
	wh_params_int(&p, "revision", w->revision);
	wh_params_str(&p, "kind", WH_STR("reset"));
	if (wh_unpack(&tree, wh_params_end(&p), NULL)) {
		w->exit = wh_ctl_fail(w->ctl, "NO_MEMORY", "no memory for an event");
	} else {
		show_event(w, &tree.root);
		wh_tree_fini(&tree);
	}
	wh_params_fini(&p);
}

static int
call_subscribe(struct watcher *w, struct whc_object **ret)
{
	const char *instance = w->instance[0] ? w->instance : NULL;

	whc_on_event(w->ctl->client, on_event, w);
	w->early_end = &w->early;
	w->subscribing = true;
	int fault = whc_subscribe(w->ctl->client, w->revision, instance, ret);

	w->subscribing = false;
	return fault;
}

static int
subscribe(struct watcher *w)
{
	struct whc_object *started = NULL;
	int fault = wh_ctl_open(w->ctl);

	if (!fault)
		fault = call_subscribe(w, &started);
	if (!fault) {
		const char *instance = whc_str(started, "instance");
		bool reset = whc_bool(started, "reset");

		snprintf(w->instance, sizeof(w->instance), "%s", instance ? instance : "");
		if (w->revision < 0 || reset)
			w->revision = whc_int(started, "revision", w->revision);
		if (reset)
			show_reset(w);
	}
	take_early(w);
	whc_object_unref(started);
	return fault;
}

/* Connects and subscribes again; 0 or an exit status. */
static int
resume(struct watcher *w)
{
	int64_t deadline = w->ctl->timeout >= 0 ? wh_ctl_now() + w->ctl->timeout : INT64_MAX;
	int64_t pause = PAUSE_FIRST;

	fprintf(stderr, "whctl: the connection to whd broke: connecting again\n");
	for (;;) {
		int fault = subscribe(w);

		if (!fault)
			break;
		bool away = fault == WHC_EUNREACHABLE || fault == WHC_ELOST ||
			    wh_ctl_failed_with(w->ctl, "SHUTTING_DOWN") ||
			    wh_ctl_failed_with(w->ctl, "BUSY");

		if (!away || wh_ctl_now() >= deadline)
			return wh_ctl_report(w->ctl);
		if (!wh_ctl_pause(w->ctl, pause))
			return WH_EXIT_INTERRUPTED;
		pause = pause * 2 < PAUSE_MAX ? pause * 2 : PAUSE_MAX;
	}
	fprintf(stderr, "whctl: connected again\n");
	return 0;
}

/* The same as when something is written then; 0, as whoever reports the output says it. */
static int
end_unread(struct watcher *w)
{
	raise(SIGPIPE);
	w->ctl->out.failed = true;
	return 0;
}

/* Waits until whd sends, Ctrl-C comes, or nobody is there to read what is shown. */
static bool
is_read(struct watcher *w)
{
	struct whc *c = w->ctl->client;
	struct pollfd fds[] = {
		{.fd = fileno(w->ctl->out.file)},
		{.fd = whc_fd(c), .events = whc_events(c)},
		{.fd = w->ctl->signal_fd, .events = POLLIN},
	};

	return whc_fd(c) < 0 || poll(fds, wh_array_len(fds), whc_timeout(c)) <= 0 ||
	       !(fds[0].revents & (POLLERR | POLLHUP));
}

static int
watch(struct watcher *w)
{
	while (w->left > 0 && !w->exit) {
		if (!is_read(w))
			return end_unread(w);
		int fault = whc_dispatch(w->ctl->client, WHC_NO_TIMEOUT);

		if (!fault)
			continue;
		/* Ctrl-C is how a watch usually ends: no need for an error. */
		if (fault == WHC_ECANCELLED)
			return WH_EXIT_INTERRUPTED;
		if (fault != WHC_ELOST && fault != WHC_EUNREACHABLE)
			return wh_ctl_report(w->ctl);
		int r = resume(w);

		if (r)
			return r;
	}
	return w->exit;
}

/* --since and --instance are the method's own parameters, but here as values. */
static int
read_place(struct wh_ctl *ctl, struct watcher *w)
{
	for (size_t i = 0; i < ctl->cli.n_args; i++) {
		const struct wh_cli_arg *arg = &ctl->cli.args[i];

		if (strcmp(arg->info->name, "instance") == 0)
			snprintf(w->instance, sizeof(w->instance), "%s", arg->value);
		else if (!wh_parse_i64(wh_str_c(arg->value), 0, INT64_MAX, &w->revision))
			return wh_ctl_fail(ctl, "USAGE", "--since %s is not a revision",
					   arg->value);
	}
	return 0;
}

int
wh_run_watch(struct wh_ctl *ctl)
{
	struct watcher w = {.ctl = ctl, .revision = -1, .left = INT64_MAX};
	const char *limit = ctl->cli.options[WH_OPTION_limit];
	int r = read_place(ctl, &w);

	if (!r && limit && !wh_parse_i64(wh_str_c(limit), 1, INT64_MAX, &w.left))
		r = wh_ctl_fail(ctl, "USAGE", "--limit %s is not a number of events", limit);
	if (r)
		return r;
	ctl->out.live = true;
	wh_out_begin(&ctl->out, WH_RESULT_EVENTS);
	r = subscribe(&w) ? wh_ctl_report(ctl) : watch(&w);
	wh_out_end(&ctl->out);
	return r;
}

/* SPDX-License-Identifier: MIT */
/*
 * The end at a named place, for tests. Called by whoever passes one; the
 * process gets SIGKILL from itself, so that nothing of it is put in order.
 */
#include "daemon/crash_point.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/apply.h"
#include "daemon/catch_up.h"
#include "daemon/index.h"

#ifdef WHD_TEST_HOOKS

static const struct {
	const char *name;
	int (*run)(struct wh_job *, struct wh_txn *);
} jobs[] = {
#define WH_CRASH_PLACE(id, name, help)
#define WH_CRASH_JOB(name, run, help) {#name, run},
#include "daemon/crash_points.def"
#undef WH_CRASH_PLACE
#undef WH_CRASH_JOB
};

static const char *const places[] = {
#define WH_CRASH_PLACE(id, name, help) name,
#define WH_CRASH_JOB(name, run, help)
#include "daemon/crash_points.def"
#undef WH_CRASH_PLACE
#undef WH_CRASH_JOB
};

static bool
is_on(const struct wh_crash *c)
{
	return c->trace || c->name[0];
}

void
wh_crash_init(struct wh_crash *c)
{
	const char *text = getenv("WHD_CRASH");
	size_t n = text ? strcspn(text, ":") : 0;

	if (n == 0 || n >= sizeof(c->name))
		return;
	c->trace = strcmp(text, "trace") == 0;
	if (c->trace)
		return;
	memcpy(c->name, text, n);
	c->left = text[n] == ':' ? (int)strtol(text + n + 1, NULL, 10) : 1;
}

static void
pass(struct wh_crash *c, const char *what, const char *stage)
{
	char name[WH_CRASH_NAME * 2];

	snprintf(name, sizeof(name), "%s%s", what, stage);
	if (c->trace)
		fprintf(stderr, "crash point %s\n", name);
	else if (strcmp(name, c->name) == 0 && atomic_fetch_sub(&c->left, 1) == 1)
		kill(getpid(), SIGKILL);
}

void
wh_crash_at(struct wh_crash *c, enum wh_crash_place place)
{
	if (is_on(c))
		pass(c, places[place], "");
}

static const char *
name_of(int (*run)(struct wh_job *, struct wh_txn *))
{
	for (size_t i = 0; i < wh_array_len(jobs); i++)
		if (jobs[i].run == run)
			return jobs[i].name;
	return "unnamed";
}

static void
mark(struct wh_crash *c, const char *name)
{
	struct wh_crash_marks *m = &c->open;

	for (size_t i = 0; i < m->n; i++)
		if (strcmp(m->name[i], name) == 0)
			return;
	if (m->n < WH_CRASH_MARKS)
		snprintf(m->name[m->n++], WH_CRASH_NAME, "%s", name);
}

void
wh_crash_ran(struct wh_crash *c, int (*run)(struct wh_job *, struct wh_txn *))
{
	if (is_on(c))
		mark(c, name_of(run));
}

void
wh_crash_edge(struct wh_crash *c, const char *from, const char *to)
{
	char name[WH_CRASH_NAME];

	if (!c || !is_on(c))
		return;
	snprintf(name, sizeof(name), "%s-%s", from, to);
	mark(c, name);
}

static void
pass_marks(struct wh_crash *c, const struct wh_crash_marks *m, const char *stage)
{
	for (size_t i = 0; i < m->n; i++)
		pass(c, m->name[i], stage);
}

void
wh_crash_before_commit(struct wh_crash *c)
{
	pass_marks(c, &c->open, ".before");
	c->made = c->open;
	c->open.n = 0;
}

void
wh_crash_after_commit(struct wh_crash *c)
{
	pass_marks(c, &c->made, ".after");
}

void
wh_crash_forget(struct wh_crash *c)
{
	c->open.n = 0;
}

void
wh_crash_done(struct wh_crash *c, int (*run)(struct wh_job *, struct wh_txn *))
{
	if (is_on(c))
		pass(c, name_of(run), ".done");
}

#endif

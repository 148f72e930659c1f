/* SPDX-License-Identifier: MIT */
/* Counting per list, and runs of lists. */
#include "daemon/core/churn.h"

#include "daemon/core/norm.h"

#define SHARE 5u /* more than one in so many */
#define LISTS 3u /* running */

/* ------------------------------------------------------------------- counts -- */

static struct wh_churn_count *
count_of(struct wh_churn_tally *t, struct wh_str name)
{
	for (size_t i = 0; i < t->n; i++)
		if (wh_str_is(name, t->count[i].name))
			return &t->count[i];
	if (t->n == WH_CHURN_NAMES || name.n >= WH_CHURN_NAME_MAX ||
	    (name.n && memchr(name.p, '\0', name.n)))
		return NULL;

	struct wh_churn_count *fresh = &t->count[t->n++];

	*fresh = (struct wh_churn_count){0};
	memcpy(fresh->name, name.p, name.n);
	return fresh;
}

static void
count(struct wh_churn_tally *t, struct wh_str name, uint64_t n)
{
	struct wh_churn_count *c = count_of(t, name);

	if (c)
		c->n += n;
}

void
wh_churn_compare(struct wh_churn_tally *t, const msgpack_object *was, const msgpack_object *now,
		 const struct wh_str *ignore, size_t n_ignore)
{
	struct wh_str name;

	if (was->type != MSGPACK_OBJECT_MAP || now->type != MSGPACK_OBJECT_MAP)
		return;
	for (uint32_t i = 0; i < now->via.map.size; i++) {
		const msgpack_object_kv *kv = &now->via.map.ptr[i];

		if (!wh_obj_str(&kv->key, &name) || wh_norm_is_ignored(name, ignore, n_ignore))
			continue;

		const msgpack_object *before = wh_obj_getn(was, name);

		if (!before || !wh_norm_same_member(name, &kv->val, before))
			count(t, name, 1);
	}
}

void
wh_churn_add(struct wh_churn_tally *to, const struct wh_churn_tally *from)
{
	for (size_t i = 0; i < from->n; i++)
		count(to, wh_str_c(from->count[i].name), from->count[i].n);
}

/* --------------------------------------------------------------------- runs -- */

bool
wh_churn_is_restless(const struct wh_churn_member *m)
{
	return m->lists >= LISTS;
}

static unsigned
lists_before(const struct wh_churn *c, const char *name)
{
	for (size_t i = 0; i < c->n; i++)
		if (strcmp(c->member[i].name, name) == 0)
			return c->member[i].lists;
	return 0;
}

bool
wh_churn_list(struct wh_churn *c, const struct wh_churn_tally *t, uint64_t webhooks)
{
	struct wh_churn now = {0};
	bool news = false;

	for (size_t i = 0; i < t->n; i++) {
		struct wh_churn_member *m = &now.member[now.n];

		if (t->count[i].n <= webhooks / SHARE)
			continue;
		memcpy(m->name, t->count[i].name, sizeof(m->name));
		m->lists = lists_before(c, m->name) + 1;
		news |= m->lists == LISTS;
		now.n++;
	}
	*c = now;
	return news;
}

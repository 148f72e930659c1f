/* SPDX-License-Identifier: MIT */
/*
 * Names of members, held against what there is.
 *
 * Called by start.c before the run, by list.c with each page and by session.c
 * with a record. Members of webhooks come from the API and may be in some rows
 * only: there the rows tell.
 */
#include "ctl/asked.h"

#include "proto/nearest.h"

void
wh_asked_begin(struct wh_asked *a, const struct wh_ctl *ctl, enum wh_result_shape shape)
{
	const char *names = ctl->out.chosen ? ctl->out.chosen : ctl->out.field;
	size_t left = 0;

	*a = (struct wh_asked){.shape = shape};
	if (!names)
		return;
	a->names = wh_columns_of(shape, names);
	for (size_t i = 0; i < a->names.n; i++)
		if (!wh_columns_document(shape, a->names.columns[i].path))
			a->names.columns[left++] = a->names.columns[i];
	a->names.n = left;
}

void
wh_asked_look(struct wh_asked *a, const msgpack_object *item)
{
	size_t left = 0;

	a->looked = true;
	for (size_t i = 0; i < a->names.n; i++)
		if (!wh_member(item, a->names.columns[i].path))
			a->names.columns[left++] = a->names.columns[i];
	a->names.n = left;
}

int
wh_asked_judge(struct wh_ctl *ctl, const struct wh_asked *a)
{
	struct wh_buf why = WH_BUF_NULL;

	if (!a->looked || a->names.n == 0)
		return 0;
	struct wh_str name = a->names.columns[0].path;
	struct wh_nearest near = wh_nearest_begin(name);

	wh_columns_offer(a->shape, &near);
	wh_buf_printf(&why, "there is no member \"%.*s\" in what whctl %s shows",
		      WH_STR_FMT(name), ctl->cli.verb->name);
	if (near.name)
		wh_buf_printf(&why, ": did you mean %s?", near.name);
	int r = wh_ctl_fail(ctl, "USAGE", "%.*s", WH_STR_FMT(wh_buf_view(&why)));

	wh_buf_fini(&why);
	return r;
}

void
wh_asked_fini(struct wh_asked *a)
{
	wh_columns_fini(&a->names);
}

static bool
is_documented_whole(enum wh_result_shape shape)
{
	return shape == WH_RESULT_OP || shape == WH_RESULT_OPS || shape == WH_RESULT_EVENTS ||
	       shape == WH_RESULT_SUBSCRIBED;
}

int
wh_asked_check(struct wh_ctl *ctl)
{
	const struct wh_cmd_info *cmd = ctl->cli.verb->cmd;
	struct wh_asked a;

	if (ctl->out.chosen && strspn(ctl->out.chosen, ",") == strlen(ctl->out.chosen))
		return wh_ctl_fail(ctl, "USAGE", "--columns names no member");
	if (!cmd || !is_documented_whole(cmd->result))
		return 0;
	wh_asked_begin(&a, ctl, cmd->result);
	a.looked = true;
	int r = wh_asked_judge(ctl, &a);

	wh_asked_fini(&a);
	return r;
}

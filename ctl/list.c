/* SPDX-License-Identifier: MIT */
/*
 * Verbs that list: page after page, until the end or --limit.
 *
 * Called by main.c for every paged method. One page is held at a time. An
 * empty or old list is said to be so, as it would otherwise look like the
 * truth.
 */
#include <stdio.h>

#include "ctl/asked.h"

#define PAGE_MAX 1000

struct listing {
	struct wh_ctl *ctl;
	struct wh_params given; /* by words and options */
	struct wh_buf request;  /* the same with limit and cursor */
	int64_t left;           /* items that may still be shown */
	uint64_t damaged;       /* left out of the pages so far */
	struct wh_asked asked;
	bool begun;
};

static int
parse_limit(struct wh_ctl *ctl, int64_t *ret)
{
	const char *text = ctl->cli.options[WH_OPTION_limit];

	*ret = INT64_MAX;
	if (text && !wh_parse_i64(wh_str_c(text), 1, INT64_MAX, ret))
		return wh_ctl_fail(ctl, "USAGE", "--limit %s is not a number of items", text);
	return 0;
}

static int
call_page(struct listing *l, struct wh_str given, struct wh_str cursor, struct whc_object **ret)
{
	struct wh_str members;
	uint32_t n;

	if (wh_map_split(given, &n, &members))
		return wh_ctl_fail(l->ctl, "NO_MEMORY", "no memory for the request");
	wh_buf_reset(&l->request);
	wh_pack_map(&l->request, n + (cursor.n ? 2u : 1u));
	wh_buf_str(&l->request, members);
	wh_pack_kv_int(&l->request, "limit", l->left < PAGE_MAX ? l->left : PAGE_MAX);
	if (cursor.n)
		wh_pack_kv_str(&l->request, "cursor", cursor);
	return wh_ctl_call(l->ctl, l->ctl->cli.verb->cmd->method, wh_buf_view(&l->request), -1,
			   ret);
}

/*
 * Said once, when the first page has come; to programs too if it is empty only because
 * nothing is known yet.
 */
static void
note_age(struct wh_ctl *ctl, const msgpack_object *page)
{
	if (!wh_obj_get(page, "stale"))
		return;
	if (wh_obj_is_nil(wh_obj_get(page, "synced_at")))
		wh_ctl_warn(ctl, "note: no list from the upstream has arrived yet: whctl wait "
				 "synced");
	else if (wh_obj_bool_at(page, "stale", false))
		wh_ctl_note(ctl, "note: this copy is out of date: whctl status says why");
}

/* Also to who reads no notes: what is shown is not all there is. */
static void
tell_damaged(const struct listing *l)
{
	if (l->damaged)
		fprintf(stderr,
			"whctl: damaged webhooks are left out (%llu): they are being fetched "
			"again, list once more in a moment\n",
			(unsigned long long)l->damaged);
}

static int
show_page(struct listing *l, const msgpack_object *page)
{
	const msgpack_object *items = wh_obj_get(page, "items");
	uint32_t n = items && items->type == MSGPACK_OBJECT_ARRAY ? items->via.array.size : 0;
	int r = 0;

	l->damaged += wh_obj_u64_at(page, "damaged", 0);
	for (uint32_t i = 0; i < n; i++)
		wh_asked_look(&l->asked, &items->via.array.ptr[i]);
	/* A member may be in later rows only: of a long list the end tells. */
	if (!l->begun && !wh_obj_get(page, "cursor"))
		r = wh_asked_judge(l->ctl, &l->asked);
	if (r)
		return r;

	/* The heading waits for the first answer: an error leaves no trace. */
	if (!l->begun) {
		note_age(l->ctl, page);
		wh_out_begin(&l->ctl->out, l->ctl->cli.verb->cmd->result);
		l->begun = true;
	}
	for (uint32_t i = 0; i < n && l->left > 0; i++, l->left--)
		wh_out_item(&l->ctl->out, &items->via.array.ptr[i]);
	return 0;
}

static int
list_all(struct listing *l)
{
	struct wh_str given = wh_params_end(&l->given);
	struct wh_str cursor = WH_STR_NULL;
	struct whc_object *page = NULL;
	struct wh_tree tree = {0};
	int r;

	do {
		struct whc_object *next = NULL;

		r = call_page(l, given, cursor, &next);
		wh_tree_fini(&tree);
		whc_object_unref(page);
		page = next;
		if (!r)
			r = wh_ctl_decode(l->ctl, page, &tree);
		if (!r)
			r = show_page(l, &tree.root);
		if (r)
			break;
		cursor = wh_obj_str_at(&tree.root, "cursor");
	} while (cursor.n && l->left > 0);
	wh_tree_fini(&tree);
	whc_object_unref(page);
	return r;
}

int
wh_run_list(struct wh_ctl *ctl)
{
	struct listing l = {.ctl = ctl};
	int r = parse_limit(ctl, &l.left);

	if (r)
		return r;
	wh_params_begin(&l.given);
	r = wh_ctl_params(ctl, &l.given);
	wh_asked_begin(&l.asked, ctl, ctl->cli.verb->cmd->result);
	if (!r)
		r = list_all(&l);
	if (!r && l.begun)
		r = wh_asked_judge(ctl, &l.asked);
	tell_damaged(&l);
	wh_asked_fini(&l.asked);
	if (l.begun && r)
		wh_out_break(&ctl->out);
	else if (l.begun)
		wh_out_end(&ctl->out);
	wh_params_fini(&l.given);
	wh_buf_fini(&l.request);
	return r;
}

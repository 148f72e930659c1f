/* SPDX-License-Identifier: MIT */
/*
 * Webhooks by name: "name:NAME" stands for the whid of the one webhook called
 * so.
 *
 * Called by the verbs that take a whid. It never guesses: no webhook or more
 * than one is an error.
 */
#include "ctl/ctl.h"

#define PREFIX "name:"
#define SHOWN 5 /* candidates listed when a name is ambiguous */

/* What is called so, as far as was looked. */
struct named {
	struct wh_buf first;  /* terminated */
	struct wh_buf others; /* each behind a comma */
	size_t n;
	bool synced;
};

static void
add_page(struct named *found, const struct whc_object *page)
{
	const size_t n = whc_count(page, "items");

	found->synced = whc_has(page, "synced_at");
	for (size_t i = 0; i < n; i++, found->n++) {
		char path[32];

		snprintf(path, sizeof(path), "items.%zu.whid", i);
		const char *whid = whc_str(page, path) ? whc_str(page, path) : "?";

		if (found->n == 0)
			wh_buf_add(&found->first, whid, strlen(whid) + 1);
		else if (found->n < SHOWN)
			wh_buf_printf(&found->others, ", %s", whid);
	}
}

static int
list_page(struct wh_ctl *ctl, const char *name, const struct wh_buf *cursor,
	  struct whc_object **ret)
{
	struct wh_params p;

	wh_params_begin(&p);
	wh_params_str(&p, "whname", wh_str_c(name));
	wh_params_int(&p, "limit", SHOWN + 1);
	if (cursor->n)
		wh_params_str(&p, "cursor", wh_buf_view(cursor));
	int r = wh_ctl_call(ctl, "webhook.list", wh_params_end(&p), -1, ret);

	wh_params_fini(&p);
	return r;
}

/* Page by page, as one may end without an item, until there are two or no more. */
static int
find_named(struct wh_ctl *ctl, const char *name, struct named *found)
{
	struct wh_buf cursor = WH_BUF_NULL;
	int r;

	do {
		struct whc_object *page = NULL;

		r = list_page(ctl, name, &cursor, &page);
		wh_buf_reset(&cursor);
		if (r == 0) {
			add_page(found, page);
			wh_buf_c(&cursor, whc_str(page, "cursor"));
		}
		whc_object_unref(page);
	} while (r == 0 && cursor.n && found->n < 2);
	wh_buf_fini(&cursor);
	return r;
}

static int
refuse_ambiguous(struct wh_ctl *ctl, const char *name, const struct named *found)
{
	return wh_ctl_fail(ctl, "AMBIGUOUS", "more than one webhook is named %s: %s%.*s%s",
			   name, found->first.p, WH_STR_FMT(wh_buf_view(&found->others)),
			   found->n > SHOWN ? ", ..." : "");
}

/* Before the first list nobody knows what is called so. */
static int
refuse_unknown(struct wh_ctl *ctl, const char *name, const struct named *found)
{
	if (!found->synced)
		return wh_ctl_fail(ctl, "NOT_SYNCED",
				   "the first list from the upstream has not arrived: whether "
				   "a webhook is named %s is not known yet",
				   name);
	return wh_ctl_fail(ctl, "NOT_FOUND", "no webhook is named %s", name);
}

int
wh_ctl_whid(struct wh_ctl *ctl, const char *word, struct wh_buf *b, const char **ret)
{
	struct named found = {0};

	*ret = word;
	if (strncmp(word, PREFIX, strlen(PREFIX)) != 0)
		return 0;
	const char *name = word + strlen(PREFIX);
	int r = find_named(ctl, name, &found);

	if (r == 0 && found.n > 1)
		r = refuse_ambiguous(ctl, name, &found);
	else if (r == 0 && found.n == 0)
		r = refuse_unknown(ctl, name, &found);
	if (r == 0) {
		wh_buf_str(b, wh_buf_view(&found.first));
		*ret = b->p;
	}
	wh_buf_fini(&found.first);
	wh_buf_fini(&found.others);
	return r;
}

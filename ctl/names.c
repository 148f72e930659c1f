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

static int
list_named(struct wh_ctl *ctl, const char *name, struct whc_object **ret)
{
	struct wh_params p;

	wh_params_begin(&p);
	wh_params_str(&p, "whname", wh_str_c(name));
	wh_params_int(&p, "limit", SHOWN + 1);
	int r = wh_ctl_call(ctl, "webhook.list", wh_params_end(&p), -1, ret);

	wh_params_fini(&p);
	return r;
}

static int
refuse_ambiguous(struct wh_ctl *ctl, const char *name, const struct whc_object *page)
{
	struct wh_buf ids = WH_BUF_NULL;
	size_t n = whc_count(page, "items");

	for (size_t i = 0; i < n && i < SHOWN; i++) {
		char path[32];

		snprintf(path, sizeof(path), "items.%zu.whid", i);
		const char *whid = whc_str(page, path);

		wh_buf_printf(&ids, "%s%s", i ? ", " : "", whid ? whid : "?");
	}
	int exit = wh_ctl_fail(ctl, "AMBIGUOUS", "more than one webhook is named %s: %.*s%s",
			       name, WH_STR_FMT(wh_buf_view(&ids)), n > SHOWN ? ", ..." : "");

	wh_buf_fini(&ids);
	return exit;
}

/* Before the first list nobody knows what is called so. */
static int
refuse_unknown(struct wh_ctl *ctl, const char *name, const struct whc_object *page)
{
	if (!whc_has(page, "synced_at"))
		return wh_ctl_fail(ctl, "NOT_SYNCED",
				   "the first list from the upstream has not arrived: whether "
				   "a webhook is named %s is not known yet",
				   name);
	return wh_ctl_fail(ctl, "NOT_FOUND", "no webhook is named %s", name);
}

int
wh_ctl_whid(struct wh_ctl *ctl, const char *word, struct wh_buf *b, const char **ret)
{
	struct whc_object *page = NULL;

	*ret = word;
	if (strncmp(word, PREFIX, strlen(PREFIX)) != 0)
		return 0;
	const char *name = word + strlen(PREFIX);
	int r = list_named(ctl, name, &page);

	if (r)
		return r;
	size_t n = whc_count(page, "items");
	const char *whid = whc_str(page, "items.0.whid");

	if (n > 1) {
		r = refuse_ambiguous(ctl, name, page);
	} else if (n == 0 || !whid) {
		r = refuse_unknown(ctl, name, page);
	} else {
		wh_buf_add(b, whid, strlen(whid) + 1);
		*ret = b->p;
	}
	whc_object_unref(page);
	return r;
}

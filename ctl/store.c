/* SPDX-License-Identifier: MIT */
/*
 * Verbs on the store as a whole: backup and check.
 *
 * Called by start.c. whd does both, on its own thread and with its own rights;
 * a file is named from / on, because its folder is not ours.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl/ctl.h"

static int64_t
patience(const struct wh_ctl *ctl)
{
	return ctl->timeout >= 0 ? ctl->timeout : WH_CTL_LONG;
}

static int
add_file(struct wh_ctl *ctl, struct wh_params *p)
{
	const char *word = ctl->cli.words[0];
	struct wh_buf path = wh_buf_capped(2 * PATH_MAX);
	char here[PATH_MAX];
	int r = 0;

	if (word[0] != '/') {
		if (!getcwd(here, sizeof(here)))
			return wh_ctl_fail(
				ctl, "USAGE",
				"the folder of %s is not known (%s): write it from / "
				"on",
				word, strerror(errno));
		wh_buf_printf(&path, "%s/", here);
	}
	wh_buf_c(&path, word);
	if (path.fault)
		r = wh_ctl_fail(ctl, "USAGE", "the name of the file is too long");
	else
		wh_params_str(p, "path", wh_buf_view(&path));
	wh_buf_fini(&path);
	return r;
}

/* A service may have a folder of its own where its caller sees another one. */
static int
check_seen(struct wh_ctl *ctl, const struct whc_object *o)
{
	const char *path = whc_str(o, "path");
	struct stat st;

	if (!path || stat(path, &st) == 0 || errno != ENOENT)
		return 0;
	return wh_ctl_fail(ctl, "NOT_HERE",
			   "whd wrote %s where only whd sees it: its service has a folder of "
			   "its own in that place, and what is in it is gone when the service "
			   "stops",
			   path);
}

int
wh_run_backup(struct wh_ctl *ctl)
{
	struct whc_object *o = NULL;
	struct wh_params p;

	wh_params_begin(&p);
	int r = ctl->cli.n_words > 0 ? add_file(ctl, &p) : 0;

	if (!r)
		r = wh_ctl_call(ctl, ctl->cli.verb->cmd->method, wh_params_end(&p),
				patience(ctl), &o);
	if (!r)
		r = wh_ctl_show(ctl, WH_RESULT_BACKUP, o);
	if (!r && ctl->cli.n_words > 0)
		r = check_seen(ctl, o);
	whc_object_unref(o);
	wh_params_fini(&p);
	return r;
}

static void
show_problems(struct wh_ctl *ctl, const msgpack_object *result)
{
	const msgpack_object *list = wh_obj_get(result, "problems");

	wh_out_begin(&ctl->out, WH_RESULT_CHECK);
	for (uint32_t i = 0; i < list->via.array.size; i++)
		wh_out_item(&ctl->out, &list->via.array.ptr[i]);
	wh_out_end(&ctl->out);
}

/* A sound store has no list to show, and JSON shows the whole result. */
static int
show_check(struct wh_ctl *ctl, const struct whc_object *o)
{
	struct wh_tree tree;
	bool listed = ctl->out.format == WH_FORMAT_TABLE || ctl->out.format == WH_FORMAT_TSV;

	if (!listed || whc_bool(o, "sound"))
		return wh_ctl_show(ctl, WH_RESULT_DUMP, o);
	int r = wh_ctl_decode(ctl, o, &tree);

	if (r)
		return r;
	const msgpack_object *list = wh_obj_get(&tree.root, "problems");

	if (list && list->type == MSGPACK_OBJECT_ARRAY)
		show_problems(ctl, &tree.root);
	wh_tree_fini(&tree);
	return 0;
}

int
wh_run_check(struct wh_ctl *ctl)
{
	struct whc_object *o = NULL;
	struct wh_params p;

	wh_params_begin(&p);
	int r = wh_ctl_call(ctl, ctl->cli.verb->cmd->method, wh_params_end(&p), patience(ctl),
			    &o);

	if (!r)
		r = show_check(ctl, o);
	if (!r && !whc_bool(o, "sound"))
		r = WH_EXIT_NEGATIVE;
	whc_object_unref(o);
	wh_params_fini(&p);
	return r;
}

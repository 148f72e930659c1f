/* SPDX-License-Identifier: MIT */
/*
 * The actions on a store that is not being served. Nothing is ever deleted
 * here: what is replaced keeps its bytes under another name, which is told.
 *
 * Called by main, which runs nothing else.
 */
#include "daemon/offline.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "daemon/core/op_story.h"
#include "daemon/terms.h"
#include "daemon/url.h"
#include "daemon/whd.h"
#include "proto/json.h"

static int
refused(enum wh_store_why why, struct wh_buf *text)
{
	fprintf(stderr, "whd: %.*s\n", WH_STR_FMT(wh_buf_view(text)));
	return why == WH_STORE_WHY_LOCKED ? WHD_EXIT_RUNNING : EXIT_FAILURE;
}

static struct wh_store_options
options_of(const struct wh_config *config, bool read_only)
{
	return (struct wh_store_options){
		.path = config->store_path,
		.max_size = (uint64_t)config->store_max_size,
		.terms = wh_terms_of_webhook,
		.read_only_check = read_only,
	};
}

static uint64_t
ops_of(const struct wh_meta *m)
{
	return m->ops_queued + m->ops_checking + m->ops_sending + m->ops_unknown +
	       m->ops_conflict + m->ops_held + m->ops_dead;
}

/* ------------------------------------------------------------------ check -- */

static void
on_damage(void *ctx, const char *table, const char *sentence)
{
	size_t *n = ctx;

	(*n)++;
	printf("%s: %s\n", table, sentence);
}

static int
check(struct wh_store *store, const char *path)
{
	size_t damages = 0;
	int r = wh_store_check(store, true, on_damage, &damages);

	if (r == 0)
		printf("%s: the store is sound\n", path);
	else if (damages > 0)
		fprintf(stderr, "whd: the store is damaged in %zu places\n", damages);
	else
		fprintf(stderr, "whd: the store cannot be checked: %s\n", wh_fault_str(r));
	return r == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int
wh_offline_check(const struct wh_config *config)
{
	const struct wh_store_options o = options_of(config, true);
	enum wh_store_why why = WH_STORE_WHY_NONE;
	struct wh_buf text = WH_BUF_NULL;
	struct wh_store *store = NULL;
	int status;

	if (wh_store_open(&store, &o, &why, &text))
		status = refused(why, &text);
	else
		status = check(store, config->store_path);
	wh_store_close(store);
	wh_buf_fini(&text);
	return status;
}

/* ---------------------------------------------------------------- restore -- */

static void
tell_aside(const struct wh_config *config, const struct wh_replacement *ret)
{
	if (ret->aside[0])
		printf("the store that was there is kept as %s/%s: delete it when it is needed "
		       "no more\n",
		       config->store_path, ret->aside);
}

/* Status 0 also for a copy that cannot be read: what puts it in place says why. */
static int
judge_upstream(const struct wh_config *config, const char *file)
{
	const struct wh_store_options o = {
		.path = file, .terms = wh_terms_of_webhook, .read_only_check = true};
	char *resource = wh_url_resource(wh_str_c(config->upstream_url));
	enum wh_store_why why = WH_STORE_WHY_NONE;
	struct wh_buf text = WH_BUF_NULL;
	struct wh_store *store = NULL;
	struct wh_view v = {0};
	struct wh_str url;
	int status = EXIT_SUCCESS;

	if (wh_store_open(&store, &o, &why, &text) == 0 && wh_view_begin(store, &v) == 0 &&
	    wh_meta_text(&v, "url", &url) == 0 && !wh_str_is(url, resource)) {
		fprintf(stderr,
			"whd: %s belongs to another upstream, %.*s, and [upstream] url is %s: "
			"set that back, or take another copy; nothing was changed\n",
			file, WH_STR_FMT(url), resource);
		status = WHD_EXIT_CONFIG;
	}
	wh_view_end(&v);
	wh_store_close(store);
	wh_buf_fini(&text);
	free(resource);
	return status;
}

static int
put_back(const struct wh_config *config, const char *file)
{
	const struct wh_store_options o = options_of(config, false);
	struct wh_buf text = WH_BUF_NULL;
	struct wh_replacement ret = {
		.file = file,
		.label = "replaced",
		.now = wh_clock_now().wall.ms,
	};
	int status = EXIT_SUCCESS;

	if (wh_store_replace(&o, &ret, &text)) {
		status = refused(ret.why, &text);
	} else {
		printf("%s: restored from %s, with %llu webhooks and %llu operations that have "
		       "not ended\n",
		       config->store_path, file, (unsigned long long)ret.meta.rows,
		       (unsigned long long)ops_of(&ret.meta));
		tell_aside(config, &ret);
		printf("start whd now: it looks up each of the operations before it sends "
		       "anything\n");
	}
	wh_buf_fini(&text);
	return status;
}

int
wh_offline_restore(const struct wh_config *config, const char *file)
{
	int status = judge_upstream(config, file);

	return status == EXIT_SUCCESS ? put_back(config, file) : status;
}

/* ----------------------------------------------------------------- rebind -- */

/* The queue on its way into a file, one JSON object a line. */
struct export
{
	char path[4096 + 64];
	FILE *file;
	uint64_t written;
	uint64_t damaged; /* operations that cannot be read */
};

static bool
begin_export(struct export *x, const char *store)
{
	const int flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW;
	time_t now = (time_t)(wh_clock_now().wall.ms / 1000);
	char at[32] = "";
	struct stat st;
	struct tm tm;

	if (gmtime_r(&now, &tm))
		strftime(at, sizeof(at), "%Y%m%dT%H%M%SZ", &tm);
	snprintf(x->path, sizeof(x->path), "%s/queue-%s.jsonl", store, at);
	int fd = open(x->path, flags, 0600);

	if (fd < 0)
		return false;
	if (geteuid() == 0 && stat(store, &st) == 0 && fchown(fd, st.st_uid, st.st_gid) != 0) {
		close(fd);
		return false;
	}
	x->file = fdopen(fd, "w");
	return x->file != NULL;
}

static bool
end_export(struct export *x)
{
	bool good = fflush(x->file) == 0 && !ferror(x->file) && fsync(fileno(x->file)) == 0;

	return fclose(x->file) == 0 && good;
}

static int
export_op(struct export *x, const struct wh_view *v, uint64_t seq)
{
	struct wh_buf packed = WH_BUF_NULL, line = WH_BUF_NULL;
	struct wh_oprow row;
	struct wh_op op;
	int r = wh_ops_get(v, seq, &row);

	if (r == 0)
		r = wh_op_decode(&op, row.body);
	if (r == 0) {
		memcpy(op.id, row.id, sizeof(op.id));
		wh_op_pack(&packed, &op, &(struct wh_op_around){0});
		r = packed.fault ? packed.fault
				 : wh_json_from_pack(&line, wh_buf_view(&packed), 0);
	}
	if (r == 0 && fprintf(x->file, "%.*s\n", WH_STR_FMT(wh_buf_view(&line))) > 0)
		x->written++;
	wh_buf_fini(&packed);
	wh_buf_fini(&line);
	return r;
}

static int
export_ops(struct export *x, const struct wh_view *v)
{
	uint64_t seq = 0;
	int r = wh_ops_next(v, seq, &seq);

	while (r == 0) {
		r = export_op(x, v, seq);
		if (r < 0 && r != WH_ENOMEM) {
			fprintf(x->file, "{\"damaged\":true,\"seq\":%llu}\n",
				(unsigned long long)seq);
			x->damaged++;
			r = 0;
		}
		if (r == 0)
			r = wh_ops_next(v, seq, &seq);
	}
	return r == WH_ABSENT ? 0 : r;
}

static int
export_queue(struct export *x, const struct wh_config *config, const struct wh_view *v)
{
	if (!begin_export(x, config->store_path)) {
		fprintf(stderr, "whd: cannot write the queue to %s: %s; nothing was changed\n",
			x->path, strerror(errno));
		return EXIT_FAILURE;
	}
	int r = export_ops(x, v);

	if (end_export(x) && r == 0)
		return EXIT_SUCCESS;
	(void)unlink(x->path);
	fprintf(stderr, "whd: the queue cannot be written to %s: %s; nothing was changed\n",
		x->path, r ? wh_fault_str(r) : "make room on its file system, or check it");
	return EXIT_FAILURE;
}

static int
begin_anew(const struct wh_config *config, const struct export *x, const char *resource)
{
	const struct wh_store_options o = options_of(config, false);
	struct wh_buf text = WH_BUF_NULL;
	struct wh_replacement ret = {.label = "rebound", .now = wh_clock_now().wall.ms};
	int status = EXIT_SUCCESS;

	if (wh_store_replace(&o, &ret, &text)) {
		(void)unlink(x->path);
		status = refused(ret.why, &text);
	} else {
		printf("%s: empty from now on, and bound to %s at the next start\n",
		       config->store_path, resource);
		printf("the queue is kept as %s: %llu operations, of which nothing will be "
		       "sent\n",
		       x->path, (unsigned long long)(x->written + x->damaged));
		tell_aside(config, &ret);
	}
	wh_buf_fini(&text);
	return status;
}

/* Looks at the store only; what it holds is written out. *ret_same: there is nothing to do. */
static int
read_out(const struct wh_config *config, const char *resource, struct export *x, bool *ret_same)
{
	const struct wh_store_options o = options_of(config, true);
	enum wh_store_why why = WH_STORE_WHY_NONE;
	struct wh_buf text = WH_BUF_NULL;
	struct wh_store *store = NULL;
	struct wh_view v = {0};
	struct wh_str url = WH_STR_NULL;
	int status = EXIT_SUCCESS;

	if (wh_store_open(&store, &o, &why, &text)) {
		status = refused(why, &text);
	} else if (wh_view_begin(store, &v) || wh_meta_text(&v, "url", &url) < 0) {
		fprintf(stderr, "whd: the store is damaged: start whd, which tries to make it "
				"anew of what can be read, then try again\n");
		status = EXIT_FAILURE;
	} else {
		*ret_same = wh_str_is(url, resource);
		if (!*ret_same)
			status = export_queue(x, config, &v);
	}
	wh_view_end(&v);
	wh_store_close(store);
	wh_buf_fini(&text);
	return status;
}

int
wh_offline_rebind(const struct wh_config *config)
{
	char *resource = wh_url_resource(wh_str_c(config->upstream_url));
	struct export x = {0};
	bool same = false;
	int status = read_out(config, resource, &x, &same);

	if (status == EXIT_SUCCESS && same)
		printf("%s: belongs to %s already, nothing was changed\n", config->store_path,
		       resource);
	else if (status == EXIT_SUCCESS)
		status = begin_anew(config, &x, resource);
	free(resource);
	return status;
}

/* SPDX-License-Identifier: MIT */
/*
 * Copies of the store. The copy itself is the store's affair (checked, flushed,
 * renamed); here are its name, its turn, and how many are kept.
 *
 * The time of the last one is that of the newest file, so that restarts do not
 * put the next one off.
 */
#include "daemon/backup.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "daemon/pool.h"
#include "proto/pack.h"

#define FOLDER "backups"
#define NAME_BEGIN "whd-"
#define NAME_END ".mdb"
#define RETRY_MS 600000 /* after one that failed, unless the interval is shorter */

struct backup {
	struct wh_pool_job job;
	char *folder; /* NULL: the caller named the file */
	char *file;
	struct wh_now began;
	uint64_t leave_free; /* on the disk of the store */
	/* results */
	int fault;
	struct wh_buf why;
	int64_t size;
};

/* ------------------------------------------------------ the folder's files -- */

static char *
join(const char *folder, const char *name)
{
	size_t n = strlen(folder) + strlen(name) + 2;
	char *path = wh_xcalloc(1, n);

	snprintf(path, n, "%s/%s", folder, name);
	return path;
}

static bool
is_ours(const char *name, const char *end)
{
	size_t n = strlen(name), n_end = strlen(end);

	return strncmp(name, NAME_BEGIN, strlen(NAME_BEGIN)) == 0 && n > n_end &&
	       strcmp(name + n - n_end, end) == 0;
}

static int
take_ours(const struct dirent *entry)
{
	return is_ours(entry->d_name, NAME_END);
}

static int
take_unfinished(const struct dirent *entry)
{
	return is_ours(entry->d_name, NAME_END WH_COPY_SUFFIX);
}

/* Our names in the order of their times, which is that of their letters; -1 if there is no
 * folder. */
static int
list_ours(const char *folder, struct dirent ***ret)
{
	return scandir(folder, ret, take_ours, alphasort);
}

static void
free_names(struct dirent **names, int n)
{
	for (int i = 0; i < n; i++)
		free(names[i]);
	free(names);
}

static void
remove_from(const char *folder, const char *name)
{
	char *path = join(folder, name);

	(void)unlink(path);
	free(path);
}

/* The place of this file in the order of the names; of the last one, if it is not there. */
static int
place_of(const char *file, struct dirent *const *names, int n)
{
	const char *slash = strrchr(file, '/'), *name = slash ? slash + 1 : file;
	int i = 0;

	while (i < n - 1 && strcmp(names[i]->d_name, name) != 0)
		i++;
	return i;
}

/* Those that are named as if they were to come go first: the clock was wrong when they were
 * made.
 */
static void
remove_oldest(const struct backup *b)
{
	struct dirent **names = NULL;
	int n = list_ours(b->folder, &names), newest = place_of(b->file, names, n);

	for (int i = 1; i <= n - WH_BACKUPS_KEPT; i++)
		remove_from(b->folder, names[(newest + i) % n]->d_name);
	if (n >= 0)
		free_names(names, n);
}

/* One copy is made at a time: these were cut short by the end of whd. */
static void
remove_unfinished(const char *folder)
{
	struct dirent **names = NULL;
	int n = scandir(folder, &names, take_unfinished, alphasort);

	for (int i = 0; i < n; i++)
		remove_from(folder, names[i]->d_name);
	if (n >= 0)
		free_names(names, n);
}

/* Wall ms of the newest one; 0 = there is none. */
static int64_t
newest_at(const char *folder)
{
	struct dirent **names = NULL;
	int n = list_ours(folder, &names);
	struct stat st;
	int64_t at = 0;

	if (n > 0) {
		char *path = join(folder, names[n - 1]->d_name);

		if (stat(path, &st) == 0)
			at = (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000;
		free(path);
	}
	if (n >= 0)
		free_names(names, n);
	return at;
}

static char *
our_folder(const struct whd *d)
{
	return join(d->config->store_path, FOLDER);
}

static char *
our_file(const struct whd *d, const char *folder)
{
	time_t seconds = (time_t)(d->now.wall.ms / 1000);
	char at[32] = "", name[64];
	struct tm tm;

	if (gmtime_r(&seconds, &tm))
		strftime(at, sizeof(at), "%Y%m%dT%H%M%S", &tm);
	snprintf(name, sizeof(name), NAME_BEGIN "%s.%03dZ" NAME_END, at,
		 (int)(d->now.wall.ms % 1000));
	return join(folder, name);
}

/* ------------------------------------------------------------- pool thread -- */

/* A copy of its own must not take the room that whd needs to go on. */
static bool
has_room(struct backup *b, struct wh_store *store)
{
	struct wh_store_space space;

	if (wh_store_space(store, &space) != 0 || space.disk_free >= space.used + b->leave_free)
		return true;
	wh_buf_printf(&b->why,
		      "a copy of %" PRIu64 " bytes would leave less than [store] min_free on "
		      "the disk of the store: make room, or name a file on another disk",
		      space.used);
	b->fault = WH_ENOSPACE;
	return false;
}

static void
make_copy(struct backup *b, struct wh_store *store)
{
	struct stat st;

	if (b->folder && !has_room(b, store))
		return;
	if (b->folder && mkdir(b->folder, 0700) != 0 && errno != EEXIST) {
		wh_buf_printf(&b->why, "cannot create %s: %s", b->folder, strerror(errno));
		b->fault = WH_ESYS;
		return;
	}
	if (b->folder)
		remove_unfinished(b->folder);
	b->fault = wh_store_copy(store, b->file, &b->why);
	if (b->fault)
		return;
	if (stat(b->file, &st) == 0)
		b->size = st.st_size;
	if (b->folder)
		remove_oldest(b);
}

static void
work(struct wh_pool_job *job, struct wh_store *store)
{
	make_copy((struct backup *)job, store);
}

/* -------------------------------------------------------------------- done -- */

static enum wh_error
code_of(const struct backup *b)
{
	switch (b->fault) {
	case WH_ECORRUPT:
		return WH_ERR_CORRUPT;
	case WH_ENOSPACE:
		return WH_ERR_STORE_FULL;
	case WH_EBUSY:
		return WH_ERR_BUSY;
	default:
		return b->folder ? WH_ERR_INTERNAL : WH_ERR_INVALID_PARAM;
	}
}

static void
answer(const struct backup *b, struct whd *d)
{
	struct wh_buf out = WH_BUF_NULL;

	if (!b->job.has_caller)
		return;
	if (b->fault) {
		wh_server_fail(d->server, b->job.caller, code_of(b), "%.*s",
			       WH_STR_FMT(wh_buf_view(&b->why)));
		return;
	}
	wh_pack_map(&out, 3);
	wh_pack_kv_c(&out, "path", b->file);
	wh_pack_kv_int(&out, "bytes", b->size);
	wh_pack_kv_int(&out, "took_ms", d->now.mono.ms - b->began.mono.ms);
	wh_server_reply(d->server, b->job.caller, wh_buf_view(&out));
	wh_buf_fini(&out);
}

static void
backup_free(struct backup *b)
{
	wh_buf_fini(&b->why);
	free(b->folder);
	free(b->file);
	free(b);
}

static void
done(struct wh_pool_job *job, struct whd *d)
{
	struct backup *b = (struct backup *)job;

	if (b->fault) {
		d->counters.backups_failed += code_of(b) != WH_ERR_INVALID_PARAM;
		wh_log(b->folder ? WH_LOG_ERROR : WH_LOG_WARNING, "store", "backup failed",
		       "file=%s why=%s", WH_LOGQ(wh_str_c(b->file)),
		       WH_LOGQ(wh_buf_view(&b->why)));
	} else {
		d->counters.backups++;
		d->backup_at = b->began.wall.ms;
		wh_log(WH_LOG_INFO, "store", "backup made",
		       "file=%s bytes=%" PRId64 " took_ms=%" PRId64, WH_LOGQ(wh_str_c(b->file)),
		       b->size, d->now.mono.ms - b->began.mono.ms);
	}
	d->backup_failed = b->folder && b->fault;
	answer(b, d);
	backup_free(b);
	if (!d->stopping)
		wh_backup_schedule(d);
}

/* ------------------------------------------------------------------- begin -- */

bool
wh_backup_begin(struct whd *d, struct wh_str file, const struct wh_ticket *ticket)
{
	struct backup *b = wh_xcalloc(1, sizeof(*b));

	b->job = (struct wh_pool_job){.what = "a backup", .work = work, .done = done};
	b->began = d->now;
	b->leave_free = (uint64_t)d->config->store_min_free;
	if (file.n) {
		b->file = wh_xstrdup(file);
	} else {
		b->folder = our_folder(d);
		b->file = our_file(d, b->folder);
	}
	if (ticket) {
		b->job.has_caller = true;
		b->job.caller = *ticket;
	}
	if (wh_pool_begin(d, &b->job))
		return true;
	backup_free(b);
	return false;
}

/* ------------------------------------------------------------------- clock -- */

static void
on_due(uv_timer_t *t)
{
	struct whd *d = t->data;

	whd_tick(d);
	if (!wh_backup_begin(d, WH_STR_NULL, NULL)) /* something else reads the store */
		wh_alarm_start(&d->alarms, t, on_due, 1000, 0);
}

static int64_t
interval_ms(const struct whd *d)
{
	int64_t interval = d->config->store_backup_interval;

#ifdef WHD_TEST_HOOKS
	const char *ms = getenv("WHD_TEST_BACKUP_MS");

	if (ms && interval > 0)
		return strtoll(ms, NULL, 10);
#endif
	return interval;
}

static int64_t
wait_ms(const struct whd *d)
{
	int64_t interval = interval_ms(d);
	int64_t age = d->now.wall.ms - d->backup_at;

	if (d->backup_failed)
		return interval < RETRY_MS ? interval : RETRY_MS;
	if (d->backup_at == 0 || age < 0) /* none yet, or the clock was set back */
		return d->backup_at == 0 ? 0 : interval;
	return age < interval ? interval - age : 0;
}

void
wh_backup_schedule(struct whd *d)
{
	char *folder = our_folder(d);

	if (d->backup_at == 0)
		d->backup_at = newest_at(folder);
	free(folder);
	uv_timer_stop(&d->backup);
	d->backup.data = d;
	if (d->config->store_backup_interval > 0)
		wh_alarm_start(&d->alarms, &d->backup, on_due, (uint64_t)wait_ms(d), 0);
}

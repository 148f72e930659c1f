/* SPDX-License-Identifier: MIT */
/*
 * A list on its way: its rows go to the funnel chunk by chunk while the body
 * streams in; when transfer and chunks are through, the end is stored:
 * removals, looks at unknown outcomes, the stamp. One list at a time.
 */
#include <malloc.h>
#include <stdlib.h>

#include "daemon/core/retry.h"
#include "daemon/pump_own.h"
#include "daemon/rules_now.h"
#include "daemon/waits.h"

#define SUSPECT_AGAIN_MS 30000 /* a suspiciously short list is repeated after this */
#define SPACING_MS 2000        /* least time between lists that nobody asked for */

void
wh_pump_list_fini(struct wh_pump *p)
{
	struct list_session *s = &p->list;

	wh_pump_known_return(p, s->result);
	wh_http_result_free(s->result);
	free(s->ignore);
	free(s->ignore_text);
	*s = (struct list_session){0};
}

/* ------------------------------------------------------------------ begin -- */

static void
split_ignored(struct list_session *s, const char *words)
{
	char *at = s->ignore_text = wh_xstrdup(wh_str_c(words));
	char *word, *save = NULL;

	s->ignore = wh_xcalloc(strlen(words) / 2 + 1, sizeof(*s->ignore));
	while ((word = strtok_r(at, " \t,", &save)) != NULL) {
		s->ignore[s->n_ignore++] = wh_str_c(word);
		at = NULL;
	}
}

static void
schedule_next(struct wh_pump *p, int64_t in_ms)
{
	p->list_due.ms = p->d->now.mono.ms + in_ms;
}

void
wh_pump_begin_list(struct wh_pump *p, const char *why)
{
	struct wh_http_request r = {.kind = WH_HTTP_LIST, .method = "GET"};
	struct list_session *s = &p->list;

	*s = (struct list_session){
		.running = true,
		.no = ++p->list_last,
		.fence = p->d->view.meta.confirm,
		.began = p->d->now,
		.why = why,
	};
	split_ignored(s, p->d->config->sync_ignore_members);
	p->list_wanted = p->list_mends = false;
	p->list_began = s->began.mono;
	schedule_next(p, wh_retry_jitter(p->d->config->sync_interval, wh_clock_random()));
	r.tag = s->no;
	wh_pump_known_lend(p, &r);
	if (p->d->view.meta.synced_at == 0)
		r.spill = wh_spill_new(wh_store_temp(p->d->store));
	wh_pump_request_key(p, &r);
	p->d->counters.lists++;
	wh_log(WH_LOG_DEBUG, "sync", "list begun", "list=%llu why=%s",
	       (unsigned long long)s->no, why);
	wh_http_submit(p->d->http, &r);
}

/* -------------------------------------------------------------------- end -- */

static void
pack_sync(struct wh_buf *b, const struct wh_pump *p, const struct wh_list_counts *c,
	  uint64_t revision, bool complete)
{
	wh_pack_map(b, complete ? 6 : 7);
	wh_pack_kv_uint(b, "revision", revision);
	wh_pack_kv_uint(b, "added", c->added);
	wh_pack_kv_uint(b, "changed", c->changed);
	wh_pack_kv_uint(b, "removed", c->removed);
	wh_pack_kv_uint(b, "unchanged", c->unchanged);
	wh_pack_kv_bool(b, "complete", complete);
	if (!complete)
		wh_pack_kv_c(b, "why", p->list_why);
}

static void
tell_waiters(struct wh_pump *p, const struct wh_list_counts *c, uint64_t revision,
	     bool complete, bool failed)
{
	struct wh_buf map = WH_BUF_NULL, text = WH_BUF_NULL;

	if (failed) {
		wh_buf_printf(&text, "the list failed: %s; see status, and call again",
			      p->list_why);
		wh_waits_list_ended(p->d->waits, p->list.no, WH_STR_NULL, WH_ERR_OFFLINE,
				    wh_buf_view(&text));
	} else {
		pack_sync(&map, p, c, revision, complete);
		wh_waits_list_ended(p->d->waits, p->list.no, wh_buf_view(&map), WH_ERR_NONE,
				    WH_STR_NULL);
	}
	wh_buf_fini(&map);
	wh_buf_fini(&text);
}

static void
count_rows(struct whd *d, const struct wh_list_counts *c)
{
	d->counters.rows_added += c->added;
	d->counters.rows_changed += c->changed;
	d->counters.rows_removed += c->removed;
	d->counters.rows_unchanged += c->unchanged;
	d->counters.rows_corrupt += c->corrupt;
}

static void
log_list(const struct wh_pump *p, const struct wh_list_counts *c, bool whole)
{
	bool news =
		c->added || c->changed || c->removed || whole != p->last_whole || !p->ended_any;

	wh_log(whole ? (news ? WH_LOG_INFO : WH_LOG_DEBUG) : WH_LOG_WARNING, "sync",
	       whole ? "list applied" : "list was not whole, nothing is removed",
	       "list=%llu added=%llu changed=%llu removed=%llu unchanged=%llu why=%s",
	       (unsigned long long)p->list.no, (unsigned long long)c->added,
	       (unsigned long long)c->changed, (unsigned long long)c->removed,
	       (unsigned long long)c->unchanged, whole ? "" : WH_LOGQ(wh_str_c(p->list_why)));
}

/* Two looks at one moment see the same mistake twice, whoever asks for them. */
static int64_t
looks_apart(const struct wh_pump *p)
{
	int64_t interval = p->d->config->sync_interval;

	return interval < SUSPECT_AGAIN_MS ? interval : SUSPECT_AGAIN_MS;
}

static void
note_suspect(struct wh_pump *p, const struct wh_list_end *e)
{
	if (e->suspect != p->suspect)
		p->suspect_since = p->d->now.mono;
	p->suspect = e->suspect;
	p->suspect_missing = e->suspect_missing;
	if (e->shrunk)
		wh_log(WH_LOG_WARNING, "sync",
		       "a second list lacked the same webhooks, suspiciously many: they are "
		       "removed from the copy",
		       "list=%llu removed=%llu", (unsigned long long)e->list,
		       (unsigned long long)e->counts.removed);
	if (!e->suspect)
		return;
	p->d->counters.shrinks_suspect++;
	snprintf(p->list_why, sizeof(p->list_why),
		 "the list lacks %llu webhooks, suspiciously many: nothing is removed until "
		 "one that began at least %g s later says the same, or an admin accepts it",
		 (unsigned long long)e->suspect_missing, (double)looks_apart(p) / 1000);
	if (p->list_due.ms > p->d->now.mono.ms + SUSPECT_AGAIN_MS)
		schedule_next(p, SUSPECT_AGAIN_MS);
}

/* Once for each: status goes on showing them. */
static void
tell_restless(struct wh_pump *p)
{
	if (!wh_churn_list(&p->churn, &p->list.churn, p->d->view.meta.rows))
		return;
	for (size_t i = 0; i < p->churn.n; i++) {
		struct wh_str name = wh_str_c(p->churn.member[i].name);
		bool documented = wh_field_by_name(name) != WH_F_COUNT;

		if (!wh_churn_is_restless(&p->churn.member[i]))
			continue;
		wh_log(WH_LOG_WARNING, "sync",
		       documented ? "a member changes in most webhooks with each list: find "
				    "out who changes it"
				  : "a member changes in most webhooks with each list; if that "
				    "means nothing, name it in [sync] ignore_members",
		       "member=%s", WH_LOGQ(name));
	}
}

/* One that is too large comes up to there each time, and no gate is shut for it. */
static int64_t
spacing(struct wh_pump *p)
{
	const struct wh_config *c = p->d->config;
	int64_t wait = 0;

	if (p->lists_too_large > 0)
		wait = wh_retry_backoff(c->retry_base, c->retry_cap, p->lists_too_large,
					wh_clock_draw(&p->d->randoms));
	return wait > SPACING_MS ? wait : SPACING_MS;
}

static void
end_session(struct wh_pump *p)
{
	const struct wh_bucket_limits lim = wh_pump_bucket_limits(p);

	/* What waited for this list waits for the rate, too: meanwhile it does not age. */
	wh_bucket_may(&p->bucket, &lim, p->d->now.mono, false, &p->list_counts_from);
	p->list_took_ms = p->d->now.mono.ms - p->list.began.mono.ms;
	p->list_spacing.ms = p->d->now.mono.ms + spacing(p);
	if (p->lists_too_large > 0 && p->list_due.ms < p->list_spacing.ms)
		p->list_due = p->list_spacing;
	if (p->list_spacing.ms > p->list_due.ms)
		p->list_spacing = p->list_due;
	wh_pump_list_fini(p);
}

static void
end_done(struct wh_job *job, struct whd *d, int fault)
{
	struct wh_list_end *e = (struct wh_list_end *)job;
	struct wh_pump *p = d->pump;
	bool whole = wh_list_is_believed(e) && fault == 0;

	if (p->list.fault) /* of some of its rows */
		snprintf(p->list_why, sizeof(p->list_why), "%s", wh_fault_str(p->list.fault));
	if (fault) {
		snprintf(p->list_why, sizeof(p->list_why), "the store refused it: %s",
			 wh_fault_str(fault));
	} else {
		p->list.counts.removed += e->counts.removed;
		p->list.counts.corrupt += e->counts.corrupt;
		if (e->counts.corrupt)
			wh_pump_known_forget(p); /* so that the next list replaces them */
		note_suspect(p, e);
		d->counters.alarms_duplicate += e->duplicates;
		d->counters.alarms_vanished += e->vanished;
		p->told_whole = whole;
		p->whole_known = true;
		p->untold = false;
	}
	count_rows(d, &p->list.counts);
	log_list(p, &p->list.counts, whole);
	p->told = (struct failure){0};
	d->counters.lists_complete += whole;
	d->counters.lists_incomplete += !whole;
	p->last_whole = whole;
	p->ended_any = true;
	if (whole) {
		p->whole_began = p->list.began.mono;
		p->whole_fence = p->list.fence;
		tell_restless(p);
		p->list_why[0] = '\0';
	}
	tell_waiters(p, &p->list.counts, e->revision, whole, false);
	end_session(p);
	malloc_trim(0); /* a list leaves nothing behind */
	free(e);
}

static bool
may_confirm(const struct wh_pump *p)
{
	return p->list.began.mono.ms - p->suspect_since.ms >= looks_apart(p);
}

static void
submit_end(struct wh_pump *p, const struct wh_list_rows *last)
{
	struct list_session *s = &p->list;
	struct wh_list_end *e = wh_xcalloc(1, sizeof(*e));
	size_t known = wh_known_ticked(s->result->seen.known);

	s->counts.unchanged += known;
	e->job =
		(struct wh_job){.run = wh_list_end_run, .done = end_done, .class = WH_JOB_SYNC};
	wh_rules_now(p->d, &e->rules);
	e->list = s->no;
	e->fence = s->fence;
	e->usable = s->result->usable;
	e->complete = s->result->complete && s->fault == 0;
	e->began_at = s->began.wall.ms;
	e->began = s->began.mono;
	e->last = last;
	e->present = s->present + known;
	e->confirms = s->confirms;
	e->told = p->whole_known;
	e->told_whole = p->told_whole;
	e->untold = p->untold || !p->whole_known;
	e->seen = &s->result->seen;
	e->suspect_before = may_confirm(p) ? p->suspect : 0;
	snprintf(p->list_why, sizeof(p->list_why), "%s", s->result->why);
	s->ending = true;
	wh_writer_submit(p->d->writer, &e->job);
}

/* The same again is no news, also if it came with a gate that shut. */
static void
log_failure(struct wh_pump *p)
{
	bool news = p->told.status != p->failure.status || p->told.net != p->failure.net ||
		    p->told.rule != p->failure.rule;

	wh_log(news ? WH_LOG_WARNING : WH_LOG_DEBUG, "sync", "a list failed",
	       "list=%llu error=%s", (unsigned long long)p->list.no,
	       WH_LOGQ(wh_str_c(p->list_why)));
	p->told = p->failure;
}

static void
fail_list(struct wh_pump *p)
{
	snprintf(p->list_why, sizeof(p->list_why), "%s",
		 p->last_error[0] ? p->last_error : "no usable answer");
	p->d->counters.lists_failed++;
	p->last_whole = false;
	if (!p->list.again) {
		log_failure(p);
		tell_waiters(p, &p->list.counts, p->d->view.meta.revision, false, true);
	}
	p->list_took_ms = p->d->now.mono.ms - p->list.began.mono.ms;
	p->list_spacing.ms = p->d->now.mono.ms + p->d->config->retry_base;
	wh_pump_list_fini(p);
}

/* ------------------------------------------------------------------ chunks -- */

static void try_to_end(struct wh_pump *p);

/* Of rows that are in the store. */
static void
add_up(struct wh_pump *p, const struct wh_list_rows *j)
{
	struct list_session *s = &p->list;

	s->counts.added += j->counts.added;
	s->counts.changed += j->counts.changed;
	s->counts.unchanged += j->counts.unchanged;
	s->counts.corrupt += j->counts.corrupt;
	p->d->counters.alarms_duplicate += j->counts.twins;
	s->present += j->present;
	wh_churn_add(&s->churn, &j->churn);
	s->confirms += j->confirms;
	p->untold |= j->first_load && j->counts.added > 0;
}

static void
rows_done(struct wh_job *job, struct whd *d, int fault)
{
	struct wh_list_rows *j = (struct wh_list_rows *)job;
	struct wh_pump *p = d->pump;
	struct list_session *s = &p->list;

	if (s->running && s->no == j->list) {
		s->chunks_open--;
		if (fault)
			s->fault = fault;
		else
			add_up(p, j);
		if (!j->of_result)
			wh_http_chunk_taken(d->http, j->list);
		try_to_end(p);
	}
	wh_chunk_free(j->chunk);
	free(j);
}

static struct wh_list_rows *
submit_rows(struct wh_pump *p, struct wh_chunk *c)
{
	struct list_session *s = &p->list;
	struct wh_list_rows *j = wh_xcalloc(1, sizeof(*j));

	j->job = (struct wh_job){
		.run = wh_list_rows_run, .done = rows_done, .class = WH_JOB_SYNC};
	wh_rules_now(p->d, &j->rules);
	j->list = s->no;
	j->fence = s->fence;
	j->began_at = s->began.wall.ms;
	j->first_load = p->d->view.meta.synced_at == 0;
	j->chunk = c;
	j->ignore = s->ignore;
	j->n_ignore = s->n_ignore;
	s->chunks_open++;
	wh_writer_submit(p->d->writer, &j->job);
	return j;
}

void
wh_pump_list_chunk(struct wh_pump *p, struct wh_chunk *c)
{
	if (p->list.running && c->tag == p->list.no && !p->stopping)
		(void)submit_rows(p, c);
	else
		wh_chunk_free(c);
}

/* Rows that came with the result; NULL: there are no more. */
static struct wh_list_rows *
submit_more(struct wh_pump *p)
{
	struct wh_http_result *r = p->list.result;
	struct wh_chunk *c = wh_spill_next(r->spill, p->list.no);
	struct wh_list_rows *j = NULL;

	if (!c)
		c = wh_steal(&r->last_chunk);
	if (c)
		j = submit_rows(p, c);
	if (j)
		j->of_result = true;
	return j;
}

/*
 * When all other chunks are through: what came with the result, one part after
 * the other; the last one and the end go to the funnel together, so that they
 * are one commit.
 */
static void
try_to_end(struct wh_pump *p)
{
	struct list_session *s = &p->list;
	struct wh_list_rows *rows;
	bool last;

	if (!s->result || s->chunks_open > 0 || s->ending || p->stopping)
		return; /* when stopping, the funnel takes no more jobs */
	wh_writer_cork(p->d->writer);
	rows = submit_more(p);
	last = wh_spill_is_through(s->result->spill) && !s->result->last_chunk;
	if (last && s->result->usable)
		submit_end(p, rows);
	wh_writer_uncork(p->d->writer);
	if (!rows && !s->result->usable)
		fail_list(p);
}

/* ------------------------------------------------------------------ result -- */

/* What the gates hear: a reply that is no list is as good as none, also one that refuses it: of
 * one webhook it would say something, of the list it leaves nothing but to ask again. A list
 * that is larger than whd may take shows that the API is there: changes go on, deletes among
 * them, as after any list that was not whole. */
static struct wh_outcome
judge(const struct wh_http_result *r)
{
	struct wh_outcome o = wh_outcome_judge_read(&r->facts);

	if (r->usable && r->facts.net == WH_NET_TOO_LARGE) {
		o.executed = WH_X_EXECUTED;
		o.link_up = true;
	}
	if (r->usable || o.ask != WH_ASK_NONE)
		return o;
	if (o.executed != WH_X_UNKNOWN)
		o.rule = "the reply was not a list";
	o.executed = WH_X_UNKNOWN;
	o.ask = WH_ASK_LINK;
	return o;
}

void
wh_pump_list_result(struct wh_pump *p, struct wh_http_result *r)
{
	struct wh_outcome o = judge(r);

	p->list.again = o.ask == WH_ASK_AUTH && wh_pump_next_key(p, &r->facts);
	p->d->counters.rows_unreadable += r->unreadable;
	p->d->counters.rows_read += r->elements - r->known;
	p->list.result = r;
	p->lists_too_large = r->facts.net == WH_NET_TOO_LARGE ? p->lists_too_large + 1 : 0;
	if (r->usable)
		p->list_paged = r->pages > 1;
	if (p->list.again) {
		p->list_wanted = true;
		o.ask = WH_ASK_NONE;
	}
	wh_pump_pay(p, r->pages - 1);
	wh_bucket_granted(&p->bucket, p->d->now.mono, r->pages - 1);
	wh_pump_note(p, &o, &r->facts);
	try_to_end(p);
	wh_pump_poke(p);
}

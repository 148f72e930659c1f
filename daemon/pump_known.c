/* SPDX-License-Identifier: MIT */
/*
 * What is known of the upstream's list from the lists before, so that an
 * element that has not changed costs no more than its hash (core/known.h). A
 * list has it while it runs; what is committed meanwhile waits here, in order,
 * for the next one. Loop thread.
 */
#include <stdlib.h>

#include "daemon/pump_own.h"

void
wh_pump_known_init(struct wh_pump *p)
{
	p->known_seed = wh_clock_random();
	p->known = wh_known_new(p->known_seed);
	wh_require(p->known != NULL);
}

void
wh_pump_known_fini(struct wh_pump *p)
{
	wh_known_free(p->known);
	wh_known_items_fini(&p->news);
}

void
wh_pump_known_lend(struct wh_pump *p, struct wh_http_request *r)
{
	r->known = wh_steal(&p->known);
	r->news = p->news;
	p->news = (struct wh_known_items){0};
}

void
wh_pump_known_return(struct wh_pump *p, struct wh_http_result *r)
{
	if (r && r->seen.known)
		p->known = wh_steal(&r->seen.known);
}

void
wh_pump_known_forget(struct wh_pump *p)
{
	p->news.forget_all = true;
	p->news.n = 0;
}

void
wh_pump_known_touched(struct wh_pump *p, const struct wh_buf *touches)
{
	struct wh_str rest = wh_buf_view(touches);
	struct wh_touch touch;

	if (touches->fault) {
		wh_pump_known_forget(p);
		return;
	}
	while (wh_touches_next(&rest, &touch))
		wh_known_items_add(&p->news,
				   (struct wh_known_item){
					   .text = touch.text,
					   .key = wh_known_hash(p->known_seed, touch.key),
				   });
}

void
wh_pump_row_damaged(struct wh_pump *p)
{
	wh_pump_known_forget(p);
	p->list_mends = true; /* once in a while: readers may ask often, and it may not help */
	wh_pump_poke(p);
}

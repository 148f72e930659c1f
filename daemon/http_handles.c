/* SPDX-License-Identifier: MIT */
/* Spare libcurl handles. */
#include "daemon/http_handles.h"

CURL *
wh_handles_take(struct wh_handles *h)
{
	return h->n ? h->spare[--h->n] : curl_easy_init();
}

void
wh_handles_give(struct wh_handles *h, CURL *e, bool keep)
{
	if (!e)
		return;
	curl_multi_remove_handle(h->multi, e);
	if (!keep || h->n == WH_HANDLES_MAX) {
		curl_easy_cleanup(e);
		return;
	}
	curl_easy_reset(e);
	h->spare[h->n++] = e;
}

void
wh_handles_fini(struct wh_handles *h)
{
	while (h->n)
		curl_easy_cleanup(h->spare[--h->n]);
}

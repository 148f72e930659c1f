/* SPDX-License-Identifier: MIT */
/* Reading twice does no harm, and list and check are begun anew only after a while. */
#include "daemon/http_guard.h"

bool
wh_http_may_send(enum wh_http_kind kind, unsigned nth)
{
	return kind != WH_HTTP_SEND || nth <= 1;
}

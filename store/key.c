/* SPDX-License-Identifier: MIT */
/*
 * Key building and the folded form of a webhook id.
 *
 * Called by every table of the store, on any thread. Never allocates.
 */
#include "store/key.h"
#include "store/store.h"

void
wh_key_add(struct wh_key *k, struct wh_str s)
{
	if (s.n > WH_KEY_ROOM - k->n) {
		k->bad = true;
		return;
	}
	if (s.n > 0)
		memcpy(k->b + k->n, s.p, s.n);
	k->n += s.n;
}

void
wh_key_id(struct wh_key *k, struct wh_str whid)
{
	wh_key_init(k);
	if (whid.n == 0 || whid.n > WH_KEY_MAX)
		k->bad = true;
	else
		wh_key_add(k, whid);
}

void
wh_key_order(struct wh_key *k, uint64_t number)
{
	wh_key_init(k);
	wh_key_num(k, number, 8);
}

void
wh_key_lane(struct wh_key *k, char kind, struct wh_str lane)
{
	wh_key_init(k);
	if (!wh_lane_valid(lane)) {
		k->bad = true;
		return;
	}
	wh_key_num(k, (uint8_t)kind, 1);
	wh_key_add(k, lane);
	wh_key_num(k, 0, 1);
}

/* Digits and dashes have the bit that makes letters small, so that it is set everywhere. */
static void
lower_guid(char buf[WH_GUID])
{
	uint32_t four;

	for (size_t i = 0; i < WH_GUID; i += sizeof(four)) {
		memcpy(&four, buf + i, sizeof(four));
		four |= UINT32_C(0x20202020);
		memcpy(buf + i, &four, sizeof(four));
	}
}

struct wh_str
wh_key_fold(struct wh_str whid, char buf[WH_KEY_MAX])
{
	if (whid.n > WH_KEY_MAX)
		return WH_STR_NULL;
	if (whid.n > 0)
		memcpy(buf, whid.p, whid.n);
	if (wh_str_is_guid(whid))
		lower_guid(buf);
	return wh_str(buf, whid.n);
}

/* SPDX-License-Identifier: MIT */
/*
 * Aliases: the local id under which a webhook was created -> its whid.
 *
 * Looked up by the loop whenever a caller names a local id; written by the
 * commit thread when a create was decided. Aliases are never deleted.
 */
#include "store/row.h"

int
wh_aliases_get(const struct wh_view *v, struct wh_str tmp_id, struct wh_str *ret_whid)
{
	struct wh_value value;
	struct wh_key k;

	wh_key_id(&k, tmp_id);
	int r = wh_table_get(v, WH_TABLE_ALIASES, &k, 0, &value);

	if (r == 0)
		*ret_whid = value.tail;
	return r;
}

int
wh_aliases_put(struct wh_txn *t, struct wh_str tmp_id, struct wh_str whid)
{
	struct wh_put_result res;
	struct wh_draft d;
	struct wh_key k;

	/* An alias of itself would send every look-up in a circle. */
	if (!wh_lane_valid(whid) || wh_str_eq(tmp_id, whid))
		return wh_txn_fail(t, WH_EINVAL);
	wh_key_id(&k, tmp_id);
	wh_draft_init(&d);
	d.tail[0] = whid;
	int r = wh_table_put(t, WH_TABLE_ALIASES, &k, &d, &res);

	if (r == 0 && res.how == WH_PUT_NEW)
		t->view.meta.aliases++;
	return r;
}

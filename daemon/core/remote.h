/* SPDX-License-Identifier: MIT */
/*
 * The upstream's dialect in one place: how an operation becomes a request and
 * how an object of a reply becomes a webhook. Pure; any thread.
 */
#pragma once

#include "daemon/core/op.h"

/* Percent-encoded query `?whid=...`, or nothing if whid is empty. The id is encoded in full. */
void wh_remote_query(struct wh_buf *out, struct wh_str whid);
struct wh_body_form {
	bool create;          /* documented members that are missing go out empty */
	bool full;            /* undocumented ones go out, too, but for the id */
	struct wh_str marker; /* if not empty, it is appended to whcomment as " [whd:...]" */
};
/* JSON body of a POST or PATCH: the documented members that `doc` has. */
WH_MUST_USE int wh_remote_body(struct wh_buf *out, const msgpack_object *doc,
			       struct wh_body_form form);

/*
 * Turns one decoded JSON object of a reply into a stored webhook: the id under
 * any of its known spellings (any case; whid, id, webhookId,
 * webhookConfigurationId, _id; text or number) becomes `whid`, documented names
 * in any case become the documented ones, processes in any documented form
 * become a list of text, null becomes "" or [], everything else is kept value
 * for value. What the object lacks, the webhook lacks. Appends the map. 0; WH_EINVAL if it is
 * no object or has no usable id and `need_id` (why says what); *ret_whid then borrows from out.
 */
WH_MUST_USE int wh_remote_row(struct wh_buf *out, const msgpack_object *o, bool need_id,
			      struct wh_str *ret_whid, const char **ret_why);
/* Has it a member, in any case, that only a webhook has? What wraps a list, or tells of one,
 * may have the other ones. */
bool wh_remote_has_own(const msgpack_object *o);
/* GUIDs are the same in any case, other ids only byte for byte. */
bool wh_remote_same_id(struct wh_str a, struct wh_str b);
/*
 * The row of `whid` in the reply to GET?whid=: an object, a one-element array,
 * an array that ignores the filter, or a wrapped one. 0 with the map appended,
 * 1 (not in it), WH_EPROTO (unreadable).
 */
WH_MUST_USE int wh_remote_find(struct wh_buf *out, struct wh_str json, struct wh_str whid);

/* SPDX-License-Identifier: MIT */
/*
 * Marks of creates, put on and looked for. The upstream may trim a comment and
 * change its case, so both are allowed for. Called by core/remote, and by the
 * transactions that look for the result of a create; pure.
 */
#include "daemon/core/marker.h"

#include "daemon/core/set.h"

static const char head[] = " [whd:";
#define HEAD (sizeof(head) - 1)
#define MARK_MIN 4u
#define MARK_MAX 32u

void
wh_marker_add(struct wh_buf *out, struct wh_str comment, struct wh_str mark)
{
	wh_buf_str(out, comment);
	wh_buf_c(out, head);
	wh_buf_str(out, mark);
	wh_buf_byte(out, ']');
}

static bool
is_mark_char(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Cuts the mark off the end of *comment and returns it; empty if there is none. */
static struct wh_str
take(struct wh_str *comment)
{
	struct wh_str s = wh_set_trim(*comment);
	size_t n = 0;

	if (s.n == 0 || s.p[s.n - 1] != ']')
		return WH_STR_NULL;
	while (n < MARK_MAX && n + 1 < s.n && is_mark_char(s.p[s.n - 2 - n]))
		n++;

	size_t at = s.n - 1 - n; /* where it begins */
	size_t front = HEAD;

	if (at == HEAD - 1) /* of an empty comment the space in front was trimmed */
		front = HEAD - 1;
	if (n < MARK_MIN || at < front ||
	    !wh_str_ieq(wh_str(s.p + at - front, front), wh_str(head + HEAD - front, front)))
		return WH_STR_NULL;
	*comment = wh_str(s.p, at - front);
	return wh_str(s.p + at, n);
}

struct wh_str
wh_marker_strip(struct wh_str comment)
{
	take(&comment);
	return comment;
}

enum wh_marker_match
wh_marker_match(struct wh_str sent, struct wh_str shown)
{
	struct wh_str ours = take(&sent), there = take(&shown);

	if (ours.n == 0)
		return there.n == 0 ? WH_MARKER_NONE : WH_MARKER_OTHER;
	if (there.n == 0)
		return WH_MARKER_LOST;
	return wh_str_ieq(ours, there) ? WH_MARKER_SAME : WH_MARKER_OTHER;
}

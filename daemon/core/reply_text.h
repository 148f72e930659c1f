/* SPDX-License-Identifier: MIT */
/*
 * The text of a reply without what may surround it: a byte order mark, spaces,
 * line ends. Pure; used by the files of core/ that look into reply bodies.
 */
#pragma once

#include "proto/base.h"

static inline bool
wh_reply_is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static inline struct wh_str
wh_reply_trim(struct wh_str s)
{
	if (s.n >= 3 && memcmp(s.p, "\xef\xbb\xbf", 3) == 0)
		s = wh_str(s.p + 3, s.n - 3);
	while (s.n > 0 && wh_reply_is_space(s.p[0]))
		s = wh_str(s.p + 1, s.n - 1);
	while (s.n > 0 && wh_reply_is_space(s.p[s.n - 1]))
		s.n--;
	return s;
}

/* SPDX-License-Identifier: MIT */
/*
 * The mark that a create may leave at the end of whcomment, " [whd:0123456789ab]",
 * so that its result is known among webhooks that look the same, whatever the
 * upstream makes of the other members. Two webhooks that differ in it alone are
 * like each other; for an update it is a part of the comment like any other.
 * Pure; any thread.
 */
#pragma once

#include "proto/buf.h"

/* Appends the comment with the mark behind it. */
void wh_marker_add(struct wh_buf *out, struct wh_str comment, struct wh_str mark);
/* The comment without a mark at its end. */
struct wh_str wh_marker_strip(struct wh_str comment);

enum wh_marker_match {
	WH_MARKER_NONE,  /* neither is marked: other members must tell */
	WH_MARKER_SAME,  /* both with the same mark, in whatever case */
	WH_MARKER_LOST,  /* what was sent is marked, what is there is not */
	WH_MARKER_OTHER, /* what is there has the mark of another create */
};
/* Two comments: one that was sent, and one that the upstream shows. */
enum wh_marker_match wh_marker_match(struct wh_str sent, struct wh_str shown);

/* SPDX-License-Identifier: MIT */
/*
 * Passing over one JSON value without reading it: the fast inner loops of the
 * splitter. Pure; used by core/remote_split only.
 */
#pragma once

#include "daemon/core/remote_split.h"

/*
 * Passes over the value that t describes and returns where it stopped: behind
 * the value (t->done) or at end. A number or word ends before the byte that
 * cannot belong to it, which may be the first byte of the next piece; it is
 * empty if p is at such a byte.
 */
const char *wh_split_pass(struct wh_split_token *t, const char *p, const char *end);
/* Inside text: up to and with the closing quote (then t->in_text is false), or to end. */
const char *wh_split_pass_text(struct wh_split_token *t, const char *p, const char *end);

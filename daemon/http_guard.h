/* SPDX-License-Identifier: MIT */
/*
 * libcurl sends a request again by itself when a reused connection dies before
 * the first byte of a reply, whatever the method. For a change that could mean
 * making it twice. HTTP thread; pure.
 */
#pragma once

#include "daemon/http.h"

/* May a request of this kind go out for the nth time, counted from 1? */
bool wh_http_may_send(enum wh_http_kind kind, unsigned nth);

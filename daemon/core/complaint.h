/* SPDX-License-Identifier: MIT */
/*
 * Error reports in replies whose HTTP status tells of success: an API behind a
 * gateway, or a framework, may say only in the body that it failed. Pure.
 */
#pragma once

#include "proto/pack.h"

/* Anything but nothing: not absent, null, false, 0, or empty. */
bool wh_says_something(const msgpack_object *v);
/*
 * Does this member of an object, its name in any case, say that what was asked
 * for failed? `statusCode`, `status` or `code` of 400 to 999, as a number or in
 * digits, `success` of false, or an `error` or `errors` that says something.
 */
bool wh_is_complaint(struct wh_str name, const msgpack_object *v);
/* The same of any member of an object that is not a webhook. */
bool wh_has_complaint(const msgpack_object *o);

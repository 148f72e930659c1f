/* SPDX-License-Identifier: MIT */
/* Members by which an object tells of an error. Pure; any thread. */
#include "daemon/core/complaint.h"

#include "daemon/core/remote.h"

#define STATUS_LEAST 400 /* of an error in HTTP ... */
#define STATUS_MOST 999  /* ... and numbers of other kinds are larger */

bool
wh_says_something(const msgpack_object *v)
{
	struct wh_str text;
	int64_t number;
	bool flag;

	if (wh_obj_is_nil(v))
		return false;
	if (wh_obj_str(v, &text))
		return text.n > 0;
	if (wh_obj_bool(v, &flag))
		return flag;
	if (v->type == MSGPACK_OBJECT_ARRAY)
		return v->via.array.size > 0;
	if (v->type == MSGPACK_OBJECT_MAP)
		return v->via.map.size > 0;
	return !wh_obj_i64(v, &number) || number != 0;
}

static bool
is_error_status(const msgpack_object *v)
{
	struct wh_str text;
	int64_t number = 0;

	if (wh_obj_str(v, &text))
		return wh_parse_i64(text, STATUS_LEAST, STATUS_MOST, &number);
	return wh_obj_i64(v, &number) && number >= STATUS_LEAST && number <= STATUS_MOST;
}

static bool
is_one_of(struct wh_str name, const char *const *names, size_t n)
{
	while (n > 0)
		if (wh_str_ieq(name, wh_str_c(names[--n])))
			return true;
	return false;
}

bool
wh_is_complaint(struct wh_str name, const msgpack_object *v)
{
	static const char *const statuses[] = {"statusCode", "status", "code"};
	static const char *const errors[] = {"error", "errors"};
	bool success;

	if (is_one_of(name, statuses, wh_array_len(statuses)))
		return is_error_status(v);
	if (is_one_of(name, errors, wh_array_len(errors)))
		return wh_says_something(v);
	return wh_str_ieq(name, WH_STR("success")) && wh_obj_bool(v, &success) && !success;
}

bool
wh_has_complaint(const msgpack_object *o)
{
	struct wh_str name;

	if (o->type != MSGPACK_OBJECT_MAP || wh_remote_has_own(o))
		return false;
	for (uint32_t i = 0; i < o->via.map.size; i++)
		if (wh_obj_str(&o->via.map.ptr[i].key, &name) &&
		    wh_is_complaint(name, &o->via.map.ptr[i].val))
			return true;
	return false;
}

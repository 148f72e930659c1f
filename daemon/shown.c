/* SPDX-License-Identifier: MIT */
/* Members that the upstream leaves out: empty, or only not shown? */
#include "daemon/shown.h"

#include "daemon/doc.h"

static const msgpack_object empty_array = {.type = MSGPACK_OBJECT_ARRAY};

static uint32_t
members_of(const struct wh_record *r)
{
	uint32_t members = r->seen;

	for (unsigned f = 0; f < WH_F_COUNT; f++)
		if (r->odd[f])
			members |= 1u << f;
	return members;
}

uint32_t
wh_shown_members(struct wh_str body)
{
	struct wh_doc d = {0};
	uint32_t members = wh_doc_open(&d, body) == 0 ? members_of(&d.record) : 0;

	wh_doc_close(&d);
	return members;
}

static bool
may_be_empty(enum wh_field f)
{
	return wh_fields[f].type == WH_FT_TEXT || wh_fields[f].type == WH_FT_SET;
}

static bool
is_summary(uint32_t has)
{
	for (unsigned f = 0; f < WH_F_COUNT; f++)
		if (!(has >> f & 1u) && !may_be_empty((enum wh_field)f))
			return true;
	return false;
}

uint32_t
wh_shown_filled(struct wh_str body)
{
	struct wh_doc d = {0};
	uint32_t filled = 0;

	if (wh_doc_open(&d, body) == 0)
		for (unsigned f = 0; f < WH_F_COUNT; f++) {
			const struct wh_record *r = &d.record;
			bool is = r->odd[f] || r->text[f].n > 0 ||
				  (r->set[f] && r->set[f]->via.array.size > 0);

			filled |= is && may_be_empty((enum wh_field)f) ? 1u << f : 0;
		}
	wh_doc_close(&d);
	return filled;
}

uint32_t
wh_shown_doubtful(uint32_t shown, uint32_t filled)
{
	return is_summary(shown) ? 0 : filled & ~shown;
}

/* Those of known, or empty, that the body lacks. */
static struct wh_record
missing(uint32_t has, uint32_t empty, const struct wh_record *known)
{
	struct wh_record ret = {.seen = (empty | known->seen) & ~has & WH_RECORD_ALL};

	for (unsigned f = 0; f < WH_F_COUNT; f++) {
		bool is_empty = empty >> f & 1u;

		ret.text[f] = is_empty ? WH_STR_NULL : known->text[f];
		ret.set[f] = is_empty ? &empty_array : known->set[f];
	}
	return ret;
}

int
wh_shown_fill(struct wh_buf *room, struct wh_str *body, struct wh_str known, uint64_t *at_times)
{
	struct wh_doc shown = {0}, was = {0};
	int r = wh_doc_open(&shown, *body);
	uint32_t has = members_of(&shown.record);

	*at_times |= has;
	if (r == 0 && has != WH_RECORD_ALL)
		r = wh_doc_open(&was, known);
	if (r == 0 && has != WH_RECORD_ALL) {
		uint32_t empty = is_summary(has) ? 0 : (uint32_t)*at_times;
		struct wh_record change = missing(has, empty, &was.record);

		wh_buf_reset(room);
		wh_record_patch(room, &shown.tree.root, &change, WH_STR_NULL);
		r = room->fault;
		*body = r ? *body : wh_buf_view(room);
	}
	wh_doc_close(&shown);
	wh_doc_close(&was);
	return r;
}

/* SPDX-License-Identifier: MIT */
/*
 * What is read out of a reply besides the verdict: the id of a created webhook
 * and one printable sentence for people.
 *
 * Called by the pump after the verdict; any thread. A reply is hostile: an id
 * is taken only if it can be one, and no control byte reaches a log.
 */
#include "daemon/core/outcome.h"

#include "daemon/core/remote.h"
#include "daemon/core/reply_text.h"
#include "proto/json.h"

#define REPLY_DEPTH 32
#define QUOTE_MAX 300 /* bytes of a reply or error quoted in a sentence */

static const char *const transport_names[] = {
	[WH_NET_OK] = "ok",
	[WH_NET_RESOLVE] = "name resolution failed",
	[WH_NET_CONNECT] = "connection refused or unreachable",
	[WH_NET_TLS] = "TLS handshake failed",
	[WH_NET_CERT] = "certificate not accepted",
	[WH_NET_TIMEOUT] = "timed out",
	[WH_NET_RESET] = "connection broken",
	[WH_NET_RESEND] = "second sending stopped",
	[WH_NET_TOO_LARGE] = "reply too large",
	[WH_NET_LOCAL] = "failed on this side",
	[WH_NET_CANCELLED] = "stopped",
};

static const char *const executed_names[] = {
	[WH_X_NOT_EXECUTED] = "not_executed",
	[WH_X_EXECUTED] = "executed",
	[WH_X_REJECTED] = "rejected",
	[WH_X_UNKNOWN] = "unknown",
};

const char *
wh_transport_str(enum wh_transport t)
{
	return (size_t)t < wh_array_len(transport_names) ? transport_names[t] : "unknown";
}

const char *
wh_executed_str(enum wh_executed e)
{
	return (size_t)e < wh_array_len(executed_names) ? executed_names[e] : "unknown";
}

static struct wh_str
copy_id(struct wh_str id, char buf[WH_WHID_MAX + 1])
{
	if (!wh_whid_valid(id))
		return WH_STR_NULL;
	memcpy(buf, id.p, id.n);
	buf[id.n] = '\0';
	return wh_str(buf, id.n);
}

/* Alone, a text is taken only if it can hardly be anything else: a wrong id would be worse than
 * none, which a list resolves. */
static struct wh_str
copy_guid(struct wh_str text, char buf[WH_WHID_MAX + 1])
{
	return wh_str_is_guid(text) ? copy_id(text, buf) : WH_STR_NULL;
}

/* `whid` itself, in any case. */
static bool
has_whid(const msgpack_object *o)
{
	struct wh_str name;

	for (uint32_t i = 0; i < o->via.map.size; i++)
		if (wh_obj_str(&o->via.map.ptr[i].key, &name) &&
		    wh_str_ieq(name, WH_STR("whid")) && !wh_obj_is_nil(&o->via.map.ptr[i].val))
			return true;
	return false;
}

static struct wh_str
id_of_object(const msgpack_object *o, char buf[WH_WHID_MAX + 1])
{
	WH_CLEANUP(wh_buf_fini) struct wh_buf row = wh_buf_capped(1u << 20);
	struct wh_str id;
	const char *why;

	if (!has_whid(o) && !wh_remote_has_own(o))
		return WH_STR_NULL;
	if (wh_remote_row(&row, o, true, &id, &why) != 0)
		return WH_STR_NULL;
	return copy_id(id, buf);
}

static const msgpack_object *
only_element(const msgpack_object *o)
{
	bool one = o->type == MSGPACK_OBJECT_ARRAY && o->via.array.size == 1;

	return one ? &o->via.array.ptr[0] : o;
}

/* What may stand in an array of one, and that in an object with little else. */
static const msgpack_object *
unwrapped(const msgpack_object *o)
{
	if (o->type != MSGPACK_OBJECT_MAP)
		return only_element(o);
	for (uint32_t i = 0; !has_whid(o) && !wh_remote_has_own(o) && i < o->via.map.size; i++)
		if (only_element(&o->via.map.ptr[i].val) != &o->via.map.ptr[i].val)
			return only_element(&o->via.map.ptr[i].val);
	return o;
}

bool
wh_outcome_is_another(const msgpack_object *o, struct wh_str whid)
{
	char buf[WH_WHID_MAX + 1];
	struct wh_str text;

	o = unwrapped(o);
	if (whid.n == 0 || o->type != MSGPACK_OBJECT_MAP)
		return false;
	for (uint32_t i = 0; i < o->via.map.size; i++)
		if (wh_obj_str(&o->via.map.ptr[i].val, &text) && wh_remote_same_id(text, whid))
			return false;
	text = id_of_object(o, buf);
	return text.n > 0 && !wh_remote_same_id(text, whid);
}

static struct wh_str
id_of_value(const msgpack_object *o, char buf[WH_WHID_MAX + 1])
{
	struct wh_str text;

	o = only_element(o);
	if (o->type == MSGPACK_OBJECT_MAP)
		return id_of_object(o, buf);
	return wh_obj_str(o, &text) ? copy_guid(text, buf) : WH_STR_NULL;
}

static struct wh_str
id_of_json(struct wh_str body, char buf[WH_WHID_MAX + 1])
{
	WH_CLEANUP(wh_buf_fini) struct wh_buf packed = wh_buf_capped(1u << 20);
	struct wh_tree tree = {0};
	struct wh_json_error err;
	struct wh_str id;

	if (wh_json_to_pack(body, REPLY_DEPTH, &packed, &err) != 0)
		return WH_STR_NULL;
	if (wh_unpack(&tree, wh_buf_view(&packed), NULL) != 0)
		return WH_STR_NULL;
	id = id_of_value(&tree.root, buf);
	wh_tree_fini(&tree);
	return id;
}

static struct wh_str
id_of_body(struct wh_str body, char buf[WH_WHID_MAX + 1])
{
	struct wh_str s = wh_reply_trim(body);
	struct wh_str id = id_of_json(s, buf);

	return id.n > 0 ? id : copy_guid(s, buf);
}

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Percent-decodes into buf; empty if it is malformed or too long. */
static struct wh_str
decoded(struct wh_str s, char buf[WH_WHID_MAX + 1])
{
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (n == WH_WHID_MAX)
			return WH_STR_NULL;
		if (c == '%') {
			int high = i + 2 < s.n ? hex_value(s.p[i + 1]) : -1;
			int low = i + 2 < s.n ? hex_value(s.p[i + 2]) : -1;

			if (high < 0 || low < 0)
				return WH_STR_NULL;
			c = (char)(high * 16 + low);
			i += 2;
		}
		buf[n++] = c;
	}
	buf[n] = '\0';
	return wh_str(buf, n);
}

/* Takes the text up to the last c off, c included; false if there is none. */
static bool
take_up_to_last(struct wh_str *s, char c)
{
	const char *at = s->n ? memrchr(s->p, c, s->n) : NULL;

	if (!at)
		return false;
	*s = wh_str(at + 1, s->n - (size_t)(at + 1 - s->p));
	return true;
}

static struct wh_str
cut_at(struct wh_str s, char c)
{
	const char *at = s.n ? memchr(s.p, c, s.n) : NULL;

	return at ? wh_str(s.p, (size_t)(at - s.p)) : s;
}

/* The value of `whid` or `id`, or else of the last parameter. */
static struct wh_str
id_of_query(struct wh_str query)
{
	struct wh_str last = WH_STR_NULL;

	while (query.n > 0) {
		struct wh_str one = cut_at(query, '&');
		struct wh_str name = cut_at(one, '=');

		query = one.n < query.n ? wh_str(one.p + one.n + 1, query.n - one.n - 1)
					: WH_STR_NULL;
		if (name.n == one.n)
			continue;
		last = wh_str(name.p + name.n + 1, one.n - name.n - 1);
		if (wh_str_ieq(name, WH_STR("whid")) || wh_str_ieq(name, WH_STR("id")))
			break;
	}
	return last;
}

/* ".../webhookconfig?whid=ID" or ".../webhookconfig/ID". */
static struct wh_str
id_of_location(const struct wh_facts *f, char buf[WH_WHID_MAX + 1])
{
	struct wh_str s = cut_at(wh_reply_trim(f->location), '#');
	struct wh_str path = cut_at(s, '?');
	struct wh_str id;

	if (path.n < s.n)
		id = id_of_query(wh_str(s.p + path.n + 1, s.n - path.n - 1));
	else if (take_up_to_last(&path, '/'))
		id = path;
	else
		return WH_STR_NULL;
	id = decoded(id, buf);
	return wh_str_is_guid(id) ? id : WH_STR_NULL;
}

struct wh_str
wh_outcome_created_id(const struct wh_facts *f, char buf[WH_WHID_MAX + 1])
{
	struct wh_str id;

	if (f->status == 202) /* only accepted: what it names tells how the work goes on */
		return WH_STR_NULL;
	id = id_of_body(f->body, buf);
	return id.n > 0 ? id : id_of_location(f, buf);
}

/* The character at the start of s as its first byte announces it; one byte if it is none. */
static struct wh_str
first_character(struct wh_str s)
{
	const unsigned char first = (unsigned char)s.p[0];
	const size_t n = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc0 ? 2 : 1;
	const struct wh_str one = wh_str(s.p, n);

	return n <= s.n && wh_utf8_valid(one) ? one : wh_str(s.p, 1);
}

/* Copies what can be printed; each run of spaces and control bytes becomes one space. */
static void
add_printable(struct wh_buf *b, struct wh_str s, size_t max)
{
	const size_t end = b->n + max;
	bool gap = false;

	while (s.n > 0 && b->n + 5 <= end && !b->fault) {
		struct wh_str one = first_character(s);

		s = wh_str(s.p + one.n, s.n - one.n);
		if (one.p[0] == ' ' || wh_str_has_control(one)) {
			gap = true;
			continue;
		}
		if (gap)
			wh_buf_byte(b, ' ');
		gap = false;
		wh_buf_str(b, wh_utf8_valid(one) ? one : WH_STR("?"));
	}
}

/* The sentence an error object holds, or the start of the body. */
static void
add_reply_text(struct wh_buf *b, struct wh_str body)
{
	static const char *const members[] = {"message", "detail", "title", "error"};
	WH_CLEANUP(wh_buf_fini) struct wh_buf packed = wh_buf_capped(1u << 20);
	struct wh_tree tree = {0};
	struct wh_json_error err;
	struct wh_str text = wh_reply_trim(body);

	if (wh_json_to_pack(text, REPLY_DEPTH, &packed, &err) != 0 ||
	    wh_unpack(&tree, wh_buf_view(&packed), NULL) != 0) {
		add_printable(b, text, QUOTE_MAX);
		return;
	}
	for (size_t i = 0; i < wh_array_len(members); i++) {
		struct wh_str s = wh_obj_str_at(&tree.root, members[i]);

		if (s.n > 0) {
			text = s;
			break;
		}
	}
	add_printable(b, text, QUOTE_MAX);
	wh_tree_fini(&tree);
}

void
wh_outcome_sentence(struct wh_buf *b, const struct wh_facts *f, const struct wh_outcome *o)
{
	if (f->status != 0)
		wh_buf_printf(b, "HTTP %d", f->status);
	else
		wh_buf_c(b, wh_transport_str(f->net));
	if (f->status != 0 && o->executed != WH_X_EXECUTED && wh_reply_trim(f->body).n > 0) {
		wh_buf_c(b, " \"");
		add_reply_text(b, f->body);
		wh_buf_byte(b, '"');
	}
	if (wh_reply_trim(f->error).n > 0) {
		wh_buf_c(b, " (");
		add_printable(b, f->error, QUOTE_MAX);
		wh_buf_byte(b, ')');
	}
	wh_buf_c(b, ": ");
	wh_buf_c(b, o->rule);
}

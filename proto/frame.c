/* SPDX-License-Identifier: MIT */
/*
 * The bounding scanner: walks the heads of one MessagePack object, passes over
 * payloads unread, and keeps per nesting level how many objects are missing.
 *
 * The socket reader feeds it as bytes arrive; wh_unpack() runs it over whole
 * messages and rows. Any thread. It never allocates and never reads a byte
 * past n. A claim counts against the element budget when it is made, not when
 * its objects arrive, so nested claims cannot add up.
 */
#include "proto/frame.h"

enum head_kind { HEAD_BAD, HEAD_PLAIN, HEAD_BYTES, HEAD_ARRAY, HEAD_MAP };

/* What follows a first byte: `size` bytes of payload for a PLAIN head, of a
 * big-endian length for the others. */
struct head_form {
	unsigned char kind, size;
};

/* By first byte, from 0xc0 to 0xdf; all others carry their length themselves.
 * What is not listed is refused: 0xc1 and the extension types. */
static const struct head_form head_forms[0xe0] = {
	[0xc0] = {HEAD_PLAIN, 0}, /* nil */
	[0xc2] = {HEAD_PLAIN, 0}, /* false */
	[0xc3] = {HEAD_PLAIN, 0}, /* true */
	[0xc4] = {HEAD_BYTES, 1}, /* bin 8 */
	[0xc5] = {HEAD_BYTES, 2}, /* bin 16 */
	[0xc6] = {HEAD_BYTES, 4}, /* bin 32 */
	[0xca] = {HEAD_PLAIN, 4}, /* float 32 */
	[0xcb] = {HEAD_PLAIN, 8}, /* float 64 */
	[0xcc] = {HEAD_PLAIN, 1}, /* uint 8 */
	[0xcd] = {HEAD_PLAIN, 2}, /* uint 16 */
	[0xce] = {HEAD_PLAIN, 4}, /* uint 32 */
	[0xcf] = {HEAD_PLAIN, 8}, /* uint 64 */
	[0xd0] = {HEAD_PLAIN, 1}, /* int 8 */
	[0xd1] = {HEAD_PLAIN, 2}, /* int 16 */
	[0xd2] = {HEAD_PLAIN, 4}, /* int 32 */
	[0xd3] = {HEAD_PLAIN, 8}, /* int 64 */
	[0xd9] = {HEAD_BYTES, 1}, /* str 8 */
	[0xda] = {HEAD_BYTES, 2}, /* str 16 */
	[0xdb] = {HEAD_BYTES, 4}, /* str 32 */
	[0xdc] = {HEAD_ARRAY, 2}, /* array 16 */
	[0xdd] = {HEAD_ARRAY, 4}, /* array 32 */
	[0xde] = {HEAD_MAP, 2},   /* map 16 */
	[0xdf] = {HEAD_MAP, 4},   /* map 32 */
};

struct head {
	enum head_kind kind;
	size_t len;     /* of the head itself */
	uint64_t count; /* payload bytes, array items or map pairs */
};

static const char *const why_texts[] = {
	[WH_FRAME_OK] = "nothing is wrong",
	[WH_FRAME_TOO_LONG] = "the message is longer than the limit: send less at once",
	[WH_FRAME_TOO_DEEP] = "the message is nested deeper than the limit: send it flatter",
	[WH_FRAME_TOO_MANY] =
		"the message has more elements than the limit: send fewer at once",
	[WH_FRAME_BAD_BYTE] = "the message holds 0xc1 or an extension type: use neither",
};

const char *
wh_frame_why_str(enum wh_frame_why why)
{
	return (size_t)why < wh_array_len(why_texts) ? why_texts[why] : "unknown reason";
}

/* The object itself is what the outermost level misses. */
static void
start_over(struct wh_frame *f)
{
	f->pos = 0;
	f->skip = 0;
	f->depth = 1;
	f->left[0] = 1;
}

void
wh_frame_init(struct wh_frame *f, const struct wh_frame_limits *limits)
{
	f->limits = *limits;
	if (f->limits.depth > WH_FRAME_DEPTH)
		f->limits.depth = WH_FRAME_DEPTH;
	f->elements = 0;
	f->why = WH_FRAME_OK;
	start_over(f);
}

static int
refuse(struct wh_frame *f, enum wh_frame_why why)
{
	f->why = why;
	return why == WH_FRAME_BAD_BYTE ? WH_EPROTO : WH_ELIMIT;
}

static struct head
head_in_one_byte(unsigned char c)
{
	if (c < 0x80 || c >= 0xe0)
		return (struct head){HEAD_PLAIN, 1, 0};
	if (c < 0x90)
		return (struct head){HEAD_MAP, 1, c & 0x0fu};
	if (c < 0xa0)
		return (struct head){HEAD_ARRAY, 1, c & 0x0fu};
	return (struct head){HEAD_BYTES, 1, c & 0x1fu};
}

/* 0, WH_FRAME_MORE if p does not hold the whole head, or WH_EPROTO. */
static int
head_read(const unsigned char *p, size_t n, struct head *ret)
{
	if (p[0] < 0xc0 || p[0] >= 0xe0) {
		*ret = head_in_one_byte(p[0]);
		return 0;
	}
	const struct head_form *form = &head_forms[p[0]];

	if (form->kind == HEAD_BAD)
		return WH_EPROTO;
	if (form->kind == HEAD_PLAIN) {
		*ret = (struct head){HEAD_PLAIN, 1, form->size};
		return 0;
	}
	if (n < 1u + form->size)
		return WH_FRAME_MORE;
	*ret = (struct head){form->kind, 1u + form->size, 0};
	for (size_t i = 1; i < ret->len; i++)
		ret->count = ret->count << 8 | p[i];
	return 0;
}

/* Why an array or a map whose head ends at pos may not be entered. */
static enum wh_frame_why
why_closed(const struct wh_frame *f, uint64_t objects, size_t pos)
{
	if (f->depth > f->limits.depth)
		return WH_FRAME_TOO_DEEP;
	if (objects > f->limits.elements - f->elements)
		return WH_FRAME_TOO_MANY;
	if (objects > f->limits.bytes - pos)
		return WH_FRAME_TOO_LONG;
	return WH_FRAME_OK;
}

/* Its claim is paid for at once. */
static void
enter(struct wh_frame *f, uint64_t objects)
{
	f->elements += (uint32_t)objects;
	f->left[f->depth++] = objects;
}

static int
take_container(struct wh_frame *f, uint64_t objects)
{
	enum wh_frame_why why = why_closed(f, objects, f->pos);

	if (why)
		return refuse(f, why);
	enter(f, objects);
	return 0;
}

static int
take_head(struct wh_frame *f, const struct head *h)
{
	if (h->len > f->limits.bytes - f->pos)
		return refuse(f, WH_FRAME_TOO_LONG);
	f->pos += h->len;
	f->left[f->depth - 1]--;
	if (h->kind == HEAD_ARRAY)
		return take_container(f, h->count);
	if (h->kind == HEAD_MAP)
		return take_container(f, h->count * 2);
	if (h->count > f->limits.bytes - f->pos)
		return refuse(f, WH_FRAME_TOO_LONG);
	f->skip = (size_t)h->count;
	return 0;
}

#define SIXTEEN(n) n, n, n, n, n, n, n, n, n, n, n, n, n, n, n, n
#define UP_FROM(n)                                                                             \
	(n), (n) + 1, (n) + 2, (n) + 3, (n) + 4, (n) + 5, (n) + 6, (n) + 7, (n) + 8, (n) + 9,  \
		(n) + 10, (n) + 11, (n) + 12, (n) + 13, (n) + 14, (n) + 15

/* Bytes of a whole object by its first byte: numbers, nil, booleans and texts that fit into
 * one head; 0 for all others. */
static const unsigned char small_sizes[256] = {
	SIXTEEN(1), SIXTEEN(1), SIXTEEN(1), SIXTEEN(1),  /* 0x00 */
	SIXTEEN(1), SIXTEEN(1), SIXTEEN(1), SIXTEEN(1),  /* 0x40 */
	SIXTEEN(0), SIXTEEN(0), UP_FROM(1), UP_FROM(17), /* 0x80 */
	1,          0,          1,          1,           0, 0, 0, 0,          0,
	0,          0,          0,          0,           0, 0, 0, SIXTEEN(0), /* 0xc0 */
	SIXTEEN(1), SIXTEEN(1),                                               /* 0xe0 */
};

/* The same for a text of up to 65,535 bytes, too. */
static inline size_t
small_size(const unsigned char *p, size_t n)
{
	if (p[0] == 0xd9 && n > 1)
		return 2u + p[1];
	if (p[0] == 0xda && n > 2)
		return 3u + ((size_t)p[1] << 8 | p[2]);
	return small_sizes[p[0]];
}

/*
 * Most objects are small, and so is most of what holds them: passes over those that follow one
 * another, as take_head() would one by one. Stops before what is not small, not here as a
 * whole, or to be refused.
 */
static void
pass_small(struct wh_frame *f, const unsigned char *p, size_t n)
{
	const size_t end = n < f->limits.bytes ? n : f->limits.bytes;
	size_t pos = f->pos;

	while (f->depth) {
		uint64_t *left = &f->left[f->depth - 1], missing = *left;

		for (; missing > 0 && pos < end; missing--) {
			size_t size = small_size(p + pos, end - pos);

			if (size == 0 || size > end - pos)
				break;
			pos += size;
		}
		*left = missing;
		if (missing == 0) {
			f->depth--;
			continue;
		}
		if (pos >= end || (p[pos] & 0xe0) != 0x80)
			break;
		uint64_t objects = (p[pos] & 0x0fu) << (p[pos] < 0x90); /* a map's are pairs */

		if (why_closed(f, objects, pos + 1))
			break;
		*left = missing - 1;
		enter(f, objects);
		pos++;
	}
	f->pos = pos;
}

/* True if bytes are missing from the payload at hand. */
static bool
pass_payload(struct wh_frame *f, size_t n)
{
	size_t here = n - f->pos < f->skip ? n - f->pos : f->skip;

	f->pos += here;
	f->skip -= here;
	return f->skip > 0;
}

static int
begin(struct wh_frame *f)
{
	f->elements = 1;
	f->why = WH_FRAME_OK;
	return f->limits.elements ? 0 : refuse(f, WH_FRAME_TOO_MANY);
}

/* Never asks for more than the limit, so a buffer of that size is enough. */
static int
want_more(struct wh_frame *f, size_t n)
{
	return n < f->limits.bytes ? WH_FRAME_MORE : refuse(f, WH_FRAME_TOO_LONG);
}

/*
 * Each step of the loop may be repeated without harm when bytes run out, which
 * is what makes the scan resumable. pos is 0 only before the first head.
 */
int
wh_frame_scan(struct wh_frame *f, const char *data, size_t n, size_t *ret_len)
{
	int r;

	wh_require(n >= f->pos);
	if (f->pos == 0 && (r = begin(f)))
		return r;
	for (;;) {
		struct head h;

		if (pass_payload(f, n))
			return WH_FRAME_MORE;
		pass_small(f, (const unsigned char *)data, n);
		if (f->depth == 0)
			break;
		if (f->pos == n || f->pos >= f->limits.bytes)
			return want_more(f, f->pos);
		r = head_read((const unsigned char *)data + f->pos, n - f->pos, &h);
		if (r)
			return r > 0 ? want_more(f, n) : refuse(f, WH_FRAME_BAD_BYTE);
		r = take_head(f, &h);
		if (r)
			return r;
	}
	*ret_len = f->pos;
	start_over(f);
	return 0;
}

int
wh_frame_check(struct wh_str data, const struct wh_frame_limits *limits)
{
	struct wh_frame f;
	size_t len;

	wh_frame_init(&f, limits);
	int r = wh_frame_scan(&f, data.p, data.n, &len);

	if (r > 0)
		return WH_EPROTO;
	if (r < 0)
		return r;
	return len == data.n ? 0 : WH_EPROTO;
}

/* SPDX-License-Identifier: MIT */
/*
 * Requests known by their bytes.
 *
 * conn_in.c asks for each request that came: most are gets of one webhook,
 * and those are answered in half the time if nothing takes them apart.
 */
#include "proto/peek.h"

#define HEAD 2u /* an array of four, a request */

/* How the method and the one name of its one parameter are written. */
#define GET                                                                                    \
	"\xab"                                                                                 \
	"webhook.get"                                                                          \
	"\x91\x81\xa4"                                                                         \
	"whid"

static unsigned char
byte_at(struct wh_str s, size_t i)
{
	return (unsigned char)s.p[i];
}

/* Bytes of the id of a request; 0 if it is not there, or no plain one. */
static size_t
id_size(struct wh_str data)
{
	size_t size = 1;

	if (data.n < HEAD + 1 || byte_at(data, 0) != 0x94 || byte_at(data, 1) != 0x00)
		return 0;
	unsigned char first = byte_at(data, HEAD);

	if (first >= 0x80)
		size += first >= 0xcc && first <= 0xce ? (size_t)1 << (first - 0xcc) : data.n;
	return size <= data.n - HEAD ? size : 0;
}

static uint32_t
id_of(struct wh_str data, size_t size)
{
	uint32_t id = 0;

	if (size == 1)
		return byte_at(data, HEAD);
	for (size_t i = 1; i < size; i++)
		id = id << 8 | byte_at(data, HEAD + i);
	return id;
}

uint32_t
wh_peek_id(struct wh_str data)
{
	return id_of(data, id_size(data));
}

/* Splits text of up to 255 bytes off the front of data. Empty if there is none. */
static struct wh_str
short_text(struct wh_str data)
{
	size_t head = 1, n = 0;

	if (data.n > 0 && byte_at(data, 0) >= 0xa0 && byte_at(data, 0) <= 0xbf) {
		n = byte_at(data, 0) & 0x1fu;
	} else if (data.n > 1 && byte_at(data, 0) == 0xd9) {
		n = byte_at(data, 1);
		head = 2;
	}
	return n > 0 && n <= data.n - head ? wh_str(data.p + head, n) : WH_STR_NULL;
}

bool
wh_peek_get(struct wh_str data, struct wh_peeked_get *ret)
{
	const size_t words = sizeof(GET) - 1;
	size_t size = id_size(data), at = HEAD + size;

	if (size == 0 || data.n - at < words || memcmp(data.p + at, GET, words) != 0)
		return false;
	at += words;
	struct wh_str whid = short_text(wh_str(data.p + at, data.n - at));

	if (whid.n == 0 || !wh_utf8_valid(whid))
		return false;
	*ret = (struct wh_peeked_get){
		.id = id_of(data, size),
		.whid = whid,
		.size = (size_t)(whid.p - data.p) + whid.n,
	};
	return true;
}

/* SPDX-License-Identifier: MIT */
/* proto/peek.c: the request that is sent most is known as encoders write it, and nothing else
 * is taken for it. */
#include "tests/unit/rows.h"

#include "tests/peeked.h"

static const uint32_t ids[] = {0, 1, 127, 128, 255, 256, 65535, 65536, UINT32_MAX};
static const size_t lengths[] = {1, 31, 32, 36, 255};

static void
ask(struct wh_buf *b, uint32_t id, size_t length)
{
	char whid[256];

	memset(whid, 'w', sizeof(whid));
	wh_buf_reset(b);
	wh_rpc_request_head(b, id, WH_STR("webhook.get"));
	wh_pack_map(b, 1);
	wh_pack_kv_str(b, "whid", wh_str(whid, length));
}

/* Nothing of it may be missing, and what follows is another one. */
static void
check_whole(struct wh_buf *b, uint32_t id, size_t length)
{
	struct wh_peeked_get get;
	size_t whole;

	ask(b, id, length);
	whole = b->n;
	for (size_t n = 0; n < whole; n++)
		assert_false(wh_peek_get(wh_str(b->p, n), &get));
	wh_buf_c(b, "\x94");
	for (size_t n = whole; n <= b->n; n++) {
		assert_true(wh_peek_get(wh_str(b->p, n), &get));
		assert_int_equal(get.id, id);
		assert_int_equal(get.whid.n, length);
		assert_int_equal(get.size, whole);
		assert_true(peeked_as_decoded(wh_str(b->p, n), &get));
	}
}

static void
test_as_encoders_write_it(void **state)
{
	WH_CLEANUP(wh_buf_fini) struct wh_buf b = WH_BUF_NULL;

	(void)state;
	for (size_t i = 0; i < wh_array_len(ids); i++)
		for (size_t n = 0; n < wh_array_len(lengths); n++)
			check_whole(&b, ids[i], lengths[n]);
}

/* Each byte made each other byte: another id, another webhook, or another request. */
static void
test_any_other_byte(void **state)
{
	WH_CLEANUP(wh_buf_fini) struct wh_buf b = WH_BUF_NULL;
	struct wh_peeked_get get;
	size_t known = 0;

	(void)state;
	ask(&b, 300, 36);
	for (size_t at = 0; at < b.n; at++) {
		char was = b.p[at];

		for (int byte = 0; byte < 256; byte++) {
			b.p[at] = (char)byte;
			if (!wh_peek_get(wh_buf_view(&b), &get))
				continue;
			known++;
			assert_true(peeked_as_decoded(wh_buf_view(&b), &get));
		}
		b.p[at] = was;
	}
	assert_in_range(known, 36u * 128, b.n * 256 / 2);
}

static const char *const others[] = {
	"[0, 1, 'webhook.get', []]",
	"[0, 1, 'webhook.get', [{}]]",
	"[0, 1, 'webhook.get', [{'whid': ''}]]",
	"[0, 1, 'webhook.get', [{'whid': null}]]",
	"[0, 1, 'webhook.get', [{'whid': 7}]]",
	"[0, 1, 'webhook.get', [{'whid': ['w']}]]",
	"[0, 1, 'webhook.get', [{'whiD': 'w'}]]",
	"[0, 1, 'webhook.get', [{'whid': 'w', 'view': 'confirmed'}]]",
	"[0, 1, 'webhook.get', [{'view': 'confirmed', 'whid': 'w'}]]",
	"[0, 1, 'webhook.get', ['w']]",
	"[0, 1, 'webhook.get', {'whid': 'w'}]",
	"[0, 1, 'webhook.list', [{'whid': 'w'}]]",
	"[0, 4294967296, 'webhook.get', [{'whid': 'w'}]]",
	"[0, -1, 'webhook.get', [{'whid': 'w'}]]",
	"[0, '1', 'webhook.get', [{'whid': 'w'}]]",
	"[1, 1, 'webhook.get', [{'whid': 'w'}]]",
	"[2, 'webhook.get', [{'whid': 'w'}]]",
};

static void
test_others(void **state)
{
	(void)state;
	for (size_t i = 0; i < wh_array_len(others); i++) {
		struct row_tree t = row_tree(others[i]);
		struct wh_peeked_get get;

		check(others[i], !wh_peek_get(wh_buf_view(&t.bytes), &get));
		row_tree_fini(&t);
	}
}

static void
test_id_of_what_cannot_be_decoded(void **state)
{
	static const struct {
		struct wh_str data;
		uint32_t id;
	} rows[] = {
		{{"", 0}, 0},
		{{"\x94\x00", 2}, 0},
		{{"\x94\x00\x07", 3}, 7},
		{{"\x94\x00\x07\xc1", 4}, 7},
		{{"\x94\x00\xcc\xff\xc1", 5}, 255},
		{{"\x94\x00\xcd\x01", 4}, 0},
		{{"\x94\x00\xcd\x01\x02", 5}, 258},
		{{"\x94\x00\xce\xff\xff\xff\xff", 7}, UINT32_MAX},
		{{"\x94\x00\xcf\x00\x00\x00\x00\x00\x00\x00\x01", 11}, 0},
		{{"\x94\x00\xe0\x01", 4}, 0},
		{{"\x94\x01\x07\xc1", 4}, 0},
		{{"\x93\x00\x07\xc1", 4}, 0},
	};

	(void)state;
	for (size_t i = 0; i < wh_array_len(rows); i++)
		assert_int_equal(wh_peek_id(rows[i].data), rows[i].id);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_as_encoders_write_it),
		cmocka_unit_test(test_any_other_byte),
		cmocka_unit_test(test_others),
		cmocka_unit_test(test_id_of_what_cannot_be_decoded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

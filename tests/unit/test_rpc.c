/* SPDX-License-Identifier: MIT */
/*
 * proto/rpc.c: the three envelopes, what is refused and under which id, and
 * error replies that any client can read.
 */
#include "tests/unit/rows.h"

#include "proto/rpc.h"

struct read_row {
	const char *json;
	int r;
	enum wh_rpc_kind kind;
	uint32_t id;
	const char *method; /* NULL: do not look */
	bool params;
	bool positional;
};

static const struct read_row read_rows[] = {
	{"[0, 1, 'm', [{'a': 1}]]", 0, WH_RPC_REQUEST, 1, "m", true, false},
	{"[0, 0, 'm', []]", 0, WH_RPC_REQUEST, 0, "m", false, false},
	{"[0, 4294967295, 'm', [null]]", 0, WH_RPC_REQUEST, 4294967295, "m", false, false},
	{"[0, 7, '', [{}]]", 0, WH_RPC_REQUEST, 7, "", true, false},
	{"[1, 9, null, {'x': 1}]", 0, WH_RPC_RESPONSE, 9, NULL, false, false},
	{"[1, 9, [1, 'NOT_FOUND: x'], null]", 0, WH_RPC_RESPONSE, 9, NULL, false, false},
	{"[2, 'event', [{'a': 1}]]", 0, WH_RPC_NOTIFY, 0, "event", true, false},
	{"[2, 'event', [1, 2, 3]]", 0, WH_RPC_NOTIFY, 0, "event", false, false},
	{"[2, 'event', 'x']", 0, WH_RPC_NOTIFY, 0, "event", false, false},
	{"[2, 5, {}]", 0, WH_RPC_NOTIFY, 0, "", false, false},

	{"[0, 8, 'm', [{}, {}]]", 0, WH_RPC_REQUEST, 8, "m", false, true},
	{"[0, 8, 'm', [1]]", 0, WH_RPC_REQUEST, 8, "m", false, true},
	{"[0, 8, 'm', ['whid']]", 0, WH_RPC_REQUEST, 8, "m", false, true},
	{"[0, 8, 'm', [null, null]]", 0, WH_RPC_REQUEST, 8, "m", false, true},
	{"[0, 8, 'm', [[]]]", 0, WH_RPC_REQUEST, 8, "m", false, false},
	{"[0, 8, 'm', [['a']]]", 0, WH_RPC_REQUEST, 8, "m", false, true},
	{"[0, 8, 'm', {'a': 1}]", WH_EPROTO, WH_RPC_REQUEST, 8, NULL, false, false},
	{"[0, 8, 'm', null]", WH_EPROTO, WH_RPC_REQUEST, 8, NULL, false, false},
	{"[0, 8, 1, []]", WH_EPROTO, WH_RPC_REQUEST, 8, NULL, false, false},
	{"[0, 8, 'm']", WH_EPROTO, WH_RPC_REQUEST, 8, NULL, false, false},
	{"[0, 8, 'm', [], 1]", WH_EPROTO, WH_RPC_REQUEST, 8, NULL, false, false},
	{"[0, 8]", WH_EPROTO, WH_RPC_REQUEST, 8, NULL, false, false},
	{"[0]", WH_EPROTO, WH_RPC_REQUEST, 0, NULL, false, false},
	{"[0, 4294967296, 'm', []]", WH_EPROTO, WH_RPC_REQUEST, 0, NULL, false, false},
	{"[0, -1, 'm', []]", WH_EPROTO, WH_RPC_REQUEST, 0, NULL, false, false},
	{"[0, 1.0, 'm', []]", WH_EPROTO, WH_RPC_REQUEST, 0, NULL, false, false},
	{"[0, '1', 'm', []]", WH_EPROTO, WH_RPC_REQUEST, 0, NULL, false, false},
	{"[1, -1, null, 1]", WH_EPROTO, WH_RPC_REQUEST, 0, NULL, false, false},
	{"[1, 3, null]", WH_EPROTO, WH_RPC_REQUEST, 0, NULL, false, false},
	{"[2, 'event']", WH_EPROTO, WH_RPC_REQUEST, 0, NULL, false, false},
	{"[3, 8, 'm', []]", WH_EPROTO, WH_RPC_REQUEST, 0, NULL, false, false},
	{"[4294967296, 8, 'm', []]", WH_EPROTO, WH_RPC_REQUEST, 0, NULL, false, false},
	{"['0', 8, 'm', []]", WH_EPROTO, WH_RPC_REQUEST, 0, NULL, false, false},
	{"[null, 8, 'm', []]", WH_EPROTO, WH_RPC_REQUEST, 0, NULL, false, false},
	{"[]", WH_EPROTO, WH_RPC_REQUEST, 0, NULL, false, false},
	{"{}", WH_EPROTO, WH_RPC_REQUEST, 0, NULL, false, false},
	{"1", WH_EPROTO, WH_RPC_REQUEST, 0, NULL, false, false},
	{"null", WH_EPROTO, WH_RPC_REQUEST, 0, NULL, false, false},
};

static void
check_read(const struct read_row *row, const struct wh_rpc *rpc)
{
	check(row->json, rpc->kind == row->kind);
	check(row->json, rpc->positional == row->positional);
	check(row->json, rpc->kind == WH_RPC_NOTIFY || rpc->id == row->id);
	check(row->json, !row->method || wh_str_is(rpc->method, row->method));
	check(row->json, (rpc->params != NULL) == row->params);
}

static void
test_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < wh_array_len(read_rows); i++) {
		const struct read_row *row = &read_rows[i];
		struct row_tree t = row_tree(row->json);
		struct wh_rpc rpc;
		uint32_t id = 77;
		const char *why = NULL;

		check(row->json, wh_rpc_read(&t.tree.root, &rpc, &id, &why) == row->r);
		if (row->r) {
			check(row->json, id == row->id);
			check(row->json, why && strstr(why, ": "));
		} else {
			check_read(row, &rpc);
		}
		row_tree_fini(&t);
	}
}

static void
test_read_response(void **state)
{
	struct row_tree t = row_tree("[1, 9, null, null]");
	struct wh_rpc rpc;
	uint32_t id;
	const char *why;

	(void)state;
	assert_int_equal(wh_rpc_read(&t.tree.root, &rpc, &id, &why), 0);
	assert_null(rpc.error);
	assert_true(rpc.result && wh_obj_is_nil(rpc.result));
	row_tree_fini(&t);
	t = row_tree("[1, 9, [0, 'BUSY: x'], null]");
	assert_int_equal(wh_rpc_read(&t.tree.root, &rpc, &id, &why), 0);
	assert_int_equal(rpc.error->via.array.size, 2);
	row_tree_fini(&t);
}

static void
test_method_as_bin(void **state)
{
	struct wh_tree tree;
	struct wh_rpc rpc;
	uint32_t id;
	const char *why;

	(void)state;
	assert_int_equal(wh_unpack(&tree, WH_STR("\x94\x00\x05\xc4\x06status\x90"), NULL), 0);
	assert_int_equal(wh_rpc_read(&tree.root, &rpc, &id, &why), 0);
	assert_true(wh_str_is(rpc.method, "status"));
	assert_int_equal(id, 5);
	wh_tree_fini(&tree);
}

static void
test_heads(void **state)
{
	struct wh_buf b = WH_BUF_NULL;

	(void)state;
	wh_rpc_request_head(&b, 300, WH_STR("m"));
	wh_pack_map(&b, 0);
	assert_true(holds(&b, "\x94\x00\xcd\x01\x2c\xa1m\x91\x80", 9));
	wh_buf_reset(&b);
	wh_rpc_notify_head(&b, "event");
	wh_pack_map(&b, 0);
	assert_true(holds(&b,
			  "\x93\x02\xa5"
			  "event\x91\x80",
			  10));
	wh_buf_reset(&b);
	wh_rpc_result_head(&b, 0);
	wh_pack_nil(&b);
	assert_true(holds(&b, "\x94\x01\x00\xc0\xc0", 5));
	wh_buf_fini(&b);
}

/* Reads an error reply back and gives its text, which borrows from tree. */
static struct wh_str
error_text(const struct wh_buf *b, struct wh_tree *tree, int64_t *ret_type)
{
	struct wh_rpc rpc;
	struct wh_str text = WH_STR_NULL;
	uint32_t id;
	const char *why;

	assert_int_equal(wh_unpack(tree, wh_buf_view(b), NULL), 0);
	assert_int_equal(wh_rpc_read(&tree->root, &rpc, &id, &why), 0);
	assert_int_equal(rpc.kind, WH_RPC_RESPONSE);
	assert_int_equal(rpc.error->type, MSGPACK_OBJECT_ARRAY);
	assert_int_equal(rpc.error->via.array.size, 2);
	assert_true(wh_obj_i64(&rpc.error->via.array.ptr[0], ret_type));
	assert_int_equal(rpc.error->via.array.ptr[1].type, MSGPACK_OBJECT_STR);
	assert_true(wh_obj_str(&rpc.error->via.array.ptr[1], &text));
	assert_true(wh_obj_is_nil(rpc.result));
	return text;
}

static void
test_errors_of_all_codes(void **state)
{
	(void)state;
	for (unsigned code = WH_ERR_NONE + 1; code < WH_ERR_COUNT; code++) {
		const struct wh_error_info *e = &wh_errors[code];
		struct wh_buf b = WH_BUF_NULL, expected = WH_BUF_NULL;
		struct wh_tree tree;
		int64_t type;

		assert_int_equal(wh_error_by_name(wh_str_c(e->name)), code);
		wh_rpc_error(&b, 3, (enum wh_error)code, WH_STR("because: do this"));
		wh_buf_printf(&expected, "%s: because: do this", e->name);
		struct wh_str text = error_text(&b, &tree, &type);

		check(e->name, wh_str_eq(text, wh_buf_view(&expected)));
		check(e->name, type == e->type);
		wh_tree_fini(&tree);
		wh_buf_fini(&b);
		wh_buf_fini(&expected);
	}
	assert_int_equal(wh_error_by_name(WH_STR("NONE")), WH_ERR_NONE);
	assert_int_equal(wh_error_by_name(WH_STR("nope")), WH_ERR_NONE);
}

struct sentence_row {
	const char *what;
	enum wh_error code;
	struct wh_str sentence;
	const char *text;
};

#define S(literal)                                                                             \
	{                                                                                      \
		literal, sizeof(literal) - 1                                                   \
	}
#define BAD "\xef\xbf\xbd"

static const struct sentence_row sentence_rows[] = {
	{"none given: the table's own", WH_ERR_BUSY, S(""),
	 "BUSY: a limit on connections or calls at once is reached: retry later"},
	{"not UTF-8", WH_ERR_NOT_FOUND, S("no \xff\xed\xa0\x80"),
	 "NOT_FOUND: no " BAD BAD BAD BAD},
	{"control characters", WH_ERR_NOT_FOUND, S("a\x1b[2J\nb"),
	 "NOT_FOUND: a" BAD "[2J" BAD "b"},
	{"no code", WH_ERR_NONE, S("x"), "INTERNAL: x"},
	{"code beyond the table", WH_ERR_COUNT, S("x"), "INTERNAL: x"},
};

static void
test_sentences(void **state)
{
	(void)state;
	for (size_t i = 0; i < wh_array_len(sentence_rows); i++) {
		const struct sentence_row *row = &sentence_rows[i];
		struct wh_buf b = WH_BUF_NULL;
		struct wh_tree tree;
		int64_t type;

		wh_rpc_error(&b, 3, row->code, row->sentence);
		check(row->what, wh_str_is(error_text(&b, &tree, &type), row->text));
		wh_tree_fini(&tree);
		wh_buf_fini(&b);
	}
}

/* However long and bad the sentence, the text stays valid and below 1 KiB. */
static void
test_long_sentences(void **state)
{
	static const char *const units[] = {
		"a", "\xc3\xa5", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xff", "\n"};

	(void)state;
	for (size_t i = 0; i < wh_array_len(units); i++) {
		struct wh_buf sentence = WH_BUF_NULL, b = WH_BUF_NULL;
		struct wh_tree tree;
		int64_t type;

		while (sentence.n < 5000)
			wh_buf_c(&sentence, units[i]);
		wh_rpc_error(&b, 3, WH_ERR_REQUEST_ID_REUSED, wh_buf_view(&sentence));
		struct wh_str text = error_text(&b, &tree, &type);

		check(units[i], text.n <= 1024 && wh_utf8_valid(text));
		check(units[i], memmem(text.p, text.n, "...", 3) != NULL);
		wh_tree_fini(&tree);
		wh_buf_fini(&sentence);
		wh_buf_fini(&b);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_read_response),
		cmocka_unit_test(test_method_as_bin),
		cmocka_unit_test(test_heads),
		cmocka_unit_test(test_errors_of_all_codes),
		cmocka_unit_test(test_sentences),
		cmocka_unit_test(test_long_sentences),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * daemon/core/op_body.c: the stored form of an operation, whole, cut, damaged,
 * and of a newer whd.
 */
#include "tests/unit/rows.h"

#include "daemon/core/op.h"

/* For initialisers of constants. */
#define TEXT(literal)                                                                          \
	{                                                                                      \
		"" literal, sizeof(literal) - 1                                                \
	}

/* {"a":1} and ["x"] in MessagePack */
#define A_MAP                                                                                  \
	TEXT("\x81\xa1"                                                                        \
	     "a\x01")
#define AN_ARRAY TEXT("\x91\xa1x")

static const struct wh_op full_op = {
	.seq = 1ull << 40,
	.id = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16},
	.kind = WH_OP_UPDATE,
	.state = WH_OP_CONFLICT,
	.policy = WH_POLICY_MANUAL,
	.flags = WH_OPF_FORCE | WH_OPF_ANSWERED,
	.reason = TEXT("overlap"),
	.target = TEXT("wh-1"),
	.tmp_id = TEXT("tmp-1"),
	.fields = A_MAP,
	.base = TEXT("\x80"),
	.theirs = A_MAP,
	.uid = UINT32_MAX,
	.pid = 77,
	.created_at = 1700000000001,
	.changed_at = 1700000000002,
	.next_at = 1700000000003,
	.ended_at = 1700000000004,
	.attempts = 5,
	.failures = 6,
	.poison = 7,
	.mark = 8,
	.sent_after = 11,
	.unknown_list = 9,
	.negatives = 10,
	.incompletes = 11,
	.boot = UINT64_MAX,
	.settle_mono = -12,
	.method = TEXT("PATCH"),
	.request = TEXT("{\"a\":\0001}\xff"),
	.last_error = TEXT("it broke"),
	.result = TEXT("merged"),
	.into = TEXT("017f22e2-79b0-7cc3-98c4-dc0c0c07398f"),
	.absorbed = AN_ARRAY,
	.log = {{1, -1, 0, TEXT("unknown"), TEXT("rule"), TEXT("error")},
		{2, 30, 500, {NULL, 0}, {NULL, 0}, {NULL, 0}}},
	.n_log = 2,
};

static void
same_text(const char *what, struct wh_str a, struct wh_str b)
{
	check(what, wh_str_eq(a, b));
}

static void
same_numbers(const struct wh_op *a, const struct wh_op *b)
{
	assert_true(a->seq == b->seq);
	assert_memory_equal(a->id, b->id, 16);
	assert_int_equal(a->kind, b->kind);
	assert_int_equal(a->state, b->state);
	assert_int_equal(a->policy, b->policy);
	assert_int_equal(a->flags, b->flags);
	assert_int_equal(a->uid, b->uid);
	assert_int_equal(a->pid, b->pid);
	assert_true(a->created_at == b->created_at && a->changed_at == b->changed_at);
	assert_true(a->next_at == b->next_at && a->ended_at == b->ended_at);
	assert_int_equal(a->attempts, b->attempts);
	assert_int_equal(a->failures, b->failures);
	assert_int_equal(a->poison, b->poison);
	assert_true(a->mark == b->mark && a->sent_after == b->sent_after &&
		    a->unknown_list == b->unknown_list);
	assert_int_equal(a->negatives, b->negatives);
	assert_int_equal(a->incompletes, b->incompletes);
	assert_true(a->boot == b->boot && a->settle_mono == b->settle_mono);
}

static void
same_op(const struct wh_op *a, const struct wh_op *b)
{
	same_numbers(a, b);
	same_text("reason", a->reason, b->reason);
	same_text("target", a->target, b->target);
	same_text("tmp_id", a->tmp_id, b->tmp_id);
	same_text("fields", a->fields, b->fields);
	same_text("base", a->base, b->base);
	same_text("theirs", a->theirs, b->theirs);
	same_text("method", a->method, b->method);
	same_text("request", a->request, b->request);
	same_text("last_error", a->last_error, b->last_error);
	same_text("result", a->result, b->result);
	same_text("into", a->into, b->into);
	same_text("absorbed", a->absorbed, b->absorbed);
	assert_int_equal(a->n_log, b->n_log);
	for (uint32_t i = 0; i < a->n_log; i++) {
		assert_true(a->log[i].at == b->log[i].at);
		assert_true(a->log[i].took_ms == b->log[i].took_ms);
		assert_true(a->log[i].status == b->log[i].status);
		same_text("outcome", a->log[i].outcome, b->log[i].outcome);
		same_text("rule", a->log[i].rule, b->log[i].rule);
		same_text("error", a->log[i].error, b->log[i].error);
	}
}

static void
test_round_trip(void **state)
{
	struct wh_buf b = WH_BUF_NULL, again = WH_BUF_NULL;
	struct wh_op got;

	(void)state;
	wh_op_encode(&b, &full_op);
	assert_int_equal(b.fault, 0);
	assert_int_equal(wh_op_decode(&got, wh_buf_view(&b)), 0);
	same_op(&got, &full_op);
	assert_true(got.target.p > b.p && got.target.p < b.p + b.n); /* borrowed, not copied */
	assert_true(got.base.p > b.p && got.base.p < b.p + b.n);
	wh_op_encode(&again, &got);
	assert_true(holds(&again, b.p, b.n));
	wh_buf_fini(&b);
	wh_buf_fini(&again);
}

static void
test_least_op_is_small(void **state)
{
	struct wh_op op = {.kind = WH_OP_UPDATE, .target = WH_STR("wh-1")};
	struct wh_buf b = WH_BUF_NULL;
	struct wh_op got;

	(void)state;
	wh_op_encode(&b, &op);
	assert_true(b.n < 48);
	assert_int_equal(wh_op_decode(&got, wh_buf_view(&b)), 0);
	same_op(&got, &op);
	wh_buf_fini(&b);
}

/* As long as a create is found by its local id that is not told twice. */
static void
test_local_id_of_a_create(void **state)
{
	struct wh_op op = {.target = WH_STR("tmp-1"), .tmp_id = WH_STR("tmp-1")};
	struct wh_buf waits = WH_BUF_NULL, made = WH_BUF_NULL;
	struct wh_op got;

	(void)state;
	wh_op_encode(&waits, &op);
	assert_int_equal(wh_op_decode(&got, wh_buf_view(&waits)), 0);
	same_op(&got, &op);
	op.target = WH_STR("wh-01");
	wh_op_encode(&made, &op);
	assert_int_equal(made.n, waits.n + 3 + 6);
	assert_int_equal(wh_op_decode(&got, wh_buf_view(&made)), 0);
	same_op(&got, &op);
	wh_buf_fini(&waits);
	wh_buf_fini(&made);
}

/* Where the wanted members are in what is stored, behind whatever else is in the buffer. */
static void
test_place_of_fields(void **state)
{
	struct wh_buf b = WH_BUF_NULL;
	struct wh_op op = full_op;

	(void)state;
	wh_buf_c(&b, "before");
	size_t at = wh_op_encode(&b, &op);

	assert_in_range(at, 1, b.n - 6 - op.fields.n);
	assert_memory_equal(b.p + 6 + at, op.fields.p, op.fields.n);
	op.fields = WH_STR_NULL;
	assert_int_equal(wh_op_encode(&b, &op), 0);
	wh_buf_fini(&b);
}

/* No prefix of an operation is an operation, and none reads past its end. */
static void
test_cut_anywhere(void **state)
{
	struct wh_buf b = WH_BUF_NULL;
	struct wh_op got;

	(void)state;
	wh_op_encode(&b, &full_op);
	for (size_t n = 0; n < b.n; n++) {
		char *cut = malloc(n + 1);

		assert_non_null(cut);
		memcpy(cut, b.p, n);
		assert_true(wh_op_decode(&got, wh_str(cut, n)) < 0);
		free(cut);
	}
	wh_buf_fini(&b);
}

/* Whatever one changed byte makes of it: an operation or a fault, never a crash. */
static void
test_flip_each_byte(void **state)
{
	struct wh_buf b = WH_BUF_NULL, out = WH_BUF_NULL;
	struct wh_op got;

	(void)state;
	wh_op_encode(&b, &full_op);
	for (size_t i = 0; i < b.n * 8; i++) {
		b.p[i / 8] = (char)(b.p[i / 8] ^ 1 << i % 8);
		if (wh_op_decode(&got, wh_buf_view(&b)) == 0) {
			wh_buf_reset(&out);
			wh_op_encode(&out, &got);
			assert_int_equal(out.fault, 0);
		}
		b.p[i / 8] = (char)(b.p[i / 8] ^ 1 << i % 8);
	}
	wh_buf_fini(&b);
	wh_buf_fini(&out);
}

static void
test_too_many_attempts(void **state)
{
	struct wh_buf b = WH_BUF_NULL;
	struct wh_op got;

	(void)state;
	wh_pack_map(&b, 5);
	wh_pack_kv_uint(&b, "k", 0);
	wh_pack_kv_uint(&b, "s", 0);
	wh_pack_kv_uint(&b, "p", 0);
	wh_pack_c(&b, "i");
	wh_pack_bin(&b, wh_str("0123456789abcdef", 16));
	wh_pack_c(&b, "l");
	wh_pack_array(&b, 20);
	for (int i = 0; i < 20; i++) {
		wh_pack_array(&b, 7); /* a newer whd writes one item more */
		wh_pack_int(&b, i);
		wh_pack_int(&b, -1);
		wh_pack_int(&b, 200);
		for (int text = 0; text < 3; text++)
			wh_pack_c(&b, "x");
		wh_pack_nil(&b);
	}
	assert_int_equal(wh_op_decode(&got, wh_buf_view(&b)), 0);
	assert_int_equal(got.n_log, WH_ATTEMPTS_KEPT);
	assert_int_equal(got.log[0].at, 4);
	assert_int_equal(got.log[WH_ATTEMPTS_KEPT - 1].at, 19);
	wh_buf_fini(&b);
}

/* Members as JSON after the four required ones; bin values are spelt as text, which reads the
 * same. */
struct body_row {
	const char *what;
	const char *json;
	int result;
};

#define REST "'i':'0123456789abcdef','s':0,'p':0"

static const struct body_row body_rows[] = {
	{"the least", "{'k':0," REST "}", 0},
	{"another order", "{'t':'w','p':1,'i':'0123456789abcdef','s':3,'k':2}", 0},
	{"a key of a newer whd", "{'k':0," REST ",'zz':{'deep':[1,2]}}", 0},
	{"no map", "[1]", WH_EPROTO},
	{"nothing in it", "{}", WH_EPROTO},
	{"kind missing", "{" REST "}", WH_EPROTO},
	{"kind unknown", "{'k':3," REST "}", WH_EPROTO},
	{"state unknown", "{'k':0,'i':'0123456789abcdef','s':10,'p':0}", WH_EPROTO},
	{"policy unknown", "{'k':0,'i':'0123456789abcdef','s':0,'p':4}", WH_EPROTO},
	{"kind negative", "{'k':-1," REST "}", WH_EPROTO},
	{"kind as text", "{'k':'create'," REST "}", WH_EPROTO},
	{"id too short", "{'k':0,'i':'0123','s':0,'p':0}", WH_EPROTO},
	{"id a number", "{'k':0,'i':1,'s':0,'p':0}", WH_EPROTO},
	{"uid beyond 32 bit", "{'k':0," REST ",'u':4294967296}", WH_EPROTO},
	{"uid as large as can be", "{'k':0," REST ",'u':4294967295}", 0},
	{"target a number", "{'k':0," REST ",'t':1}", WH_EPROTO},
	{"time as text", "{'k':0," REST ",'c':'1'}", WH_EPROTO},
	{"time with a fraction", "{'k':0," REST ",'c':1.5}", WH_EPROTO},
	{"seq negative", "{'k':0," REST ",'q':-1}", WH_EPROTO},
	{"fields no map", "{'k':0," REST ",'w':'x'}", WH_EPROTO},
	{"fields empty", "{'k':0," REST ",'w':''}", WH_EPROTO},
	{"fields as a map of its own", "{'k':0," REST ",'w':{}}", WH_EPROTO},
	{"attempts no list", "{'k':0," REST ",'l':{}}", WH_EPROTO},
	{"attempt no list", "{'k':0," REST ",'l':[1]}", WH_EPROTO},
	{"attempt too short", "{'k':0," REST ",'l':[[1,2,3,'a','b']]}", WH_EPROTO},
	{"attempt of other types", "{'k':0," REST ",'l':[[1,2,'3','a','b','c']]}", WH_EPROTO},
	{"one attempt", "{'k':0," REST ",'l':[[1,2,3,'a','b','c']]}", 0},
	{"no attempts", "{'k':0," REST ",'l':[]}", 0},
};

static void
test_bodies(void **state)
{
	struct wh_op got;

	(void)state;
	for (size_t i = 0; i < wh_array_len(body_rows); i++) {
		struct row_tree t = row_tree(body_rows[i].json);
		int r = wh_op_decode(&got, wh_buf_view(&t.bytes));

		check(body_rows[i].what, r == body_rows[i].result);
		row_tree_fini(&t);
	}
}

/* Nested values are copied into replies as they are: what is not one whole map is refused. */
struct nested_row {
	const char *what;
	const char *key;
	struct wh_str value;
	int result;
};

static const struct nested_row nested_rows[] = {
	{"a map", "w", A_MAP, 0},
	{"an empty map", "b", {"\x80", 1}, 0},
	{"a map16",
	 "b",
	 {"\xde\x00\x01\xa1"
	  "a\x01",
	  6},
	 0},
	{"an array where a map is due", "th", {"\x90", 1}, WH_EPROTO},
	{"a map where an array is due", "ab", {"\x80", 1}, WH_EPROTO},
	{"an array", "ab", AN_ARRAY, 0},
	{"a cut map",
	 "w",
	 {"\x81\xa1"
	  "a",
	  3},
	 WH_EPROTO},
	{"a map and a byte", "w", {"\x80\xc0", 2}, WH_EPROTO},
	{"a map that claims 4 billion", "w", {"\xdf\xff\xff\xff\xff", 5}, WH_EPROTO},
	{"an ext inside",
	 "w",
	 {"\x81\xa1"
	  "a\xd4\x01\x01",
	  6},
	 WH_EPROTO},
};

static void
test_nested(void **state)
{
	(void)state;
	for (size_t i = 0; i < wh_array_len(nested_rows); i++) {
		const struct nested_row *r = &nested_rows[i];
		struct wh_buf b = WH_BUF_NULL;
		struct wh_op got;

		wh_pack_map(&b, 5);
		wh_pack_kv_uint(&b, "k", 1);
		wh_pack_kv_uint(&b, "s", 0);
		wh_pack_kv_uint(&b, "p", 0);
		wh_pack_c(&b, "i");
		wh_pack_bin(&b, wh_str("0123456789abcdef", 16));
		wh_pack_c(&b, r->key);
		wh_pack_bin(&b, r->value);
		check(r->what, wh_op_decode(&got, wh_buf_view(&b)) == r->result);
		wh_buf_fini(&b);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_least_op_is_small),
		cmocka_unit_test(test_local_id_of_a_create),
		cmocka_unit_test(test_place_of_fields),
		cmocka_unit_test(test_cut_anywhere),
		cmocka_unit_test(test_flip_each_byte),
		cmocka_unit_test(test_too_many_attempts),
		cmocka_unit_test(test_bodies),
		cmocka_unit_test(test_nested),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * daemon/core/op_wire.c: what callers see of an operation, compared as JSON
 * member by member and in order.
 */
#include "tests/unit/rows.h"

#include "daemon/core/op_story.h"

#define ID "01020304-0506-0708-090a-0b0c0d0e0f10"
#define HEAD(kind) "{'op':'" ID "','kind':'" kind "','whid':'wh-1',"
#define TAIL ",'created_at':5,'created_by':1000,'attempts':2"

static struct wh_op
sample(enum wh_op_kind kind, enum wh_op_state state)
{
	return (struct wh_op){
		.id = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16},
		.kind = kind,
		.state = state,
		.target = WH_STR("wh-1"),
		.uid = 1000,
		.pid = 7,
		.created_at = 5,
		.changed_at = 6,
		.attempts = 2,
		.failures = 1,
		.next_at = 1700000000000,
	};
}

/* Compares with expected, spelt with ' for ". */
static void
check_pack(const char *what, const struct wh_op *op, bool full, const char *expected)
{
	struct wh_buf packed = WH_BUF_NULL, json = WH_BUF_NULL;

	wh_op_pack(&packed, op, full ? &(struct wh_op_around){0} : NULL);
	check(what, packed.fault == 0);
	check(what, wh_json_from_pack(&json, wh_buf_view(&packed), 0) == 0);
	for (size_t i = 0; i < json.n; i++) {
		if (json.p[i] == '"')
			json.p[i] = '\'';
	}
	wh_buf_byte(&json, '\0');
	if (strcmp(json.p, expected))
		fail_msg("%s:\n got %s\nwant %s", what, json.p, expected);
	wh_buf_fini(&packed);
	wh_buf_fini(&json);
}

static void
test_plain(void **state)
{
	struct wh_op op = sample(WH_OP_UPDATE, WH_OP_QUEUED);

	(void)state;
	check_pack("waits for a retry", &op, false,
		   HEAD("update") "'state':'queued'" TAIL ",'next_at':1700000000000}");
	op.next_at = 0;
	op.fields = WH_STR("\x81\xa6whname\xa1"
			   "A");
	check_pack("fields are shown", &op, false,
		   HEAD("update") "'state':'queued','fields':{'whname':'A'}" TAIL "}");
	op.last_error = WH_STR("no route");
	op.reason = WH_STR("slow");
	op.tmp_id = WH_STR("tmp-x");
	check_pack("all that may be there", &op, false,
		   HEAD("update") "'tmp_id':'tmp-x','state':'queued','reason':'slow',"
				  "'fields':{'whname':'A'}" TAIL ",'last_error':'no route'}");
}

static void
test_ended(void **state)
{
	struct wh_op op = sample(WH_OP_CREATE, WH_OP_DONE);

	(void)state;
	op.result = WH_STR("merged");
	op.into = WH_STR(ID);
	check_pack("a result, and no next_at", &op, false,
		   HEAD("create") "'state':'done'" TAIL ",'result':'merged','into':'" ID "'}");
}

static void
test_conflict(void **state)
{
	struct wh_op op = sample(WH_OP_UPDATE, WH_OP_CONFLICT);

	(void)state;
	op.base = WH_STR("\x81\xa6whname\xa1"
			 "B");
	op.theirs = WH_STR("\x81\xa6whname\xa1"
			   "T");
	op.fields = WH_STR("\x81\xa6whname\xa1"
			   "M");
	check_pack("three sides", &op, false,
		   HEAD("update") "'state':'conflict','fields':{'whname':'M'}" TAIL
				  ",'base':{'whname':'B'},'mine':{'whname':'M'},"
				  "'theirs':{'whname':'T'}}");
	op.theirs = WH_STR_NULL;
	op.fields = WH_STR_NULL;
	op.kind = WH_OP_DELETE;
	check_pack("theirs is gone, a delete has no mine", &op, false,
		   HEAD("delete") "'state':'conflict'" TAIL
				  ",'base':{'whname':'B'},'theirs':null}");
	op.state = WH_OP_QUEUED;
	op.next_at = 0;
	check_pack("sides are shown in a conflict only", &op, false,
		   HEAD("delete") "'state':'queued'" TAIL "}");
}

static void
test_full(void **state)
{
	struct wh_op op = sample(WH_OP_CREATE, WH_OP_CANCELLED);

	(void)state;
	op.ended_at = 9;
	op.reason = WH_STR("admin");
	op.absorbed = WH_STR("\x91\xa1x");
	wh_op_log(&op, &(struct wh_attempt){.at = 1,
					    .took_ms = -1,
					    .status = 502,
					    .outcome = WH_STR("unknown"),
					    .rule = WH_STR("every 5xx is unknown"),
					    .error = WH_STR("cut \xc3")});
	check_pack("the whole story", &op, true,
		   HEAD("create") "'state':'cancelled','reason':'admin'" TAIL
				  ",'log':[{'at':1,'took_ms':-1,'status':502,"
				  "'outcome':'unknown','rule':'every 5xx is unknown',"
				  "'error':'cut ?'}],'why':'it was cancelled on "
				  "request','next':'nothing, it has ended',"
				  "'absorbed':['x'],'changed_at':6,'ended_at':9}");
}

struct next_row {
	const char *what;
	enum wh_op_state state;
	const char *reason;
	int64_t next_at;
	const char *says;
};

#define RESOLVE "whctl queue resolve " ID

static const struct next_row next_rows[] = {
	{"first in line", WH_OP_QUEUED, "", 0, "sent when its turn comes"},
	{"after a failure", WH_OP_QUEUED, "", 1700000000000,
	 "sent again at 2023-11-14 22:13:20 UTC, or at once with: whctl queue retry " ID},
	{"checking", WH_OP_CHECKING, "", 0, "once the upstream's row has been read"},
	{"sending", WH_OP_SENDING, "", 0, "waits for the upstream's reply"},
	{"unknown", WH_OP_UNKNOWN, "", 0, "looked up in the next list; not sent again before"},
	{"unknown, planned", WH_OP_UNKNOWN, "", 1700000000000,
	 "which is due at the latest at 2023-11-14 22:13:20 UTC; not sent again"},
	{"conflict, gone", WH_OP_CONFLICT, "", 0, RESOLVE " recreate, or discard"},
	{"held by an admin", WH_OP_HELD, "admin", 0, "whctl queue release " ID},
	{"held behind another", WH_OP_HELD, "dependency", 0, "the operation before it"},
	{"forbidden", WH_OP_HELD, "forbidden", 0, "whctl queue retry " ID},
	{"ambiguous", WH_OP_HELD, "ambiguous", 0, RESOLVE " adopt --whid ID"},
	{"never a whole list", WH_OP_HELD, "no_complete_list", 0,
	 "whctl queue release " ID ", or cancel"},
	{"vanished", WH_OP_HELD, "vanished", 0, "does not list it"},
	{"restored", WH_OP_HELD, "restored", 0, "restored store"},
	{"held for another reason", WH_OP_HELD, "whim", 0, "whctl queue release " ID},
	{"dead", WH_OP_DEAD, "", 0, "whctl queue retry " ID ", or cancel"},
	{"done", WH_OP_DONE, "", 0, "it has ended"},
	{"superseded", WH_OP_SUPERSEDED, "", 0, "it has ended"},
	{"a time nobody can show", WH_OP_UNKNOWN, "", INT64_MAX, "not sent again"},
};

static void
check_next_of(enum wh_op_kind kind, const struct next_row *r, const struct wh_op_around *around)
{
	struct wh_op op = sample(kind, r->state);
	struct wh_buf b = WH_BUF_NULL;

	op.reason = wh_str_c(r->reason);
	op.next_at = r->next_at;
	wh_op_pack(&b, &op, around);
	if (!says(&b, r->says))
		fail_msg("%s: does not say: %s", r->what, r->says);
	wh_buf_fini(&b);
}

static void
check_next(const struct next_row *r, const struct wh_op_around *around)
{
	check_next_of(WH_OP_UPDATE, r, around);
}

static void
test_next(void **state)
{
	static const struct next_row of_create = {"a create, never a whole list", WH_OP_HELD,
						  "no_complete_list", 0, RESOLVE " adopt"};

	(void)state;
	for (size_t i = 0; i < wh_array_len(next_rows); i++)
		check_next(&next_rows[i], &(struct wh_op_around){0});
	check_next_of(WH_OP_CREATE, &of_create, &(struct wh_op_around){0});
}

/* What stands in the way is told before any time of the operation's own. */
static void
test_next_in_the_way(void **state)
{
	static const struct {
		struct next_row next;
		struct wh_op_around around;
	} rows[] = {
		{{"behind another", WH_OP_QUEUED, "", 1700000000000,
		  "sent after the operation before it"},
		 {.behind = true, .gate = "link", .gate_until = 1700000001000}},
		{{"like another", WH_OP_QUEUED, "", 0,
		  "another create of the same name or url is decided"},
		 {.like_another = true}},
		{{"gate shut", WH_OP_QUEUED, "", 0,
		  "sent once the gate rate is open; the upstream is asked again at 2023-11-14 "
		  "22:13:21 UTC"},
		 {.gate = "rate", .gate_until = 1700000001000}},
		{{"unknown, gate shut", WH_OP_UNKNOWN, "no_answer", 1700000000000,
		  "in the next list once the gate link is open; the upstream is asked again at "
		  "2023-11-14 22:13:21 UTC; not sent again"},
		 {.gate = "link", .gate_until = 1700000001000}},
		{{"a person decides, gate or not", WH_OP_HELD, "vanished", 0, RESOLVE " adopt"},
		 {.behind = true, .like_another = true, .gate = "auth", .gate_until = 1}},
		{{"gone", WH_OP_CONFLICT, "gone_upstream", 0, RESOLVE " recreate"}, {0}},
		{{"gone and there again", WH_OP_CONFLICT, "gone_upstream", 0,
		  RESOLVE " mine, or"},
		 {.there = true}},
	};

	(void)state;
	for (size_t i = 0; i < wh_array_len(rows); i++)
		check_next(&rows[i].next, &rows[i].around);
}

/* Each reason has a sentence of its own that says more than its name. */
static void
test_why(void **state)
{
	static const struct {
		enum wh_op_state state;
		const char *token, *why;
	} rows[] = {
#define WH_REASON(state, token, why) {WH_OP_##state, token, why},
#include "daemon/core/reasons.def"
#undef WH_REASON
	};

	(void)state;
	for (size_t i = 0; i < wh_array_len(rows); i++) {
		struct wh_op op = sample(WH_OP_UPDATE, rows[i].state);

		if (rows[i].state == WH_OP_DONE && strcmp(rows[i].token, "remote_wins") != 0) {
			op.result = wh_str_c(rows[i].token);
		} else {
			op.reason = wh_str_c(rows[i].token);
			op.result = wh_str_c(rows[i].state == WH_OP_DONE ? "noop" : "");
		}
		assert_string_equal(wh_op_why(&op), rows[i].why);
		assert_in_range(strlen(rows[i].why), 15, 130);
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(rows[k].why, rows[i].why);
	}
	struct wh_op op = sample(WH_OP_UPDATE, WH_OP_HELD);

	op.reason = WH_STR("whim");
	assert_string_equal(wh_op_why(&op), "");
}

static void
test_foreign_bytes(void **state)
{
	struct wh_op op = sample(WH_OP_UPDATE, WH_OP_DEAD);

	(void)state;
	op.last_error = WH_STR("\xe2\x82\xac is fine");
	check_pack("valid text stays", &op, false,
		   HEAD("update") "'state':'dead'" TAIL
				  ",'last_error':'\xe2\x82\xac is fine'}");
	op.last_error = WH_STR("bad \xff-\xfe");
	check_pack("other bytes become marks", &op, false,
		   HEAD("update") "'state':'dead'" TAIL ",'last_error':'bad ?-?'}");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),    cmocka_unit_test(test_ended),
		cmocka_unit_test(test_conflict), cmocka_unit_test(test_full),
		cmocka_unit_test(test_next),     cmocka_unit_test(test_next_in_the_way),
		cmocka_unit_test(test_why),      cmocka_unit_test(test_foreign_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * daemon/core/coalesce.c: the manual's table row by row, what counts as never
 * sent, and the union of members.
 */
#include "tests/unit/rows.h"

#include "daemon/core/coalesce.h"

struct coalesce_row {
	const char *what;
	enum wh_op_kind earlier, later;
	enum wh_coalesce unsent;  /* the earlier one waits in the queue */
	enum wh_coalesce sending; /* it is on its way */
};

static const struct coalesce_row rows[] = {
	{"create + update", WH_OP_CREATE, WH_OP_UPDATE, WH_CO_ABSORB, WH_CO_APPEND},
	{"create + delete", WH_OP_CREATE, WH_OP_DELETE, WH_CO_CANCEL_BOTH, WH_CO_APPEND},
	{"update + update", WH_OP_UPDATE, WH_OP_UPDATE, WH_CO_ABSORB, WH_CO_APPEND},
	{"update + delete", WH_OP_UPDATE, WH_OP_DELETE, WH_CO_REPLACE, WH_CO_APPEND},
	{"delete + update", WH_OP_DELETE, WH_OP_UPDATE, WH_CO_REFUSE_DELETED,
	 WH_CO_REFUSE_DELETED},
	{"delete + delete", WH_OP_DELETE, WH_OP_DELETE, WH_CO_SAME, WH_CO_SAME},
	{"create + create", WH_OP_CREATE, WH_OP_CREATE, WH_CO_APPEND, WH_CO_APPEND},
	{"update + create", WH_OP_UPDATE, WH_OP_CREATE, WH_CO_APPEND, WH_CO_APPEND},
	{"delete + create", WH_OP_DELETE, WH_OP_CREATE, WH_CO_APPEND, WH_CO_APPEND},
};

static void
test_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < wh_array_len(rows); i++) {
		struct wh_op tail = {.kind = rows[i].earlier, .state = WH_OP_QUEUED};

		check(rows[i].what,
		      wh_coalesce(&tail, rows[i].later, WH_POLICY_MERGE) == rows[i].unsent);
		tail.state = WH_OP_SENDING;
		check(rows[i].what,
		      wh_coalesce(&tail, rows[i].later, WH_POLICY_MERGE) == rows[i].sending);
	}
}

/* What one caller says of others' changes must not count for another one's members. */
static void
test_policies_are_not_mixed(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 16; i++) {
		enum wh_policy earlier = (enum wh_policy)(i / 4),
			       later = (enum wh_policy)(i % 4);
		struct wh_op tail = {
			.kind = WH_OP_UPDATE, .state = WH_OP_QUEUED, .policy = earlier};

		assert_int_equal(wh_coalesce(&tail, WH_OP_UPDATE, later),
				 earlier == later ? WH_CO_ABSORB : WH_CO_APPEND);
		tail.kind = WH_OP_CREATE;
		assert_int_equal(wh_coalesce(&tail, WH_OP_UPDATE, later), WH_CO_ABSORB);
	}
}

static void
test_empty_lane(void **state)
{
	(void)state;
	assert_int_equal(wh_coalesce(NULL, WH_OP_CREATE, WH_POLICY_MERGE), WH_CO_APPEND);
	assert_int_equal(wh_coalesce(NULL, WH_OP_UPDATE, WH_POLICY_MERGE), WH_CO_APPEND);
	assert_int_equal(wh_coalesce(NULL, WH_OP_DELETE, WH_POLICY_MERGE), WH_CO_APPEND);
}

struct sent_row {
	const char *what;
	enum wh_op_state state;
	const char *reason;
	uint32_t flags;
	bool never_sent;
};

static const struct sent_row sent_rows[] = {
	{"queued", WH_OP_QUEUED, "", 0, true},
	{"queued again after a refused connection", WH_OP_QUEUED, "backoff", 0, true},
	{"queued, sent once and found not executed", WH_OP_QUEUED, "", WH_OPF_MAYBE_SENT,
	 false},
	{"queued after a 2xx without body", WH_OP_QUEUED, "", WH_OPF_EXECUTED, false},
	{"queued, from a restored store", WH_OP_QUEUED, "", WH_OPF_RESTORED, false},
	{"other flags do not matter", WH_OP_QUEUED, "", WH_OPF_FORCE | WH_OPF_ALLOW_DUPLICATE,
	 true},
	{"its base is being looked at", WH_OP_CHECKING, "", 0, false},
	{"on its way", WH_OP_SENDING, "", 0, false},
	{"unknown", WH_OP_UNKNOWN, "", 0, false},
	{"conflict", WH_OP_CONFLICT, "", 0, false},
	{"held by an admin", WH_OP_HELD, "admin", 0, true},
	{"held behind another", WH_OP_HELD, "dependency", 0, true},
	{"held by an admin after it may have left", WH_OP_HELD, "admin", WH_OPF_MAYBE_SENT,
	 false},
	{"held as forbidden", WH_OP_HELD, "forbidden", 0, false},
	{"held as ambiguous", WH_OP_HELD, "ambiguous", 0, false},
	{"held without a reason", WH_OP_HELD, "", 0, false},
	{"dead", WH_OP_DEAD, "", 0, false},
};

static void
test_never_sent(void **state)
{
	(void)state;
	for (size_t i = 0; i < wh_array_len(sent_rows); i++) {
		const struct sent_row *r = &sent_rows[i];
		struct wh_op op = {
			.kind = WH_OP_UPDATE,
			.state = r->state,
			.reason = wh_str_c(r->reason),
			.flags = r->flags,
		};
		enum wh_coalesce got = wh_coalesce(&op, WH_OP_UPDATE, WH_POLICY_MERGE);

		check(r->what, wh_op_never_sent(&op) == r->never_sent);
		check(r->what, got == (r->never_sent ? WH_CO_ABSORB : WH_CO_APPEND));
	}
}

/* An admin's hold stays in force whatever comes behind it. */
static void
test_held(void **state)
{
	struct wh_op op = {.state = WH_OP_HELD, .reason = WH_STR("admin")};

	(void)state;
	op.kind = WH_OP_CREATE;
	assert_int_equal(wh_coalesce(&op, WH_OP_UPDATE, WH_POLICY_MERGE), WH_CO_ABSORB);
	assert_int_equal(wh_coalesce(&op, WH_OP_DELETE, WH_POLICY_MERGE), WH_CO_CANCEL_BOTH);
	op.kind = WH_OP_UPDATE;
	assert_int_equal(wh_coalesce(&op, WH_OP_UPDATE, WH_POLICY_MERGE), WH_CO_ABSORB);
	assert_int_equal(wh_coalesce(&op, WH_OP_DELETE, WH_POLICY_MERGE), WH_CO_APPEND);
	op.kind = WH_OP_DELETE;
	assert_int_equal(wh_coalesce(&op, WH_OP_UPDATE, WH_POLICY_MERGE), WH_CO_REFUSE_DELETED);
	op = (struct wh_op){
		.kind = WH_OP_UPDATE, .state = WH_OP_HELD, .reason = WH_STR("dependency")};
	assert_int_equal(wh_coalesce(&op, WH_OP_UPDATE, WH_POLICY_MERGE), WH_CO_ABSORB);
	assert_int_equal(wh_coalesce(&op, WH_OP_DELETE, WH_POLICY_MERGE), WH_CO_REPLACE);
}

/* Every verdict on a tail asks for an edge that exists. */
static void
test_verdicts_are_legal_edges(void **state)
{
	(void)state;
	for (size_t i = 0; i < wh_array_len(sent_rows); i++) {
		for (unsigned k = 0; k < 9; k++) {
			struct wh_op tail = {
				.kind = (enum wh_op_kind)(k / 3),
				.state = sent_rows[i].state,
				.reason = wh_str_c(sent_rows[i].reason),
				.flags = sent_rows[i].flags,
			};
			enum wh_coalesce got =
				wh_coalesce(&tail, (enum wh_op_kind)(k % 3), WH_POLICY_MERGE);

			if (got == WH_CO_CANCEL_BOTH)
				check(sent_rows[i].what,
				      wh_op_edge(tail.state, WH_OP_CANCELLED));
			if (got == WH_CO_REPLACE)
				check(sent_rows[i].what,
				      wh_op_edge(tail.state, WH_OP_SUPERSEDED));
		}
	}
}

struct fields_row {
	const char *what, *earlier, *later, *result;
};

static const struct fields_row fields_rows[] = {
	{"nothing", "{}", "{}", "{}"},
	{"only before", "{'whname':'A'}", "{}", "{'whname':'A'}"},
	{"only after", "{}", "{'whname':'A'}", "{'whname':'A'}"},
	{"both", "{'whname':'A'}", "{'whcomment':'c'}", "{'whname':'A','whcomment':'c'}"},
	{"the later wins", "{'whname':'A','whcomment':'x'}", "{'whname':'B'}",
	 "{'whname':'B','whcomment':'x'}"},
	{"emptied", "{'whcomment':'x'}", "{'whcomment':''}", "{'whcomment':''}"},
	{"a set as a whole", "{'processes':['1','2']}", "{'processes':['3']}",
	 "{'processes':['3']}"},
	{"a set emptied", "{'processes':['1']}", "{'processes':[]}", "{'processes':[]}"},
	{"unknown members do not pass", "{'x':1,'whname':'A'}", "{'y':2}", "{'whname':'A'}"},
};

static void
test_fields(void **state)
{
	(void)state;
	for (size_t i = 0; i < wh_array_len(fields_rows); i++) {
		const struct fields_row *r = &fields_rows[i];
		struct row_tree earlier = row_tree(r->earlier);
		struct row_tree later = row_tree(r->later);
		struct row_tree want = row_tree(r->result);
		struct wh_buf out = WH_BUF_NULL;
		struct wh_record a, b;

		wh_record_view(&earlier.tree.root, &a);
		wh_record_view(&later.tree.root, &b);
		wh_coalesce_fields(&out, &a, &b);
		check(r->what, holds(&out, want.bytes.p, want.bytes.n));
		wh_buf_fini(&out);
		row_tree_fini(&earlier);
		row_tree_fini(&later);
		row_tree_fini(&want);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_policies_are_not_mixed),
		cmocka_unit_test(test_empty_lane),
		cmocka_unit_test(test_never_sent),
		cmocka_unit_test(test_held),
		cmocka_unit_test(test_verdicts_are_legal_edges),
		cmocka_unit_test(test_fields),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * daemon/core/merge.c: the conflict table row by row under each policy, the
 * document that is sent, rebasing, and set arithmetic.
 */
#include "tests/unit/rows.h"

#include "daemon/core/merge.h"

enum {
	NOOP = WH_MERGE_NOOP,
	SEND = WH_MERGE_SEND,
	DISCARD = WH_MERGE_DISCARD,
	CONFLICT = WH_MERGE_CONFLICT
};

#define NAME (1u << WH_F_WHNAME)
#define COMMENT (1u << WH_F_WHCOMMENT)

struct merge_row {
	const char *what;
	const char *base, *mine, *theirs;
	int verdict[4]; /* merge, local-wins, remote-wins, manual */
	uint32_t overlap;
};

static const struct merge_row merge_rows[] = {
	{"only mine changed",
	 "{'whname':'B'}",
	 "{'whname':'M'}",
	 "{'whname':'B'}",
	 {SEND, SEND, SEND, SEND},
	 0},
	{"only theirs changed, the same member",
	 "{'whname':'B'}",
	 "{'whname':'B'}",
	 "{'whname':'T'}",
	 {NOOP, SEND, NOOP, CONFLICT},
	 0},
	{"only theirs changed, another member",
	 "{'whname':'B'}",
	 "{'whname':'M'}",
	 "{'whname':'B','whcomment':'t'}",
	 {SEND, SEND, SEND, CONFLICT},
	 0},
	{"both to the same",
	 "{'whname':'B'}",
	 "{'whname':'X'}",
	 "{'whname':'X'}",
	 {NOOP, NOOP, NOOP, NOOP},
	 0},
	{"both to the same in normal form",
	 "{'whname':'B'}",
	 "{'whname':'X'}",
	 "{'whname':' X '}",
	 {NOOP, NOOP, NOOP, NOOP},
	 0},
	{"both differ",
	 "{'whname':'B'}",
	 "{'whname':'M'}",
	 "{'whname':'T'}",
	 {CONFLICT, SEND, DISCARD, CONFLICT},
	 NAME},
	{"one overlaps, one is mine",
	 "{'whname':'B','whcomment':'b'}",
	 "{'whname':'M','whcomment':'m'}",
	 "{'whname':'T','whcomment':'b'}",
	 {CONFLICT, SEND, SEND, CONFLICT},
	 NAME},
	{"one overlaps, one is the same",
	 "{'whname':'B','whcomment':'b'}",
	 "{'whname':'M','whcomment':'m'}",
	 "{'whname':'T','whcomment':'m'}",
	 {CONFLICT, SEND, DISCARD, CONFLICT},
	 NAME},
	{"two overlap",
	 "{'whname':'B','whcomment':'b'}",
	 "{'whname':'M','whcomment':'m'}",
	 "{'whname':'T','whcomment':'t'}",
	 {CONFLICT, SEND, DISCARD, CONFLICT},
	 NAME | COMMENT},
	{"mine changes nothing",
	 "{'whname':'B'}",
	 "{}",
	 "{'whname':'T'}",
	 {NOOP, NOOP, NOOP, NOOP},
	 0},
	{"mine set what base had",
	 "{'whname':'B'}",
	 "{'whname':'B'}",
	 "{'whname':'B'}",
	 {NOOP, NOOP, NOOP, NOOP},
	 0},
	{"theirs dropped what mine sets",
	 "{'whname':'B'}",
	 "{'whname':'M'}",
	 "{}",
	 {CONFLICT, SEND, DISCARD, CONFLICT},
	 NAME},
	{"mine empties",
	 "{'whcomment':'b'}",
	 "{'whcomment':''}",
	 "{'whcomment':'b'}",
	 {SEND, SEND, SEND, SEND},
	 0},
	{"mine empties, theirs is null",
	 "{'whcomment':'b'}",
	 "{'whcomment':''}",
	 "{'whcomment':null}",
	 {NOOP, NOOP, NOOP, NOOP},
	 0},
	{"theirs came back rewritten only",
	 "{'callbackUrl':'https://h'}",
	 "{'callbackUrl':'https://i'}",
	 "{'callbackUrl':'HTTPS://H:443/'}",
	 {SEND, SEND, SEND, SEND},
	 0},
	{"base unknown, theirs has a value",
	 "{}",
	 "{'whname':'M'}",
	 "{'whname':'T'}",
	 {CONFLICT, SEND, DISCARD, CONFLICT},
	 NAME},
	{"mine empties what nobody knows",
	 "{}",
	 "{'whcomment':''}",
	 "{}",
	 {SEND, SEND, SEND, SEND},
	 0},
	{"an unknown member changed",
	 "{'whname':'B','x':1}",
	 "{'whname':'M'}",
	 "{'whname':'B','x':2}",
	 {SEND, SEND, SEND, SEND},
	 0},
	{"set: only mine",
	 "{'processes':['1']}",
	 "{'processes':['1','2']}",
	 "{'processes':['1']}",
	 {SEND, SEND, SEND, SEND},
	 0},
	{"set: only theirs",
	 "{'processes':['1']}",
	 "{'processes':['1']}",
	 "{'processes':['1','3']}",
	 {NOOP, NOOP, NOOP, CONFLICT},
	 0},
	{"set: only theirs removed",
	 "{'processes':['1','2']}",
	 "{'processes':['1','2']}",
	 "{'processes':['1']}",
	 {NOOP, NOOP, NOOP, CONFLICT},
	 0},
	{"set: both added",
	 "{'processes':['1']}",
	 "{'processes':['1','2']}",
	 "{'processes':['1','3']}",
	 {SEND, SEND, SEND, CONFLICT},
	 0},
	{"set: both added the same",
	 "{'processes':['1']}",
	 "{'processes':['1','2']}",
	 "{'processes':['2','1']}",
	 {NOOP, NOOP, NOOP, NOOP},
	 0},
	{"set: mine removed, theirs added",
	 "{'processes':['1','2']}",
	 "{'processes':['1']}",
	 "{'processes':['1','2','3']}",
	 {SEND, SEND, SEND, CONFLICT},
	 0},
	{"set: both removed the same, theirs added",
	 "{'processes':['1','2']}",
	 "{'processes':['1']}",
	 "{'processes':['1','3']}",
	 {NOOP, NOOP, NOOP, CONFLICT},
	 0},
	{"set: mine replaced, theirs emptied",
	 "{'processes':['1']}",
	 "{'processes':['2']}",
	 "{'processes':[]}",
	 {SEND, SEND, SEND, CONFLICT},
	 0},
	{"set: a repeated item is no change",
	 "{'processes':['1']}",
	 "{'processes':['1','1']}",
	 "{'processes':['1']}",
	 {NOOP, NOOP, NOOP, NOOP},
	 0},
	{"set: beside an overlap",
	 "{'whname':'B','processes':[]}",
	 "{'whname':'M','processes':['1']}",
	 "{'whname':'T','processes':[]}",
	 {CONFLICT, SEND, SEND, CONFLICT},
	 NAME},
};

struct sides {
	struct row_tree base, mine, theirs;
	struct wh_record b, m, t;
};

static void
sides_init(struct sides *s, const char *base, const char *mine, const char *theirs)
{
	s->base = row_tree(base);
	s->mine = row_tree(mine);
	s->theirs = row_tree(theirs);
	wh_record_view(&s->base.tree.root, &s->b);
	wh_record_view(&s->mine.tree.root, &s->m);
	wh_record_view(&s->theirs.tree.root, &s->t);
}

static void
sides_fini(struct sides *s)
{
	row_tree_fini(&s->base);
	row_tree_fini(&s->mine);
	row_tree_fini(&s->theirs);
}

static void
test_verdicts(void **state)
{
	(void)state;
	for (size_t i = 0; i < wh_array_len(merge_rows); i++) {
		const struct merge_row *r = &merge_rows[i];
		struct sides s;

		sides_init(&s, r->base, r->mine, r->theirs);
		for (unsigned p = 0; p < 4; p++) {
			struct wh_merged m = {0};
			int rc = wh_merge(&s.b, &s.m, &s.t, (enum wh_policy)p, &m);

			if (rc || (int)m.verdict != r->verdict[p])
				fail_msg("%s, %s: %d", r->what,
					 wh_policy_str((enum wh_policy)p), (int)m.verdict);
			check(r->what, m.overlap == r->overlap);
			check(r->what, (m.doc.n > 0) == (m.verdict == WH_MERGE_SEND));
			wh_buf_fini(&m.doc);
		}
		sides_fini(&s);
	}
}

/* bytes = the expected JSON as MessagePack; both decoded, so that array headers may differ. */
static void
check_value(const char *what, const struct wh_buf *got, const char *want)
{
	struct row_tree expected = row_tree(want);
	struct wh_buf json = WH_BUF_NULL, json_want = WH_BUF_NULL;

	check(what, got->fault == 0);
	check(what, wh_json_from_pack(&json, wh_buf_view(got), 0) == 0);
	check(what, wh_json_from_pack(&json_want, wh_buf_view(&expected.bytes), 0) == 0);
	if (!wh_str_eq(wh_buf_view(&json), wh_buf_view(&json_want)))
		fail_msg("%s: %.*s", what, WH_STR_FMT(wh_buf_view(&json)));
	wh_buf_fini(&json);
	wh_buf_fini(&json_want);
	row_tree_fini(&expected);
}

struct send_row {
	const char *what;
	enum wh_policy policy;
	const char *base, *mine, *theirs, *sent;
};

#define DOC(name, comment, processes)                                                          \
	"{'whname':'" name "','whcomment':'" comment                                           \
	"','applicationId':'a','municipalityId':'m',"                                          \
	"'callbackUrl':'https://h','processes':[" processes "]}"

static const struct send_row send_rows[] = {
	{"mine over theirs", WH_POLICY_MERGE, DOC("B", "b", "'1'"), "{'whname':'M'}",
	 DOC("B", "b", "'1'"), DOC("M", "b", "'1'")},
	{"theirs is kept where mine is silent", WH_POLICY_MERGE, DOC("B", "b", "'1'"),
	 "{'whname':'M'}", DOC("B", "t", "'1','9'"), DOC("M", "t", "'1','9'")},
	{"theirs is kept where mine repeats base", WH_POLICY_MERGE, DOC("B", "b", ""),
	 "{'whname':'M','whcomment':'b'}", DOC("B", "t", ""), DOC("M", "t", "")},
	{"local wins", WH_POLICY_LOCAL_WINS, DOC("B", "b", ""),
	 "{'whname':'M','whcomment':'m'}", DOC("T", "b", ""), DOC("M", "m", "")},
	{"remote wins the overlap only", WH_POLICY_REMOTE_WINS, DOC("B", "b", ""),
	 "{'whname':'M','whcomment':'m'}", DOC("T", "b", ""), DOC("T", "m", "")},
	{"items added at the end, order of theirs kept", WH_POLICY_MERGE,
	 DOC("B", "b", "'1','2'"), "{'processes':['4','1','2','3']}",
	 DOC("B", "b", "'9','2','1'"), DOC("B", "b", "'9','2','1','4','3'")},
	{"items removed", WH_POLICY_MERGE, DOC("B", "b", "'1','2','3'"), "{'processes':['2']}",
	 DOC("B", "b", "'3','9','1','2'"), DOC("B", "b", "'9','2'")},
	{"an item both removed stays away", WH_POLICY_MERGE, DOC("B", "b", "'1','2','3'"),
	 "{'processes':['1']}", DOC("B", "b", "'1','3'"), DOC("B", "b", "'1'")},
	{"an item theirs removed stays away", WH_POLICY_MERGE, DOC("B", "b", "'1','2'"),
	 "{'processes':['1','2','3']}", DOC("B", "b", "'1'"), DOC("B", "b", "'1','3'")},
	{"an item both added goes once", WH_POLICY_MERGE, DOC("B", "b", "'1'"),
	 "{'processes':['1','2','3']}", DOC("B", "b", "'1','2'"), DOC("B", "b", "'1','2','3'")},
	{"all items removed", WH_POLICY_MERGE, DOC("B", "b", "'1'"), "{'processes':[]}",
	 DOC("B", "b", "'1'"), DOC("B", "b", "")},
	{"repeated items go once", WH_POLICY_MERGE, DOC("B", "b", ""),
	 "{'processes':['1','1 ']}", DOC("B", "b", "'2','2'"), DOC("B", "b", "'2','1'")},
	{"what neither side holds stays out", WH_POLICY_MERGE, "{}", "{'whname':'M'}",
	 "{'x':1,'whcomment':'t'}", "{'whname':'M','whcomment':'t'}"},
	{"what nobody knows is sent as given", WH_POLICY_MERGE, "{'whname':'B'}",
	 "{'whcomment':'','processes':[]}", "{'whname':'B'}",
	 "{'whname':'B','whcomment':'','processes':[]}"},
};

static void
test_documents(void **state)
{
	(void)state;
	for (size_t i = 0; i < wh_array_len(send_rows); i++) {
		const struct send_row *r = &send_rows[i];
		struct wh_merged m = {0};
		struct sides s;

		sides_init(&s, r->base, r->mine, r->theirs);
		check(r->what, wh_merge(&s.b, &s.m, &s.t, r->policy, &m) == 0);
		check(r->what, m.verdict == WH_MERGE_SEND);
		check_value(r->what, &m.doc, r->sent);
		wh_buf_fini(&m.doc);
		sides_fini(&s);
	}
}

static void
test_document_too_large(void **state)
{
	struct wh_merged m = {.doc = wh_buf_capped(16)};
	struct sides s;

	(void)state;
	sides_init(&s, DOC("B", "b", ""), "{'whname':'M'}", DOC("B", "b", ""));
	assert_int_equal(wh_merge(&s.b, &s.m, &s.t, WH_POLICY_MERGE, &m), WH_ELIMIT);
	wh_buf_fini(&m.doc);
	sides_fini(&s);
}

struct rebase_row {
	const char *what;
	const char *base, *predecessor, *result, *rebased;
};

static const struct rebase_row rebase_rows[] = {
	{"what the predecessor set", "{'whname':'P','whcomment':'c'}", "{'whname':'P'}",
	 "{'whname':'p','whcomment':'other'}", "{'whname':'p','whcomment':'c'}"},
	{"nothing set", "{'whname':'P'}", "{}", "{'whname':'x'}", "{'whname':'P'}"},
	{"the upstream dropped it", "{'whcomment':'c'}", "{'whcomment':'c'}", "{}",
	 "{'whcomment':''}"},
	{"a set", "{'processes':['1','2']}", "{'processes':['1','2']}",
	 "{'processes':['2','1']}", "{'processes':['2','1']}"},
	{"a set dropped", "{'processes':['1']}", "{'processes':['1']}", "{'processes':null}",
	 "{'processes':[]}"},
	{"unknown members stay as they were", "{'whid':'w','whname':'P','x':[1]}",
	 "{'whname':'P'}", "{'whid':'w','whname':'Q','x':[2]}",
	 "{'whid':'w','whname':'Q','x':[1]}"},
};

static void
test_rebase(void **state)
{
	(void)state;
	for (size_t i = 0; i < wh_array_len(rebase_rows); i++) {
		const struct rebase_row *r = &rebase_rows[i];
		struct wh_buf out = WH_BUF_NULL;
		struct sides s;

		sides_init(&s, r->base, r->predecessor, r->result);
		wh_merge_rebase(&out, &s.base.tree.root, &s.m, &s.t);
		check_value(r->what, &out, r->rebased);
		wh_buf_fini(&out);
		sides_fini(&s);
	}
}

static void
test_rebase_without_base(void **state)
{
	struct wh_buf out = WH_BUF_NULL;
	struct sides s;

	(void)state;
	sides_init(&s, "{}", "{'whname':'P'}", "{'whname':'Q','whcomment':'c'}");
	wh_merge_rebase(&out, NULL, &s.m, &s.t);
	check_value("no base", &out, "{'whname':'Q'}");
	wh_buf_fini(&out);
	sides_fini(&s);
}

struct apply_row {
	const char *what;
	const char *from, *add, *remove; /* NULL = none */
	const char *result;
};

static const struct apply_row apply_rows[] = {
	{"nothing", NULL, NULL, NULL, "[]"},
	{"as it is", "['a','b']", NULL, NULL, "['a','b']"},
	{"add", "['a']", "['b','c']", NULL, "['a','b','c']"},
	{"add to nothing", NULL, "['b','b']", NULL, "['b']"},
	{"add what is there", "['a','b']", "['b','a']", NULL, "['a','b']"},
	{"remove", "['a','b','c']", NULL, "['b']", "['a','c']"},
	{"remove what is not there", "['a']", NULL, "['x']", "['a']"},
	{"remove wins over add", "['a']", "['b']", "['b']", "['a']"},
	{"remove and add", "['a','b']", "['c']", "['a']", "['b','c']"},
	{"in normal form", "['a ']", "['a']", NULL, "['a ']"},
	{"repeats go", "['a','b','a']", NULL, NULL, "['a','b']"},
	{"what is no text goes", "['a',1,null]", "[2]", NULL, "['a']"},
	{"all gone", "['a']", NULL, "['a']", "[]"},
};

static void
test_set_apply(void **state)
{
	(void)state;
	for (size_t i = 0; i < wh_array_len(apply_rows); i++) {
		const struct apply_row *r = &apply_rows[i];
		struct row_tree from = row_tree(r->from ? r->from : "null");
		struct row_tree add = row_tree(r->add ? r->add : "null");
		struct row_tree remove = row_tree(r->remove ? r->remove : "null");
		struct wh_buf out = WH_BUF_NULL;

		wh_set_apply(&out, r->from ? &from.tree.root : NULL,
			     r->add ? &add.tree.root : NULL,
			     r->remove ? &remove.tree.root : NULL);
		check_value(r->what, &out, r->result);
		wh_buf_fini(&out);
		row_tree_fini(&from);
		row_tree_fini(&add);
		row_tree_fini(&remove);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_verdicts),
		cmocka_unit_test(test_documents),
		cmocka_unit_test(test_document_too_large),
		cmocka_unit_test(test_rebase),
		cmocka_unit_test(test_rebase_without_base),
		cmocka_unit_test(test_set_apply),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

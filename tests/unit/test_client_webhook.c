/* SPDX-License-Identifier: MIT */
/*
 * libwhclient, typed calls: which parameters each sends, lists over all pages,
 * and waiting for an operation.
 */
#include "tests/unit/client_peer.h"

static struct whc *
open_to(struct peer *p, const struct peer_step *steps)
{
	struct whc *c;

	peer_listen(p);
	peer_start(p, steps);
	check("open", whc_open(&c, p->path, 0) == 0);
	return c;
}

static void
close_all(struct whc *c, struct peer *p)
{
	check("close", whc_close(c) == 0);
	peer_join(p);
}

/* The parameters of a change without its request id, which differs each time. */
static bool
saw_change(const struct peer *p, size_t i, const char *quoted)
{
	struct row_tree want = row_tree(quoted);
	struct wh_tree got;
	bool same = true;

	check(quoted, wh_unpack(&got, wh_buf_view(&p->seen[i].params), NULL) == 0);
	check(quoted, wh_str_is_guid(wh_obj_str_at(&got.root, "request_id")));
	check(quoted, got.root.via.map.size == want.tree.root.via.map.size + 1);
	for (uint32_t m = 0; m < want.tree.root.via.map.size; m++) {
		const msgpack_object_kv *kv = &want.tree.root.via.map.ptr[m];
		struct wh_str key;

		same = same && wh_obj_str(&kv->key, &key) &&
		       wh_obj_eq(&kv->val, wh_obj_getn(&got.root, key));
	}
	wh_tree_fini(&got);
	row_tree_fini(&want);
	return same;
}

static void
changes_send_what_was_given(void **state)
{
	static const struct peer_step steps[] = {
		{PEER_ACCEPT, NULL, 0},          {PEER_EXPECT, "webhook.create", 0},
		{PEER_RESULT, "{'op': '1'}", 0}, {PEER_EXPECT, "webhook.update", 0},
		{PEER_RESULT, "{'op': '2'}", 0}, {PEER_EXPECT, "webhook.update", 0},
		{PEER_RESULT, "{'op': '3'}", 0}, {PEER_EXPECT, "webhook.delete", 0},
		{PEER_RESULT, "{'op': '4'}", 0}, {PEER_END, NULL, 0}};
	static const char *const two[] = {"p1", "p2", NULL};
	static const char *const none[] = {NULL};
	struct whc_fields f = whc_fields_init();
	struct whc_change ch = whc_change_init();
	struct peer p;
	struct whc *c = open_to(&p, steps);

	(void)state;
	f.whname = "n";
	f.whcomment = "";
	f.applicationId = "7";
	f.municipalityId = "0351";
	f.callbackUrl = "https://x";
	f.processes = two;
	check("create", whc_create(c, &f, NULL) == 0);
	ch.set.whname = "m";
	ch.set.processes = none;
	ch.policy = "manual";
	ch.if_revision = 0;
	check("update", whc_update(c, "42", &ch, NULL) == 0);
	ch = whc_change_init();
	ch.add_processes = two;
	ch.remove_processes = none;
	check("update of processes", whc_update(c, "42", &ch, NULL) == 0);
	check("delete", whc_delete(c, "42", 0, NULL) == 0);
	close_all(c, &p);
	check("create", saw_change(&p, 0,
				   "{'whname': 'n', 'whcomment': '', 'applicationId': '7',"
				   " 'municipalityId': '0351', 'callbackUrl': 'https://x',"
				   " 'processes': ['p1', 'p2']}"));
	check("update", saw_change(&p, 1,
				   "{'whid': '42', 'set': {'whname': 'm', 'processes': []},"
				   " 'policy': 'manual', 'if_revision': 0}"));
	check("update of processes", saw_change(&p, 2,
						"{'whid': '42', 'add_processes': ['p1', 'p2'],"
						" 'remove_processes': []}"));
	check("delete", saw_change(&p, 3, "{'whid': '42'}"));
	peer_fini(&p);
}

static void
structures_need_their_size(void **state)
{
	static const struct peer_step steps[] = {
		{PEER_ACCEPT, NULL, 0}, {PEER_GONE, NULL, 0}, {PEER_END, NULL, 0}};
	struct whc_fields f = {0};
	struct whc_filter filter = {0};
	struct whc_change ch = whc_change_init();
	struct peer p;
	struct whc *c = open_to(&p, steps);

	(void)state;
	ch.set.size = 0;
	check("fields", whc_create(c, &f, NULL) == WHC_EINVALID);
	check("filter", whc_list(c, &filter, NULL, NULL) == WHC_EINVALID);
	check("set", whc_update(c, "1", &ch, NULL) == WHC_EINVALID);
	close_all(c, &p);
	peer_fini(&p);
}

/* ---- lists ---- */

struct gathered {
	char ids[64];
	struct whc_object *kept;
	int stop_after;
};

static int
on_item(struct whc *c, struct whc_object *item, void *arg)
{
	struct gathered *g = arg;
	size_t n = strlen(g->ids);

	(void)c;
	snprintf(g->ids + n, sizeof(g->ids) - n, "%s ", whc_str(item, "whid"));
	if (!g->kept)
		g->kept = whc_object_ref(item);
	return --g->stop_after == 0 ? 77 : 0;
}

static const struct peer_step pages[] = {
	{PEER_ACCEPT, NULL, 0},
	{PEER_EXPECT, "webhook.list", 0},
	{PEER_RESULT, "{'items': [{'whid': 'a'}, {'whid': 'b'}], 'cursor': 'next'}", 0},
	{PEER_EXPECT, "webhook.list", 0},
	{PEER_RESULT, "{'items': [], 'cursor': 'last'}", 0},
	{PEER_EXPECT, "webhook.list", 0},
	{PEER_RESULT, "{'items': [{'whid': 'c'}]}", 0},
	{PEER_END, NULL, 0}};

static void
list_goes_over_all_pages(void **state)
{
	struct whc_filter filter = whc_filter_init();
	struct gathered g = {0};
	struct peer p;
	struct whc *c = open_to(&p, pages);

	(void)state;
	filter.municipalityId = "351";
	filter.pending = -1;
	filter.max_age_ms = 5;
	check("list", whc_list(c, &filter, on_item, &g) == 0);
	check("all, in order", strcmp(g.ids, "a b c ") == 0);
	close_all(c, &p);
	check("kept beyond its page", strcmp(whc_str(g.kept, "whid"), "a") == 0);
	whc_object_unref(g.kept);
	check("first", peer_saw(&p, 0,
				"{'municipalityId': '351', 'pending': false, 'max_age': 5,"
				" 'limit': 1000}"));
	check("second", peer_saw(&p, 1,
				 "{'municipalityId': '351', 'pending': false, 'max_age': 5,"
				 " 'limit': 1000, 'cursor': 'next'}"));
	check("third", peer_saw(&p, 2,
				"{'municipalityId': '351', 'pending': false, 'max_age': 5,"
				" 'limit': 1000, 'cursor': 'last'}"));
	peer_fini(&p);
}

static int
close_within(struct whc *c, struct whc_object *item, void *arg)
{
	bool *refused = arg;

	(void)item;
	*refused = whc_close(c) == WHC_EINVALID;
	return 0;
}

static void
list_is_not_closed_by_its_items(void **state)
{
	bool refused = false;
	struct peer p;
	struct whc *c = open_to(&p, pages);

	(void)state;
	check("list", whc_list(c, NULL, close_within, &refused) == 0);
	check("refused", refused);
	close_all(c, &p);
	peer_fini(&p);
}

static void
list_goes_on_from_a_cursor_that_was_given(void **state)
{
	struct gathered g = {0};
	struct wh_buf b = WH_BUF_NULL;
	struct peer p;
	struct whc *c = open_to(&p, pages);

	(void)state;
	wh_pack_map(&b, 2);
	wh_pack_kv_c(&b, "cursor", "mine");
	wh_pack_kv_int(&b, "limit", 2);
	struct whc_bytes params = {b.p, b.n};

	check("list", whc_call_paged(c, "webhook.list", params, on_item, &g) == 0);
	close_all(c, &p);
	whc_object_unref(g.kept);
	wh_buf_fini(&b);
	check("first", peer_saw(&p, 0, "{'cursor': 'mine', 'limit': 2}"));
	check("second", peer_saw(&p, 1, "{'limit': 2, 'cursor': 'next'}"));
	peer_fini(&p);
}

static void
list_ends_when_told(void **state)
{
	static const struct peer_step one[] = {
		{PEER_ACCEPT, NULL, 0},
		{PEER_EXPECT, "webhook.list", 0},
		{PEER_RESULT, "{'items': [{'whid': 'a'}, {'whid': 'b'}], 'cursor': 'next'}", 0},
		{PEER_GONE, NULL, 0},
		{PEER_END, NULL, 0}};
	struct gathered g = {.stop_after = 1};
	struct peer p;
	struct whc *c = open_to(&p, one);

	(void)state;
	check("the callback's own value", whc_list(c, NULL, on_item, &g) == 77);
	check("one", strcmp(g.ids, "a ") == 0);
	whc_object_unref(g.kept);
	close_all(c, &p);
	peer_fini(&p);
}

/* ---- waiting ---- */

static const struct {
	const char *state;
	bool settled;
} state_rows[] = {
	{"done", true},      {"dead", true},       {"held", true},    {"conflict", true},
	{"cancelled", true}, {"superseded", true}, {"queued", false}, {"checking", false},
	{"sending", false},  {"unknown", false},
};

static void
wait_ends_when_settled(void **state)
{
	(void)state;
	for (size_t i = 0; i < wh_array_len(state_rows); i++) {
		char now[64];
		const struct peer_step steps[] = {
			{PEER_ACCEPT, NULL, 0},
			{PEER_EXPECT, "queue.wait", 0},
			{PEER_RESULT, now, 0},
			{PEER_EXPECT, state_rows[i].settled ? "status" : "queue.wait", 0},
			{PEER_RESULT, "{'state': 'done'}", 0},
			{PEER_END, NULL, 0}};
		struct whc_object *o = NULL;
		struct peer p;

		snprintf(now, sizeof(now), "{'state': '%s'}", state_rows[i].state);
		struct whc *c = open_to(&p, steps);

		check(now, whc_wait(c, "x", 60000, &o) == 0);
		check(now, strcmp(whc_str(o, "state"),
				  state_rows[i].settled ? state_rows[i].state : "done") == 0);
		whc_object_unref(o);
		if (state_rows[i].settled)
			check(now, whc_status(c, NULL) == 0);
		close_all(c, &p);
		peer_fini(&p);
	}
}

static void
wait_gives_up_in_time(void **state)
{
	static const struct peer_step steps[] = {{PEER_ACCEPT, NULL, 0},
						 {PEER_EXPECT, "queue.wait", 0},
						 {PEER_RESULT, "{'state': 'queued'}", 0},
						 {PEER_END, NULL, 0}};
	struct whc_object *o = NULL;
	struct peer p;
	struct whc *c = open_to(&p, steps);

	(void)state;
	check("wait", whc_wait(c, "x", 0, &o) == 0);
	check("as it is", strcmp(whc_str(o, "state"), "queued") == 0);
	whc_object_unref(o);
	close_all(c, &p);
	check("asked for no time", peer_saw(&p, 0, "{'op': 'x', 'timeout_ms': 0}"));
	peer_fini(&p);
}

/* A change that another operation carries out is in effect when that one is. */
static void
wait_follows_a_merged_change(void **state)
{
	static const struct peer_step steps[] = {
		{PEER_ACCEPT, NULL, 0},
		{PEER_EXPECT, "queue.wait", 0},
		{PEER_RESULT, "{'state': 'done', 'result': 'merged', 'into': 'y'}", 0},
		{PEER_EXPECT, "queue.wait", 0},
		{PEER_RESULT, "{'state': 'queued'}", 0},
		{PEER_EXPECT, "queue.wait", 0},
		{PEER_RESULT, "{'state': 'done', 'result': 'merged', 'into': 'z'}", 0},
		{PEER_EXPECT, "queue.wait", 0},
		{PEER_RESULT, "{'op': 'z', 'state': 'superseded', 'into': 'none'}", 0},
		{PEER_END, NULL, 0}};
	struct whc_object *o = NULL;
	struct peer p;
	struct whc *c = open_to(&p, steps);

	(void)state;
	check("wait", whc_wait(c, "x", WHC_NO_TIMEOUT, &o) == 0);
	check("the last", strcmp(whc_str(o, "op"), "z") == 0);
	whc_object_unref(o);
	close_all(c, &p);
	check("x", peer_saw(&p, 0, "{'op': 'x', 'timeout_ms': 300000}"));
	check("y", peer_saw(&p, 1, "{'op': 'y', 'timeout_ms': 300000}"));
	check("y again", peer_saw(&p, 2, "{'op': 'y', 'timeout_ms': 300000}"));
	check("z", peer_saw(&p, 3, "{'op': 'z', 'timeout_ms': 300000}"));
	peer_fini(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(changes_send_what_was_given),
		cmocka_unit_test(structures_need_their_size),
		cmocka_unit_test(list_goes_over_all_pages),
		cmocka_unit_test(list_is_not_closed_by_its_items),
		cmocka_unit_test(list_goes_on_from_a_cursor_that_was_given),
		cmocka_unit_test(list_ends_when_told),
		cmocka_unit_test(wait_ends_when_settled),
		cmocka_unit_test(wait_gives_up_in_time),
		cmocka_unit_test(wait_follows_a_merged_change),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * daemon/core/op.c: states, every edge, names, attempts and ids.
 */
#include "tests/unit/rows.h"

#include <sys/wait.h>
#include <unistd.h>

#include "daemon/core/op.h"

struct state_row {
	const char *name;
	enum wh_op_state state;
	bool live, settled, ended;
};

static const struct state_row state_rows[] = {
	{"queued", WH_OP_QUEUED, true, false, false},
	{"checking", WH_OP_CHECKING, true, false, false},
	{"sending", WH_OP_SENDING, true, false, false},
	{"unknown", WH_OP_UNKNOWN, true, false, false},
	{"conflict", WH_OP_CONFLICT, true, true, false},
	{"held", WH_OP_HELD, true, true, false},
	{"dead", WH_OP_DEAD, false, true, false},
	{"done", WH_OP_DONE, false, true, true},
	{"cancelled", WH_OP_CANCELLED, false, true, true},
	{"superseded", WH_OP_SUPERSEDED, false, true, true},
};

static void
test_states(void **state)
{
	(void)state;
	assert_int_equal(wh_array_len(state_rows), WH_OP_STATE_COUNT);
	for (size_t i = 0; i < wh_array_len(state_rows); i++) {
		const struct state_row *r = &state_rows[i];
		enum wh_op_state got = WH_OP_STATE_COUNT;

		check(r->name,
		      (size_t)r->state == i); /* the order is part of the file format */
		assert_string_equal(wh_op_state_str(r->state), r->name);
		check(r->name, wh_op_state_parse(wh_str_c(r->name), &got) && got == r->state);
		check(r->name, wh_op_state_live(r->state) == r->live);
		check(r->name, wh_op_state_settled(r->state) == r->settled);
		check(r->name, wh_op_state_ended(r->state) == r->ended);
	}
}

static void
test_state_parse_refuses(void **state)
{
	static const char *const wrong[] = {"", "QUEUED", "queue", "queuedx", "synced"};
	enum wh_op_state got;

	(void)state;
	for (size_t i = 0; i < wh_array_len(wrong); i++)
		check(wrong[i], !wh_op_state_parse(wh_str_c(wrong[i]), &got));
}

struct edge_row {
	const char *what;
	enum wh_op_state from, to;
};

static const struct edge_row edge_rows[] = {
	{"its base is looked at", WH_OP_QUEUED, WH_OP_CHECKING},
	{"it is sent", WH_OP_QUEUED, WH_OP_SENDING},
	{"it was put back, and may have been sent", WH_OP_QUEUED, WH_OP_UNKNOWN},
	{"a list shows an overlap", WH_OP_QUEUED, WH_OP_CONFLICT},
	{"an admin holds it", WH_OP_QUEUED, WH_OP_HELD},
	{"it can never be sent", WH_OP_QUEUED, WH_OP_DEAD},
	{"nothing to do", WH_OP_QUEUED, WH_OP_DONE},
	{"withdrawn", WH_OP_QUEUED, WH_OP_CANCELLED},
	{"a delete took over", WH_OP_QUEUED, WH_OP_SUPERSEDED},
	{"the look failed", WH_OP_CHECKING, WH_OP_QUEUED},
	{"the base is fresh", WH_OP_CHECKING, WH_OP_SENDING},
	{"the look shows an overlap", WH_OP_CHECKING, WH_OP_CONFLICT},
	{"the look is forbidden", WH_OP_CHECKING, WH_OP_HELD},
	{"the look shows it done", WH_OP_CHECKING, WH_OP_DONE},
	{"not executed", WH_OP_SENDING, WH_OP_QUEUED},
	{"no reply", WH_OP_SENDING, WH_OP_UNKNOWN},
	{"forbidden", WH_OP_SENDING, WH_OP_HELD},
	{"rejected", WH_OP_SENDING, WH_OP_DEAD},
	{"executed", WH_OP_SENDING, WH_OP_DONE},
	{"proven not executed", WH_OP_UNKNOWN, WH_OP_QUEUED},
	{"a third value is there", WH_OP_UNKNOWN, WH_OP_CONFLICT},
	{"only a person can tell", WH_OP_UNKNOWN, WH_OP_HELD},
	{"rejected, and the look finds nothing", WH_OP_UNKNOWN, WH_OP_DEAD},
	{"found", WH_OP_UNKNOWN, WH_OP_DONE},
	{"mine", WH_OP_CONFLICT, WH_OP_QUEUED},
	{"withdrawn from a conflict", WH_OP_CONFLICT, WH_OP_CANCELLED},
	{"theirs", WH_OP_CONFLICT, WH_OP_DONE},
	{"released", WH_OP_HELD, WH_OP_QUEUED},
	{"looked at again", WH_OP_HELD, WH_OP_UNKNOWN},
	{"a conflict shows while held", WH_OP_HELD, WH_OP_CONFLICT},
	{"withdrawn while held", WH_OP_HELD, WH_OP_CANCELLED},
	{"a delete took over while held", WH_OP_HELD, WH_OP_SUPERSEDED},
	{"adopted", WH_OP_HELD, WH_OP_DONE},
	{"retried", WH_OP_DEAD, WH_OP_QUEUED},
	{"withdrawn when dead", WH_OP_DEAD, WH_OP_CANCELLED},
};

static bool
edge_is_listed(enum wh_op_state from, enum wh_op_state to)
{
	for (size_t i = 0; i < wh_array_len(edge_rows); i++) {
		if (edge_rows[i].from == from && edge_rows[i].to == to)
			return true;
	}
	return false;
}

/* All pairs: those of the table are legal and no others. */
static void
test_edges(void **state)
{
	(void)state;
	for (size_t i = 0; i < wh_array_len(edge_rows); i++)
		check(edge_rows[i].what, wh_op_edge(edge_rows[i].from, edge_rows[i].to));
	for (unsigned f = 0; f < WH_OP_STATE_COUNT; f++) {
		for (unsigned t = 0; t < WH_OP_STATE_COUNT; t++) {
			enum wh_op_state from = (enum wh_op_state)f;
			enum wh_op_state to = (enum wh_op_state)t;

			if (wh_op_edge(from, to) != edge_is_listed(from, to))
				fail_msg("%s to %s", wh_op_state_str(from),
					 wh_op_state_str(to));
		}
	}
	assert_false(wh_op_edge(WH_OP_STATE_COUNT, WH_OP_QUEUED));
	assert_false(wh_op_edge(WH_OP_QUEUED, WH_OP_STATE_COUNT));
}

static void
test_set_state(void **state)
{
	struct wh_op op = {.state = WH_OP_SENDING, .next_at = 7, .ended_at = 3};

	(void)state;
	wh_op_set_state(&op, WH_OP_HELD, "forbidden", (struct wh_wall){100});
	assert_int_equal(op.state, WH_OP_HELD);
	assert_true(wh_str_is(op.reason, "forbidden"));
	assert_int_equal(op.changed_at, 100);
	assert_int_equal(op.ended_at, 0);
	assert_int_equal(op.next_at, 7);

	wh_op_set_state(&op, WH_OP_CANCELLED, NULL, (struct wh_wall){200});
	assert_int_equal(op.reason.n, 0);
	assert_int_equal(op.changed_at, 200);
	assert_int_equal(op.ended_at, 200);
}

static int
status_of_set_state(enum wh_op_state from, enum wh_op_state to)
{
	int status = 0;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		struct wh_op op = {.state = from};

		close(STDERR_FILENO);
		wh_op_set_state(&op, to, NULL, (struct wh_wall){1});
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void
test_set_state_dies_on_illegal_edge(void **state)
{
	int status;

	(void)state;
	status = status_of_set_state(WH_OP_QUEUED, WH_OP_SENDING);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	status = status_of_set_state(WH_OP_UNKNOWN, WH_OP_SENDING);
	assert_false(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	status = status_of_set_state(WH_OP_DONE, WH_OP_QUEUED);
	assert_false(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void
test_log_drops_the_oldest(void **state)
{
	struct wh_op op = {0};

	(void)state;
	for (int64_t i = 0; i < WH_ATTEMPTS_KEPT + 3; i++)
		wh_op_log(&op, &(struct wh_attempt){.at = i});
	assert_int_equal(op.n_log, WH_ATTEMPTS_KEPT);
	assert_int_equal(op.log[0].at, 3);
	assert_int_equal(op.log[WH_ATTEMPTS_KEPT - 1].at, WH_ATTEMPTS_KEPT + 2);
}

static void
test_names(void **state)
{
	static const char *const policies[] = {"merge", "local-wins", "remote-wins", "manual"};
	enum wh_policy p;

	(void)state;
	assert_string_equal(wh_op_kind_str(WH_OP_CREATE), "create");
	assert_string_equal(wh_op_kind_str(WH_OP_UPDATE), "update");
	assert_string_equal(wh_op_kind_str(WH_OP_DELETE), "delete");
	for (unsigned i = 0; i < wh_array_len(policies); i++) {
		check(policies[i], wh_policy_parse(wh_str_c(policies[i]), &p) && p == i);
		assert_string_equal(wh_policy_str((enum wh_policy)i), policies[i]);
	}
	assert_false(wh_policy_parse(WH_STR("theirs"), &p));
	assert_false(wh_policy_parse(WH_STR_NULL, &p));
	assert_string_equal(wh_webhook_state_str(WH_HOOK_SYNCED), "synced");
	assert_string_equal(wh_webhook_state_str(WH_HOOK_REJECTED), "rejected");
}

/* The example of RFC 9562, A.6. */
static void
test_id_vector(void **state)
{
	static const uint8_t random[10] = {0x0c, 0xc3, 0x18, 0xc4, 0xdc,
					   0x0c, 0x0c, 0x07, 0x39, 0x8f};
	char text[WH_OP_TEXT_ID + 1];
	uint8_t id[16], back[16];

	(void)state;
	wh_op_id_make(id, (struct wh_wall){0x017F22E279B0}, random);
	wh_op_id_text(id, text);
	assert_string_equal(text, "017f22e2-79b0-7cc3-98c4-dc0c0c07398f");
	assert_true(wh_op_id_parse(wh_str_c(text), back));
	assert_memory_equal(id, back, 16);
	assert_true(wh_op_id_parse(WH_STR("017F22E2-79B0-7CC3-98C4-DC0C0C07398F"), back));
	assert_memory_equal(id, back, 16);
}

static void
test_id_bits(void **state)
{
	uint8_t ones[10], id[16], later[16];

	(void)state;
	memset(ones, 0xff, sizeof(ones));
	wh_op_id_make(id, (struct wh_wall){1}, ones);
	assert_int_equal(id[6] >> 4, 7);
	assert_int_equal(id[8] >> 6, 2);
	memset(ones, 0, sizeof(ones));
	wh_op_id_make(later, (struct wh_wall){2}, ones);
	assert_true(memcmp(id, later, 16) < 0);
}

/* Those of a millisecond follow one another, whatever is random in them; with the next one the
 * counter begins anew, and its first bit leaves room. */
static void
test_ids_in_order(void **state)
{
	struct wh_op_ids ids = {0};
	uint8_t random[10], id[16], before[16] = {0};

	(void)state;
	for (unsigned i = 0; i < 6000; i++) {
		bool is_first = i % 2000 == 0;

		memset(random, is_first ? 0xff : (int)(i * 37 % 256), sizeof(random));
		wh_op_id_next(&ids, id, (struct wh_wall){5 + i / 2000}, random);
		assert_int_equal(id[6] >> 4, 7);
		assert_int_equal(id[8] >> 6, 2);
		assert_true(memcmp(before, id, 16) < 0);
		assert_memory_equal(id + 9, random + 3, 7);
		if (is_first)
			assert_int_equal((id[6] & 0x0f) << 8 | id[7], 0x7ff);
		memcpy(before, id, 16);
	}
}

struct id_row {
	const char *what;
	const char *text;
	bool is_op, is_tmp;
};

static const struct id_row id_rows[] = {
	{"an op", "017f22e2-79b0-7cc3-98c4-dc0c0c07398f", true, false},
	{"its local id", "tmp-017f22e2-79b0-7cc3-98c4-dc0c0c07398f", false, true},
	{"nothing", "", false, false},
	{"tmp alone", "tmp-", false, false},
	{"too short", "017f22e2-79b0-7cc3-98c4-dc0c0c07398", false, false},
	{"too long", "017f22e2-79b0-7cc3-98c4-dc0c0c07398ff", false, false},
	{"not hexadecimal", "017f22e2-79b0-7cc3-98c4-dc0c0c07398g", false, false},
	{"dash misplaced", "017f22e279-b0-7cc3-98c4-dc0c0c07398f", false, false},
	{"another prefix", "TMP-017f22e2-79b0-7cc3-98c4-dc0c0c07398f", false, false},
	{"local id of no op", "tmp-017f22e2_79b0-7cc3-98c4-dc0c0c07398f", false, false},
};

static void
test_id_parse(void **state)
{
	uint8_t id[16];

	(void)state;
	for (size_t i = 0; i < wh_array_len(id_rows); i++) {
		const struct id_row *r = &id_rows[i];

		check(r->what, wh_op_id_parse(wh_str_c(r->text), id) == r->is_op);
		check(r->what, wh_tmp_id_is(wh_str_c(r->text)) == r->is_tmp);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_states),
		cmocka_unit_test(test_state_parse_refuses),
		cmocka_unit_test(test_edges),
		cmocka_unit_test(test_set_state),
		cmocka_unit_test(test_set_state_dies_on_illegal_edge),
		cmocka_unit_test(test_log_drops_the_oldest),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_id_vector),
		cmocka_unit_test(test_id_bits),
		cmocka_unit_test(test_ids_in_order),
		cmocka_unit_test(test_id_parse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

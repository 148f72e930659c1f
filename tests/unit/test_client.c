/* SPDX-License-Identifier: MIT */
/*
 * libwhclient, blocking calls: what is read out of results, which error says
 * what, what is repeated after a broken connection and what never is.
 */
#include "tests/unit/client_peer.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/wait.h>

#define NOTHING ((struct whc_bytes){NULL, 0})

/* A handle on a peer that follows the script. */
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
	peer_fini(p);
}

static bool
code_is(struct whc *c, const char *code)
{
	return strcmp(whc_error(c)->code, code) == 0;
}

/* ---- not reachable ---- */

static void
unreachable_says_why(void **state)
{
	struct peer p;
	struct whc *c;
	char path[200];

	(void)state;
	peer_listen(&p);
	close(p.listener);
	check("refused", whc_open(&c, p.path, 0) == WHC_EUNREACHABLE);
	check("refused", whc_error(c)->errnum == ECONNREFUSED && code_is(c, "UNREACHABLE"));
	check("refused", strstr(whc_error(c)->message, p.path));
	check("the handle is usable", whc_get(c, "1", NULL) == WHC_EUNREACHABLE);
	check("close", whc_close(c) == 0);

	unlink(p.path);
	check("absent", whc_open(&c, p.path, 0) == WHC_EUNREACHABLE);
	check("absent", whc_error(c)->errnum == ENOENT);
	check("close", whc_close(c) == 0);

	memset(path, 'x', sizeof(path));
	path[0] = '/';
	path[sizeof(path) - 1] = '\0';
	check("too long", whc_open(&c, path, 0) == WHC_EUNREACHABLE);
	check("too long", whc_error(c)->errnum == ENAMETOOLONG);
	check("close", whc_close(c) == 0);

	check("flags", whc_open(&c, p.path, 1) == WHC_EINVALID && !c);
	check("NULL", whc_close(NULL) == 0);
	p.listener = -1;
	peer_fini(&p);
}

static void
path_comes_from_the_environment(void **state)
{
	static const struct peer_step steps[] = {
		{PEER_ACCEPT, NULL, 0}, {PEER_GONE, NULL, 0}, {PEER_END, NULL, 0}};
	struct peer p;
	struct whc *c;

	(void)state;
	peer_listen(&p);
	peer_start(&p, steps);
	setenv("WHD_SOCKET", p.path, 1);
	check("open", whc_open(&c, NULL, 0) == 0);
	check("path", strcmp(whc_path(c), p.path) == 0);
	check("cloexec", fcntl(whc_fd(c), F_GETFD) & FD_CLOEXEC);
	check("non-blocking", fcntl(whc_fd(c), F_GETFL) & O_NONBLOCK);
	unsetenv("WHD_SOCKET");
	close_all(c, &p);
}

/* ---- results ---- */

static void
result_is_read_by_path(void **state)
{
	static const struct peer_step steps[] = {
		{PEER_ACCEPT, NULL, 0},
		{PEER_EXPECT, "webhook.get", 0},
		{PEER_DRIBBLE,
		 "{'whid': '42', 'whname': 'näme', 'processes': ['p1', 'p2'], 'n': -7, 'x': "
		 "null,"
		 " '_whd': {'revision': 18446744073709551, 'stale': true, 'pending': 0}}",
		 0},
		{PEER_GONE, NULL, 0},
		{PEER_END, NULL, 0}};
	struct whc_object *o = NULL;
	struct peer p;
	struct whc *c = open_to(&p, steps);

	(void)state;
	check("get", whc_get(c, "42", &o) == 0);
	check("no error", whc_error(c)->fault == 0);
	check("text ends with NUL", strcmp(whc_str(o, "whid"), "42") == 0);
	check("UTF-8", strcmp(whc_str(o, "whname"), "n\xc3\xa4me") == 0);
	check("list item", strcmp(whc_str(o, "processes.1"), "p2") == 0);
	check("count of list", whc_count(o, "processes") == 2);
	check("count of map", whc_count(o, NULL) == 6 && whc_count(o, "_whd") == 3);
	check("count of text", whc_count(o, "whid") == 0);
	check("deep number", whc_int(o, "_whd.revision", 0) == 18446744073709551);
	check("negative", whc_int(o, "n", 0) == -7);
	check("otherwise", whc_int(o, "whid", 99) == 99 && whc_int(o, "none", 98) == 98);
	check("bool", whc_bool(o, "_whd.stale") && !whc_bool(o, "_whd.pending"));
	check("has", whc_has(o, "n") && !whc_has(o, "x") && !whc_has(o, "none"));
	check("no such place", !whc_str(o, "processes.2") && !whc_str(o, "processes.-1") &&
				       !whc_str(o, "whid.x") && !whc_str(o, "_whd..stale"));
	struct whc_object *same = whc_object_ref(o);

	check("unref", whc_object_unref(o) == NULL);
	check("one reference left", strcmp(whc_str(same, "whid"), "42") == 0);
	struct whc_bytes bytes = whc_object_bytes(same);
	struct wh_tree tree;

	check("bytes", wh_unpack(&tree, wh_str(bytes.data, bytes.size), NULL) == 0);
	check("bytes", wh_str_is(wh_obj_str_at(&tree.root, "whid"), "42"));
	wh_tree_fini(&tree);
	whc_object_unref(same);
	check("unref NULL", whc_object_unref(NULL) == NULL);
	close_all(c, &p);
}

/* ---- errors of whd ---- */

static const struct {
	const char *slot, *code, *message;
} error_rows[] = {
	{"[1, 'NOT_FOUND: no webhook 42: list them']", "NOT_FOUND", "no webhook 42: list them"},
	{"[0, 'X_1: a: b']", "X_1", "a: b"},
	{"[0, 'lower: case']", "ERROR", "lower: case"},
	{"[0, 'CODE']", "ERROR", "CODE"},
	{"[0, ': x']", "ERROR", ": x"},
	{"'PLAIN: text'", "PLAIN", "text"},
	{"[0, 'A_CODE_THAT_IS_MUCH_LONGER_THAN_ANY_CODE_SHOULD_BE: x']", "ERROR",
	 "A_CODE_THAT_IS_MUCH_LONGER_THAN_ANY_CODE_SHOULD_BE: x"},
	{"{'code': 1}", "ERROR", "whd answered with an error that has no text"},
	{"[]", "ERROR", "whd answered with an error that has no text"},
	{"true", "ERROR", "whd answered with an error that has no text"},
};

/* {"m": "", "l": [""]} as the answer to request 1, with "" spelt so. */
#define FORM(what, empty)                                                                      \
	{                                                                                      \
		what, "\x94\x01\x01\xc0\x82\xa1m" empty "\xa1l\x91" empty,                     \
			sizeof("\x94\x01\x01\xc0\x82\xa1m" empty "\xa1l\x91" empty) - 1        \
	}

/* Empty texts in each of their encodings: as a member, in a list, at the end. */
static void
empty_text_is_text(void **state)
{
	static const struct {
		const char *what, *bytes;
		size_t n;
	} forms[] = {
		FORM("fixstr", "\xa0"),
		FORM("str 8", "\xd9\x00"),
		FORM("str 16", "\xda\x00\x00"),
		FORM("bin 8", "\xc4\x00"),
	};

	(void)state;
	for (size_t i = 0; i < wh_array_len(forms); i++) {
		const struct peer_step steps[] = {{PEER_ACCEPT, NULL, 0},
						  {PEER_EXPECT, "status", 0},
						  {PEER_RAW, forms[i].bytes, forms[i].n},
						  {PEER_END, NULL, 0}};
		struct whc_object *o = NULL;
		struct peer p;
		struct whc *c = open_to(&p, steps);

		check(forms[i].what, whc_status(c, &o) == 0);
		check(forms[i].what, whc_str(o, "m") && !*whc_str(o, "m"));
		check(forms[i].what, whc_str(o, "l.0") && !*whc_str(o, "l.0"));
		check(forms[i].what, whc_has(o, "m"));
		whc_object_unref(o);
		close_all(c, &p);
	}
}

static void
error_is_taken_apart(void **state)
{
	(void)state;
	for (size_t i = 0; i < wh_array_len(error_rows); i++) {
		const struct peer_step steps[] = {{PEER_ACCEPT, NULL, 0},
						  {PEER_EXPECT, "webhook.get", 0},
						  {PEER_ERROR, error_rows[i].slot, 0},
						  {PEER_EXPECT, "status", 0},
						  {PEER_RESULT, "{'live': true}", 0},
						  {PEER_END, NULL, 0}};
		struct whc_object *o = NULL;
		struct peer p;
		struct whc *c = open_to(&p, steps);
		const char *what = error_rows[i].slot;

		check(what, whc_get(c, "42", &o) == WHC_EANSWER && !o);
		check(what, whc_error(c)->fault == WHC_EANSWER);
		check(what, code_is(c, error_rows[i].code));
		check(what, strcmp(whc_error(c)->message, error_rows[i].message) == 0);
		check(what, whc_status(c, &o) == 0 && whc_bool(o, "live"));
		whc_object_unref(o);
		close_all(c, &p);
	}
}

/* whd refuses a connection by an answer to id 0, and closes. */
static void
refused_connection_is_an_answer(void **state)
{
	static const char busy[] = "\x94\x01\x00\x92\x00\xab"
				   "BUSY: later\xc0";
	static const struct peer_step steps[] = {{PEER_ACCEPT, NULL, 0},
						 {PEER_RAW, busy, sizeof(busy) - 1},
						 {PEER_CLOSE, NULL, 0},
						 {PEER_END, NULL, 0}};
	struct peer p;
	struct whc *c = open_to(&p, steps);

	(void)state;
	peer_join(&p);
	check("call", whc_status(c, NULL) == WHC_EANSWER);
	check("code", code_is(c, "BUSY"));
	check("closed", whc_fd(c) == -1);
	check("close", whc_close(c) == 0);
	peer_fini(&p);
}

/* ---- peers that are not whd ---- */

static const struct {
	const char *what, *bytes;
	size_t n;
} hostile_rows[] = {
	{"a byte that does not exist", "\xc1", 1},
	{"an array that claims 4 G items", "\xdd\xff\xff\xff\xff", 5},
	{"a text longer than a message may be", "\xdb\x01\x00\x00\x01", 5},
	{"nesting without end",
	 "\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91"
	 "\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91"
	 "\x91\x91\x91",
	 35},
	{"not an array", "\xa5hello", 6},
	{"HTTP", "HTTP/1.1 400 Bad Request\r\n", 26},
	{"a duplicate key",
	 "\x94\x01\x01\xc0\x82\xa1"
	 "a\x01\xa1"
	 "a\x02",
	 11},
};

static void
foreign_peer_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < wh_array_len(hostile_rows); i++) {
		const struct peer_step steps[] = {
			{PEER_ACCEPT, NULL, 0},
			{PEER_EXPECT, "webhook.get", 0},
			{PEER_RAW, hostile_rows[i].bytes, hostile_rows[i].n},
			{PEER_GONE, NULL, 0},
			{PEER_END, NULL, 0}};
		struct peer p;
		struct whc *c = open_to(&p, steps);

		check(hostile_rows[i].what, whc_get(c, "1", NULL) == WHC_EPROTOCOL);
		check(hostile_rows[i].what, code_is(c, "PROTOCOL"));
		close_all(c, &p);
	}
}

/* ---- broken connections ---- */

static void
read_is_repeated(void **state)
{
	static const struct peer_step steps[] = {{PEER_ACCEPT, NULL, 0},
						 {PEER_EXPECT, "webhook.get", 0},
						 {PEER_CLOSE, NULL, 0},
						 {PEER_ACCEPT, NULL, 0},
						 {PEER_EXPECT, "webhook.get", 0},
						 {PEER_RESULT, "{'whid': '1'}", 0},
						 {PEER_END, NULL, 0}};
	struct whc_object *o = NULL;
	struct peer p;
	struct whc *c = open_to(&p, steps);

	(void)state;
	check("get", whc_get(c, "1", &o) == 0 && strcmp(whc_str(o, "whid"), "1") == 0);
	whc_object_unref(o);
	close_all(c, &p);
}

static void
read_is_repeated_once_only(void **state)
{
	static const struct peer_step steps[] = {
		{PEER_ACCEPT, NULL, 0}, {PEER_EXPECT, "webhook.get", 0}, {PEER_CLOSE, NULL, 0},
		{PEER_ACCEPT, NULL, 0}, {PEER_EXPECT, "webhook.get", 0}, {PEER_CLOSE, NULL, 0},
		{PEER_END, NULL, 0}};
	struct peer p;
	struct whc *c = open_to(&p, steps);

	(void)state;
	check("get", whc_get(c, "1", NULL) == WHC_ELOST && code_is(c, "LOST"));
	close_all(c, &p);
}

static void
change_is_repeated_under_one_id(void **state)
{
	static const struct peer_step steps[] = {
		{PEER_ACCEPT, NULL, 0},
		{PEER_EXPECT, "webhook.delete", 0},
		{PEER_CLOSE, NULL, 0},
		{PEER_ACCEPT, NULL, 0},
		{PEER_EXPECT, "webhook.delete", 0},
		{PEER_RESULT, "{'op': 'o', 'state': 'queued'}", 0},
		{PEER_END, NULL, 0}};
	struct whc_object *o = NULL;
	struct peer p;
	struct whc *c = open_to(&p, steps);
	struct wh_tree tree;

	(void)state;
	check("delete", whc_delete(c, "1", WHC_FORCE, &o) == 0);
	whc_object_unref(o);
	check("close", whc_close(c) == 0);
	peer_join(&p);
	check("the same request twice",
	      p.n_seen == 2 &&
		      holds(&p.seen[0].params, p.seen[1].params.p, p.seen[1].params.n));
	check("params", wh_unpack(&tree, wh_buf_view(&p.seen[0].params), NULL) == 0);
	check("force", wh_obj_bool_at(&tree.root, "force", false));
	check("an id of its own", wh_str_is_guid(wh_obj_str_at(&tree.root, "request_id")));
	wh_tree_fini(&tree);
	peer_fini(&p);
}

/* queue.retry has no request id: done twice it could mean something else. */
static void
other_change_is_not_repeated(void **state)
{
	static const struct peer_step steps[] = {{PEER_ACCEPT, NULL, 0},
						 {PEER_EXPECT, "queue.retry", 0},
						 {PEER_CLOSE, NULL, 0},
						 {PEER_END, NULL, 0}};
	struct peer p;
	struct whc *c = open_to(&p, steps);
	struct pollfd listener = {.fd = p.listener, .events = POLLIN};
	static const char op[] = "\x81\xa2op\xa1x";
	struct whc_bytes params = {op, sizeof(op) - 1};

	(void)state;
	check("retry", whc_call(c, "queue.retry", params, -1, NULL) == WHC_ELOST);
	check("not connected again", poll(&listener, 1, 0) == 0);
	close_all(c, &p);
}

/* A connection that died while idle: the request never left whole. */
static void
unsent_change_is_sent_again(void **state)
{
	static const struct peer_step first[] = {{PEER_ACCEPT, NULL, 0},
						 {PEER_EXPECT, "status", 0},
						 {PEER_RESULT, "{}", 0},
						 {PEER_CLOSE, NULL, 0},
						 {PEER_END, NULL, 0}};
	static const struct peer_step then[] = {{PEER_ACCEPT, NULL, 0},
						{PEER_EXPECT, "queue.flush", 0},
						{PEER_RESULT, "{'due': 3}", 0},
						{PEER_END, NULL, 0}};
	struct whc_object *o = NULL;
	struct peer p;
	struct whc *c = open_to(&p, first);

	(void)state;
	check("status", whc_status(c, NULL) == 0);
	peer_join(&p);
	peer_start(&p, then);
	check("flush", whc_call(c, "queue.flush", NOTHING, -1, &o) == 0);
	check("due", whc_int(o, "due", 0) == 3);
	whc_object_unref(o);
	close_all(c, &p);
}

/* ---- time ---- */

static void
late_answer_is_dropped(void **state)
{
	static const struct peer_step steps[] = {{PEER_ACCEPT, NULL, 0},
						 {PEER_EXPECT, "status", 0},
						 {PEER_EXPECT, "hello", 0},
						 {PEER_ANSWER, "{'late': true}", 0},
						 {PEER_ANSWER, "{'server': 'whd'}", 1},
						 {PEER_END, NULL, 0}};
	struct whc_object *o = NULL;
	struct peer p;
	struct whc *c = open_to(&p, steps);

	(void)state;
	check("no time", whc_call(c, "status", NOTHING, 0, NULL) == WHC_ETIMEOUT);
	check("code", code_is(c, "TIMEOUT"));
	check("next", whc_call(c, "hello", NOTHING, -1, &o) == 0);
	check("its own answer", strcmp(whc_str(o, "server"), "whd") == 0);
	whc_object_unref(o);
	close_all(c, &p);
}

static void
cancel_descriptor_ends_a_call(void **state)
{
	static const struct peer_step unread[] = {
		{PEER_ACCEPT, NULL, 0}, {PEER_EXPECT, "status", 0}, {PEER_END, NULL, 0}};
	int fd = eventfd(1, EFD_CLOEXEC);
	struct peer p;
	struct whc *c = open_to(&p, unread);

	(void)state;
	check("set", whc_set_cancel_fd(c, fd) == 0);
	check("call", whc_call(c, "status", NOTHING, WHC_NO_TIMEOUT, NULL) == WHC_ECANCELLED);
	check("dispatch", whc_dispatch(c, WHC_NO_TIMEOUT) == WHC_ECANCELLED);
	close(fd);
	close_all(c, &p);
}

/* ---- rules for callers ---- */

static void
child_must_open_its_own(void **state)
{
	static const struct peer_step steps[] = {{PEER_ACCEPT, NULL, 0},
						 {PEER_EXPECT, "status", 0},
						 {PEER_RESULT, "{}", 0},
						 {PEER_END, NULL, 0}};
	struct peer p;
	struct whc *c = open_to(&p, steps);
	int status = -1;
	pid_t pid = fork();

	(void)state;
	if (pid == 0)
		_exit(whc_status(c, NULL) == WHC_EFORKED && whc_process(c) == WHC_EFORKED &&
				      whc_close(c) == 0
			      ? 0
			      : 1);
	check("child", waitpid(pid, &status, 0) == pid && status == 0);
	check("the parent's still works", whc_status(c, NULL) == 0);
	close_all(c, &p);
}

static const struct {
	const char *what, *bytes;
	size_t n;
} params_rows[] = {
	{"no map", "\x91\x01", 2},
	{"two objects", "\x80\x80", 2},
	{"cut", "\x81\xa1", 2},
	{"text", "\xa1x", 2},
	{"claims", "\xdf\xff\xff\xff\xff", 5},
};

static void
wrong_params_are_refused(void **state)
{
	static const struct peer_step steps[] = {
		{PEER_ACCEPT, NULL, 0}, {PEER_GONE, NULL, 0}, {PEER_END, NULL, 0}};
	struct peer p;
	struct whc *c = open_to(&p, steps);

	(void)state;
	for (size_t i = 0; i < wh_array_len(params_rows); i++) {
		struct whc_bytes params = {params_rows[i].bytes, params_rows[i].n};

		check(params_rows[i].what,
		      whc_call(c, "status", params, -1, NULL) == WHC_EINVALID);
	}
	check("no method", whc_call(c, NULL, NOTHING, -1, NULL) == WHC_EINVALID);
	check("timeout", whc_set_timeout(c, -1) == WHC_EINVALID);
	close_all(c, &p);
}

static void
request_ids_are_uuids(void **state)
{
	char a[WHC_REQUEST_ID_SIZE], b[WHC_REQUEST_ID_SIZE];

	(void)state;
	check("draw", whc_request_id(a) == 0 && whc_request_id(b) == 0);
	check("form", wh_str_is_guid(wh_str_c(a)) && a[14] == '7' && strchr("89ab", a[19]));
	check("unique", strcmp(a, b) != 0);
	check("by time", memcmp(a, b, 8) <= 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unreachable_says_why),
		cmocka_unit_test(path_comes_from_the_environment),
		cmocka_unit_test(result_is_read_by_path),
		cmocka_unit_test(empty_text_is_text),
		cmocka_unit_test(error_is_taken_apart),
		cmocka_unit_test(refused_connection_is_an_answer),
		cmocka_unit_test(foreign_peer_is_refused),
		cmocka_unit_test(read_is_repeated),
		cmocka_unit_test(read_is_repeated_once_only),
		cmocka_unit_test(change_is_repeated_under_one_id),
		cmocka_unit_test(other_change_is_not_repeated),
		cmocka_unit_test(unsent_change_is_sent_again),
		cmocka_unit_test(late_answer_is_dropped),
		cmocka_unit_test(cancel_descriptor_ends_a_call),
		cmocka_unit_test(child_must_open_its_own),
		cmocka_unit_test(wrong_params_are_refused),
		cmocka_unit_test(request_ids_are_uuids),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

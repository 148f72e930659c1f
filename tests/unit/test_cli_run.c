/* SPDX-License-Identifier: MIT */
/*
 * whctl as a whole against a scripted peer: what goes to standard output in
 * each format, what to standard error, which exit status, and that an error
 * leaves nothing on standard output.
 */
#include "tests/unit/client_peer.h"

#include <sys/mman.h>

#include "ctl/ctl.h"

#define ARGV_MAX 24

/* One run of whctl and what came of it. */
struct ran {
	int exit;
	char *out;
	size_t out_n;
	char err[4096];
};

/* Standard error goes to memory while a run lasts. */
struct diverted {
	int saved, memory;
};

static struct diverted
divert_stderr(void)
{
	struct diverted d = {dup(STDERR_FILENO), memfd_create("err", MFD_CLOEXEC)};

	fflush(stderr);
	dup2(d.memory, STDERR_FILENO);
	return d;
}

static void
restore_stderr(struct diverted d, char *ret, size_t size)
{
	fflush(stderr);
	dup2(d.saved, STDERR_FILENO);
	ssize_t n = pread(d.memory, ret, size - 1, 0);

	ret[n > 0 ? n : 0] = '\0';
	close(d.saved);
	close(d.memory);
}

/* Runs "whctl -s PATH " + line; words are parted by blanks. */
static struct ran
run(const char *path, const char *line)
{
	char *text = wh_xstrdup(wh_str_c(line)), *rest = text;
	char name[] = "whctl", option[] = "-s";
	char *socket_path = wh_xstrdup(wh_str_c(path));
	char *argv[ARGV_MAX] = {name, option, socket_path};
	struct wh_ctl ctl = {.signal_fd = -1, .timeout = -1, .wait = -1};
	struct ran r = {0};
	int argc = 3;

	while (rest && argc < ARGV_MAX)
		argv[argc++] = strsep(&rest, " ");
	ctl.out.file = open_memstream(&r.out, &r.out_n);
	struct diverted d = divert_stderr();

	r.exit = wh_ctl_run(&ctl, argc, argv);
	restore_stderr(d, r.err, sizeof(r.err));
	fclose(ctl.out.file);
	free(socket_path);
	free(text);
	return r;
}

struct row {
	const char *line;
	const char *method;  /* the one call it makes; NULL = none */
	const char *params;  /* of that call */
	enum peer_what what; /* PEER_RESULT or PEER_ERROR, */
	const char *answer;  /* with this */
	int exit;
	const char *out; /* all of standard output */
	const char *err; /* part of standard error; NULL = nothing there */
};

#define HOOK                                                                                   \
	"{'whid': '42', 'whname': 'e\\u001b[31m\\u202e', 'applicationId': '7',"                \
	" 'municipalityId': '0351', 'callbackUrl': 'https://x', 'processes': ['p', 'q'],"      \
	" '_whd': {'revision': 9, 'state': 'synced'}}"
#define HOOKS "{'items': [" HOOK "]}"
#define OP "{'op': 'o1', 'kind': 'update', 'whid': '42', 'state': 'queued', 'attempts': 0}"
#define DEAD                                                                                   \
	"{'op': 'o1', 'kind': 'update', 'whid': '42', 'state': 'dead', 'attempts': 1,"         \
	" 'last_error': 'HTTP 400\\r'}"
/* All that status tells of a whd that says of nothing but its copy. */
#define STATUS_WITH(age)                                                                       \
	"whd       not live, not ready, not fresh\nupstream  \nsync      " age                 \
	"\nqueue     empty\nstore     \n"

static const struct row rows[] = {
	{"list", "webhook.list", "{'limit': 1000}", PEER_RESULT, HOOKS, 0,
	 "42\te\\x1b[31m\\u202e\t7\t0351\thttps://x\tp,q\tsynced\n", NULL},
	{"list -o ids --name n", "webhook.list", "{'whname': 'n', 'limit': 1000}", PEER_RESULT,
	 HOOKS, 0, "42\n", NULL},
	{"list -o value=_whd.revision --limit 1", "webhook.list", "{'limit': 1}", PEER_RESULT,
	 HOOKS, 0, "9\n", NULL},
	{"list --columns whid,whcomment,_whd", "webhook.list", "{'limit': 1000}", PEER_RESULT,
	 HOOKS, 0, "42\t\t{\"revision\":9,\"state\":\"synced\"}\n", NULL},
	{"list --columns whid,whnam", "webhook.list", "{'limit': 1000}", PEER_RESULT, HOOKS, 2,
	 "", "no member \"whnam\" in what whctl list shows: did you mean whname?"},
	{"list -o value=whnam", "webhook.list", "{'limit': 1000}", PEER_RESULT, HOOKS, 2, "",
	 "did you mean whname?"},
	{"list --columns whnam", "webhook.list", "{'limit': 1000}", PEER_RESULT,
	 "{'items': []}", 0, "", NULL},
	{"list --columns whid,new.a", "webhook.list", "{'limit': 1000}", PEER_RESULT,
	 "{'items': [{'whid': '1'}, {'whid': '2', 'new': {'a': 3}}]}", 0, "1\t\n2\t3\n", NULL},
	{"list --columns ,", NULL, NULL, PEER_END, NULL, 2, "", "--columns names no member"},
	{"queue list --columns op,stat", NULL, NULL, PEER_END, NULL, 2, "",
	 "did you mean state?"},
	{"delete 42 -o value=opp", NULL, NULL, PEER_END, NULL, 2, "", "did you mean op?"},
	{"list -o table", "webhook.list", "{'limit': 1000}", PEER_RESULT, "{'items': []}", 0,
	 "", NULL},
	{"list --json", "webhook.list", "{'limit': 1000}", PEER_RESULT, "{'items': []}", 0,
	 "[]\n", NULL},
	{"list --json", "webhook.list", "{'limit': 1000}", PEER_RESULT,
	 "{'items': [{'a': '\\u202e'}, 2]}", 0, "[\n{\"a\":\"\\u202e\"},\n2\n]\n", NULL},
	{"list -o jsonl", "webhook.list", "{'limit': 1000}", PEER_RESULT, "{'items': [1, 2]}",
	 0, "1\n2\n", NULL},
	{"list -q", "webhook.list", "{'limit': 1000}", PEER_RESULT, HOOKS, 0, "", NULL},
	{"get 42 -o table --color always", "webhook.get", "{'whid': '42'}", PEER_RESULT,
	 "{'whid': '42', '_whd': {'state': 'synced', 'age_ms': 65000}}", 0,
	 "whid        42\n_whd.state  \033[32msynced\033[0m\n_whd.age_ms 1min 5s\n", NULL},
	{"get 42", "webhook.get", "{'whid': '42'}", PEER_RESULT,
	 "{'whid': '42', 'whname': 'a\\tb\\\\', 'x': {'y': [1, null]}}", 0,
	 "whid\t42\nwhname\ta\\tb\\\\\nx.y\t1,\n", NULL},
	{"get 42 --json", "webhook.get", "{'whid': '42'}", PEER_RESULT, "{'whid': '42'}", 0,
	 "{\n  \"whid\": \"42\"\n}\n", NULL},
	{"get 42 -o value=none", "webhook.get", "{'whid': '42'}", PEER_RESULT, "{'whid': '42'}",
	 2, "", "there is no member \"none\""},
	{"get 42 -o value=whname", "webhook.get", "{'whid': '42'}", PEER_RESULT,
	 "{'whid': '42'}", 1, "", "NO_MEMBER: there is no whname in this result"},
	{"get 42 --columns whid,whnam", "webhook.get", "{'whid': '42'}", PEER_RESULT,
	 "{'whid': '42'}", 2, "", "did you mean whname?"},
	{"get 42", "webhook.get", "{'whid': '42'}", PEER_ERROR, "[1, 'NOT_FOUND: no \\u001b']",
	 3, "", "whctl: NOT_FOUND: no \\x1b\nhint: whctl list\n"},
	{"get 42 --json", "webhook.get", "{'whid': '42'}", PEER_ERROR, "[1, 'NOT_FOUND: none']",
	 3, "",
	 "{\"error\":{\"code\":\"NOT_FOUND\",\"message\":\"none\",\"hint\":\"whctl list\"}}\n"},
	{"list --json", "webhook.list", "{'limit': 1000}", PEER_ERROR, "[0, 'INTERNAL: x']", 9,
	 "", "{\"error\":{\"code\":\"INTERNAL\""},
	{"queue retry x", "queue.retry", "{'op': 'x'}", PEER_ERROR, "[1, 'NOT_PERMITTED: x']",
	 8, "", "NOT_PERMITTED"},
	{"queue cancel x", "queue.cancel", "{'op': 'x'}", PEER_ERROR, "[1, 'BAD_STATE: x']", 4,
	 "", "BAD_STATE"},
	{"get 1 --max-age 1s", "webhook.get", "{'whid': '1', 'max_age': 1000}", PEER_ERROR,
	 "[0, 'STALE: x']", 1, "", "STALE"},
	{"queue get o1", "queue.get", "{'op': 'o1'}", PEER_RESULT, OP, 0,
	 "op\to1\nkind\tupdate\nwhid\t42\nstate\tqueued\nattempts\t0\n", NULL},
	{"queue get o1 -o value=state", "queue.get", "{'op': 'o1'}", PEER_RESULT, DEAD, 1,
	 "dead\n", NULL},
	{"queue hold o1 -o table", "queue.hold", "{'op': 'o1'}", PEER_RESULT, OP, 0,
	 "queued o1 as update 42\n", NULL},
	{"queue hold o1", "queue.hold", "{'op': 'o1'}", PEER_RESULT, DEAD, 0,
	 "o1\tupdate\t42\tdead\t\t\t1\t\t\tHTTP 400\\r\n", NULL},
	{"queue flush", "queue.flush", "{}", PEER_RESULT, "{'due': 3}", 0, "due\t3\n", NULL},
	{"sync", "sync.now", "{'timeout_ms': 30000}", PEER_RESULT, "{'complete': false}", 1,
	 "complete\tfalse\n", NULL},
	{"sync --timeout 5s -q", "sync.now", "{'timeout_ms': 5000}", PEER_RESULT,
	 "{'complete': true}", 0, "", NULL},
	{"metrics", "metrics", "{}", PEER_RESULT, "'a 1\\n# EOF\\n'", 0, "a 1\n# EOF\n", NULL},
	{"metrics", "metrics", "{}", PEER_RESULT, "'a\\u001b\\tb'", 0, "a\\x1b\tb\n", NULL},
	{"log debug --json", "log.set", "{'level': 'debug'}", PEER_RESULT, "'debug'", 0,
	 "\"debug\"\n", NULL},
	{"config show", "config.show", "{}", PEER_RESULT,
	 "{'file': 'f', 'settings': [{'section': 's', 'key': 'k', 'value': 'v'}]}", 0,
	 "s\tk\tv\t\n", NULL},
	{"status -o table", "status", "{}", PEER_RESULT,
	 "{'sync': {'synced_at': 1, 'age_ms': 5000}}", 0, STATUS_WITH("5s old"), NULL},
	{"status -o table", "status", "{}", PEER_RESULT,
	 "{'sync': {'synced_at': 1, 'age_ms': null}}", 0, STATUS_WITH("of unknown age"), NULL},
	{"status -o table", "status", "{}", PEER_RESULT,
	 "{'sync': {'synced_at': null, 'age_ms': null}}", 0, STATUS_WITH("never synced"), NULL},
	{"status --check --json", "status", "{}", PEER_RESULT, "{'ready': true}", 1,
	 "{\n  \"ready\": true\n}\n", "its copy is not fresh"},
	{"status -q --check", "status", "{}", PEER_RESULT, "{'ready': true, 'fresh': true}", 0,
	 "", NULL},
	{"status -q --check", "status", "{}", PEER_RESULT, "{'ready': true}", 1, "", NULL},
	{"status --check -o value=ready", "status", "{}", PEER_RESULT,
	 "{'ready': true, 'fresh': true, 'upstream': {'gate': 'auth'}}", 1, "true\n",
	 "refuses every key"},
	{"status --check -o value=ready", "status", "{}", PEER_RESULT,
	 "{'ready': true, 'fresh': true, 'queue': {'full': true}, 'store': {'full': true}}", 1,
	 "true\n", "the queue is full, the store or its disk is full"},
	{"status --check -o value=ready", "status", "{}", PEER_RESULT,
	 "{'ready': true, 'fresh': true, 'queue': {'held': 1}}", 0, "true\n", NULL},
	{"status --check=all -o value=ready", "status", "{}", PEER_RESULT,
	 "{'ready': true, 'fresh': true, 'queue': {'held': 1, 'dead': 2}}", 1, "true\n",
	 "operations need a person: 3"},
	{"status --check=al", NULL, NULL, PEER_END, NULL, 2, "", "not --check=all"},
	{"wait foo", NULL, NULL, PEER_END, NULL, 2, "", "operation (OP) or whid=WHID"},
	{"delete 42 --wait --no-wait", NULL, NULL, PEER_END, NULL, 2, "", "not both"},
	{"queue hold o1", "queue.hold", "{'op': 'o1'}", PEER_ERROR, "[1, 'BAD_STATE: no']", 4,
	 "", "hint: whctl queue get o1\n"},
	{"wait synced --timeout 1s", "wait", "{'until': 'synced', 'timeout_ms': 1000}",
	 PEER_RESULT, "{'ready': true}", 0, "", NULL},
	{"rpc webhook.get {\"whid\":\"42\"}", "webhook.get", "{'whid': '42'}", PEER_RESULT, "7",
	 0, "7\n", NULL},
	{"delete 42 --request-id r", "webhook.delete", "{'whid': '42', 'request_id': 'r'}",
	 PEER_RESULT, OP, 0, "o1\tupdate\t42\tqueued\t\t\t0\t\t\t\n", NULL},
	{"update 42 --process +a --process -b --comment c --request-id r", "webhook.update",
	 "{'whid': '42', 'set': {'whcomment': 'c'}, 'add_processes': ['a'],"
	 " 'remove_processes': ['b'], 'request_id': 'r'}",
	 PEER_RESULT, OP, 0, "o1\tupdate\t42\tqueued\t\t\t0\t\t\t\n", NULL},
	{"update 42 {\"whname\":\"n\",\"new\":1} --name m --request-id r -o ids",
	 "webhook.update",
	 "{'whid': '42', 'set': {'whname': 'm', 'new': 1}, 'request_id': 'r'}", PEER_RESULT, OP,
	 0, "o1\n", NULL},
	{"update 42 {\"whname\":\"n\",\"_whd\":{},\"a\":1,\"\\u001b\":[]} --request-id r -o "
	 "ids",
	 "webhook.update", "{'whid': '42', 'set': {'whname': 'n'}, 'request_id': 'r'}",
	 PEER_RESULT, OP, 0, "o1\n", "does not take it: a, \\x1b\n"},
	{"update {\"whid\":\"42\",\"whname\":\"n\"} --request-id r -o ids", "webhook.update",
	 "{'whid': '42', 'set': {'whname': 'n'}, 'request_id': 'r'}", PEER_RESULT, OP, 0,
	 "o1\n", NULL},
	{"create --name n --app 7 --municipality 0351 --url u --process +p --request-id r -o "
	 "ids",
	 "webhook.create",
	 "{'whname': 'n', 'applicationId': '7', 'municipalityId': '0351', 'callbackUrl': 'u',"
	 " 'processes': ['+p'], 'whcomment': '', 'request_id': 'r'}",
	 PEER_RESULT, OP, 0, "o1\n", NULL},
	/* No call is made for what is wrong already here. */
	{"create --name n", NULL, NULL, PEER_END, NULL, 2, "",
	 "lacks --app, --municipality, --url, --process"},
	{"create {\"whname\":1,\"whname\":2}", NULL, NULL, PEER_END, NULL, 2, "", "duplicate"},
	{"create [1]", NULL, NULL, PEER_END, NULL, 2, "", "not one object"},
	{"create -f /nonexistent", NULL, NULL, PEER_END, NULL, 2, "",
	 "cannot open /nonexistent"},
	{"update 42", NULL, NULL, PEER_END, NULL, 2, "", "nothing to change"},
	{"update --name x", NULL, NULL, PEER_END, NULL, 2, "", "needs a WHID"},
	{"update 42 {\"whid\":\"43\",\"whname\":\"x\"}", NULL, NULL, PEER_END, NULL, 2, "",
	 "is webhook 43, not 42"},
	{"update 42 --process a --process +b", NULL, NULL, PEER_END, NULL, 2, "", "do not mix"},
	{"list -o xml", NULL, NULL, PEER_END, NULL, 2, "", "is none of table, json"},
	{"list -o value", NULL, NULL, PEER_END, NULL, 2, "", "is none of table, json"},
	{"list --json --columns a", NULL, NULL, PEER_END, NULL, 2, "", "--columns goes with"},
	{"status -o ids", NULL, NULL, PEER_END, NULL, 2, "", "no ids"},
	{"list --limit 0", NULL, NULL, PEER_END, NULL, 2, "", "--limit 0 is not"},
	{"list --timeout 5", NULL, NULL, PEER_END, NULL, 2, "", "is not a duration"},
	{"list --color blue", NULL, NULL, PEER_END, NULL, 2, "", "none of auto, always"},
	{"rpc status [1]", NULL, NULL, PEER_END, NULL, 2, "", "not a JSON object"},
	{"wait whid=1 --for ever", NULL, NULL, PEER_END, NULL, 2, "", "none of applied"},
	{"wait synced --for exists", NULL, NULL, PEER_END, NULL, 2, "", "--for goes with"},
	{"completion tcsh", NULL, NULL, PEER_END, NULL, 2, "", "bash, zsh or fish"},
	{"frob --json", NULL, NULL, PEER_END, NULL, 2, "", "{\"error\":{\"code\":\"USAGE\""},
};

static void
run_row(const struct row *row)
{
	const struct peer_step steps[] = {{PEER_ACCEPT, NULL, 0},
					  {PEER_EXPECT, row->method, 0},
					  {row->what, row->answer, 0},
					  {PEER_END, NULL, 0}};
	struct peer p;

	peer_listen(&p);
	if (row->method)
		peer_start(&p, steps);
	struct ran r = run(p.path, row->line);

	if (r.exit != row->exit || strcmp(r.out, row->out) != 0)
		fail_msg("%s: exit %d, out <%s> err <%s>", row->line, r.exit, r.out, r.err);
	if (row->err ? !strstr(r.err, row->err) : r.err[0])
		fail_msg("%s: standard error is <%s>", row->line, r.err);
	if (row->method) {
		peer_join(&p);
		check(row->line, peer_saw(&p, 0, row->params));
	}
	peer_fini(&p);
	free(r.out);
}

static void
each_row(void **state)
{
	(void)state;
	for (size_t i = 0; i < wh_array_len(rows); i++)
		run_row(&rows[i]);
}

/* ---- runs of several calls ---- */

struct story {
	const char *line;
	const struct peer_step *steps;
	int exit;
	const char *out, *err;
};

static const struct peer_step two_pages[] = {
	{PEER_ACCEPT, NULL, 0},
	{PEER_EXPECT, "webhook.list", 0},
	{PEER_RESULT, "{'items': [{'whid': 'a'}], 'cursor': 'x'}", 0},
	{PEER_EXPECT, "webhook.list", 0},
	{PEER_RESULT, "{'items': [{'whid': 'b'}, {'whid': 'c'}], 'cursor': 'y'}", 0},
	{PEER_END, NULL, 0}};
static const struct peer_step broken_list[] = {
	{PEER_ACCEPT, NULL, 0},
	{PEER_EXPECT, "webhook.list", 0},
	{PEER_RESULT, "{'items': [{'whid': 'a'}], 'cursor': 'x'}", 0},
	{PEER_EXPECT, "webhook.list", 0},
	{PEER_ERROR, "[1, 'INVALID_PARAM: cursor']", 0},
	{PEER_END, NULL, 0}};
static const struct peer_step one_of_that_name[] = {
	{PEER_ACCEPT, NULL, 0},
	{PEER_EXPECT, "webhook.list", 0},
	{PEER_RESULT, "{'items': [{'whid': '42'}]}", 0},
	{PEER_EXPECT, "webhook.get", 0},
	{PEER_RESULT, "{'whid': '42'}", 0},
	{PEER_END, NULL, 0}};
static const struct peer_step two_of_that_name[] = {
	{PEER_ACCEPT, NULL, 0},
	{PEER_EXPECT, "webhook.list", 0},
	{PEER_RESULT, "{'items': [{'whid': '42'}, {'whid': '43'}]}", 0},
	{PEER_END, NULL, 0}};
static const struct peer_step applied[] = {{PEER_ACCEPT, NULL, 0},
					   {PEER_EXPECT, "webhook.delete", 0},
					   {PEER_RESULT, OP, 0},
					   {PEER_EXPECT, "queue.wait", 0},
					   {PEER_RESULT, OP, 0},
					   {PEER_EXPECT, "queue.wait", 0},
					   {PEER_RESULT, "{'op': 'o1', 'state': 'done'}", 0},
					   {PEER_END, NULL, 0}};
static const struct peer_step rejected[] = {
	{PEER_ACCEPT, NULL, 0}, {PEER_EXPECT, "webhook.delete", 0},
	{PEER_RESULT, OP, 0},   {PEER_EXPECT, "queue.wait", 0},
	{PEER_RESULT, DEAD, 0}, {PEER_END, NULL, 0}};
static const struct peer_step no_time[] = {
	{PEER_ACCEPT, NULL, 0}, {PEER_EXPECT, "webhook.delete", 0},
	{PEER_RESULT, OP, 0},   {PEER_EXPECT, "queue.wait", 0},
	{PEER_RESULT, OP, 0},   {PEER_END, NULL, 0}};
static const struct peer_step merged[] = {
	{PEER_ACCEPT, NULL, 0},
	{PEER_EXPECT, "webhook.delete", 0},
	{PEER_RESULT, OP, 0},
	{PEER_EXPECT, "queue.wait", 0},
	{PEER_RESULT, "{'op': 'o1', 'state': 'done', 'result': 'merged', 'into': 'o0'}", 0},
	{PEER_EXPECT, "queue.wait", 0},
	{PEER_RESULT, "{'op': 'o0', 'state': 'conflict', 'reason': 'overlap'}", 0},
	{PEER_END, NULL, 0}};
static const struct peer_step lost_and_found[] = {
	{PEER_ACCEPT, NULL, 0}, {PEER_EXPECT, "webhook.delete", 0}, {PEER_CLOSE, NULL, 0},
	{PEER_ACCEPT, NULL, 0}, {PEER_EXPECT, "webhook.delete", 0}, {PEER_RESULT, OP, 0},
	{PEER_END, NULL, 0}};
static const struct peer_step one_fails[] = {{PEER_ACCEPT, NULL, 0},
					     {PEER_EXPECT, "webhook.delete", 0},
					     {PEER_RESULT, OP, 0},
					     {PEER_EXPECT, "webhook.delete", 0},
					     {PEER_ERROR, "[1, 'NOT_FOUND: no 2']", 0},
					     {PEER_END, NULL, 0}};
static const struct peer_step appears[] = {
	{PEER_ACCEPT, NULL, 0},
	{PEER_EXPECT, "events.read", 0},
	{PEER_RESULT, "{'events': [], 'revision': 5, 'instance': 'i'}", 0},
	{PEER_EXPECT, "webhook.get", 0},
	{PEER_ERROR, "[1, 'NOT_FOUND: x']", 0},
	{PEER_EXPECT, "events.read", 0},
	{PEER_RESULT, "{'events': [{}], 'revision': 6, 'instance': 'i'}", 0},
	{PEER_EXPECT, "webhook.get", 0},
	{PEER_RESULT, "{'whid': '1'}", 0},
	{PEER_END, NULL, 0}};
static const struct peer_step in_conflict[] = {
	{PEER_ACCEPT, NULL, 0},
	{PEER_EXPECT, "events.read", 0},
	{PEER_RESULT, "{'events': [], 'revision': 5, 'instance': 'i'}", 0},
	{PEER_EXPECT, "webhook.get", 0},
	{PEER_RESULT, "{'whid': '1', '_whd': {'state': 'conflict'}}", 0},
	{PEER_END, NULL, 0}};
static const struct peer_step watched[] = {
	{PEER_ACCEPT, NULL, 0},
	{PEER_EXPECT, "events.subscribe", 0},
	{PEER_RESULT, "{'revision': 5, 'instance': 'i'}", 0},
	{PEER_EVENT, "{'revision': 6, 'kind': 'op'}", 0},
	{PEER_CLOSE, NULL, 0},
	{PEER_ACCEPT, NULL, 0},
	{PEER_EXPECT, "events.subscribe", 0},
	{PEER_RESULT, "{'revision': 7, 'instance': 'i', 'reset': true}", 0},
	{PEER_EVENT, "{'revision': 8, 'kind': 'op'}", 0},
	{PEER_END, NULL, 0}};
/* The answer and the first event arrive together. */
static const char reset_with_event[] = "\x94\x01\x01\xc0\x82\xa8revision\x07\xa5reset\xc3"
				       "\x93\x02\xa5"
				       "event\x91\x81\xa8revision\x08";
static const struct peer_step reset_and_event[] = {
	{PEER_ACCEPT, NULL, 0},
	{PEER_EXPECT, "events.subscribe", 0},
	{PEER_RAW, reset_with_event, sizeof(reset_with_event) - 1},
	{PEER_END, NULL, 0}};
static const struct peer_step away[] = {{PEER_ACCEPT, NULL, 0},
					{PEER_EXPECT, "queue.wait", 0},
					{PEER_ERROR, "[0, 'SHUTTING_DOWN: x']", 0},
					{PEER_END, NULL, 0}};

static const struct story stories[] = {
	{"list -o ids --limit 2", two_pages, 0, "a\nb\n", NULL},
	{"list --json", broken_list, 2, "", "INVALID_PARAM"},
	{"list -o ids", broken_list, 2, "a\n", "INVALID_PARAM"},
	{"get name:n -o ids", one_of_that_name, 0, "42\n", NULL},
	{"get name:n", two_of_that_name, 2, "", "more than one webhook is named n: 42, 43"},
	{"delete 42 --wait -o value=state", applied, 0, "done\n", NULL},
	{"delete 42 --wait -o value=state", rejected, 4, "dead\n",
	 "operation o1 (update 42) is dead: HTTP 400\\r\nhint: whctl queue get o1"},
	{"delete 42 --wait=0s -o value=state", no_time, 6, "queued\n",
	 "is still queued\nhint: whctl queue wait o1"},
	{"delete 42 --wait -o value=result", merged, 4, "merged\n", "o0"},
	{"delete 42 -o ids", lost_and_found, 0, "o1\n", NULL},
	{"delete 1 2 --yes -o ids", one_fails, 7, "o1\n", "NOT_FOUND: no 2"},
	{"delete 1 2 --yes -o jsonl", one_fails, 7,
	 "{\"op\":\"o1\",\"kind\":\"update\",\"whid\":\"42\",\"state\":\"queued\","
	 "\"attempts\":0}\n",
	 "\"failed\":[{\"whid\":\"2\",\"code\":\"NOT_FOUND\""},
	{"wait whid=1 --for exists --json", appears, 0, "{\n  \"whid\": \"1\"\n}\n", NULL},
	{"wait whid=1", in_conflict, 4, "", "it is conflict"},
	{"watch --limit 3 -o value=revision", watched, 0, "6\n7\n8\n", "events are missing"},
	{"watch --since 9 --limit 2 -o jsonl", reset_and_event, 0,
	 "{\"revision\":7,\"kind\":\"reset\"}\n{\"revision\":8}\n", "events are missing"},
	{"queue wait o1", away, 5, "", "SHUTTING_DOWN"},
};

static void
each_story(void **state)
{
	(void)state;
	for (size_t i = 0; i < wh_array_len(stories); i++) {
		const struct story *s = &stories[i];
		struct peer p;

		peer_listen(&p);
		peer_start(&p, s->steps);
		struct ran r = run(p.path, s->line);

		if (r.exit != s->exit || strcmp(r.out, s->out) != 0)
			fail_msg("%s: exit %d, out <%s> err <%s>", s->line, r.exit, r.out,
				 r.err);
		if (s->err ? !strstr(r.err, s->err) : r.err[0])
			fail_msg("%s: standard error is <%s>", s->line, r.err);
		peer_join(&p);
		peer_fini(&p);
		free(r.out);
	}
}

/* After a break it goes on behind the last event seen. */
static void
watch_goes_on_where_it_was(void **state)
{
	struct peer p;

	(void)state;
	peer_listen(&p);
	peer_start(&p, watched);
	struct ran r = run(p.path, "watch --limit 3 -q");

	check("two events and a reset", r.exit == 0);
	peer_join(&p);
	check("from now on", peer_saw(&p, 0, "{}"));
	check("from there on", peer_saw(&p, 1, "{'since': 6, 'instance': 'i'}"));
	peer_fini(&p);
	free(r.out);
}

static const struct {
	const char *no_color, *force, *line;
	bool colored;
} color_rows[] = {
	{NULL, NULL, "get 42 -o table", false}, /* no terminal */
	{NULL, "1", "get 42 -o table", true},
	{"1", "1", "get 42 -o table", false},
	{"", "1", "get 42 -o table", true},
	{NULL, "0", "get 42 -o table", false},
	{"1", NULL, "get 42 -o table --color always", true},
	{NULL, "1", "get 42 -o table --color never", false},
};

static void
set_or_unset(const char *name, const char *value)
{
	if (value)
		setenv(name, value, 1);
	else
		unsetenv(name);
}

static void
color_follows_the_environment(void **state)
{
	static const struct peer_step steps[] = {
		{PEER_ACCEPT, NULL, 0},
		{PEER_EXPECT, "webhook.get", 0},
		{PEER_RESULT, "{'_whd': {'state': 'synced'}}", 0},
		{PEER_END, NULL, 0}};

	(void)state;
	for (size_t i = 0; i < wh_array_len(color_rows); i++) {
		struct peer p;

		set_or_unset("NO_COLOR", color_rows[i].no_color);
		set_or_unset("CLICOLOR_FORCE", color_rows[i].force);
		peer_listen(&p);
		peer_start(&p, steps);
		struct ran r = run(p.path, color_rows[i].line);

		if (!strchr(r.out, '\033') == color_rows[i].colored)
			fail_msg("row %zu: <%s>", i, r.out);
		peer_join(&p);
		peer_fini(&p);
		free(r.out);
	}
	unsetenv("NO_COLOR");
	unsetenv("CLICOLOR_FORCE");
}

/* Several deletes are not carried out unasked. */
static void
many_deletes_need_a_word(void **state)
{
	(void)state;
	struct ran r = run("/nonexistent/s", "delete 1 2");

	check("refused", r.exit == 2 && strstr(r.err, "needs --yes"));
	free(r.out);
	r = run("/nonexistent/s", "list");
	check("unreachable", r.exit == 5 && strstr(r.err, "there is no socket /nonexistent/s"));
	free(r.out);
	r = run("/nonexistent/s", "version --json");
	check("version needs no whd", r.exit == 0 && strstr(r.out, "\"whctl\""));
	free(r.out);
}

/* Help says something about every verb, and never fails. */
static void
every_verb_has_help(void **state)
{
	(void)state;
	for (size_t i = 0; i < WH_VERB_COUNT; i++) {
		char line[80];

		if (!*wh_verbs[i].name)
			continue;
		snprintf(line, sizeof(line), "help %s", wh_verbs[i].name);
		struct ran r = run("/nonexistent/s", line);

		check(line, r.exit == 0 && strstr(r.out, wh_verbs[i].help) && !r.err[0]);
		free(r.out);
		snprintf(line, sizeof(line), "%s --help", wh_verbs[i].name);
		r = run("/nonexistent/s", line);
		check(line, r.exit == 0 && strstr(r.out, wh_verbs[i].help));
		free(r.out);
	}
	struct ran r = run("/nonexistent/s", "help");

	check("all", r.exit == 0 && strstr(r.out, "queue resolve") && strstr(r.out, "130"));
	free(r.out);
}

/* A test runs in a world of its own, whatever the caller's holds. */
static int
set_up(void **state)
{
	(void)state;
	unsetenv("WHCTL_WAIT");
	unsetenv("NO_COLOR");
	unsetenv("CLICOLOR_FORCE");
	return freopen("/dev/null", "r", stdin) ? 0 : -1;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_row),
		cmocka_unit_test(each_story),
		cmocka_unit_test(watch_goes_on_where_it_was),
		cmocka_unit_test(color_follows_the_environment),
		cmocka_unit_test(many_deletes_need_a_word),
		cmocka_unit_test(every_verb_has_help),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}

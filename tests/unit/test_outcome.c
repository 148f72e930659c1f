/* SPDX-License-Identifier: MIT */
/*
 * core/outcome.c: the table of verdicts, row by row, for changes and reads.
 */
#include "daemon/core/outcome.h"
#include "tests/unit/rows.h"

#define S(literal)                                                                             \
	{                                                                                      \
		literal, sizeof(literal) - 1                                                   \
	}
#define HTML S("<!DOCTYPE html><html><body>Service unavailable, over quota</body></html>")
#define ROUTE S("{\"statusCode\":404,\"message\":\"Resource not found\"}")
#define QUOTA_TEXT                                                                             \
	S("{\"statusCode\":403,\"message\":\"Out of call volume quota. "                       \
	  "Quota will be replenished in 5.03:23:11.\"}")
#define RATE_TEXT                                                                              \
	S("{\"statusCode\":429,\"message\":\"Rate limit is exceeded. Try again in 60 "         \
	  "seconds.\"}")
#define SHORT 1u
#define LOOK 2u
#define ABSENT 4u
#define UP 8u

/* The webhook that the requests are about. */
#define MINE "8f14e45f-ceea-467f-a1d6-0f1e2d3c4b5a"

#define READ 99
#define POST WH_OP_CREATE
#define PATCH WH_OP_UPDATE
#define DELETE WH_OP_DELETE

struct row {
	const char *what;
	int kind;
	int status;
	struct wh_str body;
	int64_t retry_after;
	enum wh_executed executed;
	enum wh_gate_ask ask;
	int64_t wait;
	unsigned flags;
};

/* Whole replies. */
static const struct row replies[] = {
	{"201 object", POST, 201, S("{\"whid\":\"a\"}"), -1, WH_X_EXECUTED, 0, -1, UP},
	{"299", PATCH, 299, S(""), -1, WH_X_EXECUTED, 0, -1, UP},
	{"204", DELETE, 204, S(""), -1, WH_X_EXECUTED, 0, -1, UP},
	{"200 only spaces", DELETE, 200, S(" \r\n"), -1, WH_X_EXECUTED, 0, -1, UP},
	{"202 bare id", POST, 202, S("8f14e45f-ceea-467f-a1d6-0f1e2d3c4b5a"), -1, WH_X_EXECUTED,
	 0, -1, UP},
	{"200 JSON with BOM", PATCH, 200, S("\xef\xbb\xbf{}"), -1, WH_X_EXECUTED, 0, -1, UP},
	{"200 error report", PATCH, 200, S("{\"statusCode\":500,\"message\":\"x\"}"), -1,
	 WH_X_UNKNOWN, WH_ASK_LINK, -1, UP | SHORT},
	{"201 no success", POST, 201, S("{\"success\":false}"), -1, WH_X_UNKNOWN, WH_ASK_LINK,
	 -1, UP | SHORT},
	{"200 error report on a delete", DELETE, 200, S("{\"Errors\":[{}]}"), -1, WH_X_UNKNOWN,
	 WH_ASK_LINK, -1, UP | SHORT},
	{"200 success in words", DELETE, 200, S("{\"status\":\"OK\",\"code\":200}"), -1,
	 WH_X_EXECUTED, 0, -1, UP},
	{"200 another webhook", PATCH, 200, S("{\"whid\":\"a\",\"whname\":\"x\"}"), -1,
	 WH_X_UNKNOWN, WH_ASK_LINK, -1, UP},
	{"200 another webhook, its id spelt differently", DELETE, 200,
	 S("{\"ID\":7,\"callbackUrl\":\"https://x\"}"), -1, WH_X_UNKNOWN, WH_ASK_LINK, -1, UP},
	{"200 another webhook on a create", POST, 200, S("{\"whid\":\"a\",\"whname\":\"x\"}"),
	 -1, WH_X_EXECUTED, 0, -1, UP},
	{"200 this webhook", PATCH, 200,
	 S("{\"whId\":\"8F14E45F-CEEA-467F-A1D6-0F1E2D3C4B5A\",\"whname\":\"x\"}"), -1,
	 WH_X_EXECUTED, 0, -1, UP},
	{"200 this webhook, and another id", PATCH, 200,
	 S("{\"id\":\"job-1\",\"callbackUrl\":\"https://x\",\"target\":\"" MINE "\"}"), -1,
	 WH_X_EXECUTED, 0, -1, UP},
	{"200 an id of something", PATCH, 200, S("{\"id\":\"job-1\",\"done\":true}"), -1,
	 WH_X_EXECUTED, 0, -1, UP},
	{"200 another webhook in a list", DELETE, 200, S("[{\"whid\":\"a\",\"whname\":\"x\"}]"),
	 -1, WH_X_UNKNOWN, WH_ASK_LINK, -1, UP},
	{"200 another webhook in an object", PATCH, 200,
	 S("{\"ok\":true,\"value\":[{\"whid\":\"a\",\"whname\":\"x\"}]}"), -1, WH_X_UNKNOWN,
	 WH_ASK_LINK, -1, UP},
	{"200 this webhook in an object", PATCH, 200,
	 S("{\"value\":[{\"whid\":\"" MINE "\",\"whname\":\"x\"}]}"), -1, WH_X_EXECUTED, 0, -1,
	 UP},
	{"200 what is left", DELETE, 200,
	 S("[{\"whid\":\"a\",\"whname\":\"x\"},{\"whid\":\"b\",\"whname\":\"x\"}]"), -1,
	 WH_X_EXECUTED, 0, -1, UP},
	{"200 a webhook whose list has one", PATCH, 200,
	 S("{\"whid\":\"" MINE "\",\"processes\":[{\"id\":\"p\",\"whname\":\"x\"}]}"), -1,
	 WH_X_EXECUTED, 0, -1, UP},
	{"200 HTML", POST, 200, HTML, -1, WH_X_UNKNOWN, WH_ASK_LINK, -1, UP},
	{"200 sentence", POST, 200, S("It was created."), -1, WH_X_UNKNOWN, WH_ASK_LINK, -1,
	 UP},
	{"200 cut JSON", PATCH, 200, S("{\"whid\":\"a"), -1, WH_X_UNKNOWN, WH_ASK_LINK, -1, UP},
	{"302 to a login", POST, 302, S(""), -1, WH_X_UNKNOWN, WH_ASK_LINK, -1, UP},
	{"304", PATCH, 304, S(""), -1, WH_X_UNKNOWN, WH_ASK_LINK, -1, UP},
	{"401", POST, 401, S("{\"statusCode\":401}"), -1, WH_X_NOT_EXECUTED, WH_ASK_AUTH, -1,
	 UP},
	{"401 HTML", PATCH, 401, HTML, -1, WH_X_NOT_EXECUTED, WH_ASK_AUTH, -1, UP},
	{"403 quota text", POST, 403, QUOTA_TEXT, -1, WH_X_NOT_EXECUTED, WH_ASK_QUOTA,
	 ((5 * 24 + 3) * 3600 + 23 * 60 + 11) * INT64_C(1000), UP},
	{"403 Retry-After", DELETE, 403, S(""), 7000, WH_X_NOT_EXECUTED, WH_ASK_QUOTA, 7000,
	 UP},
	{"403 quota, header first", POST, 403, QUOTA_TEXT, 5000, WH_X_NOT_EXECUTED,
	 WH_ASK_QUOTA, 5000, UP},
	{"403 bandwidth", POST, 403, S("Out of bandwidth quota."), -1, WH_X_NOT_EXECUTED,
	 WH_ASK_QUOTA, -1, UP},
	{"403 ip filter", POST, 403, S("Forbidden: caller address"), -1, WH_X_NOT_EXECUTED,
	 WH_ASK_FORBIDDEN, -1, UP},
	{"403 HTML of a firewall", PATCH, 403, HTML, -1, WH_X_NOT_EXECUTED, WH_ASK_FORBIDDEN,
	 -1, UP},
	{"404 route, DELETE", DELETE, 404, ROUTE, -1, WH_X_NOT_EXECUTED, WH_ASK_LINK, -1, UP},
	{"404 route, POST", POST, 404, ROUTE, -1, WH_X_NOT_EXECUTED, WH_ASK_LINK, -1, UP},
	{"404 route, PATCH, plain", PATCH, 404, S("resource not found."), -1, WH_X_NOT_EXECUTED,
	 WH_ASK_LINK, -1, UP},
	{"404 DELETE", DELETE, 404, S("{\"message\":\"no such webhook\"}"), -1, WH_X_UNKNOWN, 0,
	 -1, UP | ABSENT | SHORT},
	{"404 longer text", DELETE, 404, S("{\"message\":\"Resource not found: webhook 7\"}"),
	 -1, WH_X_UNKNOWN, 0, -1, UP | ABSENT | SHORT},
	{"410 DELETE", DELETE, 410, S(""), -1, WH_X_UNKNOWN, 0, -1, UP | ABSENT | SHORT},
	{"404 PATCH", PATCH, 404, S(""), -1, WH_X_UNKNOWN, 0, -1, UP | ABSENT | SHORT},
	{"404 POST", POST, 404, S(""), -1, WH_X_REJECTED, 0, -1, UP},
	{"408", POST, 408, S(""), -1, WH_X_UNKNOWN, WH_ASK_LINK, -1, UP},
	{"409 POST", POST, 409, S("{}"), -1, WH_X_REJECTED, 0, -1, UP | LOOK},
	{"409 PATCH", PATCH, 409, S("{}"), -1, WH_X_REJECTED, 0, -1, UP},
	{"400", POST, 400, S("{}"), -1, WH_X_REJECTED, 0, -1, UP},
	{"404 HTML on a create", POST, 404, HTML, -1, WH_X_UNKNOWN, WH_ASK_LINK, -1,
	 UP | SHORT},
	{"404 HTML on a delete", DELETE, 404, HTML, -1, WH_X_UNKNOWN, WH_ASK_LINK, -1,
	 UP | SHORT},
	{"422 HTML", PATCH, 422, HTML, -1, WH_X_REJECTED, 0, -1, UP},
	{"429 text", POST, 429, RATE_TEXT, -1, WH_X_NOT_EXECUTED, WH_ASK_RATE, 60000, UP},
	{"429 header", POST, 429, RATE_TEXT, 3000, WH_X_NOT_EXECUTED, WH_ASK_RATE, 3000, UP},
	{"429 Retry-After 0", POST, 429, RATE_TEXT, 0, WH_X_NOT_EXECUTED, WH_ASK_RATE, 0, UP},
	{"403 Retry-After 0", POST, 403, S(""), 0, WH_X_NOT_EXECUTED, WH_ASK_QUOTA, 0, UP},
	{"429 silent", DELETE, 429, S(""), -1, WH_X_NOT_EXECUTED, WH_ASK_RATE, -1, UP},
	{"429 HTML", DELETE, 429, HTML, -1, WH_X_NOT_EXECUTED, WH_ASK_RATE, -1, UP},
	{"500", POST, 500, S("{}"), -1, WH_X_UNKNOWN, WH_ASK_LINK, -1, UP | SHORT},
	{"502 HTML", PATCH, 502, HTML, -1, WH_X_UNKNOWN, WH_ASK_LINK, -1, UP | SHORT},
	{"503 Retry-After", POST, 503, S(""), 9000, WH_X_UNKNOWN, WH_ASK_LINK, 9000,
	 UP | SHORT},
	{"500, its words are no wait", POST, 500, S("Try again in 5 minutes"), -1, WH_X_UNKNOWN,
	 WH_ASK_LINK, -1, UP | SHORT},
	{"504", POST, 504, S(""), -1, WH_X_UNKNOWN, WH_ASK_LINK, -1, UP},
	{"a status of 700", POST, 700, S(""), -1, WH_X_UNKNOWN, WH_ASK_LINK, -1, UP},
	{"100 as the last word", POST, 100, S(""), -1, WH_X_UNKNOWN, WH_ASK_LINK, -1, UP},

	{"read 200 array", READ, 200, S("[]"), -1, WH_X_EXECUTED, 0, -1, UP},
	{"read 204", READ, 204, S(""), -1, WH_X_EXECUTED, 0, -1, UP},
	{"read null", READ, 200, S("null"), -1, WH_X_EXECUTED, 0, -1, UP},
	{"read start of a long list", READ, 200, S("[{\"whid\":"), -1, WH_X_EXECUTED, 0, -1,
	 UP},
	{"read 200 HTML", READ, 200, HTML, -1, WH_X_UNKNOWN, WH_ASK_LINK, -1, UP},
	{"read 200 word", READ, 200, S("ok"), -1, WH_X_UNKNOWN, WH_ASK_LINK, -1, UP},
	{"read 302", READ, 302, S(""), -1, WH_X_UNKNOWN, WH_ASK_LINK, -1, UP},
	{"read 401", READ, 401, S(""), -1, WH_X_NOT_EXECUTED, WH_ASK_AUTH, -1, UP},
	{"read 403", READ, 403, S("{}"), -1, WH_X_NOT_EXECUTED, WH_ASK_AUTH, -1, UP},
	{"read 403 quota", READ, 403, QUOTA_TEXT, 1000, WH_X_NOT_EXECUTED, WH_ASK_QUOTA, 1000,
	 UP},
	{"read 404 route", READ, 404, ROUTE, -1, WH_X_NOT_EXECUTED, WH_ASK_LINK, -1, UP},
	{"read 404", READ, 404, S("{}"), -1, WH_X_REJECTED, 0, -1, UP | ABSENT},
	{"read 404 HTML", READ, 404, HTML, -1, WH_X_UNKNOWN, WH_ASK_LINK, -1, UP},
	{"read 400", READ, 400, S("{}"), -1, WH_X_REJECTED, 0, -1, UP},
	{"read 409", READ, 409, S("{}"), -1, WH_X_REJECTED, 0, -1, UP},
	{"read 429 HTML", READ, 429, HTML, 2000, WH_X_NOT_EXECUTED, WH_ASK_RATE, 2000, UP},
	{"read 500", READ, 500, S("{}"), -1, WH_X_UNKNOWN, WH_ASK_LINK, -1, UP | SHORT},
};

static struct wh_outcome
judge(int kind, const struct wh_facts *f)
{
	return kind == READ ? wh_outcome_judge_read(f)
			    : wh_outcome_judge((enum wh_op_kind)kind,
					       kind == POST ? WH_STR_NULL : WH_STR(MINE), f);
}

static void
test_replies(void **state)
{
	(void)state;
	for (size_t i = 0; i < wh_array_len(replies); i++) {
		const struct row *r = &replies[i];
		const struct wh_facts f = {.may_have_left = true,
					   .whole = true,
					   .status = r->status,
					   .retry_after_ms = r->retry_after,
					   .body = r->body};
		const struct wh_outcome o = judge(r->kind, &f);

		check(r->what, o.executed == r->executed);
		check(r->what, o.ask == r->ask);
		check(r->what, o.wait_ms == r->wait);
		check(r->what, o.settle_short == !!(r->flags & SHORT));
		check(r->what, o.observe_first == !!(r->flags & LOOK));
		check(r->what, o.absent == !!(r->flags & ABSENT));
		check(r->what, o.link_up == !!(r->flags & UP));
		check(r->what, o.rule && o.rule[0]);
	}
}

/* Transfers that did not end in a whole reply; the same for changes and reads. */
static const struct {
	const char *what;
	enum wh_transport net;
	bool left;
	int status;
	enum wh_executed executed;
	enum wh_gate_ask ask;
} failures[] = {
	{"no such host", WH_NET_RESOLVE, false, 0, WH_X_NOT_EXECUTED, WH_ASK_LINK},
	{"refused", WH_NET_CONNECT, false, 0, WH_X_NOT_EXECUTED, WH_ASK_LINK},
	{"handshake", WH_NET_TLS, false, 0, WH_X_NOT_EXECUTED, WH_ASK_LINK},
	{"certificate", WH_NET_CERT, false, 0, WH_X_NOT_EXECUTED, WH_ASK_LINK},
	{"connect timeout", WH_NET_TIMEOUT, false, 0, WH_X_NOT_EXECUTED, WH_ASK_LINK},
	{"out of memory", WH_NET_LOCAL, false, 0, WH_X_NOT_EXECUTED, WH_ASK_NONE},
	{"stopping, not sent", WH_NET_CANCELLED, false, 0, WH_X_NOT_EXECUTED, WH_ASK_NONE},
	{"reply timeout", WH_NET_TIMEOUT, true, 0, WH_X_UNKNOWN, WH_ASK_LINK},
	{"reset", WH_NET_RESET, true, 0, WH_X_UNKNOWN, WH_ASK_LINK},
	{"second sending stopped", WH_NET_RESEND, true, 0, WH_X_UNKNOWN, WH_ASK_LINK},
	{"late certificate refusal", WH_NET_CERT, true, 0, WH_X_UNKNOWN, WH_ASK_LINK},
	{"stopping, sent", WH_NET_CANCELLED, true, 0, WH_X_UNKNOWN, WH_ASK_NONE},
	{"200 cut", WH_NET_RESET, true, 200, WH_X_UNKNOWN, WH_ASK_LINK},
	{"204 claimed, end not seen", WH_NET_OK, true, 204, WH_X_UNKNOWN, WH_ASK_LINK},
	{"401 cut", WH_NET_TIMEOUT, true, 401, WH_X_UNKNOWN, WH_ASK_LINK},
	{"too large", WH_NET_TOO_LARGE, true, 200, WH_X_UNKNOWN, WH_ASK_NONE},
	{"stopping in the reply", WH_NET_CANCELLED, true, 200, WH_X_UNKNOWN, WH_ASK_NONE},
};

static void
test_failures(void **state)
{
	static const int kinds[] = {POST, PATCH, DELETE, READ};

	(void)state;
	for (size_t i = 0; i < wh_array_len(failures) * wh_array_len(kinds); i++) {
		const size_t row = i / wh_array_len(kinds);
		const struct wh_facts f = {.net = failures[row].net,
					   .may_have_left = failures[row].left,
					   .status = failures[row].status,
					   .retry_after_ms = 5000};
		const struct wh_outcome o = judge(kinds[i % wh_array_len(kinds)], &f);

		check(failures[row].what, o.executed == failures[row].executed);
		check(failures[row].what, o.ask == failures[row].ask);
		check(failures[row].what, o.wait_ms == -1);
		check(failures[row].what, !o.link_up && !o.settle_short && !o.absent);
		check(failures[row].what, !o.observe_first && o.rule[0]);
	}
}

static const struct {
	const char *what;
	struct wh_str body;
	enum wh_body_kind kind;
} bodies[] = {
	{"nothing", S(""), WH_BODY_EMPTY},
	{"spaces and BOM", S("\xef\xbb\xbf \r\n\t"), WH_BODY_EMPTY},
	{"object", S(" {\"a\":1} "), WH_BODY_JSON},
	{"array", S("[1]"), WH_BODY_JSON},
	{"null", S("null"), WH_BODY_JSON},
	{"error status", S("{\"statusCode\":500}"), WH_BODY_COMPLAINT},
	{"error status in digits", S("{\"Status\":\"404\"}"), WH_BODY_COMPLAINT},
	{"error code", S("{\"code\":503}"), WH_BODY_COMPLAINT},
	{"code of another kind", S("{\"code\":1000}"), WH_BODY_JSON},
	{"good status", S("{\"status\":200,\"code\":\"0\"}"), WH_BODY_JSON},
	{"no success", S("{\"SUCCESS\":false}"), WH_BODY_COMPLAINT},
	{"success", S("{\"success\":true,\"error\":null,\"errors\":[]}"), WH_BODY_JSON},
	{"an error", S("{\"error\":{\"m\":1}}"), WH_BODY_COMPLAINT},
	{"no error", S("{\"error\":\"\",\"errors\":{}}"), WH_BODY_JSON},
	{"a webhook with a status of its own", S("{\"callbackUrl\":\"u\",\"status\":500}"),
	 WH_BODY_JSON},
	{"true", S("true"), WH_BODY_JSON},
	{"JSON text that is an id", S("\"8f14e45f\""), WH_BODY_ID},
	{"JSON text that is a sentence", S("\"it is done\""), WH_BODY_JSON},
	{"JSON number", S("4711"), WH_BODY_ID},
	{"bare id", S("wh-17\n"), WH_BODY_ID},
	{"number beyond 64 bits", S("123456789012345678901234567890"), WH_BODY_ID},
	{"sentence", S("It worked"), WH_BODY_OTHER},
	{"HTML", S("<html></html>"), WH_BODY_OTHER},
	{"markup inside", S("a<b>c"), WH_BODY_OTHER},
	{"broken object", S("{\"a\":1"), WH_BODY_OTHER},
	{"two values", S("{}{}"), WH_BODY_OTHER},
	{"control byte", S("a\x01b"), WH_BODY_OTHER},
	{"binary", S("\xff\xfe\x01"), WH_BODY_OTHER},
	{"same key twice", S("{\"a\":1,\"a\":2}"), WH_BODY_OTHER},
};

static void
test_body_kinds(void **state)
{
	char text[WH_WHID_MAX + 2];

	(void)state;
	for (size_t i = 0; i < wh_array_len(bodies); i++)
		check(bodies[i].what,
		      wh_body_kind(bodies[i].body, WH_STR_NULL) == bodies[i].kind);
	memset(text, 'a', sizeof text);
	check("longest id", wh_body_kind(wh_str(text, WH_WHID_MAX), WH_STR_NULL) == WH_BODY_ID);
	check("longer",
	      wh_body_kind(wh_str(text, WH_WHID_MAX + 1), WH_STR_NULL) == WH_BODY_OTHER);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_replies),
		cmocka_unit_test(test_failures),
		cmocka_unit_test(test_body_kinds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

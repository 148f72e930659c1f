/* SPDX-License-Identifier: MIT */
/*
 * core/outcome_text.c: the id of a created webhook in all its forms, and the
 * sentence for people.
 */
#include "daemon/core/outcome.h"
#include "tests/unit/rows.h"

#define S(literal)                                                                             \
	{                                                                                      \
		literal, sizeof(literal) - 1                                                   \
	}
#define TAIL "14e45f-ceea-467f-a1d6-0f1e2d3c4b5a"
#define GUID "8f" TAIL

static const struct {
	const char *what;
	int status;
	struct wh_str body, location;
	const char *id;
} ids[] = {
	{"object", 201, S("{\"whid\":\"" GUID "\"}"), S(""), GUID},
	{"whid in any case and form", 201, S("{\"Whid\":17}"), S(""), "17"},
	{"a webhook, name in any case", 201, S("{\"WebhookID\":\"x\",\"WhName\":\"n\"}"), S(""),
	 "x"},
	{"a webhook, number", 200, S("{\"id\":17,\"callbackUrl\":\"u\"}"), S(""), "17"},
	{"a webhook, whid before id", 201, S("{\"id\":17,\"whid\":\"x\"}"), S(""), "x"},
	{"array of one", 200, S("[{\"_id\":\"x1\",\"whcomment\":null}]"), S(""), "x1"},
	{"array of two", 200, S("[{\"whid\":\"x1\"},{\"whid\":\"x2\"}]"), S(""), ""},
	{"of the request", 201, S("{\"id\":\"r-7\",\"data\":{\"whid\":\"x\"}}"), S(""), ""},
	{"of something", 200, S("{\"id\":17}"), S(""), ""},
	{"of something, GUID", 200, S("{\"id\":\"" GUID "\"}"), S(""), ""},
	{"null whid", 200, S("{\"id\":17,\"whid\":null}"), S(""), ""},
	{"bare text", 201, S(GUID "\r\n"), S(""), GUID},
	{"JSON text", 201, S("\"" GUID "\""), S(""), GUID},
	{"a number may count anything", 201, S(" 4711"), S(""), ""},
	{"a text may be anything", 201, S("x9"), S(""), ""},
	{"a JSON text may be anything", 201, S("\"x9\""), S(""), ""},
	{"a word is no id", 201, S("Created"), S(""), ""},
	{"a sentence is no id", 201, S("\"webhook 7 made\""), S(""), ""},
	{"true", 201, S("true"), S(""), ""},
	{"nothing", 201, S(""), S(""), ""},
	{"path", 201, S(""), S("https://h/api/webhookconfig/" GUID), GUID},
	{"query", 201, S("{}"), S("/webhookconfig?whid=8%66" TAIL), "8f" TAIL},
	{"escapes in any case", 201, S(""),
	 S("/w?whid=8f14e45f%2dceea%2D467f-a1d6-0f1e2d3c4b5%61"), GUID},
	{"no hexadecimal", 201, S(""), S("/w?whid=8%6g" TAIL), ""},
	{"query, name before place", 201, S(""), S("/w?whid=" GUID "&v=2"), GUID},
	{"query, last one", 201, S(""), S("/w?v=2&key=" GUID "#top"), GUID},
	{"body before Location", 201, S("{\"whid\":\"b1\"}"), S("/w/" GUID), "b1"},
	{"Location of something", 201, S(""), S("/status/12"), ""},
	{"Location of the collection", 201, S(""), S("/api/v2/webhookconfig"), ""},
	{"Location with nothing", 201, S(""), S("/w/"), ""},
	{"bad escape", 201, S(""), S("/w?whid=" GUID "%4"), ""},
	{"control byte by escape", 201, S(""), S("/w?whid=" GUID "%00"), ""},
	{"far too long", 201, S(""),
	 S("/" GUID GUID GUID GUID GUID GUID GUID GUID GUID GUID GUID GUID), ""},
	{"202 leads elsewhere", 202, S(""), S("/operations/" GUID), ""},
	{"202, of a job", 202, S("{\"whid\":\"" GUID "\"}"), S(""), ""},
	{"202, bare", 202, S(GUID), S(""), ""},
	{"control byte", 201, S("{\"whid\":\"a\\u0001\"}"), S(""), ""},
};

static void
test_created_id(void **state)
{
	char buf[WH_WHID_MAX + 1];

	(void)state;
	for (size_t i = 0; i < wh_array_len(ids); i++) {
		const struct wh_facts f = {.status = ids[i].status,
					   .body = ids[i].body,
					   .location = ids[i].location};
		const struct wh_str id = wh_outcome_created_id(&f, buf);

		check(ids[i].what, wh_str_is(id, ids[i].id));
	}
}

static const struct {
	const char *what;
	enum wh_transport net;
	int status;
	enum wh_executed executed;
	struct wh_str body, error;
	const char *sentence;
} sentences[] = {
	{"error object", WH_NET_OK, 400, WH_X_REJECTED,
	 S("{\"message\":\"whname is\\ntoo long\"}"), S(""),
	 "HTTP 400 \"whname is too long\": The rule."},
	{"other names", WH_NET_OK, 422, WH_X_REJECTED, S("{\"title\":\"Bad\",\"status\":422}"),
	 S(""), "HTTP 422 \"Bad\": The rule."},
	{"plain text", WH_NET_OK, 500, WH_X_UNKNOWN, S("  Server \x1b[31m down \xff\xc2\x9b!"),
	 S(""), "HTTP 500 \"Server [31m down ? !\": The rule."},
	{"text is kept", WH_NET_OK, 500, WH_X_UNKNOWN, S("h\xc3\xb6her"), S(""),
	 "HTTP 500 \"h\xc3\xb6her\": The rule."},
	{"cut character", WH_NET_OK, 500, WH_X_UNKNOWN, S("h\xc3"), S(""),
	 "HTTP 500 \"h?\": The rule."},
	{"success quotes nothing", WH_NET_OK, 201, WH_X_EXECUTED, S("{\"id\":1}"), S(""),
	 "HTTP 201: The rule."},
	{"no reply", WH_NET_TIMEOUT, 0, WH_X_UNKNOWN, S(""), S("Operation timed out\n"),
	 "timed out (Operation timed out): The rule."},
	{"reply cut", WH_NET_RESET, 200, WH_X_UNKNOWN, S("{"), S("reset"),
	 "HTTP 200 \"{\" (reset): The rule."},
};

static void
test_sentences(void **state)
{
	(void)state;
	for (size_t i = 0; i < wh_array_len(sentences); i++) {
		WH_CLEANUP(wh_buf_fini) struct wh_buf b = WH_BUF_NULL;
		const struct wh_outcome o = {.executed = sentences[i].executed,
					     .rule = "The rule."};
		const struct wh_facts f = {.net = sentences[i].net,
					   .status = sentences[i].status,
					   .body = sentences[i].body,
					   .error = sentences[i].error};

		wh_outcome_sentence(&b, &f, &o);
		if (!wh_str_is(wh_buf_view(&b), sentences[i].sentence))
			fail_msg("%s: %.*s", sentences[i].what, WH_STR_FMT(wh_buf_view(&b)));
	}
}

static void
test_sentence_is_bounded(void **state)
{
	WH_CLEANUP(wh_buf_fini) struct wh_buf b = WH_BUF_NULL;
	const struct wh_outcome o = {.executed = WH_X_REJECTED, .rule = "The rule."};
	static char text[60000];
	struct wh_facts f = {.status = 400};

	(void)state;
	memset(text, 'x', sizeof text);
	f.body = wh_str(text, sizeof text);
	f.error = f.body;
	wh_outcome_sentence(&b, &f, &o);
	assert_true(b.n < 700 && b.n > 500);
}

static void
test_names(void **state)
{
	(void)state;
	for (int t = WH_NET_OK; t <= WH_NET_CANCELLED; t++)
		assert_string_not_equal(wh_transport_str((enum wh_transport)t), "unknown");
	assert_string_equal(wh_executed_str(WH_X_NOT_EXECUTED), "not_executed");
	assert_string_equal(wh_executed_str(WH_X_EXECUTED), "executed");
	assert_string_equal(wh_executed_str(WH_X_REJECTED), "rejected");
	assert_string_equal(wh_executed_str(WH_X_UNKNOWN), "unknown");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_created_id),
		cmocka_unit_test(test_sentences),
		cmocka_unit_test(test_sentence_is_bounded),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

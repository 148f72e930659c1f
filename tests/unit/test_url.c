/* SPDX-License-Identifier: MIT */
/* daemon/url.c: which addresses may be called, row by row. */
#include "daemon/url.h"
#include <stdlib.h>

#include "tests/unit/rows.h"

enum fact { HTTPS = 1, LOOPBACK = 2, QUERY = 4 };

struct good_row {
	const char *url;
	unsigned facts;
};

static const struct good_row good_rows[] = {
	{"https://api.example.com/webhookconfig", HTTPS},
	{"HTTPS://api.example.com/", HTTPS},
	{"https://api.example.com:8443", HTTPS},
	{"https://api.example.com/x?a=b", HTTPS | QUERY},
	{"https://m\xc3\xbcnchen.example/x", HTTPS},
	{"https://[2001:db8::1]/x", HTTPS},
	{"http://example.com/", 0},
	{"http://127.0.0.1:8080/x", LOOPBACK},
	{"http://127.9.8.7/x", LOOPBACK},
	{"http://[::1]:1/x", LOOPBACK},
	{"http://localhost/x", LOOPBACK},
	{"http://LocalHost/x", LOOPBACK},
	{"http://128.0.0.1/x", 0},
	{"http://localhost.example.com/x", 0},
	{"https://x.example/%23%20", HTTPS},
};

struct bad_row {
	const char *url;
	const char *why; /* must be part of the phrase */
};

static const struct bad_row bad_rows[] = {
	{"", "is empty"},
	{"example.com/x", "must begin with"},
	{"/webhookconfig", "must begin with"},
	{"ftp://example.com/x", "must begin with"},
	{"file:///etc/passwd", "must begin with"},
	{"javascript:alert(1)", "must begin with"},
	{"https:/example.com/x", "must begin with"},
	{"https:example.com", "must begin with"},
	{"https:///example.com/x", "must begin with"},
	{"https://", "must begin with"},
	{"https://user@example.com/", "user name"},
	{"https://user:pass@example.com/", "user name"},
	{"https://example.com/#top", "fragment"},
	{"https://example.com/a b", "space"},
	{" https://example.com/", "space"},
	{"https://example.com/\r\nX-Evil: 1", "control"},
	{"https://example.com/\x7f", "control"},
	{"https://example.com/\xc2\x9b", "control"},
	{"https://example.com/\xff", "UTF-8"},
	{"https://:443/x", "is not an address"},
	{"https://example.com:99999/", "is not an address"},
	{"https://example.com:port/", "is not an address"},
	{"https://[::1/", "is not an address"},
	{"https://exa\\mple.com/", "is not an address"},
};

static unsigned
facts_of(const struct wh_url *u)
{
	return (u->https ? HTTPS : 0u) | (u->loopback ? LOOPBACK : 0u) |
	       (u->query ? QUERY : 0u);
}

static void
good(void **state)
{
	(void)state;
	for (size_t i = 0; i < wh_array_len(good_rows); i++) {
		const struct good_row *row = &good_rows[i];
		struct wh_buf why = WH_BUF_NULL;
		struct wh_url url = {0};

		check(row->url, wh_url_check(wh_str_c(row->url), &url, &why) == 0);
		check(row->url, facts_of(&url) == row->facts);
		check(row->url, why.n == 0);
		wh_buf_fini(&why);
	}
}

static void
bad(void **state)
{
	(void)state;
	for (size_t i = 0; i < wh_array_len(bad_rows); i++) {
		const struct bad_row *row = &bad_rows[i];
		struct wh_buf why = WH_BUF_NULL;
		struct wh_url url;

		check(row->url, wh_url_check(wh_str_c(row->url), &url, &why) == WH_EINVAL);
		wh_buf_byte(&why, '\0');
		if (!strstr(why.p, row->why))
			fail_msg("%s: \"%s\" does not say \"%s\"", row->url, why.p, row->why);
		wh_buf_fini(&why);
	}
}

static void
bytes_beyond_text(void **state)
{
	static char longest[WH_URL_MAX + 1] = "https://example.com/";
	struct wh_buf why = WH_BUF_NULL;
	struct wh_url url;

	(void)state;
	memset(longest + strlen(longest), 'a', sizeof(longest) - strlen(longest));
	check("longest", wh_url_check(wh_str(longest, WH_URL_MAX), &url, &why) == 0);
	check("longer", wh_url_check(wh_str(longest, WH_URL_MAX + 1), &url, &why) == WH_EINVAL);
	check("NUL inside",
	      wh_url_check(wh_str("https://a.example/\0b", 20), &url, &why) == WH_EINVAL);
	wh_buf_fini(&why);
}

static const struct {
	const char *url;
	const char *resource;
} resources[] = {
	{"https://a.example/webhookconfig", "https://a.example/webhookconfig"},
	{"https://a.example/v1/WebhookConfig/", "https://a.example/v1/WebhookConfig"},
	{"https://a.example", "https://a.example/webhookconfig"},
	{"https://a.example/v1/", "https://a.example/v1/webhookconfig"},
	{"https://a.example/v1?x=1", "https://a.example/v1/webhookconfig?x=1"},
	{"https://a.example/webhookconfig?x=/", "https://a.example/webhookconfig?x=/"},
	{"https://webhookconfig", "https://webhookconfig/webhookconfig"},
};

static void
resource_of(void **state)
{
	(void)state;
	for (size_t i = 0; i < wh_array_len(resources); i++) {
		char *text = wh_url_resource(wh_str_c(resources[i].url));

		check(resources[i].url, strcmp(text, resources[i].resource) == 0);
		free(text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good),
		cmocka_unit_test(bad),
		cmocka_unit_test(bytes_beyond_text),
		cmocka_unit_test(resource_of),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * Checks an address through libcurl's URL parser.
 *
 * The configuration asks it about the upstream's address, the handlers of
 * changes about callbackUrl; any thread. libcurl takes more than we do (one to
 * three slashes, user names, missing schemes), so those are refused here. It
 * never connects and never resolves a name.
 */
#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/in.h>

#include "daemon/url.h"

static int
refuse(struct wh_buf *why, const char *phrase)
{
	wh_buf_c(why, phrase);
	return WH_EINVAL;
}

static bool
has_space(struct wh_str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] == ' ')
			return true;
	return false;
}

static bool
begins(struct wh_str s, struct wh_str prefix)
{
	return s.n > prefix.n && wh_str_ieq(wh_str(s.p, prefix.n), prefix) &&
	       s.p[prefix.n] != '/';
}

/* What can be told from the bytes alone. */
static int
check_text(struct wh_str url, struct wh_url *ret, struct wh_buf *why)
{
	if (url.n == 0)
		return refuse(why, "is empty: give an absolute http or https address");
	if (url.n > WH_URL_MAX)
		return refuse(why, "is longer than 2048 bytes: shorten it");
	if (!wh_utf8_valid(url))
		return refuse(why,
			      "is not valid UTF-8: write it in UTF-8 or percent-encode it");
	if (wh_str_has_control(url) || has_space(url))
		return refuse(why, "holds a space or a control character: percent-encode it");
	ret->https = begins(url, WH_STR("https://"));
	if (!ret->https && !begins(url, WH_STR("http://")))
		return refuse(why, "must begin with https:// or http:// and a host name");
	return 0;
}

static bool
has_part(CURLU *u, CURLUPart part)
{
	char *text = NULL;

	if (curl_url_get(u, part, &text, 0) != CURLUE_OK)
		return false;
	curl_free(text);
	return true;
}

static bool
host_is_loopback(const char *host)
{
	struct in_addr v4;

	if (wh_str_ieq(wh_str_c(host), WH_STR("localhost")) ||
	    wh_str_is(wh_str_c(host), "[::1]"))
		return true;
	return inet_pton(AF_INET, host, &v4) == 1 && ntohl(v4.s_addr) >> 24 == 127;
}

static int
check_parts(CURLU *u, struct wh_url *ret, struct wh_buf *why)
{
	char *host = NULL;

	if (has_part(u, CURLUPART_USER) || has_part(u, CURLUPART_PASSWORD))
		return refuse(why, "holds a user name or password: leave it out");
	if (has_part(u, CURLUPART_FRAGMENT))
		return refuse(why,
			      "holds a fragment (#...), which is never sent: leave it out");
	if (curl_url_get(u, CURLUPART_HOST, &host, 0) != CURLUE_OK || !host || !*host) {
		curl_free(host);
		return refuse(why, "has no host name: give one after ://");
	}
	ret->loopback = host_is_loopback(host);
	ret->query = has_part(u, CURLUPART_QUERY);
	curl_free(host);
	return 0;
}

static int
parse(const char *text, struct wh_url *ret, struct wh_buf *why)
{
	CURLU *u = curl_url();

	if (!u)
		return WH_ENOMEM;
	CURLUcode code = curl_url_set(u, CURLUPART_URL, text, 0);
	int r = code == CURLUE_OUT_OF_MEMORY ? WH_ENOMEM : 0;

	if (code != CURLUE_OK && !r) {
		wh_buf_printf(why, "is not an address (%s): correct it",
			      curl_url_strerror(code));
		r = WH_EINVAL;
	}
	if (!r)
		r = check_parts(u, ret, why);
	curl_url_cleanup(u);
	return r;
}

int
wh_url_check(struct wh_str url, struct wh_url *ret, struct wh_buf *why)
{
	struct wh_url facts = {0};
	char text[WH_URL_MAX + 1];
	int r = check_text(url, &facts, why);

	if (r)
		return r;
	wh_require(url.n < sizeof(text));
	memcpy(text, url.p, url.n);
	text[url.n] = '\0';
	r = parse(text, &facts, why);
	if (r == 0)
		*ret = facts;
	return r;
}

/* The one path of the API, whatever stands before it. */
#define RESOURCE "webhookconfig"

static bool
ends_in_resource(struct wh_str path)
{
	struct wh_str want = WH_STR("/" RESOURCE);

	/* Two slashes: it is the host that has this name. */
	return path.n > want.n && path.p[path.n - want.n - 1] != '/' &&
	       wh_str_ieq(wh_str(path.p + path.n - want.n, want.n), want);
}

char *
wh_url_resource(struct wh_str url)
{
	const char *mark = url.n ? memchr(url.p, '?', url.n) : NULL;
	struct wh_str path = wh_str(url.p, mark ? (size_t)(mark - url.p) : url.n);
	struct wh_str query = wh_str(url.p + path.n, url.n - path.n);
	struct wh_buf b = WH_BUF_NULL;

	while (path.n && path.p[path.n - 1] == '/')
		path.n--;
	wh_buf_str(&b, path);
	if (!ends_in_resource(path))
		wh_buf_c(&b, "/" RESOURCE);
	wh_buf_str(&b, query);

	char *text = wh_xstrdup(wh_buf_view(&b));

	wh_buf_fini(&b);
	return text;
}

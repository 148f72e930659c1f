/* SPDX-License-Identifier: MIT */
/* Which next page may be read. */
#include "daemon/http_pages.h"

#include <curl/curl.h>
#include <stdlib.h>

/* Takes the text up to the next c off, and c. */
static struct wh_str
take_to(struct wh_str *s, char c)
{
	const char *at = s->n ? memchr(s->p, c, s->n) : NULL;
	struct wh_str part = wh_str(s->p, at ? (size_t)(at - s->p) : s->n);

	*s = at ? wh_str(at + 1, s->n - part.n - 1) : WH_STR_NULL;
	return part;
}

/* The same, but what is in double quotes is passed over. False: they do not end. */
static bool
take_unquoted(struct wh_str *s, char c, struct wh_str *ret)
{
	bool quoted = false;
	size_t i = 0;

	for (; i < s->n && (quoted || s->p[i] != c); i++) {
		if (s->p[i] == '"')
			quoted = !quoted;
		else if (quoted && s->p[i] == '\\')
			i++;
	}
	if (i > s->n)
		i = s->n;
	*ret = wh_str(s->p, i);
	*s = i < s->n ? wh_str(s->p + i + 1, s->n - i - 1) : WH_STR_NULL;
	return !quoted;
}

static struct wh_str
stripped(struct wh_str s, const char *of)
{
	while (s.n > 0 && strchr(of, s.p[0]))
		s = wh_str(s.p + 1, s.n - 1);
	while (s.n > 0 && strchr(of, s.p[s.n - 1]))
		s.n--;
	return s;
}

/* One of the words of the parameter `rel` is next, in quotes of any kind. */
static bool
is_next(struct wh_str params)
{
	struct wh_str value;

	while (params.n > 0 && take_unquoted(&params, ';', &value)) {
		struct wh_str name = stripped(take_to(&value, '='), " \t");

		if (!wh_str_ieq(name, WH_STR("rel")))
			continue;
		value = stripped(value, " \t\"'");
		while (value.n > 0)
			if (wh_str_ieq(take_to(&value, ' '), WH_STR("next")))
				return true;
	}
	return false;
}

/* Somewhere in it, whatever it means there. */
static bool
says_next(struct wh_str s)
{
	for (; s.n >= 4; s = wh_str(s.p + 1, s.n - 1))
		if (wh_str_ieq(wh_str(s.p, 4), WH_STR("next")))
			return true;
	return false;
}

/* Takes one `<target>; params` off. False: it is not written like that. */
static bool
take_link(struct wh_str *s, struct wh_str *ret_target, struct wh_str *ret_params)
{
	bool has_target = s->p[0] == '<' && memchr(s->p, '>', s->n) != NULL;

	*ret_target = WH_STR_NULL;
	if (has_target)
		*ret_target = take_to(s, '>');
	bool ends = take_unquoted(s, ',', ret_params);

	if (has_target)
		*ret_target = wh_str(ret_target->p + 1, ret_target->n - 1);
	return has_target && ends;
}

/*
 * The target of the first link whose rel is next, of a Link header or several
 * of them (RFC 8288). What cannot be read and may be one sets *ret_unreadable.
 */
static struct wh_str
link_target(struct wh_str header, bool *ret_unreadable)
{
	struct wh_str target, params, s = stripped(header, " \t,");

	*ret_unreadable = false;
	while (s.n > 0) {
		const struct wh_str from_here = s;

		if (!take_link(&s, &target, &params)) {
			*ret_unreadable = says_next(from_here);
			return WH_STR_NULL;
		}
		if (is_next(params)) {
			*ret_unreadable = target.n == 0;
			return target;
		}
		s = stripped(s, " \t,");
	}
	return WH_STR_NULL;
}

bool
wh_http_has_next(struct wh_str link_header)
{
	bool unreadable;

	return link_target(link_header, &unreadable).n > 0 || unreadable;
}

/* The number behind the slash of "items 0-7/10"; -1 if there is none. */
static int64_t
total_of_range(const char *content_range)
{
	const char *slash = strrchr(content_range, '/');
	int64_t total;

	return slash && wh_parse_i64(wh_str_c(slash + 1), 0, INT64_MAX, &total) ? total : -1;
}

bool
wh_http_is_part(int status, const char *content_range, const char *total_count,
		uint64_t elements)
{
	int64_t total;

	if (status == 206 || content_range[0])
		return total_of_range(content_range) != (int64_t)elements;
	return wh_parse_i64(wh_str_c(total_count), 0, INT64_MAX, &total) &&
	       total != (int64_t)elements;
}

static bool
same_part(CURLU *a, CURLU *b, CURLUPart part, unsigned flags)
{
	char *x = NULL, *y = NULL;
	bool same = curl_url_get(a, part, &x, flags) == CURLUE_OK &&
		    curl_url_get(b, part, &y, flags) == CURLUE_OK &&
		    wh_str_ieq(wh_str_c(x), wh_str_c(y));

	curl_free(x);
	curl_free(y);
	return same;
}

static char *
if_ours(CURLU *base, CURLU *next)
{
	char *url = NULL, *copy;

	if (!same_part(base, next, CURLUPART_SCHEME, 0) ||
	    !same_part(base, next, CURLUPART_HOST, 0) ||
	    !same_part(base, next, CURLUPART_PORT, CURLU_DEFAULT_PORT) ||
	    !same_part(base, next, CURLUPART_PATH, 0) ||
	    curl_url_get(next, CURLUPART_URL, &url, 0) != CURLUE_OK)
		return NULL;
	copy = wh_xstrdup(wh_str_c(url));
	curl_free(url);
	return copy;
}

char *
wh_http_next_page(const char *base_url, const char *current_url, struct wh_str body_link,
		  struct wh_str link_header)
{
	bool unreadable;
	struct wh_str link = body_link.n ? body_link : link_target(link_header, &unreadable);
	CURLU *base = curl_url(), *next = curl_url();
	char *text = NULL, *found = NULL;

	if (link.n && link.n < 4096 && !wh_str_has_control(link))
		text = wh_xstrdup(link);
	if (text && base && next &&
	    curl_url_set(base, CURLUPART_URL, base_url, 0) == CURLUE_OK &&
	    curl_url_set(next, CURLUPART_URL, current_url, 0) == CURLUE_OK &&
	    curl_url_set(next, CURLUPART_URL, text, 0) == CURLUE_OK)
		found = if_ours(base, next);
	free(text);
	curl_url_cleanup(base);
	curl_url_cleanup(next);
	return found;
}

/* SPDX-License-Identifier: MIT */
/*
 * The rules of the configuration that a single value does not show: settings
 * that must fit each other, the upstream's address, names of users.
 *
 * config.c calls it once all files were read without a problem. It may look
 * at the system (users, the file of certificates); it changes nothing.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/access.h"
#include "daemon/config_value.h"
#include "daemon/listen.h"
#include "daemon/url.h"
#include "proto/record.h"

#define BACKUP_LEAST_MS 60000

/* Begins a line about a setting; NULL if there are too many already. */
static struct wh_buf *
problem(struct wh_config_draft *d, const char *section, const char *key)
{
	if (!wh_config_draft_problem(d))
		return NULL;
	wh_config_where(d->config, section, key, d->text);
	return d->text;
}

static void
complain(struct wh_config_draft *d, const char *section, const char *key, const char *sentence)
{
	struct wh_buf *text = problem(d, section, key);

	if (text)
		wh_buf_printf(text, "%s\n", sentence);
}

/* What is wrong with an address that is well-formed, or NULL. */
static const char *
distrust_url(const struct wh_config *c, const struct wh_url *url)
{
	if (url->query)
		return "holds a query (?...), where whd puts the id of a webhook: leave it out";
	if (url->https)
		return NULL;
	if (!c->upstream_allow_http)
		return "is http, which shows the subscription key to the network: use https "
		       "(for "
		       "a simulator on this machine set upstream.allow_http = yes)";
	if (!url->loopback)
		return "is http to another machine: http is for 127.0.0.1, ::1 and localhost "
		       "only";
	return NULL;
}

static const char no_address[] =
	"no address is set: it comes with the subscription key, from the API's developer "
	"portal "
	"or from its support; set it to the API's address, with or without /webhookconfig";

static void
check_url(struct wh_config_draft *d)
{
	struct wh_str text = wh_str_c(d->config->upstream_url);
	struct wh_buf why = WH_BUF_NULL;
	struct wh_url url = {0};

	if (text.n == 0) {
		complain(d, "upstream", "url", no_address);
		return;
	}
	const char *sentence = NULL;

	if (wh_url_check(text, &url, &why)) {
		wh_buf_byte(&why, '\0');
		sentence = why.fault ? "cannot be checked: free memory" : why.p;
	} else {
		sentence = distrust_url(d->config, &url);
	}
	if (sentence)
		complain(d, "upstream", "url", sentence);
	wh_buf_fini(&why);
}

/* With another value in one of these no request would get through. */
static bool
is_of_http(const char *name)
{
	static const char *const taken[] = {
		"Accept",
		"Accept-Encoding",
		"Connection",
		"Content-Length",
		"Content-Type",
		"Expect",
		"Host",
		"TE",
		"Transfer-Encoding",
		"Upgrade",
	};

	for (size_t i = 0; i < wh_array_len(taken); i++)
		if (strcasecmp(name, taken[i]) == 0)
			return true;
	return false;
}

/* The characters of a header name (RFC 9110, 5.6.2). */
static void
check_header(struct wh_config_draft *d)
{
	const char *marks = "!#$%&'*+-.^_`|~0123456789"
			    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	const char *name = d->config->upstream_header;

	if (strspn(name, marks) != strlen(name))
		complain(d, "upstream", "header",
			 "is no header name: use letters, digits and - only");
	else if (is_of_http(name))
		complain(d, "upstream", "header",
			 "belongs to HTTP itself: set the one that the API's portal names for "
			 "the subscription key");
}

static void
check_ca_file(struct wh_config_draft *d)
{
	const char *file = d->config->upstream_ca_file;
	struct wh_buf *text = NULL;
	struct stat st;
	int err = 0;

	if (!*file)
		return;
	if (stat(file, &st) != 0 || access(file, R_OK) != 0)
		err = errno;
	else if (S_ISREG(st.st_mode) && st.st_size > 0)
		return;
	text = problem(d, "upstream", "ca_file");
	if (text && err)
		wh_buf_printf(text,
			      "%s cannot be read (%s): correct the path or its permissions\n",
			      file, strerror(err));
	else if (text)
		wh_buf_printf(text,
			      "%s is no file, or an empty one: name one that holds "
			      "certificates (PEM)\n",
			      file);
}

static void
check_limits(struct wh_config_draft *d)
{
	const struct wh_config *c = d->config;

	if (c->retry_base > c->retry_cap)
		complain(d, "retry", "base", "is longer than retry.cap: make it shorter");
	if (c->limits_out_high > c->limits_out_max)
		complain(d, "limits", "out_high",
			 "is larger than limits.out_max: make it smaller");
	if (c->limits_admin_reserve >= c->limits_connections)
		complain(d, "limits", "admin_reserve",
			 "leaves no connection for others: make it smaller than "
			 "limits.connections");
}

/* Kept are so few that faster ones would soon have pushed all older ones out. */
static void
check_backups(struct wh_config_draft *d)
{
	int64_t interval = d->config->store_backup_interval;

	if (interval > 0 && interval < BACKUP_LEAST_MS)
		complain(d, "store", "backup_interval",
			 "is shorter than 1min: make it longer, or 0 for no backups");
}

/* A change of one that whd itself sets would not be seen, and be written over without a
 * conflict; whid tells which webhook it is. */
static void
check_ignored(struct wh_config_draft *d)
{
	char *words = wh_xstrdup(wh_str_c(d->config->sync_ignore_members)), *rest = words;
	const char *word;

	while ((word = strsep(&rest, " ,")) != NULL) {
		bool documented = wh_field_by_name(wh_str_c(word)) != WH_F_COUNT;
		struct wh_buf *text = NULL;

		if (documented || strcmp(word, "whid") == 0)
			text = problem(d, "sync", "ignore_members");
		if (text)
			wh_buf_printf(text,
				      "%s is a member whose changes whd has to see, or it "
				      "would write over them: take it out\n",
				      word);
	}
	free(words);
}

static void
check_socket(struct wh_config_draft *d)
{
	struct wh_buf text = WH_BUF_NULL;
	gid_t group;

	if (wh_listen_group(d->config, &group, &text) && wh_config_draft_problem(d)) {
		wh_buf_str(d->text, wh_buf_view(&text));
		wh_buf_c(d->text, "\n");
	}
	wh_buf_fini(&text);
}

/* Only to see whether it can be done: the server makes its own. */
static void
check_access(struct wh_config_draft *d)
{
	struct wh_buf text = WH_BUF_NULL;
	struct wh_access *access = NULL;

	if (wh_access_new(&access, d->config, &text) && wh_config_draft_problem(d))
		wh_buf_str(d->text, wh_buf_view(&text));
	wh_access_free(access);
	wh_buf_fini(&text);
}

void
wh_config_draft_check(struct wh_config_draft *d)
{
	check_url(d);
	check_header(d);
	check_ca_file(d);
	check_limits(d);
	check_backups(d);
	check_ignored(d);
	check_socket(d);
	check_access(d);
}

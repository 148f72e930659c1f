/* SPDX-License-Identifier: MIT */
/*
 * Gathers a webhook from a document and options.
 *
 * Called by mutate.c for create and update. What a member may hold is whd's to
 * judge; here only the form of the input is.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "ctl/escape.h"
#include "ctl/input.h"
#include "proto/json.h"

/* Waits for input or Ctrl-C; false for the latter. */
static bool
wait_input(const struct wh_ctl *ctl, int fd)
{
	struct pollfd fds[] = {{.fd = fd, .events = POLLIN},
			       {.fd = ctl->signal_fd, .events = POLLIN}};

	while (poll(fds, 2, -1) < 0)
		if (errno != EINTR)
			return true; /* let read() say what is wrong */
	return !fds[1].revents;
}

static int
read_all(struct wh_ctl *ctl, int fd, const char *path, struct wh_buf *ret)
{
	for (;;) {
		char *to = wh_buf_room(ret, 4096);

		if (!to)
			return wh_ctl_fail(ctl, "TOO_LARGE", "%s is longer than %zu bytes",
					   path, WH_INPUT_MAX);
		if (!wait_input(ctl, fd))
			return wh_ctl_fail(ctl, "INTERRUPTED", "stopped by a signal");
		ssize_t n = read(fd, to, 4096);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return wh_ctl_fail(ctl, "USAGE", "cannot read %s: %s", path,
					   strerror(errno));
		if (n == 0)
			return 0;
		ret->n += (size_t)n;
	}
}

int
wh_input_read(struct wh_ctl *ctl, const char *path, struct wh_buf *ret)
{
	if (strcmp(path, "-") == 0)
		return read_all(ctl, STDIN_FILENO, "standard input", ret);
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return wh_ctl_fail(ctl, "USAGE", "cannot open %s: %s", path, strerror(errno));
	int r = read_all(ctl, fd, path, ret);

	close(fd);
	return r;
}

static bool
looks_like_json(struct wh_str text)
{
	size_t i = 0;

	while (i < text.n && strchr(" \t\r\n", text.p[i]) && text.p[i])
		i++;
	return i < text.n && (text.p[i] == '{' || text.p[i] == '[');
}

static int
parse_json(struct wh_ctl *ctl, const char *where, struct wh_str text, struct wh_buf *ret)
{
	struct wh_json_error error = {0};

	if (wh_json_to_pack(text, WH_INPUT_DEPTH, ret, &error))
		return wh_ctl_fail(ctl, "USAGE", "%s, line %d, column %d: %s", where,
				   error.line, error.column, error.text);
	return 0;
}

static int
parse_yaml(struct wh_ctl *ctl, const char *where, struct wh_str text, struct wh_buf *ret)
{
	struct wh_buf why = WH_BUF_NULL;
	int r = 0;

	if (wh_yaml_to_pack(text, ret, &why))
		r = wh_ctl_fail(ctl, "USAGE", "%s: %.*s", where, WH_STR_FMT(wh_buf_view(&why)));
	wh_buf_fini(&why);
	return r;
}

static int
parse_file(struct wh_ctl *ctl, const char *path, struct wh_buf *ret)
{
	const char *where = strcmp(path, "-") == 0 ? "standard input" : path;
	struct wh_buf text = wh_buf_capped(WH_INPUT_MAX);
	int r = wh_input_read(ctl, path, &text);

	if (!r && (looks_like_json(wh_buf_view(&text)) || !wh_yaml_available()))
		r = parse_json(ctl, where, wh_buf_view(&text), ret);
	else if (!r)
		r = parse_yaml(ctl, where, wh_buf_view(&text), ret);
	wh_buf_fini(&text);
	return r;
}

/* The document, decoded; an empty map if there is none. */
static int
read_document(struct wh_ctl *ctl, const char *json, struct wh_input *in)
{
	const char *file = ctl->cli.options[WH_OPTION_file];
	int r = 0;

	if (file && json)
		return wh_ctl_fail(ctl, "USAGE", "give -f or a JSON argument, not both");
	if (file)
		r = parse_file(ctl, file, &in->doc);
	else if (json)
		r = parse_json(ctl, "the JSON argument", wh_str_c(json), &in->doc);
	else
		wh_pack_map(&in->doc, 0);
	if (r)
		return r;
	if (in->doc.fault || wh_unpack(&in->tree, wh_buf_view(&in->doc), NULL))
		return wh_ctl_fail(ctl, "TOO_LARGE", "the input has too many members");
	if (in->tree.root.type != MSGPACK_OBJECT_MAP)
		return wh_ctl_fail(ctl, "USAGE",
				   "the input is not one object: give one webhook at a time");
	in->whid = wh_obj_str_at(&in->tree.root, "whid");
	in->was_shown = wh_obj_get(&in->tree.root, "_whd") != NULL;
	return 0;
}

static bool
is_whds_own(struct wh_str name)
{
	return wh_str_is(name, "whid") || wh_str_is(name, "_whd");
}

/*
 * The API may hold members that whd only hands through. Of a document that
 * whd showed they are no mistake, though whd takes none of them.
 */
static bool
is_only_shown(const struct wh_input *in, struct wh_str name)
{
	return in->was_shown && wh_field_by_name(name) == WH_F_COUNT && !is_whds_own(name);
}

static void
tell_passed_over(const struct wh_ctl *ctl, const struct wh_input *in)
{
	const msgpack_object_map *map = &in->tree.root.via.map;
	struct wh_buf names = WH_BUF_NULL;

	for (uint32_t i = 0; i < map->size; i++) {
		struct wh_str name = WH_STR_NULL;

		wh_obj_str(&map->ptr[i].key, &name);
		if (!is_only_shown(in, name))
			continue;
		wh_buf_c(&names, names.n ? ", " : "");
		wh_escape(&names, name, WH_ESCAPE_LINE);
	}
	if (names.n && !ctl->cli.options[WH_OPTION_quiet])
		fprintf(stderr, "whctl: passed over, as whd does not take it: %.*s\n",
			WH_STR_FMT(wh_buf_view(&names)));
	wh_buf_fini(&names);
}

static void
sort_processes(const struct wh_ctl *ctl, bool signs, struct wh_input *in)
{
	size_t room = ctl->cli.n_fields + 1;

	in->replace = wh_xcalloc(room, sizeof(*in->replace));
	in->add = wh_xcalloc(room, sizeof(*in->add));
	in->remove = wh_xcalloc(room, sizeof(*in->remove));
	for (size_t i = 0; i < ctl->cli.n_fields; i++) {
		const char *value = ctl->cli.fields[i].value;

		if (wh_fields[ctl->cli.fields[i].field].type != WH_FT_SET)
			continue;
		if (signs && value[0] == '+')
			in->add[in->n_add++] = value + 1;
		else if (signs && value[0] == '-')
			in->remove[in->n_remove++] = value + 1;
		else
			in->replace[in->n_replace++] = value;
	}
}

int
wh_input_gather(struct wh_ctl *ctl, const char *json, bool signs, struct wh_input *ret)
{
	*ret = (struct wh_input){.doc = wh_buf_capped(WH_INPUT_MAX * 4)};
	int r = read_document(ctl, json, ret);

	if (r)
		return r;
	tell_passed_over(ctl, ret);
	sort_processes(ctl, signs, ret);
	if (ret->n_replace && (ret->n_add || ret->n_remove))
		return wh_ctl_fail(
			ctl, "USAGE",
			"--process P replaces all, +P and -P change some: do not mix "
			"them");
	return 0;
}

void
wh_input_fini(struct wh_input *in)
{
	wh_tree_fini(&in->tree);
	wh_buf_fini(&in->doc);
	free(in->replace);
	free(in->add);
	free(in->remove);
}

/* The last value given for a text member; NULL if there is none. */
static const char *
option_text(const struct wh_ctl *ctl, enum wh_field f)
{
	const char *value = NULL;

	for (size_t i = 0; i < ctl->cli.n_fields; i++)
		if (ctl->cli.fields[i].field == f)
			value = ctl->cli.fields[i].value;
	return value;
}

static bool
given_by_option(const struct wh_ctl *ctl, const struct wh_input *in, enum wh_field f)
{
	if (wh_fields[f].type == WH_FT_SET)
		return in->n_replace > 0;
	return option_text(ctl, f) != NULL;
}

bool
wh_input_has(const struct wh_ctl *ctl, const struct wh_input *in, enum wh_field f)
{
	return given_by_option(ctl, in, f) || wh_obj_get(&in->tree.root, wh_fields[f].name);
}

void
wh_input_pack_list(struct wh_params *p, const char *key, const char *const *texts, size_t n)
{
	if (n == 0)
		return;
	wh_pack_c(&p->b, key);
	wh_pack_array(&p->b, n);
	for (size_t i = 0; i < n; i++)
		wh_pack_c(&p->b, texts[i]);
	p->n++;
}

/* What of the document no option replaces. */
static bool
takes_member(const struct wh_ctl *ctl, const struct wh_input *in, struct wh_str name)
{
	enum wh_field f = wh_field_by_name(name);

	if (is_whds_own(name) || is_only_shown(in, name))
		return false;
	return f == WH_F_COUNT || !given_by_option(ctl, in, f);
}

void
wh_input_pack(const struct wh_ctl *ctl, const struct wh_input *in, struct wh_params *p)
{
	const msgpack_object_map *map = &in->tree.root.via.map;

	for (uint32_t i = 0; i < map->size; i++) {
		struct wh_str name = WH_STR_NULL;

		wh_obj_str(&map->ptr[i].key, &name);
		if (!takes_member(ctl, in, name))
			continue;
		wh_pack_str(&p->b, name);
		wh_pack_object(&p->b, &map->ptr[i].val);
		p->n++;
	}
	for (size_t f = 0; f < WH_F_COUNT; f++) {
		const char *text = option_text(ctl, (enum wh_field)f);

		if (wh_fields[f].type == WH_FT_SET)
			wh_input_pack_list(p, wh_fields[f].name, in->replace, in->n_replace);
		else if (text)
			wh_params_str(p, wh_fields[f].name, wh_str_c(text));
	}
}

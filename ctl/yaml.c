/* SPDX-License-Identifier: MIT */
/*
 * YAML documents in, through libfyaml.
 *
 * Called by input.c. Every scalar is text as it stands (0301 stays 0301, no
 * is no), because all members of a webhook are; only null is no text, and whd
 * refuses it as it does in JSON. A stream holds one document. Aliases are not followed, so
 * that a small file cannot become a large value. Without libfyaml there is
 * only JSON.
 */
#include "ctl/input.h"

#ifdef WHD_FYAML
#include <libfyaml.h>

struct reader {
	struct wh_buf *out, *why;
	unsigned depth;
};

static int put_node(struct reader *rd, struct fy_node *node);

static int
refuse(struct reader *rd, const char *what)
{
	wh_buf_c(rd->why, what);
	return WH_EPROTO;
}

/* null, ~ or nothing at all, unless it is quoted. */
static bool
is_null(struct fy_node *node)
{
	static const char *const nulls[] = {"", "~", "null", "Null", "NULL"};
	size_t n = 0;
	const char *text = node ? fy_node_get_scalar(node, &n) : NULL;

	if (node && fy_node_get_style(node) != FYNS_PLAIN)
		return false;
	for (size_t i = 0; i < wh_array_len(nulls); i++)
		if (wh_str_is(wh_str(text ? text : "", text ? n : 0), nulls[i]))
			return true;
	return false;
}

static int
put_scalar(struct reader *rd, struct fy_node *node)
{
	size_t n = 0;
	const char *text = fy_node_get_scalar(node, &n);

	if (fy_node_is_alias(node))
		return refuse(rd, "aliases are not understood: write the value itself");
	wh_pack_str(rd->out, wh_str(text ? text : "", text ? n : 0));
	return 0;
}

static int
put_sequence(struct reader *rd, struct fy_node *node)
{
	size_t n = 0, place = wh_pack_open_array(rd->out);
	struct fy_node *item;
	void *at = NULL;
	int r = 0;

	while (!r && (item = fy_node_sequence_iterate(node, &at))) {
		r = put_node(rd, item);
		n++;
	}
	wh_pack_close_array(rd->out, place, n);
	return r;
}

static int
put_mapping(struct reader *rd, struct fy_node *node)
{
	size_t n = 0, place = wh_pack_open_map(rd->out);
	struct fy_node_pair *pair;
	void *at = NULL;
	int r = 0;

	while (!r && (pair = fy_node_mapping_iterate(node, &at))) {
		struct fy_node *key = fy_node_pair_key(pair);

		if (!fy_node_is_scalar(key))
			return refuse(rd, "a key is not text");
		r = put_scalar(rd, key);
		if (!r)
			r = put_node(rd, fy_node_pair_value(pair));
		n++;
	}
	wh_pack_close_map(rd->out, place, n);
	return r;
}

static int
put_node(struct reader *rd, struct fy_node *node)
{
	int r;

	if (++rd->depth > WH_INPUT_DEPTH)
		return refuse(rd, "the document is nested too deeply");
	if (!node || (fy_node_is_scalar(node) && is_null(node)))
		r = (wh_pack_nil(rd->out), 0);
	else if (fy_node_is_scalar(node))
		r = put_scalar(rd, node);
	else if (fy_node_is_sequence(node))
		r = put_sequence(rd, node);
	else
		r = put_mapping(rd, node);
	rd->depth--;
	return r;
}

/* The library would print by itself, and what it quotes is not ours. */
static void
print_nothing(struct fy_diag *diag, void *user, const char *text, size_t n)
{
	(void)diag;
	(void)user;
	(void)text;
	(void)n;
}

static struct fy_diag *
new_diag(void)
{
	struct fy_diag_cfg cfg;

	fy_diag_cfg_default(&cfg);
	cfg.fp = NULL;
	cfg.output_fn = print_nothing;
	struct fy_diag *diag = fy_diag_create(&cfg);

	if (diag)
		fy_diag_set_collect_errors(diag, true);
	return diag;
}

static int
refuse_syntax(struct reader *rd, struct fy_diag *diag)
{
	void *at = NULL;
	const struct fy_diag_error *e = diag ? fy_diag_errors_iterate(diag, &at) : NULL;

	if (e && e->msg)
		wh_buf_printf(rd->why, "line %d, column %d: %s", e->line, e->column, e->msg);
	else
		wh_buf_c(rd->why, "this is neither JSON nor YAML");
	return WH_EPROTO;
}

static int
put_document(struct reader *rd, struct fy_document *doc, struct fy_diag *diag)
{
	struct fy_node *root = doc ? fy_document_root(doc) : NULL;

	if (root)
		return put_node(rd, root);
	return doc || !fy_diag_got_error(diag) ? refuse(rd, "the document is empty")
					       : refuse_syntax(rd, diag);
}

/* The first document; a second one must not be passed over unseen. */
static int
put_stream(struct reader *rd, struct fy_parser *parser, struct fy_diag *diag)
{
	struct fy_document *doc = fy_parse_load_document(parser);
	int r = put_document(rd, doc, diag);
	struct fy_document *more = r ? NULL : fy_parse_load_document(parser);

	if (more)
		r = refuse(rd, "a second document follows: give one webhook at a time");
	else if (!r && fy_diag_got_error(diag))
		r = refuse_syntax(rd, diag);
	fy_parse_document_destroy(parser, more);
	fy_parse_document_destroy(parser, doc);
	return r;
}

bool
wh_yaml_available(void)
{
	return true;
}

int
wh_yaml_to_pack(struct wh_str text, struct wh_buf *out, struct wh_buf *why)
{
	struct fy_diag *diag = new_diag();
	struct fy_parse_cfg cfg = {.flags = FYPCF_QUIET, .diag = diag};
	struct fy_parser *parser = fy_parser_create(&cfg);
	struct reader rd = {out, why, 0};
	int r = WH_ENOMEM;

	if (parser && fy_parser_set_string(parser, text.p, text.n) == 0)
		r = put_stream(&rd, parser, diag);
	fy_parser_destroy(parser);
	fy_diag_destroy(diag);
	return r;
}

#else

bool
wh_yaml_available(void)
{
	return false;
}

int
wh_yaml_to_pack(struct wh_str text, struct wh_buf *out, struct wh_buf *why)
{
	(void)text;
	(void)out;
	wh_buf_c(why, "this whctl reads JSON only");
	return WH_EPROTO;
}
#endif

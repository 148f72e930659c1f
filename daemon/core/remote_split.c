/* SPDX-License-Identifier: MIT */
/*
 * The splitter: a state machine over bytes that can stop and go on anywhere.
 *
 * Each phase has one step function that consumes some bytes or changes the
 * phase, so that every turn makes progress. Bytes of an element are copied
 * only if it straddles two pieces of the body. Runs on the HTTP thread.
 */
#include "daemon/core/remote_split.h"

#include "daemon/core/remote_token.h"
#include "daemon/core/reply_text.h"

/* What is left of the piece being looked at. */
struct cursor {
	const char *p, *end;
};

static int run(struct wh_split *s, struct cursor *in);

static void
enter_lost(struct wh_split *s)
{
	s->malformed = true;
	s->phase = WH_SPLIT_LOST;
}

static void
begin_token(struct wh_split *s, size_t depth)
{
	s->token = (struct wh_split_token){.depth = depth, .begun = depth > 0, .first = '['};
}

/* --- the outermost value --- */

static int
step_root(struct wh_split *s, struct cursor *in)
{
	static const char mark[] = "\xef\xbb\xbf";
	const char c = *in->p;

	if (s->bom < 3 && c == mark[s->bom]) {
		s->bom++;
		in->p++;
		return 0;
	}
	if (s->bom == 1 || s->bom == 2) {
		s->shape = WH_SPLIT_OTHER;
		s->phase = WH_SPLIT_LOST;
		return 0;
	}
	s->bom = 3;
	if (wh_reply_is_space(c)) {
		in->p++;
	} else if (c == '[') {
		in->p++;
		s->shape = WH_SPLIT_ARRAY;
		s->phase = WH_SPLIT_IN_LIST;
	} else if (c == '{') {
		s->shape = WH_SPLIT_OBJECT;
		s->phase = WH_SPLIT_IN_HEAD;
		begin_token(s, 0);
	} else {
		s->shape = WH_SPLIT_OTHER;
		s->phase = c == 'n' ? WH_SPLIT_IN_LITERAL : WH_SPLIT_LOST;
	}
	return 0;
}

static bool
literal_is_null(const struct wh_split *s)
{
	return wh_str_is(wh_str(s->key, s->key_n), "null");
}

static int
step_literal(struct wh_split *s, struct cursor *in)
{
	if (*in->p >= 'a' && *in->p <= 'z' && s->key_n < WH_SPLIT_KEY_MAX) {
		s->key[s->key_n++] = *in->p++;
		return 0;
	}
	s->shape = literal_is_null(s) ? WH_SPLIT_NULL : WH_SPLIT_OTHER;
	s->phase = literal_is_null(s) ? WH_SPLIT_AT_END : WH_SPLIT_LOST;
	return 0;
}

static int
step_end(struct wh_split *s, struct cursor *in)
{
	if (!wh_reply_is_space(*in->p)) {
		s->trailing = true;
		s->phase = WH_SPLIT_LOST;
	}
	in->p++;
	return 0;
}

static int
step_lost(struct wh_split *s, struct cursor *in)
{
	(void)s;
	in->p = in->end;
	return 0;
}

/* --- the head: an object held back as long as it may be one webhook --- */

/* Nobody waits behind an element of the head: a stop is passed over. */
static int
replay_head(struct wh_split *s)
{
	int r = 0;

	s->phase = WH_SPLIT_IN_SHELL;
	s->at = WH_SPLIT_OPEN;
	begin_token(s, 0);
	if (s->head.n == 0)
		return 0;

	struct cursor in = {s->head.p, s->head.p + s->head.n};

	while (r >= 0 && in.p < in.end)
		r = run(s, &in);
	return r < 0 ? r : 0;
}

static int
step_head(struct wh_split *s, struct cursor *in)
{
	const char *to = wh_split_pass(&s->token, in->p, in->end);
	const size_t n = (size_t)(to - in->p);

	if (n > s->element_max - s->head.n) {
		int r = replay_head(s);

		wh_buf_reset(&s->head);
		return r;
	}
	wh_buf_add(&s->head, in->p, n);
	if (s->head.fault)
		return s->head.fault;
	in->p = to;
	if (!s->token.done)
		return 0;
	s->row = s->ops.is_row(s->ops.ctx, wh_buf_view(&s->head));
	if (!s->row)
		return replay_head(s);
	s->phase = WH_SPLIT_AT_END;
	return 0;
}

/* --- the shell: an object around the list --- */

static void
move_key(struct wh_split *s, struct cursor *in)
{
	const char c = *in->p++;

	if (c == '"') {
		s->key_n = 0;
		s->token = (struct wh_split_token){.in_text = true};
		s->at = WH_SPLIT_IN_KEY;
	} else if (c == '}') {
		in->p--;
		s->at = WH_SPLIT_NEXT;
	} else if (!wh_reply_is_space(c)) {
		enter_lost(s);
	}
}

static void
move_in_key(struct wh_split *s, struct cursor *in)
{
	const char *to = wh_split_pass_text(&s->token, in->p, in->end);
	size_t n = (size_t)(to - in->p) - !s->token.in_text;

	if (n > WH_SPLIT_KEY_MAX - s->key_n)
		n = WH_SPLIT_KEY_MAX - s->key_n;
	memcpy(s->key + s->key_n, in->p, n);
	s->key_n += n;
	in->p = to;
	if (!s->token.in_text)
		s->at = WH_SPLIT_COLON;
}

static void
move_value(struct wh_split *s, struct cursor *in)
{
	const char c = *in->p;
	const bool processes = wh_str_ieq(wh_str(s->key, s->key_n), WH_STR("processes"));

	if (wh_reply_is_space(c)) {
		in->p++;
	} else if (c == '{' && s->level < WH_SPLIT_LEVELS) {
		in->p++;
		s->level++;
		s->at = WH_SPLIT_KEY;
	} else if (c == '[' && !processes) {
		in->p++;
		s->at = WH_SPLIT_PEEK;
	} else {
		begin_token(s, 0);
		s->at = WH_SPLIT_IN_VALUE;
	}
}

/* Behind a [: the list, an empty array, or one that does not concern us. */
static void
move_peek(struct wh_split *s, struct cursor *in)
{
	const char c = *in->p;

	if (wh_reply_is_space(c)) {
		in->p++;
	} else if (c == ']') {
		in->p++;
		s->shape = WH_SPLIT_WRAPPED;
		s->at = WH_SPLIT_NEXT;
	} else if (c == '{' && !s->list_taken) {
		s->list_taken = true;
		s->shape = WH_SPLIT_WRAPPED;
		s->phase = WH_SPLIT_IN_LIST;
		s->due = WH_SPLIT_FIRST;
	} else {
		s->second_list |= c == '{';
		begin_token(s, 1);
		s->at = WH_SPLIT_IN_VALUE;
	}
}

static void
move_next(struct wh_split *s, struct cursor *in)
{
	const char c = *in->p++;

	if (wh_reply_is_space(c))
		return;
	if (c == ',') {
		s->at = WH_SPLIT_KEY;
	} else if (c == '}') {
		s->level--;
		if (s->level == 0)
			s->phase = WH_SPLIT_AT_END;
	} else {
		enter_lost(s);
	}
}

static void
move_in_shell(struct wh_split *s, struct cursor *in)
{
	switch (s->at) {
	case WH_SPLIT_OPEN:
		in->p++;
		s->level = 1;
		s->at = WH_SPLIT_KEY;
		break;
	case WH_SPLIT_KEY:
		move_key(s, in);
		break;
	case WH_SPLIT_IN_KEY:
		move_in_key(s, in);
		break;
	case WH_SPLIT_COLON:
		if (*in->p == ':')
			s->at = WH_SPLIT_VALUE;
		else if (!wh_reply_is_space(*in->p))
			enter_lost(s);
		in->p++;
		break;
	case WH_SPLIT_VALUE:
		move_value(s, in);
		break;
	case WH_SPLIT_IN_VALUE:
		in->p = wh_split_pass(&s->token, in->p, in->end);
		if (s->token.done)
			s->at = WH_SPLIT_NEXT;
		break;
	case WH_SPLIT_PEEK:
		move_peek(s, in);
		break;
	case WH_SPLIT_CLOSE:
		in->p++;
		s->at = WH_SPLIT_NEXT;
		break;
	case WH_SPLIT_NEXT:
		move_next(s, in);
		break;
	}
}

static int
step_shell(struct wh_split *s, struct cursor *in)
{
	const char *from = in->p;
	size_t n;

	move_in_shell(s, in);
	n = (size_t)(in->p - from);
	if (n > WH_SPLIT_SHELL_MAX - s->shell.n)
		s->shell_lost = true;
	if (!s->shell_lost)
		wh_buf_add(&s->shell, from, n);
	return s->shell.fault;
}

/* --- the list and its elements --- */

static void
end_list(struct wh_split *s, struct cursor *in)
{
	s->malformed |= s->due == WH_SPLIT_ELEMENT;
	if (s->shape == WH_SPLIT_WRAPPED) {
		s->phase = WH_SPLIT_IN_SHELL;
		s->at = WH_SPLIT_CLOSE;
		return;
	}
	in->p++;
	s->phase = WH_SPLIT_AT_END;
}

static int
step_list(struct wh_split *s, struct cursor *in)
{
	const char c = *in->p;

	if (wh_reply_is_space(c)) {
		in->p++;
	} else if (c == ']') {
		end_list(s, in);
	} else if (c == '}') { /* closes nothing */
		in->p++;
		s->malformed = true;
	} else if (c == ',') {
		in->p++;
		s->malformed |= s->due != WH_SPLIT_SEPARATOR;
		s->due = WH_SPLIT_ELEMENT;
	} else {
		s->malformed |= s->due == WH_SPLIT_SEPARATOR;
		s->phase = WH_SPLIT_IN_ELEMENT;
		s->skipping = false;
		wh_buf_reset(&s->element);
		begin_token(s, 0);
	}
	return 0;
}

static int
end_element(struct wh_split *s, struct wh_str last)
{
	s->phase = WH_SPLIT_IN_LIST;
	s->due = WH_SPLIT_SEPARATOR;
	if (s->skipping) {
		s->overlong++;
		return 0;
	}
	if (s->element.n == 0)
		return s->ops.on_element(s->ops.ctx, last);
	wh_buf_str(&s->element, last);
	if (s->element.fault)
		return s->element.fault;
	return s->ops.on_element(s->ops.ctx, wh_buf_view(&s->element));
}

static int
step_element(struct wh_split *s, struct cursor *in)
{
	const char *from = in->p;
	struct wh_str piece;

	in->p = wh_split_pass(&s->token, in->p, in->end);
	piece = wh_str(from, (size_t)(in->p - from));
	if (!s->skipping && piece.n > s->element_max - s->element.n)
		s->skipping = true;
	if (s->token.done)
		return end_element(s, piece);
	if (!s->skipping)
		wh_buf_str(&s->element, piece);
	return s->element.fault;
}

static int
run(struct wh_split *s, struct cursor *in)
{
	static int (*const step[])(struct wh_split *, struct cursor *) = {
		[WH_SPLIT_AT_ROOT] = step_root, [WH_SPLIT_IN_LITERAL] = step_literal,
		[WH_SPLIT_IN_HEAD] = step_head, [WH_SPLIT_IN_SHELL] = step_shell,
		[WH_SPLIT_IN_LIST] = step_list, [WH_SPLIT_IN_ELEMENT] = step_element,
		[WH_SPLIT_AT_END] = step_end,   [WH_SPLIT_LOST] = step_lost,
	};
	int r = 0;

	while (in->p < in->end && r == 0)
		r = step[s->phase](s, in);
	return r;
}

/* --- the public side --- */

void
wh_split_init(struct wh_split *s, size_t element_max, const struct wh_split_ops *ops)
{
	*s = (struct wh_split){.ops = *ops, .element_max = element_max};
	s->head = wh_buf_capped(element_max + 1);
	s->shell = wh_buf_capped(WH_SPLIT_SHELL_MAX + 1);
	s->element = wh_buf_capped(element_max + 1);
}

void
wh_split_fini(struct wh_split *s)
{
	wh_buf_fini(&s->head);
	wh_buf_fini(&s->shell);
	wh_buf_fini(&s->element);
}

void
wh_split_restart(struct wh_split *s)
{
	struct wh_split fresh = {.ops = s->ops, .element_max = s->element_max};

	fresh.head = s->head;
	fresh.shell = s->shell;
	fresh.element = s->element;
	*s = fresh;
	wh_buf_reset(&s->head);
	wh_buf_reset(&s->shell);
	wh_buf_reset(&s->element);
}

int
wh_split_feed(struct wh_split *s, struct wh_str *bytes)
{
	if (bytes->n == 0)
		return 0;

	struct cursor in = {bytes->p, bytes->p + bytes->n};
	int r = run(s, &in);

	*bytes = wh_str(in.p, (size_t)(in.end - in.p));
	return r;
}

int
wh_split_end(struct wh_split *s)
{
	int r = 0;

	switch (s->phase) {
	case WH_SPLIT_AT_ROOT:
		s->shape = s->bom == 1 || s->bom == 2 ? WH_SPLIT_OTHER : WH_SPLIT_NOTHING;
		break;
	case WH_SPLIT_IN_LITERAL:
		s->shape = literal_is_null(s) ? WH_SPLIT_NULL : WH_SPLIT_OTHER;
		break;
	case WH_SPLIT_IN_HEAD: /* what has come of a list is worth having */
		r = replay_head(s);
		wh_buf_reset(&s->head);
		s->cut = true;
		break;
	case WH_SPLIT_IN_SHELL:
	case WH_SPLIT_IN_LIST:
	case WH_SPLIT_IN_ELEMENT:
		s->cut = true;
		break;
	case WH_SPLIT_AT_END:
	case WH_SPLIT_LOST:
		break;
	}
	return r;
}

struct wh_str
wh_split_object(const struct wh_split *s)
{
	return s->shape == WH_SPLIT_OBJECT ? wh_buf_view(&s->head) : WH_STR_NULL;
}

struct wh_str
wh_split_shell(const struct wh_split *s)
{
	return s->shape == WH_SPLIT_WRAPPED ? wh_buf_view(&s->shell) : WH_STR_NULL;
}

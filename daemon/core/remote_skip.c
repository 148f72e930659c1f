/* SPDX-License-Identifier: MIT */
/*
 * The two sides of a block: recorded while elements are split, one by one, and
 * compared when its turn comes again. A block begins right behind a known
 * element; there the splitter is always in the same state, so that passing
 * over the block leaves it as splitting would.
 */
#include "daemon/core/remote_skip.h"

#include <stdlib.h>
#include <xxhash.h>

struct wh_skip_hash {
	XXH3_state_t *state;
};

void
wh_skip_init(struct wh_skip *s, struct wh_known *known)
{
	*s = (struct wh_skip){.known = known, .held = wh_buf_capped(WH_SKIP_BLOCK_MAX)};
	if (!known)
		return;
	s->hash = calloc(1, sizeof(*s->hash));
	if (s->hash)
		s->hash->state = XXH3_createState();
}

void
wh_skip_fini(struct wh_skip *s)
{
	if (s->hash)
		XXH3_freeState(s->hash->state);
	free(s->hash);
	wh_buf_fini(&s->held);
}

void
wh_skip_restart(struct wh_skip *s)
{
	s->block = NULL;
	s->open = false;
	wh_buf_reset(&s->held);
	if (s->known)
		wh_known_block_drop(s->known);
}

/* ------------------------------------------------------------------- record -- */

static void
open_block(struct wh_skip *s, uint32_t after)
{
	if (!s->hash || !s->hash->state)
		return;
	XXH3_128bits_reset_withSeed(s->hash->state, wh_known_seed(s->known));
	wh_known_block_open(s->known, after);
	s->open_bytes = 0;
	s->open = true;
}

static void
close_block(struct wh_skip *s)
{
	if (!s->open)
		return;
	s->open = false;

	XXH128_hash_t h = XXH3_128bits_digest(s->hash->state);

	if (s->open_bytes <= WH_SKIP_BLOCK_MAX)
		wh_known_block_close(s->known, (struct wh_hash){h.low64, h.high64},
				     (uint32_t)s->open_bytes);
	else
		wh_known_block_drop(s->known);
}

static void
drop_block(struct wh_skip *s)
{
	s->open = false;
	wh_known_block_drop(s->known);
}

void
wh_skip_bytes(struct wh_skip *s, struct wh_str bytes)
{
	if (bytes.n)
		s->block = NULL; /* it would have had to follow at once */
	if (!s->open)
		return;
	s->open_bytes += bytes.n;
	XXH3_128bits_update(s->hash->state, bytes.p, bytes.n);
}

void
wh_skip_element(struct wh_skip *s, uint32_t at)
{
	if (!s->known)
		return;
	if (at == WH_KNOWN_NONE) {
		drop_block(s);
		return;
	}
	if (s->open)
		wh_known_block_add(s->known, at);
	s->block = wh_known_behind(s->known, at);
	if (s->block || s->open_bytes >= WH_SKIP_BLOCK)
		close_block(s);
	if (!s->open)
		open_block(s, at);
}

/* ------------------------------------------------------------------ compare -- */

static bool
came_again(const struct wh_skip *s, const char *bytes)
{
	struct wh_hash h =
		wh_known_hash(wh_known_seed(s->known), wh_str(bytes, s->block->bytes));

	return h.lo == s->block->hash.lo && h.hi == s->block->hash.hi;
}

/* The whole block lies at `bytes`. */
static enum wh_skip_step
judge(struct wh_skip *s, const char *bytes, uint32_t *ret_elements)
{
	const struct wh_known_block *b = s->block;
	uint32_t last = came_again(s, bytes) ? wh_known_tick_block(s->known, b) : WH_KNOWN_NONE;

	s->block = NULL;
	if (last == WH_KNOWN_NONE)
		return WH_SKIP_OTHER;
	*ret_elements = b->n;
	s->open = false;
	s->block = wh_known_behind(s->known, last);
	open_block(s, last);
	return WH_SKIP_PASSED;
}

enum wh_skip_step
wh_skip_block(struct wh_skip *s, struct wh_str *bytes, uint32_t *ret_elements)
{
	size_t want = s->block->bytes - s->held.n;
	enum wh_skip_step step;

	if (s->held.n == 0 && bytes->n >= want) {
		step = judge(s, bytes->p, ret_elements);
		if (step == WH_SKIP_PASSED)
			*bytes = wh_str(bytes->p + want, bytes->n - want);
		return step;
	}
	if (want > bytes->n)
		want = bytes->n;
	wh_buf_add(&s->held, bytes->p, want);
	if (s->held.fault)
		return WH_SKIP_OTHER;
	*bytes = wh_str(bytes->p + want, bytes->n - want);
	if (s->held.n < s->block->bytes)
		return WH_SKIP_MORE;
	step = judge(s, s->held.p, ret_elements);
	if (step == WH_SKIP_PASSED)
		wh_buf_reset(&s->held);
	return step;
}

struct wh_buf
wh_skip_held(struct wh_skip *s)
{
	struct wh_buf held = s->held;

	s->held = wh_buf_capped(WH_SKIP_BLOCK_MAX);
	s->block = NULL;
	return held;
}

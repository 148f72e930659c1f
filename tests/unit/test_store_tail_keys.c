/* SPDX-License-Identifier: MIT */
/* The keys of the tail of the queue, beside a plain list of them. */
#include "tests/unit/store_fixture.h"

#include "store/tail_keys.h"

#define MANY 300u
#define FEW_KEYS 12u /* so that many have the same, and many have none */

struct model {
	uint64_t key[WH_TAIL_KEYS];
	bool here;
};

struct pair {
	struct wh_tail_keys *keys;
	struct model model[MANY]; /* by seq */
	uint64_t last;            /* seq */
	uint64_t seed;
};

static uint64_t
draw(struct pair *p, uint64_t below)
{
	p->seed = p->seed * 6364136223846793005u + 1442695040888963407u;
	return (p->seed >> 33) % below;
}

static void
draw_keys(struct pair *p, uint64_t key[WH_TAIL_KEYS])
{
	for (size_t kind = 0; kind < WH_TAIL_KEYS; kind++)
		key[kind] = draw(p, FEW_KEYS);
}

/* What is found, in order of seq, from `from` on. */
static void
check_search(const struct pair *p, unsigned kind, uint64_t key, uint64_t from)
{
	uint32_t at = wh_tail_keys_first(p->keys, kind, key, from);

	for (uint64_t seq = from; seq <= p->last; seq++) {
		const struct model *m = &p->model[seq];

		if (!m->here || (kind != WH_TAIL_ANY && m->key[kind] != key))
			continue;
		assert_int_not_equal(at, WH_TAIL_NOWHERE);
		assert_int_equal(wh_tail_keys_seq(p->keys, at), seq);
		at = wh_tail_keys_next(p->keys, kind, key, at);
	}
	assert_int_equal(at, WH_TAIL_NOWHERE);
}

static void
check_all(const struct pair *p)
{
	for (unsigned kind = 0; kind < WH_TAIL_KEYS; kind++)
		for (uint64_t key = 1; key < FEW_KEYS; key++) {
			check_search(p, kind, key, 0);
			check_search(p, kind, key, p->last / 2);
		}
	check_search(p, WH_TAIL_ANY, 0, 0);
	check_search(p, WH_TAIL_ANY, 0, p->last / 2);
}

static void
put(struct pair *p, uint64_t seq)
{
	struct model *m = &p->model[seq];

	draw_keys(p, m->key);
	m->here = true;
	assert_true(wh_tail_keys_put(p->keys, seq, m->key));
	if (seq > p->last)
		p->last = seq;
}

static void
del(struct pair *p, uint64_t seq)
{
	p->model[seq].here = false;
	wh_tail_keys_del(p->keys, seq);
}

static void
step(struct pair *p)
{
	uint64_t seq = p->last ? draw(p, p->last) + 1 : 0;

	if (seq == 0 || (draw(p, 3) == 0 && p->last + 2 < MANY))
		put(p, p->last + 1 + draw(p, 2));
	else if (draw(p, 3) == 0)
		del(p, seq);
	else if (p->model[seq].here)
		put(p, seq);
}

static void
test_random(void **state)
{
	struct pair p = {.keys = calloc(1, sizeof(*p.keys))};

	(void)state;
	assert_non_null(p.keys);
	for (p.seed = 1; p.seed <= 5; p.seed++) {
		memset(p.model, 0, sizeof(p.model));
		p.last = 0;
		for (unsigned i = 0; i < 600; i++) {
			step(&p);
			if (i % 20 == 0)
				check_all(&p);
		}
		wh_tail_keys_clear(p.keys);
		p.last = 0;
		memset(p.model, 0, sizeof(p.model));
		check_all(&p);
	}
	free(p.keys);
}

/* Full is full, and room is where the first one was; whoever is new in between has none. */
static void
test_full(void **state)
{
	struct wh_tail_keys *t = calloc(1, sizeof(*t));
	const uint64_t key[WH_TAIL_KEYS] = {[WH_TAIL_LANE] = 7};

	(void)state;
	assert_non_null(t);
	for (uint64_t seq = 1; seq <= WH_TAIL_MAX; seq++)
		assert_true(wh_tail_keys_put(t, 2 * seq, key));
	assert_false(wh_tail_keys_put(t, 2 * WH_TAIL_MAX + 2, key));
	assert_false(wh_tail_keys_put(t, 5, key));
	wh_tail_keys_del(t, 5);
	wh_tail_keys_del(t, 2);
	wh_tail_keys_del(t, 2);
	assert_int_equal(wh_tail_keys_length(t), WH_TAIL_MAX - 1);
	assert_true(wh_tail_keys_put(t, 2 * WH_TAIL_MAX + 2, key));

	uint32_t at = wh_tail_keys_first(t, WH_TAIL_LANE, 7, 0);

	for (uint64_t seq = 2; seq <= WH_TAIL_MAX + 1; seq++) {
		assert_int_equal(wh_tail_keys_seq(t, at), 2 * seq);
		at = wh_tail_keys_next(t, WH_TAIL_LANE, 7, at);
	}
	assert_int_equal(at, WH_TAIL_NOWHERE);
	free(t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

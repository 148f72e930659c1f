/* SPDX-License-Identifier: MIT */
/*
 * Waiting times, as numbers: backoff with full jitter, waits asked by the
 * upstream in a header or in words, and the times at which an unknown outcome
 * is looked at.
 *
 * Called by the gates, the scheduler and the pump; any thread. Random numbers
 * come in as arguments; nothing here can wait by itself.
 */
#include "daemon/core/retry.h"

#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define LONGEST (366 * DAY) /* nothing asked for more is understood */

static int64_t
below(uint64_t random, int64_t n)
{
	return (int64_t)(random % (uint64_t)n);
}

int64_t
wh_retry_backoff(int64_t base_ms, int64_t cap_ms, uint32_t failures, uint64_t random)
{
	int64_t most = base_ms > 1 ? base_ms : 1;
	int64_t cap = cap_ms > 1 ? cap_ms : 1;

	for (uint32_t i = 0; i < failures && most < cap; i++)
		most = most > cap / 2 ? cap : most * 2;
	if (most > cap)
		most = cap;
	return 1 + below(random, most);
}

int64_t
wh_retry_jitter(int64_t interval_ms, uint64_t random)
{
	int64_t tenth = interval_ms / 10;

	if (tenth <= 0)
		return interval_ms;
	return interval_ms - tenth + below(random, 2 * tenth + 1);
}

int64_t
wh_retry_asked(int64_t asked_ms, int64_t cap_ms, uint64_t random)
{
	int64_t wait = asked_ms < SECOND ? SECOND : asked_ms;

	if (wait > cap_ms)
		wait = cap_ms > SECOND ? cap_ms : SECOND;
	return wait + below(random, wait / 10 + 1);
}

/* Takes at most nine digits off the front. */
static bool
take_number(struct wh_str *s, int64_t *ret)
{
	int64_t v = 0;
	size_t n = 0;

	while (n < s->n && n < 9 && s->p[n] >= '0' && s->p[n] <= '9')
		v = v * 10 + (s->p[n++] - '0');
	if (n == 0)
		return false;
	*s = wh_str(s->p + n, s->n - n);
	*ret = v;
	return true;
}

static bool
take_byte(struct wh_str *s, char c)
{
	if (s->n == 0 || s->p[0] != c)
		return false;
	*s = wh_str(s->p + 1, s->n - 1);
	return true;
}

/* "hh:mm:ss", the first number already taken. */
static int64_t
clock_wait(struct wh_str s, int64_t hours)
{
	int64_t minutes = 0;
	int64_t seconds = 0;

	if (!take_byte(&s, ':') || !take_number(&s, &minutes))
		return -1;
	if (!take_byte(&s, ':') || !take_number(&s, &seconds))
		return -1;
	if (hours > LONGEST / HOUR || minutes > 59 || seconds > 59)
		return -1;
	return hours * HOUR + minutes * MINUTE + seconds * SECOND;
}

static int64_t
unit_wait(struct wh_str s, int64_t count)
{
	static const struct {
		struct wh_str name;
		int64_t ms;
	} units[] = {
		{{"second", 6}, SECOND},
		{{"minute", 6}, MINUTE},
		{{"hour", 4}, HOUR},
		{{"day", 3}, DAY},
	};

	while (take_byte(&s, ' '))
		continue;
	for (size_t i = 0; i < wh_array_len(units); i++) {
		struct wh_str name = units[i].name;

		if (s.n >= name.n && wh_str_ieq(wh_str(s.p, name.n), name))
			return count <= LONGEST / units[i].ms ? count * units[i].ms : -1;
	}
	return -1;
}

/* "60 seconds", "03:23:11" or "5.03:23:11". */
static int64_t
wait_at(struct wh_str s)
{
	int64_t first = 0;
	int64_t hours = 0;
	int64_t wait;

	if (!take_number(&s, &first))
		return -1;
	if (!take_byte(&s, '.')) {
		wait = clock_wait(s, first);
		return wait >= 0 ? wait : unit_wait(s, first);
	}
	if (first > LONGEST / DAY || !take_number(&s, &hours) || hours > 23)
		return -1;
	wait = clock_wait(s, hours);
	return wait >= 0 ? first * DAY + wait : -1;
}

int64_t
wh_retry_from_text(struct wh_str body)
{
	const struct wh_str in = WH_STR(" in ");

	for (size_t i = 0; i + in.n < body.n; i++) {
		int64_t wait;

		if (!wh_str_ieq(wh_str(body.p + i, in.n), in))
			continue;
		wait = wait_at(wh_str(body.p + i + in.n, body.n - i - in.n));
		if (wait >= 0)
			return wait;
	}
	return -1;
}

int64_t
wh_retry_observe(uint32_t n, int64_t settle_ms)
{
	static const int64_t looks[] = {2 * SECOND, 10 * SECOND, 30 * SECOND, 120 * SECOND,
					300 * SECOND};
	const size_t last = wh_array_len(looks) - 1;
	int64_t at = looks[n < last ? n : last];

	if (settle_ms >= looks[last])
		return at;
	at = at * (settle_ms > 0 ? settle_ms : 0) / looks[last];
	return at > 0 ? at : 1;
}

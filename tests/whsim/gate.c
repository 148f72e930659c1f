/* SPDX-License-Identifier: MIT */
/*
 * The gateway in front of the simulated API: see gate.h.
 *
 * Called for each request that is to be executed, and by faults that imitate
 * the gateway, with the simulator's lock held.  It never shows or logs a key.
 */
#include "tests/whsim/gate.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/whsim/mem.h"

static const struct {
	int status;
	const char *message;
} gate_texts[] = {
	[GATE_KEY_MISSING] = {401,
			      "Access denied due to missing subscription key. Make sure to "
			      "include subscription key when making requests to an API."},
	[GATE_KEY_INVALID] = {401,
			      "Access denied due to invalid subscription key. Make sure to "
			      "provide a valid key for an active subscription."},
	[GATE_NO_ROUTE] = {404, "Resource not found"},
	[GATE_FORBIDDEN] = {403, "Forbidden"},
	[GATE_BACKEND_TIMEOUT] = {504, "The backend did not answer in time."},
};

static void
refuse(struct wh_reply *reply, int status, const char *message)
{
	wh_reply_blank(reply);
	wh_reply_json(reply, status,
		      json_pack("{s:i, s:s}", "statusCode", status, "message", message));
}

void
wh_gate_refuse(struct wh_reply *reply, enum wh_gate_text text)
{
	refuse(reply, gate_texts[text].status, gate_texts[text].message);
}

static void
add_seconds(struct wh_reply *reply, const char *header, int64_t seconds)
{
	char text[24];

	if (!header)
		return;
	snprintf(text, sizeof(text), "%" PRId64, seconds);
	wh_reply_header(reply, header, text);
}

void
wh_gate_refuse_rate(struct wh_reply *reply, const char *header, int64_t seconds)
{
	char text[96];

	snprintf(text, sizeof(text),
		 "Rate limit is exceeded. Try again in %" PRId64 " seconds.", seconds);
	refuse(reply, 429, text);
	add_seconds(reply, header, seconds);
}

void
wh_gate_refuse_quota(struct wh_reply *reply, const char *header, const char *period,
		     int64_t seconds)
{
	char text[160];

	snprintf(text, sizeof(text),
		 "Out of call volume quota. Quota will be replenished in %s.", period);
	refuse(reply, 403, text);
	add_seconds(reply, header, seconds);
}

void
wh_gate_init(struct wh_gate *gate, const char *retry_after)
{
	*gate = (struct wh_gate){
		.rate.calls = -1,
		.quota.calls = -1,
		.retry_after = retry_after,
	};
}

void
wh_gate_fini(struct wh_gate *gate)
{
	for (size_t i = 0; i < gate->key_count; i++)
		free(gate->keys[i].text);
	gate->key_count = 0;
}

int
wh_gate_key_number(const struct wh_gate *gate, const char *key)
{
	for (size_t i = 0; key && i < gate->key_count; i++) {
		if (!strcmp(gate->keys[i].text, key))
			return (int)i;
	}
	return -1;
}

int
wh_gate_set_keys(struct wh_gate *gate, const char *const *keys, size_t count)
{
	size_t fresh = 0;

	for (size_t i = 0; i < count; i++)
		fresh += wh_gate_key_number(gate, keys[i]) < 0;
	if (gate->key_count + fresh > WH_GATE_KEYS_MAX)
		return -ENOSPC;

	for (size_t i = 0; i < gate->key_count; i++)
		gate->keys[i].valid = false;
	for (size_t i = 0; i < count; i++) {
		int number = wh_gate_key_number(gate, keys[i]);

		if (number < 0) {
			number = (int)gate->key_count++;
			gate->keys[number].text = wh_mem_text(keys[i]);
		}
		gate->keys[number].valid = true;
	}
	return 0;
}

void
wh_gate_limit_set(struct wh_gate_limit *limit, int64_t calls, int64_t window_ms, int64_t now_ms)
{
	*limit = (struct wh_gate_limit){
		.calls = calls,
		.window_ms = window_ms,
		.window_start_ms = now_ms,
	};
}

/* Counts a call; returns 0, or the milliseconds until the next window. */
static int64_t
limit_take(struct wh_gate_limit *limit, int64_t now_ms)
{
	if (limit->calls < 0)
		return 0;
	if (now_ms - limit->window_start_ms >= limit->window_ms) {
		limit->window_start_ms = now_ms;
		limit->used = 0;
	}
	if (limit->used >= limit->calls)
		return limit->window_start_ms + limit->window_ms - now_ms;
	limit->used++;
	return 0;
}

static int64_t
seconds_up(int64_t ms)
{
	return (ms + 999) / 1000;
}

/* The form the gateway uses: [d.]hh:mm:ss. */
static void
period_write(int64_t seconds, char *ret_text, size_t size)
{
	int64_t days = seconds / 86400;
	char day_text[24] = "";

	if (days)
		snprintf(day_text, sizeof(day_text), "%" PRId64 ".", days);
	snprintf(ret_text, size, "%s%02d:%02d:%02d", day_text, (int)(seconds / 3600 % 24),
		 (int)(seconds / 60 % 60), (int)(seconds % 60));
}

static bool
key_is_valid(const struct wh_gate *gate, const char *key)
{
	int number = wh_gate_key_number(gate, key);

	return number >= 0 && gate->keys[number].valid;
}

bool
wh_gate_admit(struct wh_gate *gate, const char *key, int64_t now_ms, struct wh_reply *ret_reply)
{
	char period[48];
	int64_t wait;

	if (!key) {
		wh_gate_refuse(ret_reply, GATE_KEY_MISSING);
		return false;
	}
	if (!key_is_valid(gate, key)) {
		wh_gate_refuse(ret_reply, GATE_KEY_INVALID);
		return false;
	}
	wait = limit_take(&gate->rate, now_ms);
	if (wait) {
		wh_gate_refuse_rate(ret_reply, gate->retry_after, seconds_up(wait));
		return false;
	}
	wait = limit_take(&gate->quota, now_ms);
	if (wait) {
		period_write(seconds_up(wait), period, sizeof(period));
		wh_gate_refuse_quota(ret_reply, gate->retry_after, period, seconds_up(wait));
		return false;
	}
	return true;
}

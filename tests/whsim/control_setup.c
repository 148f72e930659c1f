/* SPDX-License-Identifier: MIT */
/*
 * The control verbs that bend the simulator: switches, faults, network, keys.
 *
 * Called through the table of control.c with the simulator's lock held, but
 * for net_set and reset, which wait for threads that need the lock.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "tests/whsim/clock.h"
#include "tests/whsim/control.h"
#include "tests/whsim/whsim.h"

enum { SETUP_KEY_MAX = 512, SETUP_WINDOW_MAX_MS = 1000000000 };

void
wh_control_config_show(struct wh_call *call)
{
	wh_call_json(call, wh_switches_print(&call->sim->switches));
}

void
wh_control_config_set(struct wh_call *call)
{
	struct wh_buf problem = {0};

	if (wh_switches_set(&call->sim->switches, call->json, &problem))
		wh_call_fail(call, 400, "%s", problem.data);
	else
		wh_control_config_show(call);
	wh_buf_free(&problem);
}

void
wh_control_config_describe(struct wh_call *call)
{
	wh_call_json(call, wh_switches_describe());
}

void
wh_control_fault_list(struct wh_call *call)
{
	wh_call_json(call, json_pack("{s:o}", "faults", wh_faults_print(&call->sim->faults)));
}

void
wh_control_fault_add(struct wh_call *call)
{
	struct wh_buf problem = {0};
	int64_t id = wh_faults_add(&call->sim->faults, call->json, &problem);

	if (id < 0)
		wh_call_fail(call, 400, "%s", problem.data);
	else
		wh_call_json(call, json_pack("{s:I}", "id", (json_int_t)id));
	wh_buf_free(&problem);
}

void
wh_control_fault_del(struct wh_call *call)
{
	struct whsim *sim = call->sim;
	int64_t id = -1;

	if (wh_call_number(call, "id", &id))
		return;
	if (id < 0) {
		wh_faults_clear(&sim->faults);
	} else if (wh_faults_del(&sim->faults, id)) {
		wh_call_fail(call, 404, "There is no fault rule %lld.", (long long)id);
		return;
	}
	wh_sim_changed(sim);
	wh_call_json(call, json_object());
}

void
wh_control_fault_describe(struct wh_call *call)
{
	wh_call_json(call, wh_faults_describe());
}

void
wh_control_net_set(struct wh_call *call)
{
	struct {
		enum wh_net_state state;
	} wanted = {WH_NET_STATES};
	static const struct wh_field fields[] = {
		{"state", FIELD_ENUM, 0, 0, 0, wh_net_names, ""},
	};
	static const struct wh_form form = {"member of net", fields, 1};
	int r;

	if (wh_call_form(call, &form, &wanted))
		return;
	if (wanted.state == WH_NET_STATES) {
		wh_call_fail(call, 400,
			     "Give the \"state\": up, refuse or "
			     "blackhole.");
		return;
	}
	r = wh_net_set(call->sim, wanted.state);
	if (r)
		wh_call_fail(call, 500, "The API cannot listen again: %s.", strerror(-r));
	else
		wh_call_json(call, json_pack("{s:s}", "state", wh_net_names[wanted.state]));
}

void
wh_control_net_close_idle(struct wh_call *call)
{
	size_t closed = wh_conns_close_idle(&call->sim->conns);

	wh_call_json(call, json_pack("{s:I}", "closed", (json_int_t)closed));
}

void
wh_control_net_close_after(struct wh_call *call)
{
	struct {
		bool on;
	} wanted = {true};
	static const struct wh_field fields[] = {
		{"on", FIELD_BOOL, 0, 0, 1, NULL, ""},
	};
	static const struct wh_form form = {"member of close_after_request", fields, 1};

	if (wh_call_form(call, &form, &wanted))
		return;
	call->sim->close_after_request = wanted.on;
	wh_call_json(call, json_pack("{s:b}", "on", (int)wanted.on));
}

/* A key is sent in a header, so it must fit in one. */
static bool
is_key(const json_t *value)
{
	const char *text = json_string_value(value);
	size_t len = json_string_length(value);

	return text && len && len <= SETUP_KEY_MAX && !strpbrk(text, " \t\r\n");
}

void
wh_control_keys_set(struct wh_call *call)
{
	json_t *valid = json_object_get(call->json, "valid");
	const char *keys[WH_GATE_KEYS_MAX];
	size_t i;
	json_t *key;

	if (!json_is_array(valid) || json_object_size(call->json) != 1 ||
	    json_array_size(valid) > WH_GATE_KEYS_MAX) {
		wh_call_fail(call, 400, "Give {\"valid\": [..]} with at most %d keys.",
			     WH_GATE_KEYS_MAX);
		return;
	}
	json_array_foreach(valid, i, key)
	{
		keys[i] = json_string_value(key);
		if (is_key(key))
			continue;
		wh_call_fail(call, 400, "A key is a text of 1 to %d bytes without spaces.",
			     SETUP_KEY_MAX);
		return;
	}
	if (wh_gate_set_keys(&call->sim->gate, keys, json_array_size(valid)))
		wh_call_fail(call, 400, "More than %d different keys; reset first.",
			     WH_GATE_KEYS_MAX);
	else
		wh_call_json(call,
			     json_pack("{s:I}", "valid", (json_int_t)json_array_size(valid)));
}

struct limit_wanted {
	int64_t calls;
	int64_t window_ms;
};

#define WH_AT(member) offsetof(struct limit_wanted, member)

void
wh_control_rate_set(struct wh_call *call)
{
	struct limit_wanted wanted = {-1, 60000};
	static const struct wh_field fields[] = {
		{"per_window", FIELD_INT, WH_AT(calls), -1, INT32_MAX, NULL, ""},
		{"window_ms", FIELD_INT, WH_AT(window_ms), 1, SETUP_WINDOW_MAX_MS, NULL, ""},
	};
	static const struct wh_form form = {"member of rate", fields, 2};

	if (wh_call_form(call, &form, &wanted))
		return;
	wh_gate_limit_set(&call->sim->gate.rate, wanted.calls, wanted.window_ms,
			  wh_clock_mono_ms());
	wh_call_json(call, wh_form_print(&form, &wanted));
}

void
wh_control_quota_set(struct wh_call *call)
{
	struct limit_wanted wanted = {-1, 86400000};
	static const struct wh_field fields[] = {
		{"calls", FIELD_INT, WH_AT(calls), -1, INT32_MAX, NULL, ""},
		{"period_ms", FIELD_INT, WH_AT(window_ms), 1, SETUP_WINDOW_MAX_MS, NULL, ""},
	};
	static const struct wh_form form = {"member of quota", fields, 2};

	if (wh_call_form(call, &form, &wanted))
		return;
	wh_gate_limit_set(&call->sim->gate.quota, wanted.calls, wanted.window_ms,
			  wh_clock_mono_ms());
	wh_call_json(call, wh_form_print(&form, &wanted));
}

void
wh_control_late_show(struct wh_call *call)
{
	wh_call_json(call, json_pack("{s:I}", "pending", (json_int_t)call->sim->late.count));
}

void
wh_control_late_run(struct wh_call *call)
{
	size_t done = wh_late_run_all(call->sim);

	wh_call_json(call, json_pack("{s:I}", "executed", (json_int_t)done));
}

void
wh_control_late_drop(struct wh_call *call)
{
	size_t dropped = wh_late_drop(call->sim);

	wh_call_json(call, json_pack("{s:I}", "dropped", (json_int_t)dropped));
}

void
wh_control_reset(struct wh_call *call)
{
	struct whsim *sim = call->sim;
	int r;

	wh_sim_lock(sim);
	wh_sim_reset(sim);
	wh_sim_unlock(sim);
	r = wh_net_set(sim, NET_UP);
	if (r)
		wh_call_fail(call, 500, "The API cannot listen again: %s.", strerror(-r));
	else
		wh_call_json(call, json_object());
}

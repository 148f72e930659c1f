/* SPDX-License-Identifier: MIT */
/*
 * Deciding what becomes of a request: see inject.h.
 *
 * Runs the delays, takes the first other rule that hits, executes the request
 * if the rule or its absence wants it, then lets the rule spoil the reply.
 * What an action does to a reply stands in spoil.c.  It never sends.
 */
#include "tests/whsim/inject.h"

#include <string.h>

#include "tests/whsim/api.h"
#include "tests/whsim/clock.h"
#include "tests/whsim/hold.h"
#include "tests/whsim/spoil.h"
#include "tests/whsim/whsim.h"

static void
drop(struct wh_delivery *delivery)
{
	delivery->how = DELIVER_CLOSE;
}

/* Executes as the API would; a refusal of the gateway counts as an answer. */
static void
execute(struct wh_api *api)
{
	if (wh_api_admit(api))
		wh_api_execute(api);
}

/* Returns false if the request must be dropped. */
static bool
run_delay(struct whsim *sim, const struct wh_request *req, struct wh_fault *rule)
{
	const struct wh_hold hold = {
		.epoch = req->epoch,
		.until_ms = wh_clock_in_ms(rule->spec.ms),
		.released = &rule->removed,
	};

	wh_log_fault(&sim->log, req->log, wh_fault_name(rule->spec.action));
	wh_sim_changed(sim);
	return wh_hold(sim, &hold) != HOLD_INTERRUPTED;
}

/*
 * Runs the delays that hit, up to the first other rule.  Returns false if the
 * request must be dropped; `ret_rule` is a reference or NULL.
 */
static bool
next_rule(struct whsim *sim, const struct wh_request *req, struct wh_fault **ret_rule)
{
	struct wh_fault *rule = wh_faults_match(&sim->faults, 0, req, false);

	while (rule && rule->spec.action == FAULT_DELAY) {
		bool goes_on = run_delay(sim, req, rule);
		int64_t id = rule->id;

		wh_fault_unref(rule);
		if (!goes_on) {
			*ret_rule = NULL;
			return false;
		}
		rule = wh_faults_match(&sim->faults, id, req, false);
	}
	*ret_rule = rule;
	return true;
}

/* No answer until the rule is removed; then none either, or the true one. */
static void
stall(struct wh_api *api, const struct wh_fault *rule, struct wh_delivery *delivery)
{
	bool resume = rule->spec.resume;
	bool executed = wh_fault_executes(rule);
	const struct wh_hold hold = {
		.epoch = api->req->epoch,
		.until_ms = INT64_MAX,
		.released = &rule->removed,
		.watched = delivery->conn,
	};

	if (executed)
		execute(api);
	wh_sim_changed(api->sim);
	if (wh_hold(api->sim, &hold) != HOLD_RELEASED || !resume)
		drop(delivery);
	else if (!executed)
		execute(api);
}

static void
execute_late(struct wh_api *api, struct wh_request **req, const struct wh_fault *rule,
	     struct wh_delivery *delivery)
{
	int status = (int)rule->spec.status;

	if (!wh_api_admit(api))
		return;
	wh_gate_refuse(api->reply, GATE_BACKEND_TIMEOUT);
	if (status)
		api->reply->status = status;
	if (rule->spec.drop)
		drop(delivery);
	wh_late_add(api->sim, *req, wh_clock_in_ms(rule->spec.ms));
	*req = NULL;
}

static void
run_rule(struct wh_api *api, struct wh_request **req, struct wh_fault *rule,
	 struct wh_delivery *delivery)
{
	const char *name = wh_fault_name(rule->spec.action);
	struct wh_spoil spoil = {api->sim, api->req, rule, api->reply, delivery};

	wh_log_fault(&api->sim->log, api->req->log, name);
	if (rule->spec.action == FAULT_STALL) {
		stall(api, rule, delivery);
		return;
	}
	if (rule->spec.action == FAULT_EXECUTE_LATE) {
		execute_late(api, req, rule, delivery);
		return;
	}
	if (wh_fault_executes(rule))
		execute(api);
	if (rule->spec.action == FAULT_EXECUTE_TWICE)
		execute(api);
	wh_spoil(&spoil);
}

/* The simulated network may swallow the request before any rule sees it. */
static bool
is_swallowed(struct whsim *sim, const struct wh_request *req,
	     const struct wh_delivery *delivery)
{
	const struct wh_hold hold = {
		.epoch = req->epoch,
		.until_ms = INT64_MAX,
		.watched = delivery->conn,
	};

	if (sim->net.state != NET_BLACKHOLE)
		return false;
	wh_log_fault(&sim->log, req->log, wh_net_names[NET_BLACKHOLE]);
	wh_sim_changed(sim);
	wh_hold(sim, &hold);
	return true;
}

static void
decide(struct wh_api *api, struct wh_request **req, struct wh_delivery *delivery)
{
	struct whsim *sim = api->sim;
	struct wh_fault *rule;

	if (is_swallowed(sim, *req, delivery)) {
		drop(delivery);
		return;
	}
	if (sim->close_after_request && (*req)->conn_req > 1) {
		wh_log_fault(&sim->log, (*req)->log, "close_after_request");
		execute(api);
		drop(delivery);
		return;
	}
	if (!next_rule(sim, *req, &rule)) {
		drop(delivery);
		return;
	}
	if (rule)
		run_rule(api, req, rule, delivery);
	else
		execute(api);
	delivery->rule = rule;
}

void
wh_inject_decide(struct whsim *sim, struct wh_request **req, struct wh_reply *ret_reply,
		 struct wh_delivery *ret_delivery)
{
	struct wh_api api = {sim, *req, ret_reply};
	struct wh_log_ref log = (*req)->log;
	bool replies;

	decide(&api, req, ret_delivery);
	if (*req)
		wh_deliver_prepare(sim, *req, ret_reply, ret_delivery);
	replies = ret_delivery->how == DELIVER_REPLY;
	wh_log_settle(&sim->log, log, replies ? ret_reply->status : 0, ret_reply);
	wh_sim_changed(sim);
}

bool
wh_inject_unread(struct whsim *sim, struct wh_request *req, struct wh_delivery *ret_delivery)
{
	struct wh_fault *rule = wh_faults_match(&sim->faults, 0, req, true);

	if (!rule)
		return false;
	ret_delivery->how =
		rule->spec.action == FAULT_RESET_BEFORE ? DELIVER_RESET : DELIVER_CLOSE;
	wh_log_arrive(&sim->log, req, wh_gate_key_number(&sim->gate, req->key));
	wh_log_fault(&sim->log, req->log, wh_fault_name(rule->spec.action));
	wh_fault_unref(rule);
	wh_sim_changed(sim);
	return true;
}

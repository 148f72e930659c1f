/* SPDX-License-Identifier: MIT */
/*
 * The fault rules: see fault.h.
 *
 * Asked for each request by exchange.c, filled by the control verbs, with the
 * simulator's lock held.  It only picks and counts; it never touches a
 * connection or a reply.
 */
#include "tests/whsim/fault.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/whsim/fault_form.h"
#include "tests/whsim/ident.h"
#include "tests/whsim/mem.h"

static const struct {
	const char *name;
	bool executes;
	const char *params;
	const char *help;
} fault_actions[WH_FAULT_ACTIONS] = {
#define WH_FAULT(id, name, executes, params, help) [id] = {name, executes, params, help},
#include "tests/whsim/faults.def"
#undef WH_FAULT
};

void
wh_faults_init(struct wh_faults *faults)
{
	*faults = (struct wh_faults){0};
}

void
wh_fault_ref(struct wh_fault *fault)
{
	fault->refs++;
}

void
wh_fault_unref(struct wh_fault *fault)
{
	if (!fault || --fault->refs)
		return;
	json_decref(fault->given);
	free(fault);
}

/* Takes the rule out of the list; those that hold it see `removed`. */
static void
fault_unlink(struct wh_faults *faults, struct wh_fault **at)
{
	struct wh_fault *fault = *at;

	*at = fault->next;
	faults->count--;
	fault->removed = true;
	wh_fault_unref(fault);
}

void
wh_faults_clear(struct wh_faults *faults)
{
	while (faults->first)
		fault_unlink(faults, &faults->first);
}

int
wh_faults_del(struct wh_faults *faults, int64_t id)
{
	struct wh_fault **at = &faults->first;

	while (*at && (*at)->id != id)
		at = &(*at)->next;
	if (!*at)
		return -ENOENT;
	fault_unlink(faults, at);
	return 0;
}

static void
fault_append(struct wh_faults *faults, struct wh_fault *fault)
{
	struct wh_fault **at = &faults->first;

	while (*at)
		at = &(*at)->next;
	*at = fault;
	faults->count++;
}

int64_t
wh_faults_add(struct wh_faults *faults, json_t *given, struct wh_buf *ret_problem)
{
	struct wh_fault *fault = wh_mem_new(sizeof(*fault));
	int r;

	fault->refs = 1;
	fault->given = json_deep_copy(given);
	r = wh_fault_form_read(fault->given, &fault->spec, ret_problem);
	if (!r && faults->count >= WH_FAULT_RULES_MAX) {
		wh_buf_format(ret_problem, "There are %d rules already; remove some first.",
			      WH_FAULT_RULES_MAX);
		r = -EINVAL;
	}
	if (r) {
		wh_fault_unref(fault);
		return r;
	}
	fault->id = ++faults->numbered;
	fault->coin = (uint64_t)fault->spec.seed;
	fault_append(faults, fault);
	return fault->id;
}

static bool
body_has(const struct wh_request *req, const char *text)
{
	return req->body.data && memmem(req->body.data, req->body.len, text, strlen(text));
}

static bool
spec_matches(const struct wh_fault_spec *spec, const struct wh_request *req)
{
	if (strcmp(spec->method, "*") != 0 && strcmp(spec->method, req->method) != 0)
		return false;
	if (*spec->whid && (!req->whid || strcmp(spec->whid, req->whid) != 0))
		return false;
	if (*spec->body_contains && !body_has(req, spec->body_contains))
		return false;
	if (spec->list != TRI_UNSET && wh_request_is_list(req) != (spec->list == TRI_YES))
		return false;
	return !spec->reused_only || req->conn_req > 1;
}

static bool
coin_says_yes(struct wh_fault *fault)
{
	double drawn;

	if (fault->spec.probability >= 1)
		return true;
	drawn = (double)(wh_ident_next(&fault->coin) >> 11) * 0x1p-53;
	return drawn < fault->spec.probability;
}

static bool
fault_hits(struct wh_fault *fault, const struct wh_request *req)
{
	const struct wh_fault_spec *spec = &fault->spec;

	if (!spec_matches(spec, req))
		return false;
	if (spec->count >= 0 && fault->hits >= spec->count)
		return false;
	if (fault->matched++ < spec->skip)
		return false;
	if (!coin_says_yes(fault))
		return false;
	fault->hits++;
	return true;
}

struct wh_fault *
wh_faults_match(struct wh_faults *faults, int64_t after, const struct wh_request *req,
		bool unread)
{
	struct wh_fault *fault = faults->first;

	for (; fault; fault = fault->next) {
		if (fault->id <= after || fault->spec.unread != unread ||
		    !fault_hits(fault, req))
			continue;
		wh_fault_ref(fault);
		return fault;
	}
	return NULL;
}

const char *
wh_fault_name(enum wh_fault_action action)
{
	return fault_actions[action].name;
}

const char *
wh_fault_params(enum wh_fault_action action)
{
	return fault_actions[action].params;
}

bool
wh_fault_executes(const struct wh_fault *fault)
{
	if (fault->spec.execute != TRI_UNSET)
		return fault->spec.execute == TRI_YES;
	return fault_actions[fault->spec.action].executes;
}

int64_t
wh_faults_hits(const struct wh_faults *faults, int64_t id)
{
	const struct wh_fault *fault = faults->first;

	while (fault && fault->id != id)
		fault = fault->next;
	return fault ? fault->hits : -1;
}

static json_t *
fault_print(const struct wh_fault *fault)
{
	json_t *out = json_copy(fault->given);
	int64_t left = fault->spec.count - fault->hits;

	json_object_set_new(out, "id", json_integer(fault->id));
	json_object_set_new(out, "matched", json_integer(fault->matched));
	json_object_set_new(out, "hits", json_integer(fault->hits));
	json_object_set_new(out, "remaining", json_integer(fault->spec.count < 0 ? -1 : left));
	return out;
}

json_t *
wh_faults_print(const struct wh_faults *faults)
{
	json_t *out = json_array();

	for (const struct wh_fault *f = faults->first; f; f = f->next)
		json_array_append_new(out, fault_print(f));
	return out;
}

json_t *
wh_faults_describe(void)
{
	json_t *out = json_array();

	for (size_t i = 0; i < WH_FAULT_ACTIONS; i++)
		json_array_append_new(
			out, json_pack("{s:s, s:b, s:s, s:s}", "name", fault_actions[i].name,
				       "executes", (int)fault_actions[i].executes, "parameters",
				       fault_actions[i].params, "help", fault_actions[i].help));
	return out;
}

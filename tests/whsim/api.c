/* SPDX-License-Identifier: MIT */
/*
 * The simulated API itself: see api.h.
 *
 * Called by inject.c and late.c with the simulator's lock held.  Bodies are
 * read as strict JSON.  It never sends anything, and knows no faults.
 */
#include "tests/whsim/api.h"

#include <stdlib.h>
#include <string.h>

#include "tests/whsim/clock.h"
#include "tests/whsim/mem.h"
#include "tests/whsim/present.h"
#include "tests/whsim/webhook.h"
#include "tests/whsim/whsim.h"

static void
refuse(struct wh_api *api, int status, const char *message)
{
	wh_reply_json(api->reply, status,
		      json_pack("{s:i, s:s}", "statusCode", status, "message", message));
}

static void
refuse_invalid(struct wh_api *api, json_t *errors)
{
	wh_reply_json(api->reply, 400,
		      json_pack("{s:s, s:s, s:i, s:o}", "type",
				"https://tools.ietf.org/html/rfc7231#section-6.5.1", "title",
				"One or more validation errors occurred.", "status", 400,
				"errors", errors));
}

static void
refuse_whid(struct wh_api *api, const char *why)
{
	refuse_invalid(api, json_pack("{s:[s]}", "whid", why));
}

/* A server that reports success for a row that is not there has no body. */
static void
reply_gone(struct wh_api *api, int status)
{
	if (status < 300)
		wh_reply_text(api->reply, status, NULL, "");
	else
		refuse(api, status, "The webhook configuration was not found.");
}

/* Returns the body as a new object, or NULL after a 400. */
static json_t *
body_object(struct wh_api *api)
{
	const struct wh_buf *body = &api->req->body;
	json_error_t error;
	json_t *object = json_loadb(body->data ? body->data : "", body->len,
				    JSON_REJECT_DUPLICATES, &error);

	if (json_is_object(object))
		return object;
	refuse_invalid(api, json_pack("{s:[s]}", "$",
				      object ? "The body must be an object." : error.text));
	json_decref(object);
	return NULL;
}

/* As body_object, and its members were checked. */
static json_t *
valid_body(struct wh_api *api)
{
	json_t *body = body_object(api);
	json_t *errors;

	if (!body)
		return NULL;
	errors = wh_webhook_check(body, &api->sim->switches);
	if (!errors)
		return body;
	refuse_invalid(api, errors);
	json_decref(body);
	return NULL;
}

static bool
row_has(const struct wh_row *row, const char *member, const char *text)
{
	json_t *object;
	const char *held;
	bool same;

	object = wh_rows_object(row);
	held = json_string_value(json_object_get(object, member));
	same = held && !strcmp(held, text);
	json_decref(object);
	return same;
}

/* True if another row than `self` forbids to store `body`; then 409. */
static bool
is_taken(struct wh_api *api, const struct wh_row *self, const json_t *body)
{
	const struct wh_switches *sw = &api->sim->switches;
	const char *member = sw->uniqueness == UNIQUENESS_URL ? "callbackUrl" : "whname";
	const char *text = json_string_value(json_object_get(body, member));

	if (sw->uniqueness == UNIQUENESS_NONE || !text)
		return false;
	for (const struct wh_row *row = api->sim->rows.first; row; row = row->next) {
		if (row == self || !row_has(row, member, text))
			continue;
		refuse(api, 409, "A webhook like this exists already.");
		return true;
	}
	return false;
}

static struct wh_present
show_one(const struct wh_api *api)
{
	return wh_present_begin(&api->sim->switches, false, api->req->serial);
}

static void
show_row(struct wh_api *api, const struct wh_row *row)
{
	struct wh_present show = show_one(api);

	wh_present_row(&show, row, &api->reply->body);
}

static void
show_row_without_id(struct wh_api *api, const struct wh_row *row)
{
	struct wh_present show = show_one(api);
	json_t *object = wh_rows_object(row);

	json_object_del(object, "whid");
	wh_present_object(&show, object, &api->reply->body);
	json_decref(object);
}

static void
show_id(struct wh_api *api, const struct wh_row *row, bool whole)
{
	const struct wh_switches *sw = &api->sim->switches;
	json_t *id = wh_present_id(sw, row->id);
	json_t *out = whole ? json_pack("{s:O}", sw->id_name, id) : json_incref(id);

	wh_buf_json(&api->reply->body, out, JSON_COMPACT);
	json_decref(out);
	json_decref(id);
}

static void
reply_created(struct wh_api *api, const struct wh_row *row)
{
	struct wh_reply *reply = api->reply;
	const struct wh_switches *sw = &api->sim->switches;

	wh_reply_text(reply, (int)sw->post_status, wh_reply_json_type, "");
	switch (sw->post_reply) {
	case POST_REPLY_OBJECT:
		show_row(api, row);
		return;
	case POST_REPLY_ARRAY1:
		wh_buf_text(&reply->body, "[");
		show_row(api, row);
		wh_buf_text(&reply->body, "]");
		return;
	case POST_REPLY_OBJECT_WITHOUT_ID:
		show_row_without_id(api, row);
		return;
	case POST_REPLY_ID:
		reply->content_type = wh_reply_text_type;
		wh_buf_text(&reply->body, row->id);
		return;
	case POST_REPLY_ID_JSON_STRING:
		show_id(api, row, false);
		return;
	case POST_REPLY_ID_OBJECT:
		show_id(api, row, true);
		return;
	case POST_REPLY_TEXT:
		reply->content_type = wh_reply_text_type;
		wh_buf_text(&reply->body, "Webhook configuration created.");
		return;
	case POST_REPLY_EMPTY:
		return;
	}
}

static void
add_location(struct wh_api *api, const struct wh_row *row)
{
	struct wh_buf text = {0};

	if (!api->sim->switches.post_location)
		return;
	wh_buf_format(&text, "%s?whid=", api->sim->options->path);
	for (const char *c = row->id; *c; c++) {
		if (strchr("-_.", *c) || (*c >= '0' && *c <= '9') || (*c >= 'a' && *c <= 'z') ||
		    (*c >= 'A' && *c <= 'Z'))
			wh_buf_add(&text, c, 1);
		else
			wh_buf_format(&text, "%%%02X", (unsigned char)*c);
	}
	wh_reply_header(api->reply, "Location", text.data);
	wh_buf_free(&text);
}

static void
executed(struct wh_api *api, size_t changed)
{
	api->reply->executed = true;
	api->reply->changed += changed;
}

static struct wh_row *
create_row(struct wh_api *api, json_t *body)
{
	struct whsim *sim = api->sim;
	char id[WH_ROWS_ID_SIZE];
	struct wh_row *row;
	json_t *object;

	wh_rows_draw_id(&sim->rows, sim->options->prng, sim->switches.id_type, id);
	object = wh_webhook_compose(id, NULL, body, &sim->switches);
	if (sim->switches.unknown_members)
		wh_webhook_add_unknown(object, sim->rows.numbered);
	row = wh_rows_add(&sim->rows, object);
	row->created_ms = wh_clock_mono_ms();
	json_decref(object);
	return row;
}

static void
op_post(struct wh_api *api)
{
	json_t *body = valid_body(api);
	struct wh_row *row;

	if (!body)
		return;
	if (is_taken(api, NULL, body)) {
		json_decref(body);
		return;
	}
	row = create_row(api, body);
	json_decref(body);
	executed(api, 1);
	reply_created(api, row);
	add_location(api, row);
}

static void
reply_not_there(struct wh_api *api)
{
	struct wh_reply *reply = api->reply;

	switch (api->sim->switches.get_one_missing) {
	case GET_ONE_MISSING_EMPTY_ARRAY:
		wh_reply_text(reply, 200, wh_reply_json_type, "[]");
		break;
	case GET_ONE_MISSING_NULL:
		wh_reply_text(reply, 200, wh_reply_json_type, "null");
		break;
	case GET_ONE_MISSING_EMPTY:
		wh_reply_text(reply, 200, wh_reply_json_type, "");
		break;
	case GET_ONE_MISSING_404:
		reply_gone(api, 404);
		return;
	case GET_ONE_MISSING_400:
		refuse_whid(api, "There is no such webhook configuration.");
		return;
	}
	executed(api, 0);
}

static void
reply_one(struct wh_api *api, const struct wh_row *row)
{
	bool bare = api->sim->switches.get_one_shape == GET_ONE_SHAPE_OBJECT;

	wh_reply_text(api->reply, 200, wh_reply_json_type, bare ? "" : "[");
	show_row(api, row);
	wh_buf_text(&api->reply->body, bare ? "" : "]");
	api->reply->rows = 1;
	executed(api, 0);
}

static void
op_get(struct wh_api *api)
{
	const struct wh_switches *sw = &api->sim->switches;
	const char *whid = api->req->whid;

	if (!whid || !*whid || sw->filter_ignored ||
	    sw->get_one_shape == GET_ONE_SHAPE_WHOLE_LIST)
		wh_list_answer(api);
	else if (!wh_rows_get(&api->sim->rows, whid))
		reply_not_there(api);
	else if (sw->get_one_shape == GET_ONE_SHAPE_AS_LIST)
		wh_list_answer(api);
	else
		reply_one(api, wh_rows_get(&api->sim->rows, whid));
}

static void
reply_changed(struct wh_api *api, const struct wh_row *row, const char *old_text)
{
	const struct wh_switches *sw = &api->sim->switches;
	struct wh_present show = show_one(api);
	json_t *old;

	wh_reply_text(api->reply, (int)sw->patch_status, wh_reply_json_type, "");
	switch (sw->patch_reply) {
	case PATCH_REPLY_NEW:
		show_row(api, row);
		return;
	case PATCH_REPLY_OLD:
		old = json_loads(old_text, 0, NULL);
		wh_present_object(&show, old, &api->reply->body);
		json_decref(old);
		return;
	case PATCH_REPLY_EMPTY:
		return;
	case PATCH_REPLY_TEXT:
		api->reply->content_type = wh_reply_text_type;
		wh_buf_text(&api->reply->body, "Webhook configuration updated.");
		return;
	}
}

static void
change_row(struct wh_api *api, struct wh_row *row, json_t *body)
{
	json_t *old = wh_rows_object(row);
	json_t *object = wh_webhook_compose(row->id, old, body, &api->sim->switches);
	char *old_text = wh_mem_text(row->text);

	wh_rows_put(row, object);
	executed(api, 1);
	reply_changed(api, row, old_text);
	free(old_text);
	json_decref(object);
	json_decref(old);
}

static void
op_patch(struct wh_api *api)
{
	const char *whid = api->req->whid;
	struct wh_row *row;
	json_t *body;

	if (!whid || !*whid) {
		refuse_whid(api, "The whid field is required.");
		return;
	}
	row = wh_rows_get(&api->sim->rows, whid);
	if (!row) {
		reply_gone(api, (int)api->sim->switches.patch_missing);
		return;
	}
	body = valid_body(api);
	if (body && !is_taken(api, row, body))
		change_row(api, row, body);
	json_decref(body);
}

/*
 * Nobody knows what the true API does with an empty id.  This one takes the
 * worst reading, so that no client can get away with it.
 */
static void
op_delete(struct wh_api *api)
{
	struct whsim *sim = api->sim;
	const char *whid = api->req->whid;
	struct wh_row *row;

	if (!whid || !*whid) {
		executed(api, wh_rows_clear(&sim->rows));
		wh_reply_text(api->reply, (int)sim->switches.delete_status, NULL, "");
		return;
	}
	row = wh_rows_get(&sim->rows, whid);
	if (!row) {
		reply_gone(api, (int)sim->switches.delete_missing);
		return;
	}
	wh_rows_del(&sim->rows, row);
	executed(api, 1);
	wh_reply_text(api->reply, (int)sim->switches.delete_status, NULL, "");
}

static const struct {
	const char *method;
	void (*run)(struct wh_api *api);
} api_ops[] = {
	{"GET", op_get},
	{"POST", op_post},
	{"PATCH", op_patch},
	{"DELETE", op_delete},
};

static size_t
find_op(const char *method)
{
	size_t i = 0;

	while (i < sizeof(api_ops) / sizeof(api_ops[0]) &&
	       strcmp(api_ops[i].method, method) != 0)
		i++;
	return i;
}

bool
wh_api_admit(struct wh_api *api)
{
	struct whsim *sim = api->sim;
	bool has_route = !strcmp(api->req->path, sim->options->path) &&
			 find_op(api->req->method) < sizeof(api_ops) / sizeof(api_ops[0]);

	if (!has_route) {
		wh_gate_refuse(api->reply, GATE_NO_ROUTE);
		return false;
	}
	return wh_gate_admit(&sim->gate, api->req->key, wh_clock_mono_ms(), api->reply);
}

void
wh_api_execute(struct wh_api *api)
{
	wh_reply_blank(api->reply);
	api->reply->executed = false;
	api->reply->rows = 0;
	if (api->req->body_too_large) {
		refuse(api, 413, "The body is larger than 1 MiB.");
		return;
	}
	api_ops[find_op(api->req->method)].run(api);
	api->reply->from_api = true;
	if (api->reply->executed)
		wh_log_executed(&api->sim->log, api->req);
	wh_sim_changed(api->sim);
}

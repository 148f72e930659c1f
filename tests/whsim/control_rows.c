/* SPDX-License-Identifier: MIT */
/*
 * The control verbs that show and change the rows behind the API's back.
 *
 * Called through the table of control.c with the simulator's lock held.  They
 * never look at the switches: this is the truth, not its presentation.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "tests/whsim/control.h"
#include "tests/whsim/seed.h"
#include "tests/whsim/webhook.h"
#include "tests/whsim/whsim.h"

enum { ROWS_ID_MAX = 256 };

static void
answer_row(struct wh_call *call, const struct wh_row *row)
{
	call->status = 200;
	wh_buf_clear(&call->answer);
	wh_buf_add(&call->answer, row->text, row->len);
}

/* Returns the row that the argument whid names, or NULL after an answer. */
static struct wh_row *
named_row(struct wh_call *call)
{
	const char *whid = wh_call_text(call, "whid");
	struct wh_row *row = whid ? wh_rows_get(&call->sim->rows, whid) : NULL;

	if (!whid || !*whid)
		wh_call_fail(call, 400, "%s %s needs the argument whid, and not an empty one.",
			     call->method, call->path);
	else if (!row)
		wh_call_fail(call, 404, "There is no row \"%s\".", whid);
	return row;
}

void
wh_control_rows_list(struct wh_call *call)
{
	const struct wh_row *row = call->sim->rows.first;

	if (wh_call_text(call, "whid")) {
		row = named_row(call);
		if (row)
			answer_row(call, row);
		return;
	}
	call->status = 200;
	wh_buf_text(&call->answer, "[");
	for (; row; row = row->next) {
		wh_buf_add(&call->answer, row->text, row->len);
		wh_buf_text(&call->answer, row->next ? "," : "");
	}
	wh_buf_text(&call->answer, "]");
}

/* Returns the id a new row asks for, a drawn one, or NULL after an answer. */
static const char *
new_id(struct wh_call *call, json_t *object, char drawn[WH_ROWS_ID_SIZE])
{
	struct whsim *sim = call->sim;
	json_t *asked = json_object_get(object, "whid");
	size_t len = json_string_length(asked);

	if (!asked) {
		wh_rows_draw_id(&sim->rows, sim->options->prng, sim->switches.id_type, drawn);
		return drawn;
	}
	if (!len || len > ROWS_ID_MAX) {
		wh_call_fail(call, 400, "The member whid must be a text of 1 to %d bytes.",
			     ROWS_ID_MAX);
		return NULL;
	}
	if (wh_rows_get(&sim->rows, json_string_value(asked))) {
		wh_call_fail(call, 409, "There is a row \"%s\" already.",
			     json_string_value(asked));
		return NULL;
	}
	return json_string_value(asked);
}

/* Returns the new row, or NULL after an answer. */
static const struct wh_row *
add_row(struct wh_call *call, json_t *object)
{
	char drawn[WH_ROWS_ID_SIZE];
	const struct wh_row *row;
	const char *id;
	json_t *canonical;

	if (!json_is_object(object)) {
		wh_call_fail(call, 400, "A row must be a JSON object.");
		return NULL;
	}
	id = new_id(call, object, drawn);
	if (!id)
		return NULL;
	canonical = wh_webhook_canonical(id, object);
	row = wh_rows_add(&call->sim->rows, canonical);
	json_decref(canonical);
	return row;
}

static void
add_rows(struct wh_call *call)
{
	json_t *added = json_array();
	json_t *object;
	size_t i;

	json_array_foreach(call->json, i, object)
	{
		const struct wh_row *row = add_row(call, object);

		if (!row)
			break;
		json_array_append_new(added, json_string(row->id));
	}
	if (!call->status)
		wh_call_json(call, json_pack("{s:O}", "added", added));
	json_decref(added);
}

void
wh_control_rows_add(struct wh_call *call)
{
	const struct wh_row *row;

	if (json_is_array(call->json)) {
		add_rows(call);
		return;
	}
	row = add_row(call, call->json);
	if (row)
		answer_row(call, row);
}

void
wh_control_rows_merge(struct wh_call *call)
{
	struct wh_row *row = named_row(call);
	json_t *object;

	if (!row)
		return;
	if (json_object_get(call->json, "whid")) {
		wh_call_fail(call, 400,
			     "The member whid cannot be changed; delete the row and "
			     "add another.");
		return;
	}
	object = wh_rows_object(row);
	json_object_update(object, call->json);
	wh_rows_put(row, object);
	json_decref(object);
	answer_row(call, row);
}

void
wh_control_rows_del(struct wh_call *call)
{
	size_t deleted = 1;
	struct wh_row *row;

	if (!wh_call_text(call, "whid")) {
		deleted = wh_rows_clear(&call->sim->rows);
	} else {
		row = named_row(call);
		if (!row)
			return;
		wh_rows_del(&call->sim->rows, row);
	}
	wh_call_json(call, json_pack("{s:I}", "deleted", (json_int_t)deleted));
}

void
wh_control_rows_seed(struct wh_call *call)
{
	struct whsim *sim = call->sim;
	struct {
		int64_t n;
	} wanted = {1};
	static const struct wh_field fields[] = {
		{"n", FIELD_INT, 0, 0, WH_SEED_MAX, NULL, "rows"},
	};
	static const struct wh_form form = {"member of a seed", fields, 1};

	if (wh_call_form(call, &form, &wanted))
		return;
	wh_seed_rows(&sim->rows, sim->options->prng, (size_t)wanted.n);
	wh_call_json(call, json_pack("{s:I, s:I}", "added", (json_int_t)wanted.n, "rows",
				     (json_int_t)sim->rows.count));
}

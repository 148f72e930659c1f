/* SPDX-License-Identifier: MIT */
/*
 * Verbs that queue a change or move a queued one: create, update and those of
 * the queue (delete is in delete.c).
 *
 * Called by main.c. Each change gets a request id before it is sent, so that
 * repeating it after a broken connection cannot queue it twice. With --wait
 * the exit status tells what became of it.
 */
#include <stdlib.h>
#include <unistd.h>

#include "ctl/input.h"
#include "ctl/op.h"

int
wh_op_finish(struct wh_ctl *ctl, struct whc_object *op)
{
	struct wh_op_wait w = {.deadline = wh_ctl_now() + ctl->wait, .patient = true};
	struct whc_object *ended = NULL;
	const char *id = whc_str(op, "op");
	bool cancelled = whc_str(op, "state") && strcmp(whc_str(op, "state"), "cancelled") == 0;

	/* A delete of what never left this host is over at once, as asked. */
	if (ctl->wait < 0 || !id || cancelled || wh_cli_has(&ctl->cli, "dry_run"))
		return wh_op_show(ctl, op);
	int r = wh_op_await(ctl, id, &w, &ended);

	if (r) {
		int shown = wh_op_show(ctl, op);

		return shown ? shown : r;
	}
	r = wh_op_show(ctl, ended);
	if (!r)
		r = wh_op_judge(ctl, ended, &w);
	whc_object_unref(ended);
	return r;
}

static int
add_request_id(struct wh_ctl *ctl, struct wh_params *p)
{
	char id[WHC_REQUEST_ID_SIZE];

	if (wh_cli_has(&ctl->cli, "request_id"))
		return 0;
	if (whc_request_id(id))
		return wh_ctl_fail(ctl, "OTHER", "the system gives no random numbers");
	wh_params_str(p, "request_id", wh_str_c(id));
	return 0;
}

int
wh_op_send(struct wh_ctl *ctl, struct wh_params *p, struct whc_object **ret)
{
	int r = wh_ctl_params(ctl, p);

	if (!r)
		r = add_request_id(ctl, p);
	struct wh_str params = wh_params_end(p);

	if (!r && p->b.fault)
		r = wh_ctl_fail(ctl, "TOO_LARGE", "the change is too large");
	if (!r)
		r = wh_ctl_call(ctl, ctl->cli.verb->cmd->method, params, -1, ret);
	if (!r)
		wh_ctl_note_queued(ctl, *ret);
	return r;
}

static int
send_and_finish(struct wh_ctl *ctl, struct wh_params *p)
{
	struct whc_object *op = NULL;
	int r = wh_op_send(ctl, p, &op);

	if (!r)
		r = wh_op_finish(ctl, op);
	whc_object_unref(op);
	return r;
}

/* All that create needs, named as they are to be typed. */
static int
check_complete(struct wh_ctl *ctl, const struct wh_input *in)
{
	struct wh_buf missing = WH_BUF_NULL;
	int r = 0;

	for (size_t f = 0; f < WH_F_COUNT; f++)
		if (wh_fields[f].type != WH_FT_TEXT && !wh_input_has(ctl, in, (enum wh_field)f))
			wh_buf_printf(&missing, "%s--%s", missing.n ? ", " : "",
				      wh_fields[f].option);
	if (missing.n)
		r = wh_ctl_fail(ctl, "USAGE", "whctl create lacks %.*s",
				WH_STR_FMT(wh_buf_view(&missing)));
	wh_buf_fini(&missing);
	return r;
}

int
wh_run_create(struct wh_ctl *ctl)
{
	struct wh_input in;
	struct wh_params p;
	int r = wh_input_gather(ctl, ctl->cli.n_words ? ctl->cli.words[0] : NULL, false, &in);

	wh_params_begin(&p);
	if (!r)
		r = check_complete(ctl, &in);
	if (!r) {
		wh_input_pack(ctl, &in, &p);
		for (size_t f = 0; f < WH_F_COUNT; f++)
			if (!wh_input_has(ctl, &in, (enum wh_field)f))
				wh_params_str(&p, wh_fields[f].name, WH_STR(""));
		r = send_and_finish(ctl, &p);
	}
	wh_params_fini(&p);
	wh_input_fini(&in);
	return r;
}

/* WHID [JSON], [JSON] with the whid inside, or -f with the whid inside. */
static void
update_words(const struct wh_ctl *ctl, const char **ret_whid, const char **ret_json)
{
	const char *first = ctl->cli.n_words > 0 ? ctl->cli.words[0] : NULL;
	bool json_first = first && ctl->cli.n_words == 1 && first[0] == '{';

	*ret_whid = json_first ? NULL : first;
	*ret_json = json_first ? first : ctl->cli.n_words > 1 ? ctl->cli.words[1] : NULL;
}

static int
add_whid(struct wh_ctl *ctl, const struct wh_input *in, const char *word, struct wh_params *p)
{
	struct wh_buf name = WH_BUF_NULL;
	const char *whid = NULL;
	int r = word ? wh_ctl_whid(ctl, word, &name, &whid) : 0;

	if (!r && whid && in->whid.n && !wh_str_is(in->whid, whid))
		r = wh_ctl_fail(ctl, "USAGE", "the input is webhook %.*s, not %s",
				WH_STR_FMT(in->whid), whid);
	else if (!r && !whid && !in->whid.n)
		r = wh_ctl_fail(ctl, "USAGE", "whctl update needs a WHID");
	if (!r)
		wh_params_str(p, "whid", whid ? wh_str_c(whid) : in->whid);
	wh_buf_fini(&name);
	return r;
}

static void
add_change(const struct wh_ctl *ctl, const struct wh_input *in, struct wh_params *p)
{
	struct wh_params set;

	wh_params_begin(&set);
	wh_input_pack(ctl, in, &set);
	struct wh_str bytes = wh_params_end(&set);

	if (set.n) {
		wh_pack_kv_raw(&p->b, "set", bytes);
		p->n++;
	}
	if (set.b.fault)
		p->b.fault = set.b.fault;
	wh_params_fini(&set);
	wh_input_pack_list(p, "add_processes", in->add, in->n_add);
	wh_input_pack_list(p, "remove_processes", in->remove, in->n_remove);
}

int
wh_run_update(struct wh_ctl *ctl)
{
	const char *word, *json;
	struct wh_input in;
	struct wh_params p;

	update_words(ctl, &word, &json);
	int r = wh_input_gather(ctl, json, true, &in);

	wh_params_begin(&p);
	if (!r)
		r = add_whid(ctl, &in, word, &p);
	if (!r) {
		size_t before = p.n;

		add_change(ctl, &in, &p);
		r = p.n == before ? wh_ctl_fail(ctl, "USAGE", "nothing to change was given")
				  : send_and_finish(ctl, &p);
	}
	wh_params_fini(&p);
	wh_input_fini(&in);
	return r;
}

int
wh_run_op(struct wh_ctl *ctl)
{
	struct whc_object *op = NULL;
	struct wh_params p;

	wh_params_begin(&p);
	int r = wh_ctl_params(ctl, &p);

	if (!r)
		r = wh_ctl_call(ctl, ctl->cli.verb->cmd->method, wh_params_end(&p), -1, &op);
	if (!r)
		r = wh_op_finish(ctl, op);
	whc_object_unref(op);
	wh_params_fini(&p);
	return r;
}

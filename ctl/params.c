/* SPDX-License-Identifier: MIT */
/*
 * From words and options to the parameters of a method, by the types of
 * proto/commands.def.
 *
 * Called by the verbs, after the command line is taken apart. Whether a value
 * makes sense is whd's to say; here it only gets its type.
 */
#include "ctl/cli.h"
#include "proto/json.h"

#define JSON_DEPTH 16
#define PARAMS_MAX ((size_t)1 << 20)

static const struct {
	const char *name;
	int64_t ms;
} units[] = {
	{"ms", 1},
	{"s", 1000},
	{"min", 60000},
	{"h", 3600000},
};

bool
wh_duration_parse(const char *text, int64_t *ret)
{
	size_t digits = strspn(text, "0123456789");
	int64_t n;

	if (!wh_parse_i64(wh_str(text, digits), 0, INT64_MAX, &n))
		return false;
	for (size_t i = 0; i < wh_array_len(units); i++) {
		if (strcmp(text + digits, units[i].name) != 0)
			continue;
		if (n > INT64_MAX / units[i].ms)
			return false;
		*ret = n * units[i].ms;
		return true;
	}
	return false;
}

void
wh_params_begin(struct wh_params *p)
{
	*p = (struct wh_params){.b = wh_buf_capped(PARAMS_MAX)};
	p->place = wh_pack_open_map(&p->b);
}

void
wh_params_fini(struct wh_params *p)
{
	wh_buf_fini(&p->b);
}

struct wh_str
wh_params_end(struct wh_params *p)
{
	wh_pack_close_map(&p->b, p->place, p->n);
	return wh_buf_view(&p->b);
}

void
wh_params_str(struct wh_params *p, const char *key, struct wh_str v)
{
	wh_pack_kv_str(&p->b, key, v);
	p->n++;
}

void
wh_params_int(struct wh_params *p, const char *key, int64_t v)
{
	wh_pack_kv_int(&p->b, key, v);
	p->n++;
}

static int
refuse(struct wh_buf *why, const struct wh_arg_info *arg, const char *value, const char *want)
{
	wh_buf_printf(why, "%s \"%s\" is not %s", arg->name, value, want);
	return WH_EINVAL;
}

static int
pack_int(const struct wh_arg_info *arg, const char *value, struct wh_buf *b, struct wh_buf *why)
{
	int64_t n;

	if (!wh_parse_i64(wh_str_c(value), INT64_MIN, INT64_MAX, &n))
		return refuse(why, arg, value, "a whole number");
	wh_pack_int(b, n);
	return 0;
}

static int
pack_ms(const struct wh_arg_info *arg, const char *value, struct wh_buf *b, struct wh_buf *why)
{
	int64_t ms;

	if (!wh_duration_parse(value, &ms))
		return refuse(why, arg, value, "a duration: write 500ms, 5s, 10min or 1h");
	wh_pack_int(b, ms);
	return 0;
}

static int
pack_json(const struct wh_arg_info *arg, const char *value, struct wh_buf *b,
	  struct wh_buf *why)
{
	struct wh_json_error error = {0};

	if (wh_json_to_pack(wh_str_c(value), JSON_DEPTH, b, &error)) {
		wh_buf_printf(why, "%s is not JSON: %s", arg->name, error.text);
		return WH_EINVAL;
	}
	return 0;
}

static int
pack_value(const struct wh_arg_info *arg, const char *value, struct wh_buf *b,
	   struct wh_buf *why)
{
	switch (arg->type) {
	case WH_ARG_STR:
		wh_pack_c(b, value);
		return 0;
	case WH_ARG_INT:
		return pack_int(arg, value, b, why);
	case WH_ARG_MS:
		return pack_ms(arg, value, b, why);
	case WH_ARG_MAP:
		return pack_json(arg, value, b, why);
	case WH_ARG_BOOL:
	case WH_ARG_LIST:
		break;
	}
	return refuse(why, arg, value, "to be given like this");
}

/* All values given for a list, in order. */
static void
pack_list(const struct wh_cli *cli, const struct wh_arg_info *info, struct wh_buf *b)
{
	size_t n = 0;
	size_t place = wh_pack_open_array(b);

	for (size_t i = 0; i < cli->n_args; i++) {
		if (cli->args[i].info != info)
			continue;
		wh_pack_c(b, cli->args[i].value);
		n++;
	}
	wh_pack_close_array(b, place, n);
}

/* The last one given counts; a list is one parameter however often it is given. */
static bool
is_last(const struct wh_cli *cli, size_t i)
{
	for (size_t j = i + 1; j < cli->n_args; j++)
		if (cli->args[j].info == cli->args[i].info)
			return false;
	return true;
}

static int
pack_option(const struct wh_cli *cli, size_t i, struct wh_buf *b, struct wh_buf *why)
{
	const struct wh_cli_arg *arg = &cli->args[i];

	wh_pack_c(b, arg->info->name);
	if (arg->info->type == WH_ARG_BOOL) {
		wh_pack_bool(b, !arg->negated);
		return 0;
	}
	if (arg->info->type == WH_ARG_LIST) {
		pack_list(cli, arg->info, b);
		return 0;
	}
	return pack_value(arg->info, arg->value, b, why);
}

int
wh_cli_params(const struct wh_cli *cli, struct wh_params *p, struct wh_buf *why)
{
	const struct wh_cmd_info *cmd = cli->verb->cmd;
	size_t word = 0;
	int r = 0;

	for (size_t i = 0; !cli->verb->operands && !r && i < cmd->n_args; i++) {
		if (!cmd->args[i].required)
			continue;
		wh_pack_c(&p->b, cmd->args[i].name);
		r = pack_value(&cmd->args[i], cli->words[word++], &p->b, why);
		p->n++;
	}
	for (size_t i = 0; !r && i < cli->n_args; i++) {
		if (!is_last(cli, i))
			continue;
		r = pack_option(cli, i, &p->b, why);
		p->n++;
	}
	return r;
}

bool
wh_cli_has(const struct wh_cli *cli, const char *arg)
{
	for (size_t i = cli->n_args; i > 0; i--)
		if (strcmp(cli->args[i - 1].info->name, arg) == 0)
			return !cli->args[i - 1].negated;
	return false;
}

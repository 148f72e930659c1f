/* SPDX-License-Identifier: MIT */
/*
 * Why a function of the library failed: the one place where the error of a
 * handle is written.
 *
 * Called by all files of the library on the handle's thread. It never prints
 * and keeps only a bounded copy of what a peer said.
 */
#include <stdio.h>
#include <unistd.h>

#include "proto/client/client.h"

static const struct {
	int fault;
	const char *code;
} fault_codes[] = {
	{0, "OK"},
	{WHC_EANSWER, "ERROR"},
	{WHC_EUNREACHABLE, "UNREACHABLE"},
	{WHC_ELOST, "LOST"},
	{WHC_ETIMEOUT, "TIMEOUT"},
	{WHC_EPROTOCOL, "PROTOCOL"},
	{WHC_ENOMEM, "NO_MEMORY"},
	{WHC_EINVALID, "INVALID"},
	{WHC_EFORKED, "FORKED"},
	{WHC_ECANCELLED, "CANCELLED"},
};

static const char *
fault_code(int fault)
{
	for (size_t i = 0; i < wh_array_len(fault_codes); i++)
		if (fault_codes[i].fault == fault)
			return fault_codes[i].code;
	return "ERROR";
}

static void
set_error(struct whc *c, int fault, int errnum, struct wh_str code)
{
	snprintf(c->why.code, sizeof(c->why.code), "%.*s", WH_STR_FMT(code));
	c->why.error = (struct whc_error){fault, errnum, c->why.code, c->why.message};
}

int
whc_fail(struct whc *c, int fault, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(c->why.message, sizeof(c->why.message), fmt, ap);
	va_end(ap);
	set_error(c, fault, 0, wh_str_c(fault_code(fault)));
	return fault;
}

int
whc_fail_sys(struct whc *c, int fault, int errnum, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(c->why.message, sizeof(c->why.message), fmt, ap);
	va_end(ap);
	set_error(c, fault, errnum, wh_str_c(fault_code(fault)));
	return fault;
}

static bool
is_code_byte(char b)
{
	return (b >= 'A' && b <= 'Z') || (b >= '0' && b <= '9') || b == '_';
}

/* Splits "CODE: sentence"; without a code all of it is the sentence. */
static struct wh_str
split_code(struct wh_str *text)
{
	size_t n = 0;

	while (n < text->n && n < 39 && is_code_byte(text->p[n]))
		n++;
	if (n == 0 || text->n < n + 2 || text->p[n] != ':' || text->p[n + 1] != ' ')
		return WH_STR("ERROR");
	struct wh_str code = wh_str(text->p, n);

	*text = wh_str(text->p + n + 2, text->n - n - 2);
	return code;
}

int
whc_fail_answer(struct whc *c, const msgpack_object *error)
{
	struct wh_str text = WH_STR("whd answered with an error that has no text");

	if (error->type == MSGPACK_OBJECT_ARRAY && error->via.array.size >= 2)
		error = &error->via.array.ptr[1];
	wh_obj_str(error, &text);
	struct wh_str code = split_code(&text);

	snprintf(c->why.message, sizeof(c->why.message), "%.*s", WH_STR_FMT(text));
	set_error(c, WHC_EANSWER, 0, code);
	return WHC_EANSWER;
}

const struct whc_error *
whc_error(const struct whc *c)
{
	return &c->why.error;
}

int
whc_check_process(struct whc *c)
{
	if (c->pid != getpid())
		return whc_fail(c, WHC_EFORKED,
				"this handle was opened by process %ld: open another one after "
				"a fork",
				(long)c->pid);
	return 0;
}

int
whc_check_blocking(struct whc *c)
{
	if (c->busy)
		return whc_fail(c, WHC_EINVALID,
				"a function that waits was called from within a callback: "
				"return first");
	return whc_check_process(c);
}

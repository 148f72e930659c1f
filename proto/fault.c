/* SPDX-License-Identifier: MIT */
/*
 * Fault texts, broken invariants and the allocations that may end the process.
 *
 * Every part calls it, on any thread. It keeps no state. It prints only right
 * before it ends the process; everything else in proto/ is silent.
 */
#include <stdio.h>
#include <stdlib.h>

#include "proto/base.h"

struct fault_text {
	int fault;
	const char *text;
};

static const struct fault_text fault_texts[] = {
	{0, "no fault"},
#define WH_FAULT(name, value, text) {(value), text},
#include "proto/faults.def"
#undef WH_FAULT
};

const char *
wh_fault_str(int fault)
{
	for (size_t i = 0; i < wh_array_len(fault_texts); i++)
		if (fault_texts[i].fault == fault)
			return fault_texts[i].text;
	return fault > 0 ? "not a fault" : "unknown fault";
}

void
wh_require_failed(const char *what, const char *file, int line)
{
	fprintf(stderr,
		"whd stops itself: an internal rule was broken at %s:%d: %s. "
		"Nothing acknowledged is lost; start it again and report this line.\n",
		file, line, what);
	abort();
}

WH_NORETURN static void
out_of_memory(size_t bytes)
{
	fprintf(stderr, "out of memory for %zu bytes: free memory or raise its limit\n", bytes);
	abort();
}

void *
wh_xcalloc(size_t n, size_t size)
{
	void *p = calloc(n ? n : 1, size ? size : 1);

	if (!p)
		out_of_memory(n * size);
	return p;
}

char *
wh_xstrdup(struct wh_str s)
{
	char *p = malloc(s.n + 1);

	if (!p)
		out_of_memory(s.n);
	if (s.n)
		memcpy(p, s.p, s.n);
	p[s.n] = '\0';
	return p;
}

/* SPDX-License-Identifier: MIT */
/*
 * Memory that cannot run out quietly: see mem.h.
 *
 * Called by every file of the simulator, from any thread.  Never returns
 * NULL for an allocation.
 */
#include "tests/whsim/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *
mem_checked(void *data, size_t size)
{
	if (data)
		return data;
	fprintf(stderr, "whsim: no memory for %zu bytes; it gives up\n", size);
	abort();
}

void *
wh_mem_new(size_t size)
{
	return mem_checked(calloc(1, size ? size : 1), size);
}

void *
wh_mem_resize(void *old, size_t size)
{
	return mem_checked(realloc(old, size ? size : 1), size);
}

char *
wh_mem_copy(const void *data, size_t len)
{
	char *copy = wh_mem_new(len + 1);

	if (len)
		memcpy(copy, data, len);
	return copy;
}

char *
wh_mem_text(const char *text)
{
	return text ? wh_mem_copy(text, strlen(text)) : NULL;
}

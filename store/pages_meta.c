/* SPDX-License-Identifier: MIT */
/*
 * The beginning of a data file: its two meta pages, of which the newer one
 * counts, and what is needed to read the rest.
 */
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/pages_form.h"
#include "store/value.h"

static bool
take_meta(const struct wh_pages *p, off_t at, struct meta *ret)
{
	if (pread(p->fd, ret, sizeof(*ret), at) != (ssize_t)sizeof(*ret))
		return false;
	return ret->magic == LMDB_MAGIC && ret->version == LMDB_VERSION &&
	       ret->free.pad >= PAGE_SIZE_MIN && ret->free.pad <= PAGE_SIZE_MAX &&
	       (ret->free.pad & (ret->free.pad - 1)) == 0 && ret->main.flags == 0;
}

/* The newer one of the meta pages that can be read. The second one is looked for at each size
 * that a page may have, in case the first is lost. */
static void
choose_meta(struct wh_pages *p)
{
	struct meta best = {.txn = 0}, m;

	if (take_meta(p, 0, &m)) {
		best = m;
		p->metas++;
	}
	for (off_t at = PAGE_SIZE_MIN; at <= PAGE_SIZE_MAX; at *= 2) {
		if (!take_meta(p, at, &m) || m.free.pad != (uint32_t)at || m.head.number != 1 ||
		    (p->metas > 0 && m.free.pad != best.free.pad))
			continue;
		if (p->metas++ == 0 || m.txn > best.txn)
			best = m;
	}
	p->size = p->metas ? best.free.pad : (size_t)sysconf(_SC_PAGESIZE);
	p->last = p->metas ? best.last : UINT64_MAX;
	p->txn = best.txn;
	p->free = (struct wh_tree){best.free.root, best.free.depth};
	p->main = (struct wh_tree){best.main.root, best.main.depth};
}

int
wh_pages_open(struct wh_pages *p, int fd)
{
	struct stat st;

	*p = (struct wh_pages){.fd = fd, .large = wh_buf_capped(2 * WH_VALUE_MAX)};
	if (fstat(fd, &st) != 0)
		return WH_ESYS;
	choose_meta(p);
	p->n = (uint64_t)st.st_size / p->size;
	p->seen = calloc(1, (size_t)(p->n / 8 + 1));
	return p->seen ? 0 : WH_ENOMEM;
}

void
wh_pages_close(struct wh_pages *p)
{
	for (size_t i = 0; i < WH_PAGES_DEPTH; i++)
		free(p->level[i]);
	free(p->seen);
	wh_buf_fini(&p->large);
}

/* SPDX-License-Identifier: MIT */
/*
 * Edit distance and the search for the nearest of several names.
 *
 * Whoever refuses a name calls it, to say which one may have been meant. Any
 * thread. It never allocates: long texts are simply far away from everything.
 */
#include "proto/nearest.h"

#define TEXT_MAX 64

static unsigned
min3(unsigned a, unsigned b, unsigned c)
{
	unsigned ab = a < b ? a : b;

	return ab < c ? ab : c;
}

/* One row of the classic table: row[j] is the distance of a's first i bytes to
 * b's first j. The two rows before are needed for swapped neighbours. */
static void
fill_row(unsigned rows[3][TEXT_MAX + 1], struct wh_str a, struct wh_str b, size_t i)
{
	unsigned *row = rows[i % 3];
	const unsigned *above = rows[(i + 2) % 3];
	const unsigned *above2 = rows[(i + 1) % 3];

	row[0] = (unsigned)i;
	for (size_t j = 1; j <= b.n; j++) {
		unsigned differ = a.p[i - 1] != b.p[j - 1];

		row[j] = min3(above[j] + 1, row[j - 1] + 1, above[j - 1] + differ);
		bool swapped =
			i > 1 && j > 1 && a.p[i - 1] == b.p[j - 2] && a.p[i - 2] == b.p[j - 1];

		if (swapped && above2[j - 2] + 1 < row[j])
			row[j] = above2[j - 2] + 1;
	}
}

unsigned
wh_edit_distance(struct wh_str a, struct wh_str b, unsigned cap)
{
	unsigned rows[3][TEXT_MAX + 1];

	if (wh_str_eq(a, b))
		return 0;
	if (a.n > TEXT_MAX || b.n > TEXT_MAX)
		return cap;
	for (size_t j = 0; j <= b.n; j++)
		rows[0][j] = (unsigned)j;
	for (size_t i = 1; i <= a.n; i++)
		fill_row(rows, a, b, i);
	unsigned distance = rows[a.n % 3][b.n];

	return distance < cap ? distance : cap;
}

struct wh_nearest
wh_nearest_begin(struct wh_str wanted)
{
	/* Near is at most a third of the text wrong, and two slips at least. */
	unsigned slips = wanted.n < TEXT_MAX ? (unsigned)wanted.n / 3 : 0;

	return (struct wh_nearest){.wanted = wanted, .distance = (slips > 2 ? slips : 2) + 1};
}

void
wh_nearest_offer(struct wh_nearest *nearest, const char *name)
{
	struct wh_str offer = wh_str_c(name);
	unsigned distance = wh_edit_distance(nearest->wanted, offer, nearest->distance);

	/* A name of which nothing is right is no hint. */
	if (distance >= nearest->distance || distance >= offer.n)
		return;
	nearest->name = name;
	nearest->distance = distance;
}

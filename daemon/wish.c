/* SPDX-License-Identifier: MIT */
/* The numbers of a create: the members are looked through once for all of them. */
#include "daemon/wish.h"

#include "daemon/form.h"

int
wh_wish_of(struct wh_str members, struct wh_wish *ret)
{
	struct wh_glance g = {0};
	int r = members.n ? wh_glance(members, &g) : 0;

	if (r)
		return r;
	struct wh_create_keys keys =
		wh_norm_create_keys(g.text[WH_F_CALLBACK], g.text[WH_F_WHNAME]);

	*ret = (struct wh_wish){.group = {keys.url, keys.name}};
	r = wh_form_of(&g, ret->form);
	if (r == 0)
		ret->of = members;
	return r;
}

int
wh_wish_keep(struct wh_str members, struct wh_wish *inout)
{
	bool same = inout->of.p == members.p && inout->of.n == members.n;

	return same ? 0 : wh_wish_of(members, inout);
}

/* SPDX-License-Identifier: MIT */
/*
 * Resolves [access] to numbers and judges peers by what the kernel vouches
 * for: SO_PEERCRED and SO_PEERGROUPS, both fixed when the peer connected.
 *
 * The server calls it at start, at reload and at each accept. Looking a name
 * up may ask the network (NSS), so it is done at load only, never per peer.
 */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/access.h"
#include "daemon/server.h"

#define ROLES 3
#define GROUPS_MOST 65536u /* of one user, the kernel's limit */
#define NSS_ROOM_MOST ((size_t)1 << 20)

/* Who is in one setting of [access]. */
struct who {
	bool everyone;
	uint32_t *uids, *gids;
	size_t n_uids, n_gids;
};

struct wh_access {
	struct who who[ROLES]; /* by enum wh_role */
};

static const char *const keys[ROLES] = {
	[WH_ROLE_READ] = "read",
	[WH_ROLE_WRITE] = "write",
	[WH_ROLE_ADMIN] = "admin",
};

/* One look-up into room; errno's value, with *ret_found. */
typedef int look_up(const char *name, char *room, size_t n, bool *ret_found, uint32_t *ret);

static int
user_look_up(const char *name, char *room, size_t n, bool *ret_found, uint32_t *ret)
{
	struct passwd entry, *got = NULL;
	int r = getpwnam_r(name, &entry, room, n, &got);

	*ret_found = got != NULL;
	if (got)
		*ret = got->pw_uid;
	return r;
}

static int
group_look_up(const char *name, char *room, size_t n, bool *ret_found, uint32_t *ret)
{
	struct group entry, *got = NULL;
	int r = getgrnam_r(name, &entry, room, n, &got);

	*ret_found = got != NULL;
	if (got)
		*ret = got->gr_gid;
	return r;
}

/* Large groups need much room, and only trying tells how much. */
static bool
look_up_name(look_up *how, const char *name, uint32_t *ret)
{
	bool found = false;
	int r = ERANGE;

	for (size_t n = 4096; r == ERANGE && n <= NSS_ROOM_MOST; n *= 2) {
		char *room = wh_xcalloc(n, 1);

		r = how(name, room, n, &found, ret);
		free(room);
	}
	return r == 0 && found;
}

static void
append(uint32_t **list, size_t *n, uint32_t id)
{
	uint32_t *more = wh_xcalloc(*n + 1, sizeof(more[0]));

	if (*n)
		memcpy(more, *list, *n * sizeof(more[0]));
	more[(*n)++] = id;
	free(*list);
	*list = more;
}

/* The name that was asked for last: lists tend to hold the same one. */
struct asked {
	look_up *how;
	char *name;
	bool found;
	uint32_t id;
};

static bool
ask(struct asked *last, look_up *how, const char *name, uint32_t *ret)
{
	if (last->how != how || strcmp(last->name, name) != 0) {
		free(last->name);
		last->how = how;
		last->name = wh_xstrdup(wh_str_c(name));
		last->found = look_up_name(how, name, &last->id);
	}
	*ret = last->id;
	return last->found;
}

/* Takes one word of a list: *, @group, @gid, user or uid. False if there is no such name. */
static bool
take_word(struct who *who, const char *word, struct asked *last)
{
	bool group = word[0] == '@';
	const char *name = word + (group ? 1 : 0);
	int64_t number;
	uint32_t id;

	if (strcmp(word, "*") == 0) {
		who->everyone = true;
		return true;
	}
	if (wh_parse_i64(wh_str_c(name), 0, UINT32_MAX - 1, &number))
		id = (uint32_t)number;
	else if (!ask(last, group ? group_look_up : user_look_up, name, &id))
		return false;
	if (group)
		append(&who->gids, &who->n_gids, id);
	else
		append(&who->uids, &who->n_uids, id);
	return true;
}

static void
complain(const struct wh_config *c, const char *key, const char *word, bool fault,
	 struct wh_buf *text)
{
	bool group = word[0] == '@';

	wh_config_where(c, "access", key, text);
	wh_buf_printf(text, "%sthere is no %s \"",
		      fault ? "" : "warning: ", group ? "group" : "user");
	wh_buf_printable(text, wh_str_c(word + (group ? 1 : 0)), 64);
	wh_buf_c(text, "\": create it or correct the name\n");
}

static bool
stands_in_a_file(const struct wh_config *c, const char *key)
{
	for (size_t i = 0; i < wh_settings_n; i++)
		if (strcmp(wh_settings[i].section, "access") == 0 &&
		    strcmp(wh_settings[i].key, key) == 0)
			return strcmp(wh_config_origin(c, i), "default") != 0;
	return false;
}

static int
take_list(struct who *who, const struct wh_config *c, enum wh_role role, struct asked *last,
	  struct wh_buf *text)
{
	const char *const lists[ROLES] = {c->access_read, c->access_write, c->access_admin};
	char *words = wh_xstrdup(wh_str_c(lists[role])), *rest = words;
	bool fault = stands_in_a_file(c, keys[role]);
	int r = 0;

	for (char *word = strsep(&rest, " "); word; word = strsep(&rest, " ")) {
		if (!*word || take_word(who, word, last))
			continue;
		complain(c, keys[role], word, fault, text);
		r = fault ? WH_EINVAL : r;
	}
	free(words);
	return r;
}

int
wh_access_new(struct wh_access **ret, const struct wh_config *c, struct wh_buf *text)
{
	struct wh_access *a = wh_xcalloc(1, sizeof(*a));
	struct asked last = {.how = NULL};
	int r = 0;

	for (size_t i = 0; i < ROLES; i++)
		if (take_list(&a->who[i], c, (enum wh_role)i, &last, text))
			r = WH_EINVAL;
	free(last.name);
	if (r) {
		wh_access_free(a);
		return r;
	}
	*ret = a;
	return 0;
}

struct wh_access *
wh_access_free(struct wh_access *a)
{
	if (!a)
		return NULL;
	for (size_t i = 0; i < ROLES; i++) {
		free(a->who[i].uids);
		free(a->who[i].gids);
	}
	free(a);
	return NULL;
}

static bool
holds(const uint32_t *list, size_t n, uint32_t id)
{
	for (size_t i = 0; i < n; i++)
		if (list[i] == id)
			return true;
	return false;
}

static bool
is_in(const struct who *who, const struct wh_peer *peer, const uint32_t *groups,
      size_t n_groups)
{
	if (who->everyone || holds(who->uids, who->n_uids, peer->uid) ||
	    holds(who->gids, who->n_gids, peer->gid))
		return true;
	for (size_t i = 0; i < n_groups; i++)
		if (holds(who->gids, who->n_gids, groups[i]))
			return true;
	return false;
}

void
wh_access_judge(const struct wh_access *a, struct wh_peer *peer, const uint32_t *groups,
		size_t n_groups)
{
	peer->known = true;
	peer->role = WH_ROLE_ADMIN;
	if (peer->uid == 0 || peer->uid == geteuid())
		return;
	/* The highest role whose list holds the peer; each includes those below it. */
	for (size_t i = ROLES; i-- > 0;) {
		peer->role = (enum wh_role)i;
		if (is_in(&a->who[i], peer, groups, n_groups))
			return;
	}
	peer->known = false;
}

/* The kernel says ERANGE as long as there is too little room. One that does not know the
 * question leaves the peer with its primary group: fewer rights, never more. */
static int
peer_groups(int fd, gid_t **ret, size_t *ret_n)
{
	for (size_t n = 32; n <= 2 * GROUPS_MOST; n *= 4) {
		gid_t *groups = wh_xcalloc(n, sizeof(groups[0]));
		socklen_t len = (socklen_t)(n * sizeof(groups[0]));

		if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) == 0) {
			*ret = groups;
			*ret_n = len / sizeof(groups[0]);
			return 0;
		}
		free(groups);
		if (errno != ERANGE)
			break;
	}
	*ret = NULL;
	*ret_n = 0;
	return errno == ENOPROTOOPT ? 0 : WH_ESYS;
}

int
wh_access_peer(const struct wh_access *a, int fd, struct wh_peer *ret)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);
	gid_t *groups = NULL;
	size_t n = 0;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) != 0)
		return WH_ESYS;
	int r = peer_groups(fd, &groups, &n);

	if (r)
		return r;
	*ret = (struct wh_peer){.uid = cred.uid, .gid = cred.gid, .pid = cred.pid};
	wh_access_judge(a, ret, groups, n);
	free(groups);
	return 0;
}

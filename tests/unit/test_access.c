/* SPDX-License-Identifier: MIT */
/*
 * daemon/access.c: names to numbers, and the role of a peer as a table of
 * lists against uids and groups.
 */
#include "daemon/access.h"
#include "daemon/server.h"
#include "tests/unit/rows.h"
#include "tests/unit/shell_fixture.h"

#include <sys/socket.h>

#define URL "[upstream]\nurl = https://api.example.com/webhookconfig\n"

static struct wh_access *
access_of(struct folder *f, const char *lists)
{
	struct wh_buf text = WH_BUF_NULL;
	struct wh_config *c = NULL;
	struct wh_access *a = NULL;
	char file[512];

	snprintf(file, sizeof(file), URL "[access]\n%s", lists);
	check(lists, wh_config_load(&c, folder_text(f, "c", file), &text) == 0);
	check(lists, wh_access_new(&a, c, &text) == 0);
	wh_config_free(c);
	wh_buf_fini(&text);
	return a;
}

struct role_row {
	const char *what;
	const char *lists;
	uint32_t uid, gid;
	uint32_t groups[3];
	size_t n_groups;
	int role; /* -1: not known */
};

#define USER 4321u
#define GROUP 4300u

static const struct role_row role_rows[] = {
	{"root, lists empty", "read =\nwrite =\nadmin =\n", 0, 0, {0}, 0, WH_ROLE_ADMIN},
	{"nobody is known", "read =\nwrite =\nadmin =\n", USER, GROUP, {0}, 0, -1},
	{"default: all read", "", USER, GROUP, {0}, 0, WH_ROLE_READ},
	{"uid reads", "read = 4321\n", USER, GROUP, {0}, 0, WH_ROLE_READ},
	{"other uid does not", "read = 4322\n", USER, GROUP, {0}, 0, -1},
	{"uid writes", "write = 1 4321\n", USER, GROUP, {0}, 0, WH_ROLE_WRITE},
	{"writing includes reading",
	 "read =\nwrite = 4321\n",
	 USER,
	 GROUP,
	 {0},
	 0,
	 WH_ROLE_WRITE},
	{"uid is admin", "read =\nwrite =\nadmin = 4321\n", USER, GROUP, {0}, 0, WH_ROLE_ADMIN},
	{"one name in two lists",
	 "write = daemon\nadmin = daemon\n",
	 1,
	 GROUP,
	 {0},
	 0,
	 WH_ROLE_ADMIN},
	{"user and group of one name",
	 "read =\nwrite = daemon\nadmin = @daemon\n",
	 1,
	 GROUP,
	 {0},
	 0,
	 WH_ROLE_WRITE},
	{"highest list counts",
	 "write = 4321\nadmin = 4321\n",
	 USER,
	 GROUP,
	 {0},
	 0,
	 WH_ROLE_ADMIN},
	{"primary group", "write = @4300\n", USER, GROUP, {0}, 0, WH_ROLE_WRITE},
	{"other groups", "admin = @9\n", USER, GROUP, {7, 8, 9}, 3, WH_ROLE_ADMIN},
	{"not among them", "read =\nadmin = @10\n", USER, GROUP, {7, 8, 9}, 3, -1},
	{"a gid is no uid", "read =\nwrite = 4300\n", USER, GROUP, {0}, 0, -1},
	{"a uid is no gid", "read =\nwrite = @4321\n", USER, GROUP, {0}, 0, -1},
	{"everyone writes", "write = *\n", USER, GROUP, {0}, 0, WH_ROLE_WRITE},
	{"name of a user", "read =\nwrite = bin\n", 2, 2, {0}, 0, WH_ROLE_WRITE},
	{"name of a group", "read =\nadmin = @bin\n", USER, 2, {0}, 0, WH_ROLE_ADMIN},
};

static void
roles(void **state)
{
	for (size_t i = 0; i < wh_array_len(role_rows); i++) {
		const struct role_row *row = &role_rows[i];
		struct wh_access *a = access_of(*state, row->lists);
		struct wh_peer peer = {.uid = row->uid, .gid = row->gid};

		wh_access_judge(a, &peer, row->groups, row->n_groups);
		check(row->what, peer.known == (row->role >= 0));
		if (row->role >= 0)
			check(row->what, (int)peer.role == row->role);
		wh_access_free(a);
	}
}

static void
own_uid(void **state)
{
	struct wh_access *a = access_of(*state, "read =\nwrite =\nadmin =\n");
	struct wh_peer peer = {.uid = geteuid(), .gid = GROUP};

	wh_access_judge(a, &peer, NULL, 0);
	check("whd's own", peer.known && peer.role == WH_ROLE_ADMIN);
	wh_access_free(a);
}

/* A missing group of the default is a warning; in a file it is an error. */
static void
missing_names(void **state)
{
	struct wh_buf text = WH_BUF_NULL;
	struct wh_config *c = NULL;
	struct wh_access *a = NULL;

	check("load", wh_config_load(&c, folder_text(*state, "c", URL), &text) == 0);
	check("default", wh_access_new(&a, c, &text) == 0);
	if (text.n > 0)
		check("warning",
		      says(&text, "access.write: warning: there is no group \"whd-admin\""));
	a = wh_access_free(a);
	wh_buf_reset(&text);
	/* Behind the back of the check at load: the user was removed meanwhile. */
	c->access_read = "root no-such-user-here";
	check("default's origin",
	      wh_access_new(&a, c, &text) == 0 && says(&text, "no-such-user"));
	wh_access_free(a);
	wh_config_free(c);
	wh_buf_fini(&text);
}

static void
peer_of_a_socket(void **state)
{
	struct wh_access *a = access_of(*state, "read =\nwrite =\nadmin =\n");
	struct wh_peer peer = {0};
	int pair[2];

	check("pair", socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
	check("peer", wh_access_peer(a, pair[0], &peer) == 0);
	check("is us", peer.uid == geteuid() && peer.gid == getegid() && peer.pid == getpid());
	check("role", peer.known && peer.role == WH_ROLE_ADMIN);
	close(pair[0]);
	close(pair[1]);
	check("no socket", pipe(pair) == 0);
	check("no socket", wh_access_peer(a, pair[0], &peer) == WH_ESYS);
	close(pair[0]);
	close(pair[1]);
	wh_access_free(a);
}

#define in_folder(f) cmocka_unit_test_setup_teardown(f, folder_make, folder_remove)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		in_folder(roles),
		in_folder(own_uid),
		in_folder(missing_names),
		in_folder(peer_of_a_socket),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

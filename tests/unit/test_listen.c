/* SPDX-License-Identifier: MIT */
/*
 * daemon/listen.c: the socket is made with its permissions, a dead one is
 * replaced, a live one and anything else is left alone.
 */
#include "daemon/listen.h"
#include "tests/unit/rows.h"
#include "tests/unit/shell_fixture.h"

#include <sys/socket.h>
#include <sys/un.h>

struct place {
	struct wh_config *config;
	char path[300];
};

static struct place
place_of(struct folder *f, const char *more)
{
	struct wh_buf text = WH_BUF_NULL;
	struct place p = {0};
	char file[1024];

	snprintf(p.path, sizeof(p.path), "%s/sock", f->path);
	snprintf(file, sizeof(file),
		 "[upstream]\nurl = https://a.example/x\n[socket]\npath = %s\n%s", p.path,
		 more);
	check(more, wh_config_load(&p.config, folder_text(f, "c", file), &text) == 0);
	wh_buf_fini(&text);
	return p;
}

static size_t
longest_legal_path(void)
{
	size_t i = 0;

	while (strcmp(wh_settings[i].section, "socket") != 0 ||
	       strcmp(wh_settings[i].key, "path") != 0)
		i++;
	return (size_t)wh_settings[i].max;
}

static bool
answers(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memcpy(address.sun_path, path, strlen(path));
	bool connected = connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0;

	close(fd);
	return connected;
}

static void
made_and_removed(void **state)
{
	struct place p = place_of(*state, "mode = 0640\n");
	struct wh_buf text = WH_BUF_NULL;
	struct wh_listener l;
	struct stat st;

	check("open", wh_listener_open(&l, p.config, &text) == 0 && text.n == 0);
	check("mode",
	      stat(p.path, &st) == 0 && S_ISSOCK(st.st_mode) && (st.st_mode & 0777) == 0640);
	check("answers", answers(p.path));
	wh_listener_close(&l);
	check("removed", stat(p.path, &st) != 0);
	wh_config_free(p.config);
	wh_buf_fini(&text);
}

/* What config.def lets through can be bound, and no more fits. */
static void
longest_path(void **state)
{
	struct place p = place_of(*state, "");
	struct wh_buf text = WH_BUF_NULL;
	struct wh_listener l;
	size_t most = longest_legal_path(), n = strlen(p.path);

	memset(p.path + n, 'x', most + 1 - n);
	p.config->socket_path = p.path;
	check("longer", wh_listener_open(&l, p.config, &text) == WH_EINVAL);
	check("longer", says(&text, "is too long for a socket's address"));
	p.path[most] = '\0';
	check("longest", wh_listener_open(&l, p.config, &text) == 0 && answers(p.path));
	wh_listener_close(&l);
	wh_config_free(p.config);
	wh_buf_fini(&text);
}

static void
dead_one_is_replaced(void **state)
{
	struct place p = place_of(*state, "");
	struct wh_buf text = WH_BUF_NULL;
	struct wh_listener dead, l;

	check("first", wh_listener_open(&dead, p.config, &text) == 0);
	close(dead.fd); /* as if the process had been killed */
	dead.fd = -1;
	check("dead", !answers(p.path));
	check("second", wh_listener_open(&l, p.config, &text) == 0);
	wh_listener_close(&dead);
	check("not removed by the first", answers(p.path));
	wh_listener_close(&l);
	wh_config_free(p.config);
	wh_buf_fini(&text);
}

static void
live_one_is_left_alone(void **state)
{
	struct place p = place_of(*state, "");
	struct wh_buf text = WH_BUF_NULL;
	struct wh_listener l, second;

	check("first", wh_listener_open(&l, p.config, &text) == 0);
	check("second", wh_listener_open(&second, p.config, &text) == WH_EBUSY);
	check("says", says(&text, "another process serves there"));
	check("still answers", answers(p.path));
	wh_listener_close(&l);
	wh_config_free(p.config);
	wh_buf_fini(&text);
}

static void
other_things_are_left_alone(void **state)
{
	struct folder *f = *state;
	struct place p = place_of(f, "");
	struct wh_buf text = WH_BUF_NULL;
	struct wh_listener l;
	struct stat st;

	folder_text(f, "sock", "precious");
	check("file", wh_listener_open(&l, p.config, &text) == WH_EINVAL &&
			      says(&text, "is no socket"));
	check("file", stat(p.path, &st) == 0 && st.st_size == 8);
	check("link", unlink(p.path) == 0 && symlink("/dev/null", p.path) == 0);
	check("link", wh_listener_open(&l, p.config, &text) == WH_EINVAL);
	check("link", lstat(p.path, &st) == 0 && S_ISLNK(st.st_mode));
	wh_config_free(p.config);
	wh_buf_fini(&text);
}

static void
no_place(void **state)
{
	struct place p = place_of(*state, "");
	struct wh_buf text = WH_BUF_NULL;
	struct wh_listener l;

	p.config->socket_group = "no-such-group"; /* it was removed since the check at load */
	check("group", wh_listener_open(&l, p.config, &text) == WH_EINVAL);
	check("group", says(&text, "socket.group: there is no group \"no-such-group\""));
	p.config->socket_group = "";
	p.config->socket_path = "/tmp/whd-no-such-folder/sock";
	check("folder", wh_listener_open(&l, p.config, &text) == WH_ESYS);
	check("folder", says(&text, "does its folder exist"));
	wh_config_free(p.config);
	wh_buf_fini(&text);
}

#define in_folder(f) cmocka_unit_test_setup_teardown(f, folder_make, folder_remove)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		in_folder(made_and_removed),
		in_folder(longest_path),
		in_folder(dead_one_is_replaced),
		in_folder(live_one_is_left_alone),
		in_folder(other_things_are_left_alone),
		in_folder(no_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

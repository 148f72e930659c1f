/* SPDX-License-Identifier: MIT */
/*
 * whsim: a stateful simulator of the webhook configuration API.
 *
 * Brings the parts up in order, says so in one line of JSON, waits for a
 * signal, takes them down in order.  Runs on the main thread, which does
 * nothing else.  It never forks and never listens but on 127.0.0.1.
 */
#include <errno.h>
#include <microhttpd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/whsim/control.h"
#include "tests/whsim/socket.h"
#include "tests/whsim/whsim.h"

enum { EXIT_USAGE = 2 };

struct control {
	struct MHD_Daemon *daemon;
	uint16_t port;
};

/* Every thread inherits the mask; main alone takes the signals. */
static void
signals_block(sigset_t *ret_set)
{
	const struct sigaction ignore = {.sa_handler = SIG_IGN};

	sigaction(SIGPIPE, &ignore, NULL);
	sigemptyset(ret_set);
	sigaddset(ret_set, SIGTERM);
	sigaddset(ret_set, SIGINT);
	pthread_sigmask(SIG_BLOCK, ret_set, NULL);
}

static int
control_start(struct whsim *sim, struct control *control)
{
	int fd = wh_socket_listen(sim->options->control_port, &control->port);

	if (fd < 0) {
		fprintf(stderr,
			"whsim: cannot listen on 127.0.0.1:%u: %s; choose "
			"another --control-port.\n",
			sim->options->control_port, strerror(-fd));
		return fd;
	}
	control->daemon = wh_control_start(sim, fd);
	if (control->daemon)
		return 0;
	close(fd);
	fprintf(stderr, "whsim: cannot serve the control verbs.\n");
	return -EIO;
}

static void
write_ready_line(const struct whsim *sim, const struct control *control, struct wh_buf *line)
{
	json_t *ready = json_object();

	json_object_set_new(ready, "url",
			    json_sprintf("%s://127.0.0.1:%u%s",
					 sim->options->tls_cert ? "https" : "http",
					 sim->net.port, sim->options->path));
	json_object_set_new(ready, "control",
			    json_sprintf("http://127.0.0.1:%u", control->port));
	json_object_set_new(ready, "pid", json_integer(getpid()));
	wh_buf_json(line, ready, JSON_COMPACT);
	wh_buf_text(line, "\n");
	json_decref(ready);
}

/* Whoever waits for the file never sees half of it. */
static int
write_control_file(const char *path, const struct wh_buf *line)
{
	struct wh_buf temporary = {0};
	FILE *file;
	int bad = 1;

	wh_buf_format(&temporary, "%s.tmp", path);
	file = fopen(temporary.data, "we");
	if (file) {
		bad = fwrite(line->data, 1, line->len, file) != line->len;
		bad |= fclose(file) != 0;
	}
	if (bad || rename(temporary.data, path)) {
		fprintf(stderr, "whsim: cannot write \"%s\": %s.\n", path, strerror(errno));
		bad = 1;
	}
	wh_buf_free(&temporary);
	return bad ? -EIO : 0;
}

static int
say_ready(const struct whsim *sim, const struct control *control)
{
	const char *path = sim->options->control_file;
	struct wh_buf line = {0};
	int r;

	write_ready_line(sim, control, &line);
	r = path ? write_control_file(path, &line) : 0;
	if (!r) {
		fputs(line.data, stdout);
		fflush(stdout);
	}
	wh_buf_free(&line);
	return r;
}

static int
serve(struct whsim *sim, const sigset_t *signals)
{
	struct control control = {0};
	int number;
	int r = wh_net_start(sim);

	if (!r)
		r = control_start(sim, &control);
	if (!r)
		r = say_ready(sim, &control);
	if (!r)
		sigwait(signals, &number);

	wh_sim_lock(sim);
	sim->stopping = true;
	wh_sim_interrupt(sim);
	wh_sim_unlock(sim);
	if (control.daemon)
		MHD_stop_daemon(control.daemon);
	wh_net_stop(sim);
	return r;
}

int
main(int argc, char **argv)
{
	struct wh_options options;
	struct whsim sim;
	sigset_t signals;
	int r = wh_options_read(argc, argv, &options);

	if (r)
		return r == OPTIONS_HELP ? EXIT_SUCCESS : EXIT_USAGE;
	signals_block(&signals);
	wh_sim_init(&sim, &options);
	r = wh_late_start(&sim);
	if (!r) {
		r = serve(&sim, &signals);
		wh_late_stop(&sim);
	}
	wh_sim_fini(&sim);
	return r ? EXIT_FAILURE : EXIT_SUCCESS;
}

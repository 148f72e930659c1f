/* SPDX-License-Identifier: MIT */
/*
 * The simulated network in front of the API: see net.h.
 *
 * Starts, stops and restarts the API's libmicrohttpd daemon, which gives each
 * connection a thread.  Called by main and by the control verbs.  It never
 * holds the simulator's lock while it waits for threads to end.
 */
#include "tests/whsim/net.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/whsim/exchange.h"
#include "tests/whsim/mem.h"
#include "tests/whsim/socket.h"
#include "tests/whsim/whsim.h"

enum { NET_CONNECTIONS = 1000, NET_PEM_MAX = 65536, NET_MEMORY = 65536 };

const char *const wh_net_names[] = {
	[NET_UP] = "up",
	[NET_REFUSE] = "refuse",
	[NET_BLACKHOLE] = "blackhole",
	[WH_NET_STATES] = NULL,
};

void
wh_net_init(struct wh_net *net)
{
	*net = (struct wh_net){.listen_fd = -1};
	pthread_mutex_init(&net->change, NULL);
}

void
wh_net_fini(struct wh_net *net)
{
	if (net->listen_fd >= 0)
		close(net->listen_fd);
	free(net->tls_cert);
	free(net->tls_key);
	pthread_mutex_destroy(&net->change);
}

static int
read_pem(const char *path, char **ret_text)
{
	char *text = wh_mem_new(NET_PEM_MAX);
	FILE *file = fopen(path, "re");
	size_t len = file ? fread(text, 1, NET_PEM_MAX - 1, file) : 0;

	if (file)
		fclose(file);
	if (len) {
		text[len] = '\0';
		*ret_text = text;
		return 0;
	}
	free(text);
	fprintf(stderr,
		"whsim: cannot read \"%s\"; give a PEM file that exists and "
		"is not empty.\n",
		path);
	return -EIO;
}

static int
read_tls(struct wh_net *net, const struct wh_options *options)
{
	int r;

	if (!options->tls_cert)
		return 0;
	r = read_pem(options->tls_cert, &net->tls_cert);
	return r ? r : read_pem(options->tls_key, &net->tls_key);
}

/* Serves the listening socket; 0 or -EIO. */
static int
net_serve(struct whsim *sim)
{
	struct wh_net *net = &sim->net;
	unsigned flags = MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD |
			 MHD_USE_POLL | MHD_USE_ITC | (net->tls_cert ? MHD_USE_TLS : 0);
	const struct MHD_OptionItem tls[] = {
		{MHD_OPTION_HTTPS_MEM_CERT, 0, net->tls_cert},
		{MHD_OPTION_HTTPS_MEM_KEY, 0, net->tls_key},
		{MHD_OPTION_END, 0, NULL},
	};
	const struct MHD_OptionItem plain[] = {{MHD_OPTION_END, 0, NULL}};

	net->daemon = MHD_start_daemon(
		flags, 0, NULL, NULL, wh_exchange_on_request, sim, MHD_OPTION_LISTEN_SOCKET,
		net->listen_fd, MHD_OPTION_CONNECTION_LIMIT, (unsigned)NET_CONNECTIONS,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)NET_MEMORY,
		MHD_OPTION_NOTIFY_CONNECTION, wh_exchange_on_connection, sim,
		MHD_OPTION_URI_LOG_CALLBACK, wh_exchange_on_uri, sim,
		MHD_OPTION_NOTIFY_COMPLETED, wh_exchange_on_completed, sim, MHD_OPTION_ARRAY,
		net->tls_cert ? tls : plain, MHD_OPTION_END);
	return net->daemon ? 0 : -EIO;
}

int
wh_net_start(struct whsim *sim)
{
	struct wh_net *net = &sim->net;
	int r = read_tls(net, sim->options);

	if (r)
		return r;
	net->listen_fd = wh_socket_listen(sim->options->port, &net->port);
	if (net->listen_fd < 0) {
		r = net->listen_fd;
		fprintf(stderr,
			"whsim: cannot listen on 127.0.0.1:%u: %s; choose "
			"another --port.\n",
			sim->options->port, strerror(-r));
		return r;
	}
	r = net_serve(sim);
	if (r)
		fprintf(stderr, "whsim: cannot serve the API; check the "
				"certificate and key.\n");
	return r;
}

/* Whoever is held under another state gives up. */
static void
net_note(struct whsim *sim, enum wh_net_state state)
{
	if (sim->net.state == state)
		return;
	sim->net.state = state;
	wh_sim_interrupt(sim);
}

/*
 * First nobody new gets in; then everybody who is in is reset, before anybody
 * who is held can wake up and close in an orderly way; only then are the
 * threads waited for.
 */
static void
net_go_deaf(struct whsim *sim)
{
	struct wh_net *net = &sim->net;

	if (!net->daemon)
		return;
	MHD_quiesce_daemon(net->daemon);
	wh_socket_deafen(net->listen_fd);
	wh_sim_lock(sim);
	wh_conns_reset(&sim->conns);
	net_note(sim, NET_REFUSE);
	wh_sim_unlock(sim);
	MHD_stop_daemon(net->daemon);
	net->daemon = NULL;
}

static int
net_go_up(struct whsim *sim, enum wh_net_state state)
{
	struct wh_net *net = &sim->net;
	int r;

	wh_sim_lock(sim);
	net_note(sim, state);
	wh_sim_unlock(sim);
	if (net->daemon)
		return 0;
	r = wh_socket_hear(net->listen_fd);
	if (!r)
		r = net_serve(sim);
	if (r) {
		wh_sim_lock(sim);
		net_note(sim, NET_REFUSE);
		wh_sim_unlock(sim);
	}
	return r;
}

int
wh_net_set(struct whsim *sim, enum wh_net_state state)
{
	int r = 0;

	pthread_mutex_lock(&sim->net.change);
	if (state == NET_REFUSE)
		net_go_deaf(sim);
	else
		r = net_go_up(sim, state);
	pthread_mutex_unlock(&sim->net.change);
	return r;
}

void
wh_net_stop(struct whsim *sim)
{
	pthread_mutex_lock(&sim->net.change);
	if (sim->net.daemon) {
		MHD_quiesce_daemon(sim->net.daemon);
		MHD_stop_daemon(sim->net.daemon);
		sim->net.daemon = NULL;
	}
	pthread_mutex_unlock(&sim->net.change);
}

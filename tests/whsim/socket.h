/* SPDX-License-Identifier: MIT */
/*
 * Listening sockets on 127.0.0.1.
 *
 * Used for the API and for the control verbs, at start and when the network
 * comes back.  Nothing else is ever listened on.
 */
#pragma once

#include <stdint.h>

/*
 * Returns a listening socket, or a negative errno.  `port` 0 takes any free
 * one; `ret_port` is what it became.  The port stays bound to the socket even
 * while wh_socket_deafen is in force.
 */
int wh_socket_listen(uint16_t port, uint16_t *ret_port);

/* Stops listening: connects are refused, the port stays ours. */
void wh_socket_deafen(int fd);

/* Listens again; returns 0 or a negative errno. */
int wh_socket_hear(int fd);

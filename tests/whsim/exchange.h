/* SPDX-License-Identifier: MIT */
/*
 * The callbacks of the API's libmicrohttpd daemon.
 *
 * Their signatures are the library's; `cls` is the simulator.  Called on the
 * thread of a connection, but for the ends of connections, which come on the
 * listening thread.
 */
#pragma once

#include <microhttpd.h>
#include <stddef.h>

/* Registers and unregisters a connection. */
void wh_exchange_on_connection(void *cls, struct MHD_Connection *connection,
			       void **socket_context, enum MHD_ConnectionNotificationCode code);

/* Begins an exchange when a request line was read; returns it. */
void *wh_exchange_on_uri(void *cls, const char *uri, struct MHD_Connection *connection);

/* Takes the headers, then the body piece by piece, then answers. */
enum MHD_Result wh_exchange_on_request(void *cls, struct MHD_Connection *connection,
				       const char *url, const char *method, const char *version,
				       const char *data, size_t *data_len, void **exchange);

/* Ends an exchange, however it went. */
void wh_exchange_on_completed(void *cls, struct MHD_Connection *connection, void **exchange,
			      enum MHD_RequestTerminationCode code);

/* SPDX-License-Identifier: MIT */
/*
 * Ids of requests: UUIDv7 (RFC 9562, 5.7), so that they sort by time and two
 * callers never draw the same one.
 *
 * Called by webhook.c and by programs, on any thread. It keeps no state.
 */
#include <stdio.h>
#include <sys/random.h>
#include <time.h>

#include "proto/client/client.h"

int
whc_request_id(char ret[WHC_REQUEST_ID_SIZE])
{
	struct timespec ts = {0};
	uint8_t id[16];

	if (getrandom(id, sizeof(id), 0) != (ssize_t)sizeof(id))
		return WHC_EINVALID;
	clock_gettime(CLOCK_REALTIME, &ts);
	uint64_t ms = (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;

	for (int i = 0; i < 6; i++)
		id[i] = (uint8_t)(ms >> (40 - 8 * i));
	id[6] = (uint8_t)((id[6] & 0x0f) | 0x70);
	id[8] = (uint8_t)((id[8] & 0x3f) | 0x80);
	snprintf(ret, WHC_REQUEST_ID_SIZE,
		 "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", id[0],
		 id[1], id[2], id[3], id[4], id[5], id[6], id[7], id[8], id[9], id[10], id[11],
		 id[12], id[13], id[14], id[15]);
	return 0;
}

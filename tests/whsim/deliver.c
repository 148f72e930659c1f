/* SPDX-License-Identifier: MIT */
/*
 * Sending a decided reply, or sending none: see deliver.h.
 *
 * Called by exchange.c on the thread of the connection.  A body that is cut
 * or slow comes from a reader of our own, which may wait: its thread has
 * nothing else to do.  It never decides what is sent.
 */
#include "tests/whsim/deliver.h"

#include <stdlib.h>
#include <string.h>

#include "tests/whsim/clock.h"
#include "tests/whsim/gzip.h"
#include "tests/whsim/hold.h"
#include "tests/whsim/mem.h"
#include "tests/whsim/whsim.h"

enum { DELIVER_BLOCK = 65536 };

/* A body on its way. */
struct stream {
	struct whsim *sim;
	struct wh_buf body;
	struct wh_delivery how;
	uint64_t epoch;
	int64_t next_ms; /* when slow: not before this instant */
};

static void
bend_type(const struct wh_switches *sw, struct wh_reply *reply)
{
	if (!reply->content_type)
		return;
	switch (sw->content_type) {
	case CONTENT_TYPE_TEXT:
		reply->content_type = wh_reply_text_type;
		return;
	case CONTENT_TYPE_HTML:
		reply->content_type = wh_reply_html_type;
		return;
	case CONTENT_TYPE_NONE:
		reply->content_type = NULL;
		return;
	case CONTENT_TYPE_JSON:
		return;
	}
}

static bool
accepts_gzip(const struct wh_request *req)
{
	const char *accepted = req->headers[REQUEST_ACCEPT_ENCODING];

	return accepted && strstr(accepted, "gzip");
}

static void
bend_encoding(const struct wh_switches *sw, const struct wh_request *req,
	      struct wh_reply *reply)
{
	struct wh_buf packed = {0};

	if (sw->gzip == GZIP_OFF || (sw->gzip == GZIP_ON && !accepts_gzip(req)))
		return;
	wh_gzip_add(reply->body.data, reply->body.len, &packed);
	wh_buf_free(&reply->body);
	reply->body = packed;
	wh_reply_header(reply, "Content-Encoding", "gzip");
}

void
wh_deliver_prepare(struct whsim *sim, const struct wh_request *req, struct wh_reply *reply,
		   struct wh_delivery *delivery)
{
	const struct wh_switches *sw = &sim->switches;

	if (!sw->keep_alive)
		wh_reply_header(reply, "Connection", "close");
	if (reply->status == 204 || reply->status == 304) {
		wh_buf_clear(&reply->body);
		reply->content_type = NULL;
	}
	if (!reply->from_api || !reply->body.len)
		return;
	bend_type(sw, reply);
	if (sw->bom)
		wh_buf_insert(&reply->body, 0, "\xef\xbb\xbf", 3);
	bend_encoding(sw, req, reply);
	delivery->chunked |= sw->chunked;
}

static void
stream_free(void *cls)
{
	struct stream *stream = cls;

	wh_sim_lock(stream->sim);
	wh_fault_unref(stream->how.rule);
	wh_sim_unlock(stream->sim);
	wh_buf_free(&stream->body);
	free(stream);
}

/* Waits for the next piece of a slow body; false = give up. */
static bool
stream_waits(struct stream *stream)
{
	const struct wh_hold hold = {
		.epoch = stream->epoch,
		.until_ms = stream->next_ms,
		.released = &stream->how.rule->removed,
		.watched = stream->how.conn,
	};
	enum wh_hold_end end;

	wh_sim_lock(stream->sim);
	end = wh_hold(stream->sim, &hold);
	wh_sim_unlock(stream->sim);
	stream->next_ms = wh_clock_in_ms(stream->how.slow_ms);
	if (end == HOLD_RELEASED)
		stream->how.slow_bytes = 0;
	return end == HOLD_TIME_UP || end == HOLD_RELEASED;
}

static ssize_t
stream_cut(struct stream *stream)
{
	if (stream->how.reset_at_cut) {
		wh_sim_lock(stream->sim);
		wh_conn_reset(stream->how.conn);
		wh_sim_unlock(stream->sim);
	}
	return MHD_CONTENT_READER_END_WITH_ERROR;
}

static ssize_t
stream_read(void *cls, uint64_t pos, char *buf, size_t max)
{
	struct stream *stream = cls;
	const struct wh_delivery *how = &stream->how;
	size_t left = stream->body.len - (size_t)pos;

	if (how->cut_at >= 0 && pos >= (uint64_t)how->cut_at)
		return stream_cut(stream);
	if (!left)
		return MHD_CONTENT_READER_END_OF_STREAM;
	if (how->slow_bytes && !stream_waits(stream))
		return MHD_CONTENT_READER_END_WITH_ERROR;

	if (how->cut_at >= 0 && left > (uint64_t)how->cut_at - pos)
		left = (size_t)((uint64_t)how->cut_at - pos);
	if (how->slow_bytes && left > (uint64_t)how->slow_bytes)
		left = (size_t)how->slow_bytes;
	if (left > max)
		left = max;
	memcpy(buf, stream->body.data + pos, left);
	return (ssize_t)left;
}

static struct MHD_Response *
make_stream(struct whsim *sim, struct wh_reply *reply, const struct wh_delivery *delivery)
{
	struct stream *stream = wh_mem_new(sizeof(*stream));

	stream->sim = sim;
	stream->body = reply->body;
	stream->how = *delivery;
	stream->next_ms = wh_clock_in_ms(delivery->slow_ms);
	reply->body = (struct wh_buf){0};
	wh_sim_lock(sim);
	stream->epoch = sim->epoch;
	if (stream->how.rule)
		wh_fault_ref(stream->how.rule);
	wh_sim_unlock(sim);
	return MHD_create_response_from_callback(
		delivery->chunked ? MHD_SIZE_UNKNOWN : stream->body.len, DELIVER_BLOCK,
		stream_read, stream, stream_free);
}

static struct MHD_Response *
make_whole(struct wh_reply *reply)
{
	struct wh_buf body = reply->body;

	reply->body = (struct wh_buf){0};
	if (body.len)
		return MHD_create_response_from_buffer(body.len, body.data,
						       MHD_RESPMEM_MUST_FREE);
	wh_buf_free(&body);
	return MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
}

static struct MHD_Response *
make_response(struct whsim *sim, struct wh_reply *reply, const struct wh_delivery *delivery)
{
	bool whole = delivery->cut_at < 0 && !delivery->slow_bytes && !delivery->chunked;
	struct MHD_Response *response =
		whole ? make_whole(reply) : make_stream(sim, reply, delivery);

	if (reply->content_type)
		MHD_add_response_header(response, "Content-Type", reply->content_type);
	for (size_t i = 0; i < reply->header_count; i++)
		MHD_add_response_header(response, reply->headers[i].name,
					reply->headers[i].value);
	return response;
}

enum MHD_Result
wh_deliver(struct whsim *sim, struct MHD_Connection *connection, struct wh_reply *reply,
	   const struct wh_delivery *delivery)
{
	struct MHD_Response *response;
	enum MHD_Result queued;

	if (delivery->how == DELIVER_RESET) {
		wh_sim_lock(sim);
		wh_conn_reset(delivery->conn);
		wh_sim_unlock(sim);
	}
	if (delivery->how == DELIVER_CUT_HEAD)
		wh_conn_say(delivery->conn, "HTTP/1.1 200 OK\r\nContent-Type: applic");
	if (delivery->how != DELIVER_REPLY)
		return MHD_NO;
	response = make_response(sim, reply, delivery);
	queued = MHD_queue_response(connection, (unsigned)reply->status, response);
	MHD_destroy_response(response);
	return queued;
}

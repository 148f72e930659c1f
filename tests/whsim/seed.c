/* SPDX-License-Identifier: MIT */
/*
 * Plausible rows by the thousand: see seed.h.
 *
 * Called at start and by the control verb seed, with the simulator's lock
 * held.  It never looks at the switches: a seeded row was there before.
 */
#include "tests/whsim/seed.h"

#include <inttypes.h>

#include "tests/whsim/buf.h"
#include "tests/whsim/ident.h"

#define SEED_PICK(list, state) list[wh_ident_below(state, sizeof(list) / sizeof(list[0]))]

static const char *const seed_subjects[] = {
	"Baugesuche",      "Steuerkonto", "Umzugsmeldungen",           "Hundekontrolle",
	"Fundb\xc3\xbcro", "Parkkarten",  "Betreibungsausz\xc3\xbcge", "Schulanmeldungen"};

static const char *const seed_places[] = {
	"Aarau",    "Baden",         "Brugg",     "Gr\xc3\xa4nichen", "K\xc3\xb6lliken",
	"Lenzburg", "M\xc3\xb6hlin", "Wettingen", "Zofingen"};

static const char *const seed_events[] = {"created", "statusChanged", "documentAdded",
					  "closed"};

static void
add_guid(struct wh_buf *out, const char *before, uint64_t *state)
{
	char guid[WH_IDENT_GUID_SIZE];

	wh_ident_guid(wh_ident_next(state), 0, guid);
	wh_buf_text(out, before);
	wh_buf_add(out, guid, sizeof(guid) - 1);
	wh_buf_text(out, "\"");
}

static void
add_processes(struct wh_buf *out, uint64_t *state)
{
	size_t count = wh_ident_below(state, 2) + 1;

	wh_buf_text(out, ",\"processes\":[");
	for (size_t i = 0; i < count; i++)
		add_guid(out, i ? ",\"" : "\"", state);
	wh_buf_text(out, "]");
}

/*
 * Written as text, since none of the parts needs an escape: a JSON library
 * would take three times as long, and this is for rows by the thousand.
 */
static void
write_row(struct wh_buf *out, const char *id, uint64_t number, uint64_t *state)
{
	const char *subject = SEED_PICK(seed_subjects, state);
	const char *place = SEED_PICK(seed_places, state);
	unsigned month = (unsigned)wh_ident_below(state, 12) + 1;
	unsigned day = (unsigned)wh_ident_below(state, 28) + 1;

	wh_buf_clear(out);
	wh_buf_format(out,
		      "{\"whid\":\"%s\",\"whname\":\"%s %s %06" PRIu64
		      "\",\"whcomment\":\"meldet %s der Gemeinde %s\"",
		      id, subject, place, number, subject, place);
	add_guid(out, ",\"applicationId\":\"", state);
	add_guid(out, ",\"municipalityId\":\"", state);
	wh_buf_format(out, ",\"callbackUrl\":\"https://hooks.example.test/in/%06" PRIu64 "\"",
		      number);
	add_processes(out, state);
	wh_buf_format(out,
		      ",\"eventTypes\":[\"%s\"],\"createdAt\":\"2024-%02u-%02uT08:15:00Z\","
		      "\"version\":%zu}",
		      SEED_PICK(seed_events, state), month, day, wh_ident_below(state, 20));
}

void
wh_seed_rows(struct wh_rows *rows, uint64_t seed, size_t count)
{
	struct wh_buf text = {0};

	for (; count; count--) {
		char id[WH_ROWS_ID_SIZE];
		uint64_t state;

		wh_rows_draw_id(rows, seed, ID_TYPE_GUID, id);
		state = rows->numbered;
		state = wh_ident_next(&state);
		write_row(&text, id, rows->numbered, &state);
		wh_rows_add_text(rows, id, text.data, text.len);
	}
	wh_buf_free(&text);
}

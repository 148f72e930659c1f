/* SPDX-License-Identifier: MIT */
/* The table of faults, and the words of gateways, proxies and error pages. */
#include "tests/sim/fault.h"

#include <inttypes.h>

#include "proto/buf.h"

const struct sim_fault_info sim_faults[SIM_FAULT_COUNT] = {
#define SIM_FAULT(id, group, weight, on, exec, net, left, status, body, whole)                 \
	[SIM_FAULT_##id] = {                                                                   \
		#id,  SIM_##group, weight,          on,   SIM_EXEC_##exec, WH_NET_##net,       \
		left, status,      SIM_BODY_##body, whole},
#include "tests/sim/faults.def"
#undef SIM_FAULT
};

static const char *const weathers[] = {
	[SIM_FINE] = "fine",       [SIM_OWN] = "own",
	[SIM_DOWN] = "down",       [SIM_SILENT] = "silent",
	[SIM_BROKEN] = "broken",   [SIM_LOCKED] = "locked",
	[SIM_QUOTA] = "quota",     [SIM_THROTTLED] = "throttled",
	[SIM_REFUSED] = "refused", [SIM_LYING] = "lying",
};

const char *
sim_weather_str(enum sim_weather w)
{
	return weathers[w];
}

/* In a spell most requests meet its kind of fault, the others what they meet on a calm day. */
enum sim_fault
sim_fault_draw(struct sim_dice *d, const struct sim_luck *luck, unsigned on)
{
	unsigned weights[SIM_FAULT_COUNT], sum = 0;
	enum sim_weather w = luck->weather;
	bool spell = w != SIM_FINE && sim_dice_chance(d, 850);

	if (!spell && !sim_dice_chance(d, luck->permille))
		return SIM_FAULT_NONE;
	if (!spell && (sim_faults[luck->favourite].on & on) && sim_dice_chance(d, 500))
		return luck->favourite;
	for (size_t i = 0; i < SIM_FAULT_COUNT; i++) {
		const struct sim_fault_info *f = &sim_faults[i];

		weights[i] = (f->on & on) && (!spell || f->group == w) ? f->weight : 0;
		sum += weights[i];
	}
	if (sum == 0)
		return SIM_FAULT_NONE;
	return (enum sim_fault)sim_dice_weighted(d, weights, SIM_FAULT_COUNT);
}

static void
add_gateway(struct wh_buf *out, int status, const char *message)
{
	wh_buf_printf(out, "{ \"statusCode\": %d, \"message\": \"%s\" }", status, message);
}

void
sim_fault_text(struct wh_buf *out, enum sim_body body, int status, int64_t wait_s)
{
	char text[120];

	switch (body) {
	case SIM_BODY_ERROR:
	case SIM_BODY_WAIT:
		wh_buf_printf(out, "{\"message\":\"the model says %d\"}", status);
		return;
	case SIM_BODY_HTML:
		wh_buf_c(out, "<!DOCTYPE html><html><body>Please log in</body></html>");
		return;
	case SIM_BODY_TEXT:
		wh_buf_c(out, "The request was taken, thank you.");
		return;
	case SIM_BODY_ROUTE:
		add_gateway(out, 404, "Resource not found");
		return;
	case SIM_BODY_KEY:
		add_gateway(out, 401, "Access denied due to invalid subscription key.");
		return;
	case SIM_BODY_QUOTA:
		snprintf(text, sizeof(text),
			 "Out of call volume quota. Quota will be replenished in "
			 "%02" PRId64 ":%02" PRId64 ":%02" PRId64 ".",
			 wait_s / 3600, wait_s / 60 % 60, wait_s % 60);
		add_gateway(out, 403, text);
		return;
	case SIM_BODY_RATE:
		snprintf(text, sizeof(text),
			 "Rate limit is exceeded. Try again in %" PRId64 " seconds.", wait_s);
		add_gateway(out, 429, text);
		return;
	case SIM_BODY_ERROR_400:
		add_gateway(out, 400, "A server side exception has occured");
		return;
	case SIM_BODY_ANOTHER:
		wh_buf_c(out, "{\"whid\":\"meant-for-another\",\"whname\":\"x\"}");
		return;
	case SIM_BODY_HALF:
		wh_buf_reset(out);
		wh_buf_c(out, "[{\"wh");
		return;
	case SIM_BODY_REAL:
	case SIM_BODY_NONE:
	case SIM_BODY_TOTAL:
	case SIM_BODY_TWICE:
	case SIM_BODY_JUNK:
	case SIM_BODY_KEYS:
	case SIM_BODY_MORE:
	case SIM_BODY_ELSEWHERE:
	case SIM_BODY_TRAILING:
	case SIM_BODY_EMPTY_LIST:
	case SIM_BODY_SHORT_LIST:
		return;
	}
}

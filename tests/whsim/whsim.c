/* SPDX-License-Identifier: MIT */
/*
 * The whole state of a simulator, and its one lock: see whsim.h.
 *
 * Called by main at both ends and by every thread between.  It never does
 * the work of a module, it only brings all of them up, down and back.
 */
#include "tests/whsim/whsim.h"

#include "tests/whsim/clock.h"
#include "tests/whsim/seed.h"

static void
sim_start_state(struct whsim *sim)
{
	const struct wh_options *options = sim->options;

	wh_switches_init(&sim->switches);
	sim->rows.numbered = 0;
	wh_seed_rows(&sim->rows, options->prng, options->seed);
	wh_gate_init(&sim->gate, sim->switches.retry_after_header);
	wh_gate_set_keys(&sim->gate, options->keys, options->key_count);
	sim->close_after_request = false;
}

void
wh_sim_init(struct whsim *sim, const struct wh_options *options)
{
	pthread_condattr_t attr;

	*sim = (struct whsim){.options = options};
	sim->started_ms = wh_clock_mono_ms();
	pthread_mutex_init(&sim->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&sim->changed, &attr);
	pthread_condattr_destroy(&attr);
	wh_rows_init(&sim->rows);
	wh_faults_init(&sim->faults);
	wh_log_init(&sim->log, sim->started_ms);
	wh_net_init(&sim->net);
	sim_start_state(sim);
}

void
wh_sim_fini(struct whsim *sim)
{
	wh_net_fini(&sim->net);
	wh_log_fini(&sim->log);
	wh_faults_clear(&sim->faults);
	wh_gate_fini(&sim->gate);
	wh_rows_fini(&sim->rows);
	pthread_cond_destroy(&sim->changed);
	pthread_mutex_destroy(&sim->lock);
}

void
wh_sim_lock(struct whsim *sim)
{
	pthread_mutex_lock(&sim->lock);
}

void
wh_sim_unlock(struct whsim *sim)
{
	pthread_mutex_unlock(&sim->lock);
}

void
wh_sim_changed(struct whsim *sim)
{
	pthread_cond_broadcast(&sim->changed);
}

void
wh_sim_interrupt(struct whsim *sim)
{
	sim->epoch++;
	wh_sim_changed(sim);
}

void
wh_sim_reset(struct whsim *sim)
{
	wh_late_drop(sim);
	wh_faults_clear(&sim->faults);
	wh_faults_init(&sim->faults);
	wh_log_clear(&sim->log);
	wh_gate_fini(&sim->gate);
	wh_rows_clear(&sim->rows);
	sim_start_state(sim);
	wh_sim_interrupt(sim);
}

void
wh_sim_wait_until(struct whsim *sim, int64_t mono_ms)
{
	struct timespec instant = wh_clock_instant(mono_ms);

	pthread_cond_timedwait(&sim->changed, &sim->lock, &instant);
}

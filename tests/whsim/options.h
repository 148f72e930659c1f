/* SPDX-License-Identifier: MIT */
/*
 * The command line.
 *
 * Read once by main before any thread is started; constant afterwards.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { WH_OPTIONS_KEYS_MAX = 16 };

struct wh_options {
	uint16_t port; /* 0 = any */
	uint16_t control_port;
	const char *path; /* begins with a slash */
	const char *keys[WH_OPTIONS_KEYS_MAX];
	size_t key_count;
	const char *header; /* that carries the key */
	size_t seed;        /* rows at start */
	uint64_t prng;      /* seed of the id generator */
	const char *tls_cert;
	const char *tls_key;
	const char *control_file;
};

enum wh_options_outcome {
	OPTIONS_RUN = 0,
	OPTIONS_HELP = 1, /* the help was printed; end with 0 */
};

/*
 * Reads the command line; the texts stay those of `argv`.  Returns an outcome,
 * or -EINVAL after a sentence on stderr.
 */
int wh_options_read(int argc, char **argv, struct wh_options *ret_options);

/* SPDX-License-Identifier: MIT */
/*
 * The command line: see options.h.
 *
 * Owns the table of options that yields both the parser and the help.  Called
 * by main once.  It never opens a file or a socket.
 */
#include "tests/whsim/options.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/whsim/seed.h"

enum option_id {
	OPT_PORT,
	OPT_CONTROL_PORT,
	OPT_PATH,
	OPT_KEY,
	OPT_HEADER,
	OPT_SEED,
	OPT_PRNG,
	OPT_TLS_CERT,
	OPT_TLS_KEY,
	OPT_CONTROL_FILE,
	OPT_HELP,
	OPT_COUNT
};

static const struct {
	const char *name;
	const char *argument; /* NULL = takes none */
	const char *help;
} option_table[OPT_COUNT] = {
	[OPT_PORT] = {"port", "N", "port of the API, 0 = any (default 0)"},
	[OPT_CONTROL_PORT] = {"control-port", "N",
			      "port of the control verbs, 0 = any (default 0)"},
	[OPT_PATH] = {"path", "PATH", "path of the resource (default /webhookconfig)"},
	[OPT_KEY] = {"key", "KEY",
		     "a valid key, may be repeated (default test-key-1 and "
		     "test-key-2)"},
	[OPT_HEADER] = {"header", "NAME",
			"header with the key (default Ocp-Apim-Subscription-Key)"},
	[OPT_SEED] = {"seed", "N", "rows at start (default 0)"},
	[OPT_PRNG] = {"prng", "N", "seed of the id generator (default 1)"},
	[OPT_TLS_CERT] = {"tls-cert", "FILE", "serve the API by https with this certificate"},
	[OPT_TLS_KEY] = {"tls-key", "FILE", "its private key"},
	[OPT_CONTROL_FILE] = {"control-file", "FILE", "write the ready line there too"},
	[OPT_HELP] = {"help", NULL, "show this and end"},
};

static void
print_help(void)
{
	printf("Usage: whsim [OPTION]...\n"
	       "A stateful simulator of the webhook configuration API, on "
	       "127.0.0.1 only.\n"
	       "Prints one line of JSON when it is ready; ends on SIGTERM.\n\n");
	for (int i = 0; i < OPT_COUNT; i++) {
		char left[32];

		snprintf(left, sizeof(left), "--%s %s", option_table[i].name,
			 option_table[i].argument ? option_table[i].argument : "");
		printf("  %-22s%s\n", left, option_table[i].help);
	}
}

static int
read_number(int id, const char *text, uint64_t max, uint64_t *ret_number)
{
	char *end;

	errno = 0;
	*ret_number = strtoull(text, &end, 10);
	if (!errno && *text >= '0' && *text <= '9' && !*end && *ret_number <= max)
		return 0;
	fprintf(stderr, "whsim: --%s cannot be \"%s\"; give a number from 0 to %" PRIu64 ".\n",
		option_table[id].name, text, max);
	return -EINVAL;
}

static int
take_number(struct wh_options *options, int id, const char *text)
{
	uint64_t max = id == OPT_SEED ? WH_SEED_MAX : id == OPT_PRNG ? UINT64_MAX : UINT16_MAX;
	uint64_t number;
	int r = read_number(id, text, max, &number);

	if (r)
		return r;
	if (id == OPT_PORT)
		options->port = (uint16_t)number;
	else if (id == OPT_CONTROL_PORT)
		options->control_port = (uint16_t)number;
	else if (id == OPT_SEED)
		options->seed = (size_t)number;
	else
		options->prng = number;
	return 0;
}

static int
take_key(struct wh_options *options, const char *text)
{
	if (options->key_count < WH_OPTIONS_KEYS_MAX) {
		options->keys[options->key_count++] = text;
		return 0;
	}
	fprintf(stderr, "whsim: --key may be given %d times at most.\n", WH_OPTIONS_KEYS_MAX);
	return -EINVAL;
}

static int
take_text(struct wh_options *options, int id, const char *text)
{
	const char **texts[OPT_COUNT] = {
		[OPT_PATH] = &options->path,
		[OPT_HEADER] = &options->header,
		[OPT_TLS_CERT] = &options->tls_cert,
		[OPT_TLS_KEY] = &options->tls_key,
		[OPT_CONTROL_FILE] = &options->control_file,
	};

	if (!*text) {
		fprintf(stderr, "whsim: --%s needs a text that is not empty.\n",
			option_table[id].name);
		return -EINVAL;
	}
	if (id == OPT_KEY)
		return take_key(options, text);
	*texts[id] = text;
	return 0;
}

static int
take(struct wh_options *options, int id, const char *text)
{
	if (id == OPT_PORT || id == OPT_CONTROL_PORT || id == OPT_SEED || id == OPT_PRNG)
		return take_number(options, id, text);
	return take_text(options, id, text);
}

static int
check(const struct wh_options *options)
{
	if (options->path[0] != '/' || strpbrk(options->path, "?# \t\r\n")) {
		fprintf(stderr, "whsim: --path must begin with a slash and have no "
				"space, ? or #.\n");
		return -EINVAL;
	}
	if (strpbrk(options->header, ": \t\r\n")) {
		fprintf(stderr, "whsim: --header is the name of a header, "
				"without colon or space.\n");
		return -EINVAL;
	}
	if (!options->tls_cert != !options->tls_key) {
		fprintf(stderr, "whsim: --tls-cert and --tls-key go together; "
				"give both or none.\n");
		return -EINVAL;
	}
	return 0;
}

static void
set_default_keys(struct wh_options *options)
{
	if (options->key_count)
		return;
	options->keys[options->key_count++] = "test-key-1";
	options->keys[options->key_count++] = "test-key-2";
}

static int
read_all(int argc, char **argv, const struct option *longs, struct wh_options *options)
{
	int id;
	int r;

	while ((id = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (id == '?')
			return -EINVAL;
		if (id == OPT_HELP) {
			print_help();
			return OPTIONS_HELP;
		}
		r = take(options, id, optarg);
		if (r)
			return r;
	}
	if (optind < argc) {
		fprintf(stderr, "whsim: \"%s\" is not an option; see whsim --help.\n",
			argv[optind]);
		return -EINVAL;
	}
	return 0;
}

int
wh_options_read(int argc, char **argv, struct wh_options *ret_options)
{
	struct option longs[OPT_COUNT + 1] = {{0}};
	int r;

	*ret_options = (struct wh_options){
		.path = "/webhookconfig",
		.header = "Ocp-Apim-Subscription-Key",
		.prng = 1,
	};
	for (int i = 0; i < OPT_COUNT; i++) {
		longs[i].name = option_table[i].name;
		longs[i].has_arg = option_table[i].argument != NULL;
		longs[i].val = i;
	}
	r = read_all(argc, argv, longs, ret_options);
	if (r)
		return r;
	set_default_keys(ret_options);
	return check(ret_options);
}

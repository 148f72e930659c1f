/* SPDX-License-Identifier: MIT */
/*
 * whd's arguments, what the process needs before anything runs, and its exit
 * status: 0, 1 failure, 64 usage, 75 another whd is running, 78 bad
 * configuration.
 *
 * The environment is cleared but for what systemd passes: proxies, key logs
 * and the like must not change how whd talks to the upstream.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/access.h"
#include "daemon/offline.h"
#include "daemon/whd.h"

#define CONFIG_FILE "/etc/whd/whd.conf"
#define FILES_WANTED 65536

enum action {
	SERVE,
	CHECK_CONFIG,
	CHECK_STORE,
	RESTORE_STORE,
	REBIND_STORE,
	SHOW_VERSION,
	SHOW_HELP,
};

struct options {
	const char *config;
	const char *copy; /* to be restored */
	enum action action;
	bool verbose;
};

static const char usage[] =
	"usage: whd [-c FILE]            serve until stopped\n"
	"       whd [-c FILE] -n [-v]    check the configuration; -v prints it\n"
	"       whd [-c FILE] --check    check the store\n"
	"       whd [-c FILE] --restore COPY\n"
	"       whd [-c FILE] --rebind\n"
	"       whd --version | --help\n"
	"\n"
	"  -c, --config FILE   configuration (" CONFIG_FILE ")\n"
	"  -n, --no-run        check the configuration and exit\n"
	"  -v, --verbose       with -n: print every setting in force\n"
	"      --check         verify every row of the store and exit\n"
	"      --restore COPY  put a backup in place of the store, which is kept aside, and "
	"exit\n"
	"      --rebind        give the store to another [upstream] url: its queue is written\n"
	"                      out, and it is kept aside, and exit\n"
	"\n"
	"exit status: 0 done, 1 failure, 64 usage, 70 the file of the store is broken\n"
	"or its device fails, 75 another whd is running, 78 bad configuration\n";

/* ------------------------------------------------------------- arguments -- */

enum long_option {
	OPTION_CHECK = 256,
	OPTION_RESTORE,
	OPTION_REBIND,
	OPTION_VERSION,
	OPTION_HELP,
};

static const struct option long_options[] = {
	{"config", required_argument, NULL, 'c'},
	{"no-run", no_argument, NULL, 'n'},
	{"verbose", no_argument, NULL, 'v'},
	{"check", no_argument, NULL, OPTION_CHECK},
	{"restore", required_argument, NULL, OPTION_RESTORE},
	{"rebind", no_argument, NULL, OPTION_REBIND},
	{"version", no_argument, NULL, OPTION_VERSION},
	{"help", no_argument, NULL, OPTION_HELP},
	{NULL, 0, NULL, 0},
};

/* Only one thing is done at a time. */
static bool
choose(struct options *o, enum action action)
{
	bool first = o->action == SERVE || o->action == action;

	if (!first)
		fprintf(stderr,
			"whd: -n, --check, --restore, --rebind, --version and --help do "
			"not go together\n");
	o->action = action;
	return first;
}

/* False if it was complained of. */
static bool
take_option(struct options *o, int option)
{
	switch (option) {
	case 'c':
		o->config = optarg;
		return true;
	case 'n':
		return choose(o, CHECK_CONFIG);
	case 'v':
		o->verbose = true;
		return true;
	case OPTION_CHECK:
		return choose(o, CHECK_STORE);
	case OPTION_RESTORE:
		o->copy = optarg;
		return choose(o, RESTORE_STORE);
	case OPTION_REBIND:
		return choose(o, REBIND_STORE);
	case OPTION_VERSION:
		return choose(o, SHOW_VERSION);
	case OPTION_HELP:
		return choose(o, SHOW_HELP);
	}
	return false;
}

static bool
parse_arguments(int argc, char **argv, struct options *o)
{
	int option;

	while ((option = getopt_long(argc, argv, "c:nv", long_options, NULL)) != -1)
		if (!take_option(o, option))
			return false;
	if (optind < argc) {
		fprintf(stderr, "whd: no argument is expected: %s\n", argv[optind]);
		return false;
	}
	if (o->verbose && o->action != CHECK_CONFIG) {
		fprintf(stderr, "whd: -v goes with -n\n");
		return false;
	}
	return true;
}

/* --------------------------------------------------------------- process -- */

static const char *const kept_variables[] = {
	"NOTIFY_SOCKET",
	"LISTEN_PID",
	"LISTEN_FDS",
	"LISTEN_FDNAMES",
	"CREDENTIALS_DIRECTORY",
	"JOURNAL_STREAM",
	"WATCHDOG_USEC",
	"WATCHDOG_PID",
	"TZ",
#ifdef WHD_TEST_HOOKS
	"ASAN_OPTIONS",
	"UBSAN_OPTIONS",
	"LSAN_OPTIONS",
	"TSAN_OPTIONS",
	"LLVM_PROFILE_FILE",
	"GCOV_PREFIX",
	"GCOV_PREFIX_STRIP",
	"WHD_TEST_NO_SEND_GUARD",
	"WHD_TEST_SCRUB_MS",
	"WHD_TEST_BACKUP_MS",
	"WHD_TEST_CATCH_UP",
	"WHD_CRASH",
#endif
};

static void
clear_environment(void)
{
	char *values[wh_array_len(kept_variables)];

	for (size_t i = 0; i < wh_array_len(kept_variables); i++) {
		const char *value = getenv(kept_variables[i]);

		values[i] = value ? wh_xstrdup(wh_str_c(value)) : NULL;
	}
	clearenv();
	for (size_t i = 0; i < wh_array_len(kept_variables); i++) {
		if (values[i])
			setenv(kept_variables[i], values[i], 1);
		free(values[i]);
	}
}

/* A read of the store's map beyond its file. Only what may be called in a handler is called. */
static void
on_sigbus(int number)
{
	static const char text[] =
		"whd stops itself: the store's file is shorter than it was, or its "
		"device fails; check the disk, then start whd, which tries to make the store "
		"anew of what can be read, and says what to do if it cannot\n";
	ssize_t ignored = write(STDERR_FILENO, text, sizeof(text) - 1);

	(void)ignored;
	(void)number;
	_exit(WHD_EXIT_SIGBUS);
}

/* A peer that left, and a file at its limit, are errors of a call, not ends of the process. */
static void
set_signals(void)
{
	struct sigaction ignore = {.sa_handler = SIG_IGN};
	struct sigaction bus = {.sa_handler = on_sigbus};

	sigaction(SIGPIPE, &ignore, NULL);
	sigaction(SIGXFSZ, &ignore, NULL);
	sigaction(SIGBUS, &bus, NULL);
}

/* Else a socket or the store gets their numbers, and what is meant for them goes there. */
static void
hold_standard_descriptors(void)
{
	int fd = open("/dev/null", O_RDWR);

	while (fd >= 0 && fd <= STDERR_FILENO)
		fd = open("/dev/null", O_RDWR);
	if (fd > STDERR_FILENO)
		close(fd);
}

/* So that [limits] connections decides, not the shell whd was started from. */
static void
raise_file_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= FILES_WANTED)
		return;
	limit.rlim_cur = limit.rlim_max < FILES_WANTED ? limit.rlim_max : FILES_WANTED;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static void
prepare_process(void)
{
	umask(077);
	hold_standard_descriptors();
	clear_environment();
	set_signals();
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); /* the subscription key is in memory */
}

/* --------------------------------------------------------------- actions -- */

/* A key file that is set is read, as at a start. What systemd passes is not there to be read.
 */
static int
check_keys(const struct wh_config *config)
{
	struct wh_buf text = WH_BUF_NULL;
	struct wh_keys *keys = NULL;
	int r = *config->upstream_key_file
			? wh_keys_load(&keys, config->upstream_key_file, &text)
			: 0;

	if (r)
		fprintf(stderr, "whd: %.*s\n", WH_STR_FMT(wh_buf_view(&text)));
	wh_keys_free(keys);
	wh_buf_fini(&text);
	return r;
}

/* Names that are missing and keep nobody from starting. */
static void
show_warnings(const struct wh_config *config)
{
	struct wh_buf text = WH_BUF_NULL;
	struct wh_access *access = NULL;

	if (wh_access_new(&access, config, &text) == 0)
		fprintf(stderr, "%.*s", WH_STR_FMT(wh_buf_view(&text)));
	wh_access_free(access);
	wh_buf_fini(&text);
}

static int
check_config(const struct wh_config *config, const struct options *o)
{
	struct wh_buf text = WH_BUF_NULL;

	show_warnings(config);
	if (check_keys(config))
		return WHD_EXIT_CONFIG;
	if (o->verbose)
		wh_config_print(config, &text);
	else
		wh_buf_printf(&text, "%s: the configuration is good\n", o->config);
	bool written = !text.fault && fwrite(text.p, 1, text.n, stdout) == text.n;

	written = fflush(stdout) == 0 && written;
	wh_buf_fini(&text);
	if (!written)
		fprintf(stderr, "whd: cannot write to stdout: %s\n", strerror(errno));
	return written ? EXIT_SUCCESS : EXIT_FAILURE;
}

static enum wh_log_format
log_format(const char *word)
{
	static const char *const words[] = {
		[WH_LOG_AUTO] = "auto",
		[WH_LOG_LOGFMT] = "logfmt",
		[WH_LOG_JSON] = "json",
		[WH_LOG_JOURNAL] = "journal",
	};

	for (size_t i = 0; i < wh_array_len(words); i++)
		if (strcmp(word, words[i]) == 0)
			return (enum wh_log_format)i;
	return WH_LOG_AUTO;
}

static int
serve(struct wh_config *config)
{
	enum wh_log_level level = WH_LOG_INFO;

	(void)wh_log_level_parse(wh_str_c(config->log_level), &level);
	wh_log_open(log_format(config->log_format), level);
	raise_file_limit();
	return whd_run(config);
}

static int
with_config(const struct options *o)
{
	struct wh_buf text = WH_BUF_NULL;
	struct wh_config *config = NULL;
	int status = WHD_EXIT_CONFIG;

	if (wh_config_load(&config, o->config, &text))
		fprintf(stderr, "%.*s", WH_STR_FMT(wh_buf_view(&text)));
	else if (o->action == CHECK_CONFIG)
		status = check_config(config, o);
	else if (o->action == CHECK_STORE)
		status = wh_offline_check(config);
	else if (o->action == RESTORE_STORE)
		status = wh_offline_restore(config, o->copy);
	else if (o->action == REBIND_STORE)
		status = wh_offline_rebind(config);
	wh_buf_fini(&text);
	if (config && o->action == SERVE)
		return serve(config);
	wh_config_free(config);
	return status;
}

int
main(int argc, char **argv)
{
	struct options o = {.config = CONFIG_FILE};

	if (!parse_arguments(argc, argv, &o)) {
		fputs(usage, stderr);
		return WHD_EXIT_USAGE;
	}
	prepare_process();
	switch (o.action) {
	case SHOW_VERSION:
		return printf("whd %s\n", WHD_VERSION) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
	case SHOW_HELP:
		return fputs(usage, stdout) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
	case SERVE:
	case CHECK_CONFIG:
	case CHECK_STORE:
	case RESTORE_STORE:
	case REBIND_STORE:
		break;
	}
	return with_config(&o);
}

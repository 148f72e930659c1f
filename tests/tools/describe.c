/* SPDX-License-Identifier: MIT */
/*
 * Prints the sections of the documents that follow from the project's tables:
 *
 *     describe SECTION
 *     describe            the names of all sections
 *
 * packaging/docs.py puts them between the marks of PROTOCOL.md, the manual
 * pages and the example configuration, or tells that they are out of date.
 * It is built with the tests and never installed.
 */
#include <string.h>

#include "tests/tools/describe.h"

static const struct section {
	const char *name;
	void (*print)(FILE *out);
} sections[] = {
	{"markdown-methods", wh_describe_methods}, {"markdown-errors", wh_describe_errors},
	{"markdown-members", wh_describe_members}, {"markdown-states", wh_describe_states},
	{"markdown-reasons", wh_describe_reasons}, {"markdown-counters", wh_describe_counters},
	{"mdoc-methods", wh_manual_methods},       {"mdoc-errors", wh_manual_errors},
	{"mdoc-verbs", wh_manual_verbs},           {"mdoc-options", wh_manual_options},
	{"mdoc-members", wh_manual_members},       {"mdoc-codes", wh_manual_codes},
	{"mdoc-settings", wh_manual_settings},     {"ini-settings", wh_example_settings},
};

#define N_SECTIONS (sizeof(sections) / sizeof(sections[0]))

static int
print_names(void)
{
	for (size_t i = 0; i < N_SECTIONS; i++)
		puts(sections[i].name);
	return 0;
}

static int
print_section(const char *name)
{
	for (size_t i = 0; i < N_SECTIONS; i++) {
		if (strcmp(sections[i].name, name) != 0)
			continue;
		sections[i].print(stdout);
		return fflush(stdout) != 0 || ferror(stdout);
	}
	fprintf(stderr, "describe: there is no section %s: describe lists them\n", name);
	return 2;
}

int
main(int argc, char **argv)
{
	if (argc == 1)
		return print_names();
	if (argc == 2)
		return print_section(argv[1]);
	fprintf(stderr, "usage: describe [SECTION]\n");
	return 2;
}

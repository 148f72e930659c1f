/* SPDX-License-Identifier: MIT */
/*
 * Runs a fuzz target over the files of a folder, so that every seed is an
 * ordinary test with any compiler:
 *
 *     replay_<name> FOLDER...
 *
 * A folder that is missing or empty is a failure: a test of nothing would
 * always pass.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* The file's bytes, in memory of exactly their size so that reading past them is seen. */
static uint8_t *
read_whole(FILE *file, size_t *ret_n)
{
	long n = fseek(file, 0, SEEK_END) == 0 ? ftell(file) : -1;
	uint8_t *data = n < 0 ? NULL : malloc(n ? (size_t)n : 1);

	rewind(file);
	*ret_n = n < 0 ? 0 : (size_t)n;
	if (data && fread(data, 1, *ret_n, file) == *ret_n)
		return data;
	free(data);
	return NULL;
}

static int
replay_file(const char *path)
{
	FILE *file = fopen(path, "rb");
	size_t n = 0;
	uint8_t *data = file ? read_whole(file, &n) : NULL;

	if (file)
		fclose(file);
	if (!data) {
		perror(path);
		return -1;
	}
	LLVMFuzzerTestOneInput(data, n);
	free(data);
	return 0;
}

/* How many were replayed, or -1. */
static int
replay_folder(const char *folder)
{
	struct dirent **names = NULL;
	int n = scandir(folder, &names, NULL, alphasort);
	int done = n < 0 ? -1 : 0;
	char path[4096];

	for (int i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, names[i]->d_name);
		if (done >= 0 && names[i]->d_name[0] != '.')
			done = replay_file(path) ? -1 : done + 1;
		free(names[i]);
	}
	free(names);
	return done;
}

int
main(int argc, char **argv)
{
	if (argc < 2) {
		fprintf(stderr, "usage: %s FOLDER...\n", argv[0]);
		return 2;
	}
	for (int i = 1; i < argc; i++) {
		int n = replay_folder(argv[i]);

		if (n < 1) {
			fprintf(stderr, "%s: holds no seed that can be read: add one\n",
				argv[i]);
			return 1;
		}
		printf("%s: %d seeds\n", argv[i], n);
	}
	return 0;
}

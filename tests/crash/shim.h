/* SPDX-License-Identifier: MIT */
/*
 * What the shim knows and decides of a call: shim_state.c. The functions that
 * stand in place of libc's are in shim.c.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#define SHIM_NAME 40 /* of a file in the store */

enum shim_kind {
	DATA,
	META,
	SYNC,
	TRUNCATE,
	RENAME,
	REQUEST,
	ANSWER,
	CREATE,
	UNLINK,
	MKDIR,
	END
};

/* A call on its way into the journal; what follows it are `n` bytes. */
struct shim_record {
	uint64_t magic, kind, seq;
	uint64_t file; /* inode */
	uint64_t at;   /* offset or new size; of END: the seq of the call that is through */
	uint64_t n;
	uint64_t durable;     /* a write that is a sync, too */
	char name[SHIM_NAME]; /* in the store; "." is the store, ".." its parent */
};

/* False: nobody asked for anything, every call goes straight to the kernel. */
bool shim_is_on(void);
/* The name in the store of an open file, or of an absolute path. False: it is elsewhere. */
bool shim_is_store(int fd, char name[SHIM_NAME]);
bool shim_name_of(const char *path, char name[SHIM_NAME]);
/* REQUEST, ANSWER, or END: a socket that is nobody else's. */
enum shim_kind shim_kind_of_socket(int fd);
/* A write through it is a flush, too. */
bool shim_is_durable(int fd);
uint64_t shim_inode_of(int fd);

/* Appends a record with the bytes of n parts; returns its number, 0 = there is no journal. */
uint64_t shim_journal(struct shim_record *r, const struct iovec *data, int n);
/* The call with this number has come back. Keeps errno. */
void shim_through(uint64_t seq);
/* A call that somebody else can notice is made next: may not return. */
void shim_count(enum shim_kind kind);
/* The call on the store is not to be made; errno says why, 0 = the write is to be short. */
bool shim_fails(enum shim_kind kind);
/* The disk is to be told nearly full. */
bool shim_is_low(void);

/* SPDX-License-Identifier: MIT */
/*
 * The members of a webhook as the user gives them: options, a file, a JSON
 * argument. Becomes the parameters of create and update.
 */
#pragma once

#include "ctl/ctl.h"

#define WH_INPUT_MAX ((size_t)256 * 1024) /* bytes of a file or argument */
#define WH_INPUT_DEPTH 16

/* Reads a whole file, or standard input for "-". 0 or an exit status. */
WH_MUST_USE int wh_input_read(struct wh_ctl *ctl, const char *path, struct wh_buf *ret);

/* A webhook, or part of one, as given. Views live until fini. */
struct wh_input {
	struct wh_buf doc;    /* the file or argument as MessagePack */
	struct wh_tree tree;  /* of doc; root is a map, empty without a document */
	struct wh_str whid;   /* the document's, if it has one */
	bool was_shown;       /* the document has _whd: get or list printed it */
	const char **replace; /* --process P */
	const char **add;     /* --process +P */
	const char **remove;  /* --process -P */
	size_t n_replace, n_add, n_remove;
};

/*
 * Gathers what the command line says: -f or the JSON argument (json, NULL if
 * there is none), then the options, which go before it. With signs, +P and -P
 * of --process are understood. Says which members are passed over. 0 or an
 * exit status.
 */
WH_MUST_USE int wh_input_gather(struct wh_ctl *ctl, const char *json, bool signs,
				struct wh_input *ret);
void wh_input_fini(struct wh_input *in);
/* True if the member f was given. */
bool wh_input_has(const struct wh_ctl *ctl, const struct wh_input *in, enum wh_field f);
/* Adds the members given as parameters of their own names; whid and _whd of
 * the document are left out, and what else whd showed but does not take. */
void wh_input_pack(const struct wh_ctl *ctl, const struct wh_input *in, struct wh_params *p);
/* Adds a list of texts as one parameter, if it is not empty. */
void wh_input_pack_list(struct wh_params *p, const char *key, const char *const *texts,
			size_t n);

/* YAML to MessagePack, every scalar as text; only if whctl was built with it. */
WH_MUST_USE bool wh_yaml_available(void);
/* 0, or WH_EPROTO with a sentence in why. */
WH_MUST_USE int wh_yaml_to_pack(struct wh_str text, struct wh_buf *out, struct wh_buf *why);

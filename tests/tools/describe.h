/* SPDX-License-Identifier: MIT */
/*
 * The sections of the documents that follow from the tables, for describe.c.
 *
 * Each function writes one section as it stands between the marks of a
 * document. They read const tables only and never fail; describe.c looks at
 * the stream once all is written.
 */
#pragma once

#include <stdio.h>

/* Markdown, for proto/PROTOCOL.md. */
void wh_describe_methods(FILE *out);
void wh_describe_errors(FILE *out);
void wh_describe_members(FILE *out);
void wh_describe_states(FILE *out);
void wh_describe_reasons(FILE *out);
void wh_describe_counters(FILE *out);

/* mdoc, for packaging/man. */
void wh_manual_methods(FILE *out);
void wh_manual_errors(FILE *out);
void wh_manual_verbs(FILE *out);
void wh_manual_options(FILE *out);
void wh_manual_members(FILE *out);
void wh_manual_codes(FILE *out);
void wh_manual_settings(FILE *out);

/* INI, for packaging/whd.conf.example. */
void wh_example_settings(FILE *out);

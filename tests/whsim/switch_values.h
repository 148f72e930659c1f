/* SPDX-License-Identifier: MIT */
/*
 * The legal values of the switches that are a choice.
 *
 * One list per switch, enumerator and the text it has in JSON; switches.def
 * refers to the lists by name.  Only data; included by switches.h and by the
 * table in switches.c.
 */
#pragma once

#define WH_LIST_SHAPE(V)                                                                       \
	V(LIST_SHAPE_BARE, "bare")                                                             \
	V(LIST_SHAPE_WRAPPED, "wrapped")                                                       \
	V(LIST_SHAPE_WRAPPED_TWO, "wrapped_two")                                               \
	V(LIST_SHAPE_NESTED, "nested")                                                         \
	V(LIST_SHAPE_OBJECT_IF_ONE, "object_if_one")                                           \
	V(LIST_SHAPE_NULL_IF_EMPTY, "null_if_empty")                                           \
	V(LIST_SHAPE_EMPTY_IF_EMPTY, "empty_if_empty")                                         \
	V(LIST_SHAPE_NO_CONTENT_IF_EMPTY, "no_content_if_empty")

#define WH_ID_TYPE(V)                                                                          \
	V(ID_TYPE_GUID, "guid")                                                                \
	V(ID_TYPE_GUID_UPPER, "guid_upper")                                                    \
	V(ID_TYPE_STRING, "string")                                                            \
	V(ID_TYPE_NUMBER, "number")

#define WH_NAME_CASE(V)                                                                        \
	V(NAME_CASE_DOCUMENTED, "documented")                                                  \
	V(NAME_CASE_LOWER, "lower")                                                            \
	V(NAME_CASE_UPPER, "upper")                                                            \
	V(NAME_CASE_PASCAL, "pascal")

#define WH_PROCESSES_SHAPE(V)                                                                  \
	V(PROCESSES_SHAPE_STRINGS, "strings")                                                  \
	V(PROCESSES_SHAPE_OBJECTS, "objects")                                                  \
	V(PROCESSES_SHAPE_COMMA, "comma")                                                      \
	V(PROCESSES_SHAPE_NULL_IF_EMPTY, "null_if_empty")                                      \
	V(PROCESSES_SHAPE_ABSENT_IF_EMPTY, "absent_if_empty")

#define WH_EMPTY_TEXT(V)                                                                       \
	V(EMPTY_TEXT_TEXT, "text")                                                             \
	V(EMPTY_TEXT_NULL, "null")                                                             \
	V(EMPTY_TEXT_ABSENT, "absent")

#define WH_MEMBERS(V)                                                                          \
	V(MEMBERS_ALL, "all")                                                                  \
	V(MEMBERS_SUMMARY, "summary")                                                          \
	V(MEMBERS_NO_PROCESSES, "no_processes")

#define WH_MEMBERS_IN(V)                                                                       \
	V(MEMBERS_IN_LISTS, "lists")                                                           \
	V(MEMBERS_IN_ROWS, "rows")                                                             \
	V(MEMBERS_IN_BOTH, "both")

#define WH_MEMBER_ORDER(V)                                                                     \
	V(MEMBER_ORDER_STORED, "stored")                                                       \
	V(MEMBER_ORDER_REVERSE, "reverse")                                                     \
	V(MEMBER_ORDER_BY_REQUEST, "by_request")

#define WH_POST_REPLY(V)                                                                       \
	V(POST_REPLY_OBJECT, "object")                                                         \
	V(POST_REPLY_ARRAY1, "array1")                                                         \
	V(POST_REPLY_ID, "id")                                                                 \
	V(POST_REPLY_ID_JSON_STRING, "id_json_string")                                         \
	V(POST_REPLY_ID_OBJECT, "id_object")                                                   \
	V(POST_REPLY_TEXT, "text")                                                             \
	V(POST_REPLY_EMPTY, "empty")                                                           \
	V(POST_REPLY_OBJECT_WITHOUT_ID, "object_without_id")

#define WH_GET_ONE_SHAPE(V)                                                                    \
	V(GET_ONE_SHAPE_ARRAY1, "array1")                                                      \
	V(GET_ONE_SHAPE_AS_LIST, "as_list")                                                    \
	V(GET_ONE_SHAPE_OBJECT, "object")                                                      \
	V(GET_ONE_SHAPE_WHOLE_LIST, "whole_list")

#define WH_GET_ONE_MISSING(V)                                                                  \
	V(GET_ONE_MISSING_EMPTY_ARRAY, "empty_array")                                          \
	V(GET_ONE_MISSING_NULL, "null")                                                        \
	V(GET_ONE_MISSING_EMPTY, "empty")                                                      \
	V(GET_ONE_MISSING_404, "404")                                                          \
	V(GET_ONE_MISSING_400, "400")

#define WH_PATCH_REPLY(V)                                                                      \
	V(PATCH_REPLY_NEW, "new")                                                              \
	V(PATCH_REPLY_OLD, "old")                                                              \
	V(PATCH_REPLY_EMPTY, "empty")                                                          \
	V(PATCH_REPLY_TEXT, "text")

#define WH_PATCH_SEMANTICS(V)                                                                  \
	V(PATCH_SEMANTICS_REPLACE, "replace")                                                  \
	V(PATCH_SEMANTICS_MERGE, "merge")

#define WH_REQUEST_UNKNOWN(V)                                                                  \
	V(REQUEST_UNKNOWN_IGNORE, "ignore")                                                    \
	V(REQUEST_UNKNOWN_STORE, "store")                                                      \
	V(REQUEST_UNKNOWN_REFUSE, "refuse")

#define WH_NORMALISE(V)                                                                        \
	V(NORMALISE_NONE, "none")                                                              \
	V(NORMALISE_TRIM, "trim")                                                              \
	V(NORMALISE_URL_LOWER, "url_lower")                                                    \
	V(NORMALISE_URL_SLASH, "url_slash")                                                    \
	V(NORMALISE_GUID_LOWER, "guid_lower")                                                  \
	V(NORMALISE_COMMENT_UPPER, "comment_upper")                                            \
	V(NORMALISE_SORT_PROCESSES, "sort_processes")

#define WH_UNIQUENESS(V)                                                                       \
	V(UNIQUENESS_NONE, "none")                                                             \
	V(UNIQUENESS_NAME, "name")                                                             \
	V(UNIQUENESS_URL, "url")

#define WH_ORDER(V)                                                                            \
	V(ORDER_CREATION, "creation")                                                          \
	V(ORDER_REVERSE, "reverse")                                                            \
	V(ORDER_RANDOM_BY_REQUEST, "random_by_request")

#define WH_PAGE_LINK(V)                                                                        \
	V(PAGE_LINK_NONE, "none")                                                              \
	V(PAGE_LINK_NEXTLINK, "nextLink")                                                      \
	V(PAGE_LINK_ODATA, "odata")                                                            \
	V(PAGE_LINK_LINK_HEADER, "link_header")                                                \
	V(PAGE_LINK_COUNT, "count")                                                            \
	V(PAGE_LINK_TOTAL, "total")

#define WH_PAGE_LINK_URL(V)                                                                    \
	V(PAGE_LINK_URL_RELATIVE, "relative")                                                  \
	V(PAGE_LINK_URL_ABSOLUTE, "absolute")                                                  \
	V(PAGE_LINK_URL_FOREIGN, "foreign")

#define WH_CONTENT_TYPE(V)                                                                     \
	V(CONTENT_TYPE_JSON, "json")                                                           \
	V(CONTENT_TYPE_TEXT, "text")                                                           \
	V(CONTENT_TYPE_HTML, "html")                                                           \
	V(CONTENT_TYPE_NONE, "none")

#define WH_GZIP(V)                                                                             \
	V(GZIP_OFF, "off")                                                                     \
	V(GZIP_ON, "on")                                                                       \
	V(GZIP_ALWAYS, "always")

/* Members of JSON objects, and printing. */
#ifndef XENO_JSON_H
#define XENO_JSON_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>

/* NULL as text leaves the member out. */
void json_text(json_object *o, const char *key, const char *text);
void json_number(json_object *o, const char *key, uint64_t number);
void json_signed(json_object *o, const char *key, int64_t number);
void json_real(json_object *o, const char *key, double number);
void json_flag(json_object *o, const char *key, bool value);
/* The indented text; valid until o changes. */
const char *json_string(json_object *o);
/* Prints it and frees it. */
void json_print(json_object *o);

#endif

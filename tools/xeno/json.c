#include "json.h"

#include <stdio.h>

void json_text(json_object *o, const char *key, const char *text)
{
    if (text)
        json_object_object_add(o, key, json_object_new_string(text));
}

void json_signed(json_object *o, const char *key, int64_t number)
{
    json_object_object_add(o, key, json_object_new_int64(number));
}

void json_number(json_object *o, const char *key, uint64_t number)
{
    json_signed(o, key, (int64_t)number);
}

void json_real(json_object *o, const char *key, double number)
{
    json_object_object_add(o, key, json_object_new_double(number));
}

void json_flag(json_object *o, const char *key, bool value)
{
    json_object_object_add(o, key, json_object_new_boolean(value));
}

const char *json_string(json_object *o)
{
    return json_object_to_json_string_ext(o, JSON_C_TO_STRING_PRETTY |
                                                 JSON_C_TO_STRING_SPACED |
                                                 JSON_C_TO_STRING_NOSLASHESCAPE);
}

void json_print(json_object *o)
{
    puts(json_string(o));
    json_object_put(o);
}

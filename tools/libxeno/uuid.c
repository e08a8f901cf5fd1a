/* UUIDs as text. Pure. */
#include "xeno.h"

#include <ctype.h>
#include <stdio.h>

/* Is there a dash in front of byte i? */
static bool dash_before(unsigned i)
{
    return i == 4 || i == 6 || i == 8 || i == 10;
}

void xeno_uuid_text(const uint8_t uuid[16], char text[37])
{
    static const char digits[] = "0123456789abcdef";

    for (unsigned i = 0; i < 16; i++) {
        if (dash_before(i))
            *text++ = '-';
        *text++ = digits[uuid[i] >> 4];
        *text++ = digits[uuid[i] & 15];
    }
    *text = '\0';
}

bool xeno_uuid_parse(const char *s, uint8_t uuid[16])
{
    for (unsigned i = 0; i < 16; i++, s += 2) {
        unsigned byte;

        if (dash_before(i) && *s++ != '-')
            return false;
        if (!isxdigit((unsigned char)s[0]) || !isxdigit((unsigned char)s[1]))
            return false;
        sscanf(s, "%2x", &byte);
        uuid[i] = (uint8_t)byte;
    }
    return !*s;
}

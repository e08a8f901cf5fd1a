/* UUIDs as text. Pure. */
#include "xeno.h"

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

static int digit_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20; /* small letters */
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool xeno_uuid_parse(const char *s, uint8_t uuid[16])
{
    for (unsigned i = 0; i < 16; i++, s += 2) {
        if (dash_before(i) && *s++ != '-')
            return false;
        if (digit_of(s[0]) < 0 || digit_of(s[1]) < 0)
            return false;
        uuid[i] = (uint8_t)(digit_of(s[0]) << 4 | digit_of(s[1]));
    }
    return !*s;
}

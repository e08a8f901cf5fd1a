/* mini-os's library under other names, beside the system's. */
#define memset mo_memset
#define memcpy mo_memcpy
#define memmove mo_memmove
#define memcmp mo_memcmp
#define strlen mo_strlen
#define strcmp mo_strcmp
#define strncmp mo_strncmp
#define strchr mo_strchr
#define strstr mo_strstr
#define strtoul mo_strtoul
#define atoi mo_atoi
#define vsnprintf mo_vsnprintf
#define snprintf mo_snprintf
#include "libc.c"
#include "printf.c"

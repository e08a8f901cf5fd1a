/* The image without lwIP has no applications that need it. */
#include <apps.h>

const struct command net_commands[] = {{NULL, NULL}};
const size_t net_command_count;

/* lwIP includes C's headers: what it needs of them is in mini-os.h. */
#include <mini-os.h>

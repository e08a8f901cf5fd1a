/*
 * Included before everything else (compiler flag -include): all symbols of the
 * image are its own, so calls and data accesses need no indirection tables.
 */
#ifndef __ASSEMBLY__
#pragma GCC visibility push(hidden)
#endif

#include "grant/t.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/heap.h"

long heap_left = -1, heap_blocks;

void *xzalloc(size_t bytes)
{
    if (heap_left == 0)
        return NULL;
    if (heap_left > 0)
        heap_left--;
    heap_blocks++;
    return calloc(1, bytes);
}

void xfree(void *p)
{
    if (p)
        heap_blocks--;
    free(p);
}

void bug_at(const char *file, int line, const char *what)
{
    fprintf(stderr, "%s:%d: %s\n", file, line, what);
    abort();
}

/*
 * Locks as the C library's: with more threads than CPUs a waiting one must let
 * the holder run.
 */
#ifndef LIB_SPINLOCK_H
#define LIB_SPINLOCK_H

#include <pthread.h>

enum lock_order { LOCK_GRANT = 50 };

typedef struct spinlock {
    pthread_mutex_t mutex;
} spinlock_t;

static inline void spin_lock_init(spinlock_t *l, enum lock_order order)
{
    (void)order;
    pthread_mutex_init(&l->mutex, NULL);
}

static inline void spin_lock(spinlock_t *l)
{
    pthread_mutex_lock(&l->mutex);
}

static inline void spin_unlock(spinlock_t *l)
{
    pthread_mutex_unlock(&l->mutex);
}

#endif

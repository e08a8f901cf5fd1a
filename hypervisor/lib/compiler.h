/* Compiler vocabulary: attributes, small generic helpers, assertions. */
#ifndef LIB_COMPILER_H
#define LIB_COMPILER_H

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define __packed __attribute__((packed))
#define __aligned(n) __attribute__((aligned(n)))
#define __used __attribute__((used))
#define __noreturn __attribute__((noreturn))
#define __printf(f, a) __attribute__((format(printf, f, a)))
#define __section(s) __attribute__((section(s)))
#define __cold __attribute__((cold)) /* made small */
#define __must_check __attribute__((warn_unused_result))
#ifndef __always_inline
#define __always_inline inline __attribute__((always_inline))
#endif
#ifndef __noinline
#define __noinline __attribute__((noinline))
#endif

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define container_of(p, type, member)                                          \
    ((type *)((char *)(p)-offsetof(type, member)))
#define min(a, b)                                                              \
    ({                                                                         \
        __typeof__(a) min_a_ = (a);                                            \
        __typeof__(b) min_b_ = (b);                                            \
        min_a_ < min_b_ ? min_a_ : min_b_;                                     \
    })
#define max(a, b)                                                              \
    ({                                                                         \
        __typeof__(a) max_a_ = (a);                                            \
        __typeof__(b) max_b_ = (b);                                            \
        max_a_ > max_b_ ? max_a_ : max_b_;                                     \
    })
#define ROUND_UP(x, n) (((x) + (n)-1) & ~((__typeof__(x))(n)-1))
#define ROUND_DOWN(x, n) ((x) & ~((__typeof__(x))(n)-1))
#define DIV_ROUND_UP(x, n) (((x) + (n)-1) / (n))

#define READ_ONCE(x) (*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, v) (*(volatile __typeof__(x) *)&(x) = (v))
#define barrier() __asm__ volatile("" ::: "memory")
#define smp_mb() __atomic_thread_fence(__ATOMIC_SEQ_CST)
#define smp_rmb() __atomic_thread_fence(__ATOMIC_ACQUIRE)
#define smp_wmb() __atomic_thread_fence(__ATOMIC_RELEASE)

/*
 * The response to the impossible: return an error, crash the domain, BUG,
 * ASSERT - in this order of preference. BUG_ON stays in release builds,
 * ASSERT only in debug builds (it is still type-checked in release).
 */
void __noreturn bug_at(const char *file, int line, const char *what);
#define BUG() bug_at(__FILE__, __LINE__, "BUG")
#define BUG_ON(c)                                                              \
    do {                                                                       \
        if (unlikely(c))                                                       \
            bug_at(__FILE__, __LINE__, #c);                                    \
    } while (0)
#ifdef DEBUG
#define ASSERT(c)                                                              \
    do {                                                                       \
        if (unlikely(!(c)))                                                    \
            bug_at(__FILE__, __LINE__, "assertion failed: " #c);               \
    } while (0)
#else
#define ASSERT(c)                                                              \
    do {                                                                       \
        if (0)                                                                 \
            (void)(c);                                                         \
    } while (0)
#endif

/* For checks too long for an ASSERT: if (DEBUG_BUILD) ... */
#ifdef DEBUG
#define DEBUG_BUILD 1
#else
#define DEBUG_BUILD 0
#endif

/* Code and data needed only while booting; its memory is freed afterwards. */
#define __init __attribute__((section(".init.text"), cold))
#define __initdata __attribute__((section(".init.data")))

#endif

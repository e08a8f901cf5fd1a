/*
 * One frame's type word between two CPUs: the protocol of hypervisor/mm/
 * page_type.c, page_validate.c and arch/x86/tlb.c as a Promela model, small
 * enough to visit every state. docs/page-types.md tells it in words.
 *
 * What is modelled. Each CPU does a few operations, in any order: map the
 * frame writable and unmap it (compare-and-swap, no lock), take and drop it as
 * a table (pt_lock), take apart a half-done table, load CR3, and once the
 * owner gives the frame up. Validation and invalidation of its ENTRIES entries
 * stop anywhere, and fail anywhere. Beside each CPU runs its hardware: the TLB
 * loads a translation whenever a writable entry is there to be loaded, and the
 * interrupt serves flush requests. Flushing is three steps (advance the clock,
 * flush, stamp the CPU), with anything of the other CPU in between. The clock
 * stops and starts again as the real one does at its last value.
 *
 * What must hold.
 *   - While the frame is in use as a table, no entry and no TLB lets a guest
 *     write it (process watch).
 *   - Counts never fall below 0; every entry is taken and dropped once.
 *   - The frame is never freed while it has a type count.
 *   - Nobody waits for ever (no invalid end state).
 *   - A PARTIAL frame can always be taken apart: after both CPUs are done,
 *     teardown leaves the frame idle with the right number of references.
 *
 * A clock of few values comes round again within one operation, which the real
 * one (2^20 values) does not: CLOCK_LAST must not be too small.
 *
 * BUG=n breaks one thing (the numbers are at their places); then one of the
 * above must fail, or the model proves nothing. tests/model/model.t runs all.
 * BUG 0 is the protocol as it is.
 */
#ifndef BUG
#define BUG 0
#endif
#ifndef OPS
#define OPS 3 /* operations of each CPU */
#endif
#ifndef CLOCK_START
#define CLOCK_START 1
#endif
#ifndef CLOCK_LAST
#define CLOCK_LAST 15
#endif
#define ENTRIES 2
#define CPUS 2

/* The type word: aux 8 bits, FAILED, PARTIAL, VALIDATED, type, count 4 bits. */
#define COUNT(w)    ((w) & 15)
#define TYPE(w)     ((w) & 48)
#define NONE        0
#define WRITABLE    16
#define TABLE       32
#define VALIDATED   64
#define PARTIAL     128
#define FAILED      256
#define AUX(w)      (((w) >> 9) & 31)
#define WITH_AUX(n) ((n) << 9)

short word = NONE;
byte refs = 1;           /* the owner's own */
bool owned = true;       /* the owner has not given it up */
bool held[ENTRIES];      /* entry holds the references it needs */
bool pt_lock;

byte clock = CLOCK_START;
byte stamp[CPUS];
bool tlb[CPUS];          /* a writable translation of the frame */
bool entry[CPUS];        /* the writable L1 entry that each CPU may make */
bool wanted[CPUS];       /* a flush request waits for this CPU */
bool wraps[CPUS];        /* it is one that starts the clock again */
bool irqs_off[CPUS];
bool restarting;         /* one CPU at a time starts the clock again */
byte done;

/* ---- the TLB and its clock ---- */

/* Interrupts off. */
inline flush_here(cpu, wrap, now)
{
#if BUG == 1 /* the clock advances after the flush */
    tlb[cpu] = false;
#endif
    atomic {
        if
        :: wrap || clock == CLOCK_LAST -> now = 0
        :: else -> clock++; now = clock
        fi
    };
#if BUG == 2 /* the CPU is stamped before it has flushed */
    stamp[cpu] = now;
#endif
#if BUG != 1
    tlb[cpu] = false;
#endif
    stamp[cpu] = now;
    now = 0
}

/* Sends a request and waits for it; serves those of the other meanwhile. */
inline flush_other(cpu, wrap)
{
    atomic { wraps[1 - cpu] = wrap; wanted[1 - cpu] = true };
#if BUG == 3 /* a CPU that waits is deaf */
    !wanted[1 - cpu];
#else
    irqs_off[cpu] = false;
    !wanted[1 - cpu];
    atomic { !irqs_off[cpu] -> irqs_off[cpu] = true };
#endif
}

/* Flushes the CPUs whose stamp is not past `since`. */
inline flush_old_use(cpu, since, now)
{
#if BUG == 4 /* nothing is flushed */
    skip
#else
    do
    :: true ->
#if BUG == 5 /* an equal stamp counts as past */
#define STALE(c) (stamp[c] < since)
#else
#define STALE(c) (stamp[c] <= since)
#endif
        d_step { mine = STALE(cpu); others = STALE(1 - cpu) };
        if
        :: !mine && !others -> break
        :: else
        fi;
        atomic { !irqs_off[cpu] -> irqs_off[cpu] = true };
        if
        :: atomic { clock == CLOCK_LAST && !restarting -> restarting = true };
#if BUG != 6 /* old stamps survive the clock's new start */
            flush_other(cpu, true);
            flush_here(cpu, true, now);
#endif
            atomic { clock = 1; restarting = false }
        :: else
        fi;
        if
        :: others -> flush_other(cpu, false)
        :: else
        fi;
        if
        :: mine -> flush_here(cpu, false, now)
        :: else
        fi;
        irqs_off[cpu] = false;
        if
        :: clock == since /* it stood still */
        :: else -> break
        fi
    od;
    atomic { mine = false; others = false }
#endif
}

proctype hardware(byte cpu)
{
    byte now;
end:
    do
    :: atomic { (entry[0] || entry[1]) && !tlb[cpu] -> tlb[cpu] = true }
    :: atomic { wanted[cpu] && !irqs_off[cpu] -> irqs_off[cpu] = true };
        flush_here(cpu, wraps[cpu], now);
        d_step { wanted[cpu] = false; wraps[cpu] = false;
            irqs_off[cpu] = false }
    od
}

/* ---- references ---- */

/* Succeeds while the frame is not free. */
inline ref_get(ok)
{
    d_step {
        ok = refs > 0 && owned;
        if :: ok -> refs++ :: else fi
    }
}

inline ref_put()
{
    d_step {
        assert(refs > 0);
        refs--;
        /* the last one frees the frame */
        assert(refs > 0 || COUNT(word) == 0)
    }
}

/* ---- writable: by compare-and-swap alone ---- */

/*
 * The swap. The aux part of an idle word is the clock at which it fell to 0:
 * comparing it shows that nobody used the frame in between.
 */
#if BUG == 7 /* ... but only type and count are compared */
#define SAME(x) ((word & 511) == ((x) & 511))
#else
#define SAME(x) (word == (x))
#endif

inline cas(x, next, ok)
{
    d_step {
        ok = SAME(x);
        if :: ok -> word = next :: else -> x = word fi
    }
}

/* From count 0 to a type that the frame did not have; ok: the swap was made. */
inline enter_type(cpu, x, type, now, ok)
{
    if
    :: TYPE(x) != type && TYPE(x) != NONE ->
#if BUG != 8 /* the flush comes after the new type */
        flush_old_use(cpu, AUX(x), now)
#endif
    :: else
    fi;
    cas(x, type | 1, ok);
#if BUG == 8
    if
    :: ok -> flush_old_use(cpu, AUX(x), now)
    :: else
    fi
#endif
}

/* The word of a type whose last use goes now. */
#if BUG == 9 /* no stamp is kept */
#define IDLE(x, since) TYPE(x)
#else
#define IDLE(x, since) (TYPE(x) | WITH_AUX(since))
#endif

/*
 * Every put leaves its clock in the word. Otherwise this: the last user reads
 * the clock; another takes a use, flushes, maps, unmaps and drops it; the word
 * is the same again, and the last user's swap succeeds with a clock that is
 * too old for what the other did.
 */
#if BUG == 15 /* only the last put does */
#define ONE_LESS(x, since) ((x) - 1)
#else
#define ONE_LESS(x, since) (((x) & 511) - 1 | WITH_AUX(since))
#endif

inline map_writable(cpu)
{
    ref_get(ok);
    if
    :: !ok -> skip
    :: else ->
        x = word;
        do
        :: COUNT(x) == 0 ->
            enter_type(cpu, x, WRITABLE, now, ok);
            if :: ok -> break :: else fi
        :: COUNT(x) > 0 && TYPE(x) == WRITABLE ->
            cas(x, x + 1, ok);
            if :: ok -> break :: else fi
        :: COUNT(x) > 0 && TYPE(x) != WRITABLE -> ok = false; break
        od;
        if
        :: ok -> entry[cpu] = true
        :: else -> ref_put()
        fi
    fi;
    atomic { x = 0; ok = false }
}

inline unmap_writable(cpu)
{
#if BUG == 10 /* the clock is read while the entry is still visible */
    since = clock;
    entry[cpu] = false;
#else
    entry[cpu] = false;
#endif
    x = word;
    do
    :: assert(TYPE(x) == WRITABLE && COUNT(x) > 0);
#if BUG != 10
        since = clock;
#endif
        if
        :: COUNT(x) == 1 -> cas(x, IDLE(x, since), ok)
        :: else -> cas(x, ONE_LESS(x, since), ok)
        fi;
        if :: ok -> break :: else fi
    od;
    ref_put();
    d_step { x = 0; ok = false; since = 0 }
}

/* ---- tables: under pt_lock ---- */

#if BUG == 11 /* no lock */
#define LOCK(cpu) skip
#define UNLOCK()  skip
#elif BUG == 12 /* interrupts are off while a CPU waits for the lock */
#define LOCK(cpu)                                                          \
    atomic { !irqs_off[cpu] -> irqs_off[cpu] = true };                     \
    atomic { !pt_lock -> pt_lock = true };                                 \
    irqs_off[cpu] = false
#define UNLOCK() pt_lock = false
#else
#define LOCK(cpu) atomic { !pt_lock -> pt_lock = true }
#define UNLOCK()  pt_lock = false
#endif

inline park(flags)
{
#if BUG != 13 /* the half-done state has no reference of its own */
    if
    :: !parked -> atomic { assert(refs > 0); refs++ }
    :: else
    fi;
#endif
#if BUG == 14 /* the number of entries done is lost */
    word = TABLE | PARTIAL | flags | 1
#else
    word = TABLE | PARTIAL | flags | WITH_AUX(at) | 1
#endif
}

inline unpark()
{
    if :: parked -> ref_put() :: else fi
}

/* From entry `at` down; every call does at least one. stopped: preempted. */
inline go_down(flags)
{
    worked = false;
    do
    :: at == 0 -> break
    :: at > 0 && worked -> stopped = true; break
    :: at > 0 ->
        d_step { at--; assert(held[at]); held[at] = false };
        worked = true
    od;
    if
    :: stopped -> park(flags)
    :: else ->
        since = clock;
        word = IDLE(TABLE, since);
        unpark()
    fi
}

/* From entry `at` up. ok: validated, and the count is the caller's. */
inline go_up()
{
    worked = false;
    do
    :: at == ENTRIES -> ok = true; break
    :: at < ENTRIES && worked -> stopped = true; break
    :: at < ENTRIES -> bad = true; break
    :: at < ENTRIES ->
        d_step { assert(!held[at]); held[at] = true; at++ };
        worked = true
    od;
    if
    :: ok -> word = TABLE | VALIDATED | 1; unpark()
    :: stopped -> park(0)
    :: bad -> go_down(FAILED)
    fi
}

#define CLEAN                                                              \
    atomic { x = 0; ok = false; at = 0; since = 0; parked = false;         \
        stopped = false; bad = false; worked = false }

inline get_table(cpu)
{
    LOCK(cpu);
    ref_get(ok);
    if
    :: !ok -> skip
    :: else ->
        ok = false;
        x = word;
        do
        :: COUNT(x) == 0 ->
            enter_type(cpu, x, TABLE, now, ok);
            if
            :: ok -> ok = false; go_up(); break
            :: else
            fi
        :: COUNT(x) > 0 && TYPE(x) != TABLE -> break
        :: COUNT(x) > 0 && TYPE(x) == TABLE && (x & PARTIAL) ->
            d_step { at = AUX(x); parked = true };
            word = TABLE | 1;
            if
            :: x & FAILED -> go_down(FAILED)
            :: else -> go_up()
            fi;
            break
        :: COUNT(x) > 0 && TYPE(x) == TABLE && (x & VALIDATED) ->
            word = x + 1;
            ok = true;
            break
        :: COUNT(x) > 0 && TYPE(x) == TABLE &&
                !(x & (PARTIAL | VALIDATED)) ->
            assert(BUG == 11); /* never seen under the lock */
            break
        od;
        if
        :: ok -> mytable = true
        :: else -> ref_put()
        fi
    fi;
    CLEAN;
    UNLOCK()
}

inline put_table(cpu)
{
    LOCK(cpu);
    x = word;
    assert(TYPE(x) == TABLE && (x & VALIDATED) && COUNT(x) > 0);
    mytable = false;
    if
    :: COUNT(x) > 1 -> word = x - 1
    :: else ->
        word = TABLE | 1;
        at = ENTRIES;
        go_down(0)
    fi;
    ref_put();
    CLEAN;
    UNLOCK()
}

/* For the half-done table that nobody wants (unpin, the domain's end). */
inline finish_put(cpu)
{
    LOCK(cpu);
    x = word;
    if
    :: x & PARTIAL ->
        d_step { at = AUX(x); parked = true };
        word = TABLE | 1;
        go_down(x & FAILED)
    :: else
    fi;
    CLEAN;
    UNLOCK()
}

/* ---- what the CPUs do ---- */

inline load_cr3(cpu)
{
    atomic { !irqs_off[cpu] -> irqs_off[cpu] = true };
    flush_here(cpu, false, now);
    irqs_off[cpu] = false
}

inline give_up()
{
    d_step { if :: owned -> owned = false; ok = true :: else fi };
    if :: ok -> ref_put() :: else fi;
    ok = false
}

proctype cpu_code(byte cpu)
{
    short x;
    byte ops, at, now, since;
    bool ok, mytable, parked, stopped, bad, worked, mine, others;

    do
    :: ops < OPS ->
        ops++;
        if
        :: !entry[cpu] -> map_writable(cpu)
        :: entry[cpu] -> unmap_writable(cpu)
        :: !mytable -> get_table(cpu)
        :: mytable -> put_table(cpu)
        :: word & PARTIAL -> finish_put(cpu)
        :: load_cr3(cpu)
#ifdef RELEASE
        :: cpu == 1 && owned -> give_up()
#endif
        fi
    :: ops == OPS -> break
    od;
    ops = 0;
    /* The end: what is still held is dropped. */
    if :: entry[cpu] -> unmap_writable(cpu) :: else fi;
    if :: mytable -> put_table(cpu) :: else fi;
    done++;
    if
    :: cpu == 1 -> skip
    :: else ->
        done == CPUS;
        do
        :: word & PARTIAL -> finish_put(cpu)
        :: else -> break
        od;
        assert(COUNT(word) == 0);
        assert(!held[0] && !held[1]);
        assert(refs == (owned -> 1 : 0))
    fi
}

/* Moves only when the frame is a table and can be written. */
proctype watch()
{
end:
    atomic {
        TYPE(word) == TABLE && COUNT(word) > 0 &&
            (tlb[0] || tlb[1] || entry[0] || entry[1]) ->
        assert(false)
    }
}

init
{
    atomic {
        run hardware(0);
        run hardware(1);
        run watch();
        run cpu_code(0);
        run cpu_code(1)
    }
}

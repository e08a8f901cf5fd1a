/*
 * The self-test's network card that flips pages. Its back end is a thread of
 * this domain itself: in xenstore it lies below data/mini, its grants, events
 * and transfers are real.
 */
#include <apps.h>
#include <netback.h>
#include <netfront.h>
#include <xenbus.h>

#define FRONT "data/mini/vif/0"
#define BACK "data/mini/back"

static struct netback back;
static struct semaphore ended;

static void run_back_end(void *arg)
{
    (void)arg;
    netback_run(&back);
    sem_up(&ended);
}

static struct thread *start_back_end(unsigned self, int lies)
{
    memset(&back, 0, sizeof(back));
    back.peer = self;
    back.front = FRONT;
    back.dir = BACK;
    back.lies = lies;
    xenbus_write(0, FRONT, "backend", BACK);
    xenbus_write(0, FRONT, "backend-id", "%u", self);
    xenbus_write(0, FRONT, "mac", "00:16:3e:01:02:03");
    xenbus_write(0, BACK, "state", "1");
    return thread_create("back end", run_back_end, NULL);
}

static void end_back_end(void)
{
    sem_down(&ended);
    xenbus_remove(0, "data/mini", NULL);
}

/* So many frames there and back; how many of them came. */
static unsigned exchange(struct netfront *card, unsigned count)
{
    static u8 frame[1000], got[1000];
    unsigned i, n;

    for (i = 0; i < count; i++) {
        for (n = 0; n < sizeof(frame); n++)
            frame[n] = (u8)(i + n * 7);
        if (netfront_send(card, frame, sizeof(frame)) ||
            !netfront_wait(card, time_ns() + 60 * SECOND_NS) ||
            netfront_receive(card, got, sizeof(got)) != (int)sizeof(got) ||
            memcmp(frame, got, sizeof(got)))
            break;
    }
    return i;
}

static void run_card(unsigned self, int lies, unsigned count)
{
    struct netfront_counts c = {0, 0, 0, 0, 0};
    struct netfront *card = NULL;
    char err[160] = "no back end";

    if (start_back_end(self, lies))
        card = netfront_open_in("data/mini/vif", 0, err, sizeof(err));
    if (!card) {
        print("# %s\n", err);
        expect(0, "a card that flips pages opens");
        return;
    }
    netfront_counts(card, &c);
    expect(c.flips, "a card that flips pages opens");
    if (lies)
        expect(exchange(card, 1) == 0 &&
                   netfront_send(card, "1234567890abcdef", 16) == -XEN_EIO,
               "a back end that lies ends it");
    else
        expect(exchange(card, count) == count, "frames come in flipped pages");
    netfront_close(card);
    end_back_end();
}

void test_flipping(unsigned self)
{
    u64 pages = free_pages();
    unsigned grants = gnttab_free();

    if (pages < 64) {
        print("# SKIP flipping: too little memory\n");
        return;
    }
    run_card(self, 0, 100);
    expect(free_pages() == pages && gnttab_free() == grants,
           "it leaves no page and no grant behind");
    run_card(self, 1, 0);
    expect(free_pages() == pages && gnttab_free() == grants,
           "nor does the one that failed");
}

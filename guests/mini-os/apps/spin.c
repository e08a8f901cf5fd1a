/* A burner's share: how much of each second it had, as far as it can see. */
#include <apps.h>

void app_spin(void)
{
    u64 second, now, last, had;

    for (second = 1;; second++) {
        had = 0;
        last = time_ns();
        for (u64 end = last + 1000000000UL; last < end; last = now) {
            now = time_ns();
            if (now - last < 100000)
                had += now - last;
        }
        print("spin: second %lu, %lu%% of it ran\n", second, had / 10000000);
    }
}

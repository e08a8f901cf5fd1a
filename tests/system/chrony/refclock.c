/*
 * refclock SOCKET MS PPM SECONDS: a perfect clock for chronyd, which has made
 * SOCKET for one. It begins MS milliseconds ahead of the system's clock and
 * gains PPM parts in a million on the kernel's raw clock, which nobody adjusts.
 * A sample a second; how far the system's clock is behind in the end, in
 * microseconds, is printed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/* chrony's, of its socket reference clock (chrony.conf(5), refclock SOCK). */
struct sock_sample {
    struct timeval tv; /* system time of the measurement */
    double offset;     /* true time less that, seconds */
    int pulse, leap, pad, magic;
};
#define SOCK_MAGIC 0x534f434b

static double rate;
static double raw_start, true_start;

static double seconds(clockid_t clock)
{
    struct timespec t;

    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* True time less the system's. Both since the start, as small numbers. */
static double behind(void)
{
    double raw = seconds(CLOCK_MONOTONIC_RAW) - raw_start;

    return raw * rate - (seconds(CLOCK_REALTIME) - true_start);
}

static int sample(int fd)
{
    struct sock_sample s = {.offset = behind(), .magic = SOCK_MAGIC};

    gettimeofday(&s.tv, NULL);
    return write(fd, &s, sizeof(s)) == sizeof(s) ? 0 : -1;
}

int main(int argc, char **argv)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

    if (argc != 5 || strlen(argv[1]) >= sizeof(to.sun_path)) {
        fprintf(stderr, "usage: refclock SOCKET MS PPM SECONDS\n");
        return 2;
    }
    strcpy(to.sun_path, argv[1]);
    rate = 1 + atof(argv[3]) * 1e-6;
    raw_start = seconds(CLOCK_MONOTONIC_RAW);
    true_start = seconds(CLOCK_REALTIME) + atof(argv[2]) * 1e-3;
    if (connect(fd, (struct sockaddr *)&to, sizeof(to))) {
        perror(argv[1]);
        return 1;
    }
    for (int n = atoi(argv[4]); n > 0; n--) {
        if (sample(fd))
            perror("refclock: a sample was not taken");
        sleep(1);
    }
    printf("%.0f\n", behind() * 1e6);
    return 0;
}

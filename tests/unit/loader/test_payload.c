#include "loader/make_image.h"

#include <stdlib.h>
#include <string.h>

#include "domain/loader/decompress.h"
#include "lib/errno.h"

#define SIZE 200000

static struct image_error err;
static uint8_t plain[SIZE];
static const enum payload_kind kinds[] = {PAYLOAD_GZIP, PAYLOAD_XZ,
                                          PAYLOAD_ZSTD};

/* Compressible, but not trivially. */
static int fill(void **state)
{
    uint32_t x = 1;

    (void)state;
    for (size_t i = 0; i < SIZE; i++) {
        x = x * 1103515245 + 12345;
        plain[i] = x >> 24 & (i & 64 ? 0x0f : 0x1f);
    }
    return 0;
}

static int unpack(enum payload_kind kind, const void *src, size_t size,
                  size_t room, size_t *made, uint8_t **out)
{
    struct image_env env = make_env();
    int rc;

    *out = malloc(room ? room : 1);
    *made = room;
    rc = decompress(kind, src, size, *out, made, &env.mem, &err);
    assert_int_equal(live_bytes, 0);
    return rc;
}

static void round_trip(void **state)
{
    (void)state;
    for (size_t k = 0; k < ARRAY_SIZE(kinds); k++) {
        size_t size, made;
        uint8_t *out, *packed;

        for (int tail = 0; tail < 2; tail++) {
            packed = make_packed(kinds[k], plain, SIZE, tail, &size);
            assert_int_equal(unpack(kinds[k], packed, size, SIZE, &made, &out),
                             0);
            assert_int_equal(made, SIZE);
            assert_memory_equal(out, plain, SIZE);
            free(out);
            /* Room to spare: the true size is told. */
            assert_int_equal(
                unpack(kinds[k], packed, size, SIZE + 999, &made, &out), 0);
            assert_int_equal(made, SIZE);
            free(out);
            free(packed);
        }
    }
}

static void too_large(void **state)
{
    (void)state;
    for (size_t k = 0; k < ARRAY_SIZE(kinds); k++) {
        size_t size, made;
        uint8_t *out, *packed;

        packed = make_packed(kinds[k], plain, SIZE, true, &size);
        assert_int_equal(unpack(kinds[k], packed, size, SIZE - 1, &made, &out),
                         -E2BIG);
        assert_error(err, "more than 199999 bytes");
        assert_error(err, payload_kind_name(kinds[k]));
        free(out);
        free(packed);
    }
}

static void truncated(void **state)
{
    (void)state;
    for (size_t k = 0; k < ARRAY_SIZE(kinds); k++) {
        size_t size, made;
        uint8_t *out, *packed, *cut;

        packed = make_packed(kinds[k], plain, SIZE, false, &size);
        for (size_t n = 0; n < size; n += n < 40 || n > size - 40 ? 1 : 997) {
            cut = malloc(n ? n : 1);
            memcpy(cut, packed, n);
            if (unpack(kinds[k], cut, n, SIZE, &made, &out) != -EINVAL)
                fail_msg("%s cut to %zu of %zu: %s",
                         payload_kind_name(kinds[k]), n, size, err.text);
            assert_error(err, "truncated");
            free(out);
            free(cut);
        }
        free(packed);
    }
}

/* Any flipped bit: an error, or (in unused header fields) the same output. */
static void corrupt(void **state)
{
    unsigned int refused = 0, runs = 0;

    (void)state;
    for (size_t k = 0; k < ARRAY_SIZE(kinds); k++) {
        size_t size, made;
        uint8_t *out, *packed;

        packed = make_packed(kinds[k], plain, SIZE, false, &size);
        for (size_t n = 0; n < size; n += n < 32 ? 1 : 1009) {
            packed[n] ^= 0x10;
            refused += unpack(kinds[k], packed, size, SIZE, &made, &out) != 0;
            runs++;
            packed[n] ^= 0x10;
            free(out);
        }
        free(packed);
    }
    assert_true(refused > runs / 2);
}

static void memory(void **state)
{
    struct image_env env = make_env();

    (void)state;
    for (size_t k = 0; k < ARRAY_SIZE(kinds); k++) {
        uint8_t *out = malloc(SIZE);
        size_t size, made = SIZE;
        uint8_t *packed = make_packed(kinds[k], plain, SIZE, true, &size);

        /* Every allocation fails in turn. */
        for (int n = 0;; n++) {
            int rc;

            allocations_left = n;
            made = SIZE;
            rc = decompress(kinds[k], packed, size, out, &made, &env.mem, &err);
            assert_int_equal(live_bytes, 0);
            if (!rc)
                break;
            assert_int_equal(rc, -ENOMEM);
            assert_true(n < 50);
        }
        allocations_left = -1;
        env.mem.limit = 1000;
        assert_int_equal(
            decompress(kinds[k], packed, size, out, &made, &env.mem, &err),
            -ENOMEM);
        env.mem.limit = 0;
        free(out);
        free(packed);
    }
}

static int find(const uint8_t *file, size_t size, struct payload *p)
{
    uint8_t *exact = malloc(size ? size : 1);
    int rc;

    memcpy(exact, file, size);
    rc = payload_find(exact, size, p, &err);
    p->data = file + (p->data - exact);
    free(exact);
    return rc;
}

static void bzimage(void **state)
{
    struct payload p;
    size_t size, n;
    uint8_t *file, *packed;

    (void)state;
    for (size_t k = 0; k < ARRAY_SIZE(kinds); k++) {
        packed =
            make_packed(kinds[k], plain, SIZE, kinds[k] != PAYLOAD_GZIP, &n);
        file = make_bzimage(packed, n, &size);
        assert_int_equal(find(file, size, &p), 0);
        assert_true(p.bzimage);
        assert_int_equal(p.protocol, 0x20f);
        assert_int_equal(p.kind, kinds[k]);
        assert_int_equal(p.unpacked, SIZE);
        assert_int_equal(p.size, n);
        assert_memory_equal(p.data, packed, n);
        free(file);
        free(packed);
    }
}

static void bzimage_bad(void **state)
{
    struct payload p;
    size_t size, n;
    uint8_t *packed = make_packed(PAYLOAD_ZSTD, plain, SIZE, true, &n);
    uint8_t *file = make_bzimage(packed, n, &size);
    uint32_t huge = 0xffffffff;

    (void)state;
    for (size_t cut = 0; cut < size; cut += cut < 0x300 ? 1 : 4099)
        assert_int_not_equal(find(file, cut, &p), 0);
    memcpy(file + 0x206, "\7\2", 2);
    assert_int_equal(find(file, size, &p), -EOPNOTSUPP);
    assert_error(err, "protocol 2.07");
    memcpy(file + 0x206, "\x8\2", 2);
    assert_int_equal(find(file, size, &p), 0);
    memcpy(file + 0x440, "BZh9", 4);
    assert_int_equal(find(file, size, &p), -EOPNOTSUPP);
    assert_error(err, "bzip2");
    memset(file + 0x440, 0xee, 8);
    assert_int_equal(find(file, size, &p), -ENOEXEC);
    memcpy(file + 0x248, &huge, 4);
    assert_int_equal(find(file, size, &p), -ENOEXEC);
    assert_error(err, "truncated");
    memcpy(file + 0x24c, &huge, 4);
    assert_int_equal(find(file, size, &p), -ENOEXEC);
    memset(file + 0x24c, 0, 4);
    assert_int_equal(find(file, size, &p), -ENOEXEC);
    free(file);
    free(packed);
}

static void other_files(void **state)
{
    static const uint8_t text[] = "#!/bin/sh";
    struct payload p;
    uint8_t *packed;
    size_t n;

    (void)state;
    assert_int_equal(find(text, sizeof(text), &p), -ENOEXEC);
    assert_error(err, "not a kernel");
    assert_int_equal(find(text, 0, &p), -ENOEXEC);
    packed = make_packed(PAYLOAD_XZ, plain, SIZE, false, &n);
    assert_int_equal(find(packed, n, &p), -EOPNOTSUPP);
    assert_error(err, "bare xz");
    free(packed);
    packed = make_packed(PAYLOAD_GZIP, plain, SIZE, false, &n);
    assert_int_equal(find(packed, n, &p), 0);
    assert_int_equal(p.kind, PAYLOAD_GZIP);
    assert_false(p.bzimage);
    assert_int_equal(p.unpacked, SIZE);
    assert_int_equal(find(packed, 5, &p), -ENOEXEC);
    free(packed);
}

const struct CMUnitTest payload_tests[] = {
    cmocka_unit_test_setup(round_trip, fill),
    cmocka_unit_test(too_large),
    cmocka_unit_test(truncated),
    cmocka_unit_test(corrupt),
    cmocka_unit_test(memory),
    cmocka_unit_test(bzimage),
    cmocka_unit_test(bzimage_bad),
    cmocka_unit_test(other_files),
};
const size_t payload_tests_num = ARRAY_SIZE(payload_tests);

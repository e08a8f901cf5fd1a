#include "loader/make_image.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/errno.h"

static struct maker m;
static struct loaded_image image;
static struct image_env env;

/* The guest's memory around the image, poisoned where nothing was written. */
#define WINDOW 0x1000
static uint8_t memory[WINDOW];
static unsigned int copies, zeroes;

static int sink_copy(void *ctx, uint64_t gpa, const void *src, uint64_t size)
{
    assert_ptr_equal(ctx, &image);
    assert_true(gpa >= KERNEL_PADDR && gpa + size <= KERNEL_PADDR + WINDOW);
    memcpy(memory + (gpa - KERNEL_PADDR), src, size);
    copies++;
    return 0;
}

static int sink_zero(void *ctx, uint64_t gpa, uint64_t size)
{
    (void)ctx;
    assert_true(gpa >= KERNEL_PADDR && gpa + size <= KERNEL_PADDR + WINDOW);
    memset(memory + (gpa - KERNEL_PADDR), 0, size);
    zeroes++;
    return 0;
}

static int sink_fail(void *ctx, uint64_t gpa, uint64_t size)
{
    (void)ctx;
    (void)gpa;
    (void)size;
    return -EFAULT;
}

static void check_copy(void)
{
    struct image_sink sink = {&image, sink_copy, sink_zero};

    memset(memory, 0xaa, sizeof(memory));
    copies = zeroes = 0;
    assert_int_equal(image_copy(&image, &sink), 0);
    assert_int_equal(copies, 1);
    assert_int_equal(zeroes, 1);
    assert_memory_equal(memory, m.body, 0x400);
    for (unsigned int i = 0x400; i < 0x900; i++)
        assert_int_equal(memory[i], 0);
    for (unsigned int i = 0x900; i < WINDOW; i++)
        assert_int_equal(memory[i], 0xaa);
    sink.zero = sink_fail;
    assert_int_equal(image_copy(&image, &sink), -EFAULT);
}

static void plain_elf(void **state)
{
    (void)state;
    make_linux(&m);
    env = make_env();
    assert_int_equal(image_open(&image, m.out, m.out_size, &env), 0);
    assert_null(image.buffer);
    assert_int_equal(image.parms.virt_entry, ENTRY);
    check_copy();
    image_close(&image, &env);
    make_free(&m);
}

static void packed(void **state)
{
    static const enum payload_kind kinds[] = {PAYLOAD_GZIP, PAYLOAD_XZ,
                                              PAYLOAD_ZSTD};

    (void)state;
    make_linux(&m);
    for (size_t k = 0; k < ARRAY_SIZE(kinds); k++) {
        size_t n, size;
        uint8_t *data = make_packed(kinds[k], m.out, m.out_size,
                                    kinds[k] != PAYLOAD_GZIP, &n);
        uint8_t *file = make_bzimage(data, n, &size);

        env = make_env();
        assert_int_equal(image_open(&image, file, size, &env), 0);
        assert_int_equal(live_bytes, m.out_size);
        assert_int_equal(image.parms.virt_entry, ENTRY);
        check_copy();
        image_close(&image, &env);
        assert_int_equal(live_bytes, 0);
        if (kinds[k] == PAYLOAD_GZIP) {
            assert_int_equal(image_open(&image, data, n, &env), 0);
            check_copy();
            image_close(&image, &env);
        }
        /* The file claims more than it holds: the true size counts. */
        file[size - 1] = 0;
        file[size - 2] = 1;
        if (kinds[k] != PAYLOAD_GZIP) {
            assert_int_equal(image_open(&image, file, size, &env), 0);
            assert_int_equal(image.elf.size, m.out_size);
            image_close(&image, &env);
        }
        /* Less than it holds. */
        memset(file + size - 4, 0, 4);
        file[size - 4] = 100;
        assert_int_equal(image_open(&image, file, size, &env), -E2BIG);
        assert_int_equal(live_bytes, 0);
        /* More than allowed. */
        memset(file + size - 4, 0xff, 4);
        assert_int_equal(image_open(&image, file, size, &env), -E2BIG);
        assert_error(image.error, "damaged");
        free(file);
        free(data);
    }
    make_free(&m);
}

static void nothing_leaks(void **state)
{
    size_t n;
    uint8_t *data;

    (void)state;
    make_linux(&m);
    env = make_env();
    data = make_packed(PAYLOAD_GZIP, m.out, m.out_size, false, &n);
    allocations_left = 0;
    assert_int_equal(image_open(&image, data, n, &env), -ENOMEM);
    allocations_left = 1;
    assert_int_equal(image_open(&image, data, n, &env), -ENOMEM);
    assert_int_equal(live_bytes, 0);
    allocations_left = -1;
    free(data);
    /* Unpacks, but is no kernel. */
    data = make_packed(PAYLOAD_GZIP, "hello world, hello", 18, false, &n);
    assert_int_equal(image_open(&image, data, n, &env), -ENOEXEC);
    assert_error(image.error, "not an ELF");
    assert_int_equal(live_bytes, 0);
    assert_null(image.buffer);
    free(data);
    make_free(&m);
}

/* XENO_TEST_KERNEL names a real kernel file to try, if set. */
static void real_kernel(void **state)
{
    const char *name = getenv("XENO_TEST_KERNEL");
    FILE *f;
    uint8_t *file;
    long size;

    (void)state;
    if (!name)
        skip();
    f = fopen(name, "rb");
    assert_non_null(f);
    fseek(f, 0, SEEK_END);
    size = ftell(f);
    rewind(f);
    file = malloc((size_t)size);
    assert_int_equal(fread(file, 1, (size_t)size, f), size);
    fclose(f);
    env = make_env();
    env.max_image = 0;
    if (image_open(&image, file, (size_t)size, &env))
        fail_msg("%s", image.error.text);
    printf("%s: %s, %s %s, base %#lx entry %#lx image %#lx-%#lx\n", name,
           payload_kind_name(image.payload.kind), image.parms.guest_os,
           image.parms.guest_version, image.parms.virt_base,
           image.parms.virt_entry, image.parms.virt_kstart,
           image.parms.virt_kend);
    image_close(&image, &env);
    assert_int_equal(live_bytes, 0);
    free(file);
}

const struct CMUnitTest image_tests[] = {
    cmocka_unit_test(plain_elf),
    cmocka_unit_test(packed),
    cmocka_unit_test(nothing_leaks),
    cmocka_unit_test(real_kernel),
};
const size_t image_tests_num = ARRAY_SIZE(image_tests);

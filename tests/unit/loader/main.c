/* The image loader: ELF, notes, bzImage, decompression and all together. */
#include "loader/make_image.h"

int main(void)
{
    int failed = 0;

    failed +=
        _cmocka_run_group_tests("elf", elf_tests, elf_tests_num, NULL, NULL);
    failed += _cmocka_run_group_tests("notes", notes_tests, notes_tests_num,
                                      NULL, NULL);
    failed += _cmocka_run_group_tests("payload", payload_tests,
                                      payload_tests_num, NULL, NULL);
    failed += _cmocka_run_group_tests("image", image_tests, image_tests_num,
                                      NULL, NULL);
    return failed;
}

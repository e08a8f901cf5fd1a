#include "insn/t.h"

int main(void)
{
    return run_decode_tests() + run_rmw_tests();
}

/*
 * Scrolling reads the screen, which is slow (a millisecond or so), but the
 * screen is for messages at boot and the last words of a panic.
 */
#include "arch/x86/vga.h"

#include "arch/x86/boot.h"
#include "arch/x86/cpu.h"
#include "lib/string.h"

#define SCREEN 0xb8000UL
#define COLS 80u
#define ROWS_MAX 50u
#define BLANK 0x0720
#define CRTC_INDEX 0x3d4
#define CRTC_DATA 0x3d5
#define CRTC_CURSOR_START 0x0a
#define CURSOR_OFF 0x20

/* Mapped one to one by the early page tables. */
static uint16_t *screen = (uint16_t *)SCREEN;
static unsigned rows, row, col;

static void clear_row(unsigned r)
{
    for (unsigned i = 0; i < COLS; i++)
        screen[r * COLS + i] = BLANK;
}

void vga_init(void)
{
    if (!boot_info.have_vga_text || rows)
        return;
    rows = boot_info.vga_rows < ROWS_MAX ? boot_info.vga_rows : ROWS_MAX;
    outb(CRTC_CURSOR_START, CRTC_INDEX);
    outb(CURSOR_OFF, CRTC_DATA);
    for (unsigned r = 0; r < rows; r++)
        clear_row(r);
}

void vga_remap(void)
{
    screen = ioremap(SCREEN, ROWS_MAX * COLS * sizeof(*screen));
    if (!screen)
        rows = 0;
}

static void new_line(void)
{
    col = 0;
    if (++row < rows)
        return;
    row = rows - 1;
    memmove(screen, screen + COLS, row * COLS * sizeof(*screen));
    clear_row(row);
}

void vga_putc(char c)
{
    if (!rows)
        return;
    if (c == '\r') {
        col = 0;
    } else if (c == '\b') {
        col -= col > 0;
    } else if (c == '\t') {
        col = (col | 7) + 1;
    } else if ((uint8_t)c >= ' ') {
        screen[row * COLS + col] = (uint16_t)(0x0700 | (uint8_t)c);
        col++;
    }
    if (c == '\n' || col >= COLS)
        new_line();
}

/* The VGA text screen, 80 columns. */
#ifndef ARCH_X86_VGA_H
#define ARCH_X86_VGA_H

/* Clears the screen. Does nothing without boot_info.have_vga_text. */
void vga_init(void);
void vga_putc(char c);
/* After paging_init: reaches the screen through ioremap. */
void vga_remap(void);

#endif

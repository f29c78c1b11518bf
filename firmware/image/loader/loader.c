// The loader: what runs first, from the first sector of the flash, and chooses the slot whose image is started.
// It writes nothing but the marks of trial starts, is never written itself, and starts no image that is not whole.

#include <stdbool.h>
#include <stdint.h>

#include "hardware/regs/addressmap.h"
#include "hardware/regs/m0plus.h"
#include "hardware/regs/psm.h"
#include "hardware/regs/watchdog.h"
#include "layout.h"

#define REGISTER(address) (*(volatile uint32_t *)(address))
#define RAM_CODE __attribute__((noinline, long_call, section(".ram_code")))
#define ROM_CODE(a, b) ((uint32_t)(a) | ((uint32_t)(b) << 8))

#define ERASED 0xffffffffu
#define NEITHER (-1)
#define TRIAL_STARTS 3
#define FEED_EVERY_BYTES 0x10000u
#define BOOT2_WORDS (PAGE_BYTES / 4)

// All numbers are little-endian. Page 0 of a copy's sector is the record, page 1 has the marks: a word for each start.
typedef struct {
    uint32_t magic;
    uint32_t sequence;
    uint8_t slot;  // whose image is good
    uint8_t trial; // 1: the other slot is on trial
    uint16_t zero;
    uint32_t crc;
} record_t;

// The first page of a slot. The image's vectors follow it.
typedef struct {
    uint32_t magic;
    uint32_t size; // of all, this page included
    uint32_t address;
    uint32_t version;
    uint32_t image_crc; // of what follows this page
    uint32_t header_crc;
} header_t;

#define RECORD_MAGIC 0x524c5350u // "PSLR"
#define HEADER_MAGIC 0x4d495350u // "PSIM"

extern uint32_t code_source, code_start, code_end, zero_start, zero_end;

static uint32_t crc_table[256];
static uint32_t boot2[BOOT2_WORDS];
static uint8_t page[PAGE_BYTES];

static struct {
    void (*connect)(void);
    void (*exit_xip)(void);
    void (*program)(uint32_t offset, const uint8_t *data, uint32_t size);
    void (*flush)(void);
} rom;

static void *rom_function(uint32_t code) {
    uint16_t *table = (uint16_t *)(uintptr_t)*(volatile uint16_t *)0x14;
    void *(*look_up)(uint16_t *, uint32_t) = (void *(*)(uint16_t *, uint32_t))(uintptr_t)*(volatile uint16_t *)0x18;
    return look_up(table, code);
}

static void feed(void) {
    REGISTER(WATCHDOG_BASE + WATCHDOG_LOAD_OFFSET) = WATCHDOG_LOAD_BITS; // 8.3 s; without effect on one that is off
}

// An image that hangs before it starts the watchdog itself must not hang for ever while it is on trial.
static void start_watchdog(void) {
    REGISTER(PSM_BASE + PSM_WDSEL_OFFSET) = PSM_WDSEL_BITS & ~(PSM_WDSEL_ROSC_BITS | PSM_WDSEL_XOSC_BITS);
    REGISTER(WATCHDOG_BASE + WATCHDOG_TICK_OFFSET) = WATCHDOG_TICK_ENABLE_BITS | 12;
    feed();
    REGISTER(WATCHDOG_BASE + WATCHDOG_CTRL_OFFSET) = WATCHDOG_CTRL_ENABLE_BITS;
}

static void make_crc_table(void) {
    for (uint32_t byte = 0; byte < 256; byte += 1) {
        uint32_t crc = byte;
        for (int bit = 0; bit < 8; bit += 1) {
            crc = crc & 1 ? (crc >> 1) ^ 0xedb88320u : crc >> 1;
        }
        crc_table[byte] = crc;
    }
}

static uint32_t crc_of(const void *start, uint32_t size) {
    const uint8_t *at = start;
    uint32_t crc = ~0u;
    while (size) {
        uint32_t part = size < FEED_EVERY_BYTES ? size : FEED_EVERY_BYTES;
        feed();
        for (const uint8_t *end = at + part; at < end; at += 1) {
            crc = (crc >> 8) ^ crc_table[(crc ^ *at) & 0xff];
        }
        size -= part;
    }
    return ~crc;
}

// Code in flash cannot run while the flash is written, and what the interrupts would run is there as well: there are none.
static RAM_CODE void program_page(uint32_t offset) {
    rom.connect();
    rom.exit_xip();
    rom.program(offset, page, PAGE_BYTES);
    rom.flush();
    ((void (*)(void))((uintptr_t)boot2 | 1))(); // the second stage lets the flash be read as memory again
}

static void prepare_to_program(void) {
    for (uint32_t i = 0; i < BOOT2_WORDS; i += 1) {
        boot2[i] = ((const uint32_t *)XIP_BASE)[i];
    }
    rom.connect = (void (*)(void))rom_function(ROM_CODE('I', 'F'));
    rom.exit_xip = (void (*)(void))rom_function(ROM_CODE('E', 'X'));
    rom.program = (void (*)(uint32_t, const uint8_t *, uint32_t))rom_function(ROM_CODE('R', 'P'));
    rom.flush = (void (*)(void))rom_function(ROM_CODE('F', 'C'));
}

// Clears the words of the starts from `first` up to `end`; the page was erased with its record, the rest stays as it is.
static void mark_starts(const record_t *record, uint32_t first, uint32_t end) {
    for (uint32_t i = 0; i < PAGE_BYTES; i += 1) {
        page[i] = i >= 4 * first && i < 4 * end ? 0 : 0xff;
    }
    prepare_to_program();
    program_page((uint32_t)(uintptr_t)record + PAGE_BYTES - XIP_BASE);
}

static const record_t *newest_record(void) {
    const record_t *newest = 0;
    for (uint32_t copy = 0; copy < 2; copy += 1) {
        const record_t *record = (const record_t *)(XIP_BASE + RECORD_OFFSET + copy * SECTOR_BYTES);
        bool valid = record->magic == RECORD_MAGIC && record->slot < 2 && record->trial < 2 &&
            record->crc == crc_of(record, sizeof(record_t) - sizeof(uint32_t));
        if (valid && (!newest || record->sequence > newest->sequence)) {
            newest = record;
        }
    }
    return newest;
}

static const header_t *header_of(int slot) {
    return (const header_t *)(XIP_BASE + SLOT_OFFSET((uint32_t)slot));
}

// Whether a slot has the header of an image that was made for it.
static bool has_image(int slot) {
    const header_t *header = header_of(slot);
    return header->magic == HEADER_MAGIC && header->address == (uint32_t)(uintptr_t)header &&
        header->size > PAGE_BYTES && header->size <= PENSTOCK_SLOT_BYTES &&
        header->header_crc == crc_of(header, sizeof(header_t) - sizeof(uint32_t));
}

static bool is_whole(int slot) {
    const header_t *header = header_of(slot);
    return has_image(slot) &&
        header->image_crc == crc_of((const uint8_t *)header + PAGE_BYTES, header->size - PAGE_BYTES);
}

// Takes one of the starts of a trial; a mark that was cut short counts. Says whether there was one left.
static bool take_trial_start(const record_t *record) {
    const uint32_t *marks = (const uint32_t *)((const uint8_t *)record + PAGE_BYTES);
    for (uint32_t start = 0; start < TRIAL_STARTS; start += 1) {
        if (marks[start] == ERASED) {
            mark_starts(record, start, start + 1);
            return true;
        }
    }
    return false;
}

// The start is counted before anything of the image is looked at, so whatever happens there happens three times at most.
static bool starts_trial(const record_t *record) {
    if (!record->trial || !take_trial_start(record)) {
        return false;
    }
    if (is_whole(!record->slot)) {
        start_watchdog();
        return true;
    }
    mark_starts(record, 0, TRIAL_STARTS); // it will not get better
    return false;
}

static int choose(void) {
    const record_t *record = newest_record();
    int good = record ? record->slot : 0;
    if (record && starts_trial(record)) {
        return !good;
    }
    if (record && has_image(good)) {
        return good; // it was whole when its trial began, and nothing writes to the slot that runs
    }
    if (is_whole(good)) {
        return good;
    }
    return is_whole(!good) ? !good : NEITHER;
}

static __attribute__((noreturn)) void start(int slot) {
    const uint32_t *vectors = (const uint32_t *)(XIP_BASE + SLOT_OFFSET((uint32_t)slot) + PAGE_BYTES);
    REGISTER(PPB_BASE + M0PLUS_VTOR_OFFSET) = (uint32_t)(uintptr_t)vectors;
    __asm volatile("msr msp, %0\n bx %1" : : "r"(vectors[0]), "r"(vectors[1]) : "memory");
    __builtin_unreachable();
}

// Without an image the chip shows itself as a disk on USB, where an installer can copy one to.
static __attribute__((noreturn)) void wait_for_installer(void) {
    void (*usb_boot)(uint32_t, uint32_t) = (void (*)(uint32_t, uint32_t))rom_function(ROM_CODE('U', 'B'));
    if (usb_boot) {
        usb_boot(0, 0);
    }
    for (;;) {
        __asm volatile("wfi");
    }
}

__attribute__((noreturn)) void load(void) {
    for (uint32_t *to = &code_start, *from = &code_source; to < &code_end;) {
        *to++ = *from++;
    }
    for (uint32_t *at = &zero_start; at < &zero_end;) {
        *at++ = 0;
    }
    make_crc_table();
    int slot = choose();
    if (slot == NEITHER) {
        wait_for_installer();
    }
    start(slot);
}

static __attribute__((noreturn)) void stop(void) {
    for (;;) {
    }
}

extern uint32_t stack_top;

__attribute__((used, section(".vectors"))) static const void *const vectors[] = {&stack_top, load, stop, stop};

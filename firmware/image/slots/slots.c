// The module _slots: the only way to the flash that code is run from. It writes the slot that does not run and the slot
// record, and nothing else; what they mean is up to firmware/drivers/image_slots.py.

#include <string.h>

#include "hardware/flash.h"
#include "hardware/sync.h"
#include "py/mperrno.h"
#include "py/objarray.h"
#include "py/runtime.h"

#include "layout.h"
#include "rp2_flash.h"

extern uint8_t __flash_binary_start;

static uint32_t running(void) {
    return (uintptr_t)&__flash_binary_start == XIP_BASE + SLOT_OFFSET(1) ? 1 : 0;
}

// Where a place (0: the slot record, 1: the other slot) begins in flash, and how long it is.
static uint32_t place(mp_obj_t which, uint32_t *size) {
    if (mp_obj_get_int(which) == 0) {
        *size = RECORD_BYTES;
        return RECORD_OFFSET;
    }
    *size = PENSTOCK_SLOT_BYTES;
    return SLOT_OFFSET(1 - running());
}

static uint32_t address_of(mp_obj_t which, mp_obj_t offset_obj, uint32_t length, uint32_t step) {
    uint32_t size;
    uint32_t start = place(which, &size);
    mp_int_t offset = mp_obj_get_int(offset_obj);
    if (offset < 0 || offset % step || length % step || (uint32_t)offset + length > size) {
        mp_raise_OSError(MP_EINVAL);
    }
    return start + offset;
}

static mp_obj_t slots_running(void) {
    return MP_OBJ_NEW_SMALL_INT(running());
}
static MP_DEFINE_CONST_FUN_OBJ_0(slots_running_obj, slots_running);

// view(place): the place as memory that can only be read, without a copy.
static mp_obj_t slots_view(mp_obj_t which) {
    uint32_t size;
    uint32_t start = place(which, &size);
    return mp_obj_new_memoryview('B', size, (void *)(XIP_BASE + start));
}
static MP_DEFINE_CONST_FUN_OBJ_1(slots_view_obj, slots_view);

// erase(place, offset): one sector, with interrupts off meanwhile.
static mp_obj_t slots_erase(mp_obj_t which, mp_obj_t offset_obj) {
    uint32_t offset = address_of(which, offset_obj, SECTOR_BYTES, SECTOR_BYTES);
    uint32_t state = save_and_disable_interrupts();
    flash_range_erase(offset, SECTOR_BYTES);
    rp2_flash_set_timing();
    restore_interrupts(state);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_2(slots_erase_obj, slots_erase);

// program(place, offset, data): whole pages, one after another. The data may lie in flash, which cannot be read meanwhile.
static mp_obj_t slots_program(mp_obj_t which, mp_obj_t offset_obj, mp_obj_t data) {
    mp_buffer_info_t from;
    mp_get_buffer_raise(data, &from, MP_BUFFER_READ);
    uint32_t offset = address_of(which, offset_obj, from.len, PAGE_BYTES);
    for (size_t done = 0; done < from.len; done += PAGE_BYTES) {
        uint8_t page[PAGE_BYTES];
        memcpy(page, (const uint8_t *)from.buf + done, PAGE_BYTES);
        uint32_t state = save_and_disable_interrupts();
        flash_range_program(offset + done, page, PAGE_BYTES);
        rp2_flash_set_timing();
        restore_interrupts(state);
    }
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_3(slots_program_obj, slots_program);

static const mp_rom_map_elem_t slots_globals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR__slots) },
    { MP_ROM_QSTR(MP_QSTR_running), MP_ROM_PTR(&slots_running_obj) },
    { MP_ROM_QSTR(MP_QSTR_view), MP_ROM_PTR(&slots_view_obj) },
    { MP_ROM_QSTR(MP_QSTR_erase), MP_ROM_PTR(&slots_erase_obj) },
    { MP_ROM_QSTR(MP_QSTR_program), MP_ROM_PTR(&slots_program_obj) },
};
static MP_DEFINE_CONST_DICT(slots_globals, slots_globals_table);

const mp_obj_module_t slots_module = {
    .base = { &mp_type_module },
    .globals = (mp_obj_dict_t *)&slots_globals,
};
MP_REGISTER_MODULE(MP_QSTR__slots, slots_module);

// Where things are in the flash of a board with two code slots: second stage and loader, slot record, slots, file system.
// The same figures stand in tools/slot_image.py; PENSTOCK_SLOT_BYTES comes from the board's map.

#ifndef PENSTOCK_LAYOUT_H
#define PENSTOCK_LAYOUT_H

#define SECTOR_BYTES 4096u
#define PAGE_BYTES 256u

#define RECORD_OFFSET 0x1000u // two copies of the slot record, a sector each
#define RECORD_BYTES (2u * SECTOR_BYTES)
#define SLOTS_OFFSET 0x3000u
#define SLOT_OFFSET(slot) (SLOTS_OFFSET + (slot) * PENSTOCK_SLOT_BYTES)

#endif

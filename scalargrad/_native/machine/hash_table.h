/* A hash table of numbers that stand for something, which its user hashes and compares: open
 * addressing with linear probing (Knuth, The Art of Computer Programming 3, 1973, section 6.4). It
 * does not grow, as it is made for the most entries that it will hold.
 */
#ifndef SCALARGRAD_HASH_TABLE_H
#define SCALARGRAD_HASH_TABLE_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define NO_ENTRY UINT32_MAX

typedef struct {
    uint32_t *entries; /* or NO_ENTRY */
    size_t mask;       /* of positions, of which there is a power of two */
} HashTable;

int make_hash_table(HashTable *table, size_t most); /* 0: no memory */
void free_hash_table(HashTable *table);
void clear_hash_table(HashTable *table);

static inline uint64_t mixed(uint64_t hash, uint64_t part)
{
    return (hash ^ part) * UINT64_C(0x9E3779B97F4A7C15) ^ (hash >> 29);
}

/* Return where the entry is that equals what is sought, or NO_ENTRY, which the caller may set. */
static inline uint32_t *find_entry(const HashTable *table, uint64_t hash,
                                   int (*is_equal)(const void *sought, uint32_t entry),
                                   const void *sought)
{
    size_t position = (hash ^ hash >> 36) >> 12 & table->mask; /* numbers differ in upper bits */
    while (table->entries[position] != NO_ENTRY && !is_equal(sought, table->entries[position])) {
        position = (position + 1) & table->mask;
    }
    return &table->entries[position];
}

#endif

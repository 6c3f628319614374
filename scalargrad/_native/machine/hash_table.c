/* Memory of a hash table. */
#include "hash_table.h"

int make_hash_table(HashTable *table, size_t most)
{
    size_t positions = 16;
    while (positions < 2 * most) { /* half of them stay free, so a search ends soon */
        positions *= 2;
    }
    table->mask = positions - 1;
    table->entries = malloc(positions * sizeof *table->entries);
    if (table->entries != NULL) {
        clear_hash_table(table);
    }
    return table->entries != NULL;
}

void free_hash_table(HashTable *table)
{
    free(table->entries);
    table->entries = NULL;
}

void clear_hash_table(HashTable *table)
{
    memset(table->entries, 0xff, (table->mask + 1) * sizeof *table->entries);
}

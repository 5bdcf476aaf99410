/* stream_map.h -- records in order of stream IDs: blocks of a stream, what is pending in a group.
 *
 * Records have one size (`width`) in a map and begin with their ID. They lie in runs, arrays of at most
 * about 2.5 KB; a directory holds the runs in order with the ID each begins with. Two searches find a
 * record, O(log n). Adding behind the last and removing the first, which is what streams mostly do, move
 * nothing; in the middle half a run is moved, and when a run comes or goes half of the directory (32
 * bytes a run: 1 MB for 4 million records). A tree of more levels would bound that, at the price of
 * slower neighbours; it was not worth it.
 *
 * Adding at the end leaves runs full: a record takes little more than its width. */
#ifndef MEMD_STORAGE_STREAM_MAP_H
#define MEMD_STORAGE_STREAM_MAP_H

#include "storage/stream.h"

/* A run of records: `cap` of room, of which [off, off + n) are used. */
struct stream_run {
    struct stream_id low; /* of the first record */
    unsigned char *p;
    uint16_t off, n, cap;
};

struct stream_map {
    struct stream_run one;   /* the only run, while there is one */
    struct stream_run *runs; /* NULL, or room for cap runs, of which [head, head + n_runs) are used */
    uint32_t head, n_runs, cap;
    uint32_t width;
    size_t count;
    struct stream_map_cut *cut; /* snapshot in progress, else NULL */
    size_t *mem; /* memory in use is added to it; NULL: nobody wants to know */
};

void stream_map_init(struct stream_map *m, uint32_t width, size_t *mem);
void stream_map_fini(struct stream_map *m);

/* The record of id; NULL: there is none. Records move when the map changes. */
void *stream_map_find(const struct stream_map *m, struct stream_id id);

/* The record of id, made where there is none (*made true; what follows the ID is zero). */
void *stream_map_put(struct stream_map *m, struct stream_id id, bool *made);

/* False: there is none. */
bool stream_map_remove(struct stream_map *m, struct stream_id id);

/* The first and the last record; NULL: the map is empty. */
void *stream_map_first(const struct stream_map *m);
void *stream_map_last(const struct stream_map *m);
void stream_map_drop_first(struct stream_map *m);

/* The first record at or above id, or (`down`) the last at or below it, and where it is; NULL: none. */
void *stream_map_seek(const struct stream_map *m, struct stream_id id, bool down, struct stream_pos *at);

/* The record behind, or before, the place; NULL: none. */
void *stream_map_step(const struct stream_map *m, struct stream_pos *at, bool down);

/* A copy; what the records point to is the caller's matter. Its memory is counted in mem. */
void stream_map_dup(struct stream_map *to, const struct stream_map *m, size_t *mem);

/* --- the snapshot cut ---------------------------------------------------------------------------------
 * Between stream_map_cut_begin and _end stream_map_cut_next gives each record that was in the map at begin, in
 * order, as it was then. Records that come or go keep what they were aside by themselves; who changes one in
 * place says so first. Dropping the whole map (stream_map_fini) hands its records to the cut. */
struct stream_map_cut {
    struct stream_map *map;
    struct stream_map own;  /* what was dropped as a whole */
    struct stream_map kept; /* records as they were, and whether they were there: `was`, behind the ID */
    struct stream_id from, last; /* what is still to be given lies within */
    bool done;
};
void stream_map_cut_begin(struct stream_map *m, struct stream_map_cut *cut);

/* Copy the next record to rec; false: there is none left. *kept: it had been kept aside. */
bool stream_map_cut_next(struct stream_map_cut *cut, void *rec, bool *kept);

/* End it. Each record kept and not given is told to drop (may be NULL). */
void stream_map_cut_end(struct stream_map_cut *cut, void (*drop)(void *rec));

/* The record of id is about to change: keep it. Returns the copy when it has just been made, so that the
 * caller may see to what it points to; it is good until the map next changes. */
void *stream_map_keep(struct stream_map *m, struct stream_id id);

/* Bytes allocated, counted out, and allocations. */
size_t stream_map_bytes(const struct stream_map *m);
size_t stream_map_runs(const struct stream_map *m);

void stream_map_check(const struct stream_map *m);

#endif

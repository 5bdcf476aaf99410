/* Every write and every sync of the archive's file fails in turn, before it was done or after: whatever SQLite then
 * believes of its transaction, each note is in the file once. */
#include "persistence/archive.h"

#include <limits.h>
#include <stdatomic.h>
#include <unistd.h>

#include "tests/unit/persistence/archive_rig.h"
#include "tests/unit/unit.h"

static struct archive_rig r;

/* --- a disk that fails ------------------------------------------------------------------------------------- */

struct disk_file {
    sqlite3_file base;
    sqlite3_file *real; /* behind this, in the same allocation */
    bool is_wal;
};

/* The log of changes (-wal), of which a sync has failed: what it was for is in the system's memory alone, whatever a later
 * sync says, until it is written again. What is appended behind that is lost with it when the power goes. */
struct extent {
    sqlite3_int64 from, to;
};

static struct extent unsynced, lost;
static int built_on_lost;

static void wrote(sqlite3_int64 at, int n)
{
    if (unsynced.from == unsynced.to) unsynced = (struct extent){ at, at };
    if (at < unsynced.from) unsynced.from = at;
    if (at + n > unsynced.to) unsynced.to = at + n;
    if (lost.from == lost.to) return;
    if (at > lost.from) built_on_lost++;
    else if (at + n > lost.from) lost.from = at + n < lost.to ? at + n : lost.to;
}

static void synced(bool ok)
{
    if (!ok && lost.from == lost.to) lost = unsynced;
    else if (!ok && unsynced.to > lost.to) lost.to = unsynced.to;
    unsynced = (struct extent){ 0, 0 };
}

static void emptied(void)
{
    unsynced = lost = (struct extent){ 0, 0 };
}

static sqlite3_vfs disk;
static sqlite3_vfs *under;
static sqlite3_io_methods methods;

/* The nth change from now fails, and the `more` that follow; after: it is done all the same. */
static _Atomic int fail_in, fail_more, failed;
static _Atomic bool fail_after, only_syncs;
static _Atomic int fail_code;

static sqlite3_file *real(sqlite3_file *f)
{
    return ((struct disk_file *)f)->real;
}

static bool is_failing(void)
{
    int in = atomic_load(&fail_in);

    if (in == 0) return false;
    if (in > 1) {
        atomic_fetch_sub(&fail_in, 1);
        return false;
    }
    atomic_fetch_add(&failed, 1);
    if (atomic_fetch_sub(&fail_more, 1) <= 0) atomic_store(&fail_in, 0);
    return true;
}

static int disk_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
    bool fails = !atomic_load(&only_syncs) && is_failing();
    int rc = fails && !atomic_load(&fail_after) ? SQLITE_OK : real(f)->pMethods->xWrite(real(f), p, n, at);

    if (((struct disk_file *)f)->is_wal) wrote(at, n);
    return fails ? atomic_load(&fail_code) : rc;
}

static int disk_sync(sqlite3_file *f, int flags)
{
    bool fails = is_failing();
    int rc = fails && !atomic_load(&fail_after) ? SQLITE_OK : real(f)->pMethods->xSync(real(f), flags);

    if (((struct disk_file *)f)->is_wal) synced(!fails);
    return fails ? SQLITE_IOERR_FSYNC : rc;
}

static int disk_truncate(sqlite3_file *f, sqlite3_int64 n)
{
    if (!atomic_load(&only_syncs) && is_failing()) return SQLITE_IOERR_TRUNCATE;
    if (((struct disk_file *)f)->is_wal && n == 0) emptied();
    return real(f)->pMethods->xTruncate(real(f), n);
}

static int disk_close(sqlite3_file *f)
{
    return real(f)->pMethods != NULL ? real(f)->pMethods->xClose(real(f)) : SQLITE_OK;
}

static int disk_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at)
{
    return real(f)->pMethods->xRead(real(f), p, n, at);
}

static int disk_size(sqlite3_file *f, sqlite3_int64 *n)
{
    return real(f)->pMethods->xFileSize(real(f), n);
}

static int disk_lock(sqlite3_file *f, int level)
{
    return real(f)->pMethods->xLock(real(f), level);
}

static int disk_unlock(sqlite3_file *f, int level)
{
    return real(f)->pMethods->xUnlock(real(f), level);
}

static int disk_reserved(sqlite3_file *f, int *is)
{
    return real(f)->pMethods->xCheckReservedLock(real(f), is);
}

static int disk_control(sqlite3_file *f, int op, void *arg)
{
    return real(f)->pMethods->xFileControl(real(f), op, arg);
}

static int disk_sector(sqlite3_file *f)
{
    return real(f)->pMethods->xSectorSize(real(f));
}

static int disk_kind(sqlite3_file *f)
{
    return real(f)->pMethods->xDeviceCharacteristics(real(f));
}

static int disk_shm_map(sqlite3_file *f, int page, int size, int extend, void volatile **p)
{
    return real(f)->pMethods->xShmMap(real(f), page, size, extend, p);
}

static int disk_shm_lock(sqlite3_file *f, int at, int n, int flags)
{
    return real(f)->pMethods->xShmLock(real(f), at, n, flags);
}

static void disk_shm_barrier(sqlite3_file *f)
{
    real(f)->pMethods->xShmBarrier(real(f));
}

static int disk_shm_unmap(sqlite3_file *f, int remove)
{
    return real(f)->pMethods->xShmUnmap(real(f), remove);
}

static int disk_open(sqlite3_vfs *v, const char *name, sqlite3_file *f, int flags, int *out)
{
    struct disk_file *d = (struct disk_file *)f;
    int rc;

    (void)v;
    d->real = (sqlite3_file *)(d + 1);
    d->base.pMethods = NULL;
    d->is_wal = flags & SQLITE_OPEN_WAL;
    rc = under->xOpen(under, name, d->real, flags, out);
    if (d->real->pMethods != NULL) d->base.pMethods = &methods;
    return rc;
}

static int disk_delete(sqlite3_vfs *v, const char *name, int sync_dir)
{
    size_t n = strlen(name);

    (void)v;
    if (n > 4 && strcmp(name + n - 4, "-wal") == 0) emptied();
    return under->xDelete(under, name, sync_dir);
}

static void set_up_disk(void)
{
    under = sqlite3_vfs_find(NULL);
    disk = *under; /* all that has to do with names is the real one's */
    disk.zName = "failing";
    disk.szOsFile = (int)sizeof(struct disk_file) + under->szOsFile;
    disk.xOpen = disk_open;
    disk.xDelete = disk_delete;
    disk.pNext = NULL;
    methods = (sqlite3_io_methods){ .iVersion = 2, .xClose = disk_close, .xRead = disk_read, .xWrite = disk_write,
                                    .xTruncate = disk_truncate, .xSync = disk_sync, .xFileSize = disk_size,
                                    .xLock = disk_lock, .xUnlock = disk_unlock, .xCheckReservedLock = disk_reserved,
                                    .xFileControl = disk_control, .xSectorSize = disk_sector,
                                    .xDeviceCharacteristics = disk_kind, .xShmMap = disk_shm_map, .xShmLock = disk_shm_lock,
                                    .xShmBarrier = disk_shm_barrier, .xShmUnmap = disk_shm_unmap };
    ck_assert_int_eq(sqlite3_vfs_register(&disk, 1), SQLITE_OK);
}

static void set_up(void)
{
    set_up_disk();
    archive_rig_init(&r);
    r.env.retry_us = 1000;
}

static void tear_down(void)
{
    archive_rig_fini(&r);
}

/* --- the notes --------------------------------------------------------------------------------------------- */

enum { NOTES = 4, STEPS = 40 };

static void put_some(int *made, struct buf *value)
{
    char key[16];

    for (int i = 0; i < NOTES; i++) {
        snprintf(key, sizeof key, "k%d", *made);
        buf_clear(value);
        while (value->n < 9000) buf_printf(value, "%s is %d; ", key, (int)(value->n * 2654435761u % 1000003));
        archive_rig_out(&r, 0, str_c(key), ARCHIVE_EVICTED, true, buf_str(value)); /* several pages */
        (*made)++;
    }
}

static void expect_each_once(int made)
{
    char want[64];

    snprintf(want, sizeof want, "%d|%d|1|%d", made, made, made);
    ck_assert_str_eq(archive_rig_text(&r, "SELECT count(*), count(DISTINCT seq), max(version), sum(live) FROM entries"), want);
    archive_rig_check(&r);
}

/* The next note's transaction fails at its nth change, for each n that it has. */
static int fail_each(int code, bool after, int more)
{
    struct buf value = { 0 };
    int made = 0, hit = 0;

    for (int n = 1; n <= STEPS; n++) {
        int before = atomic_load(&failed);

        atomic_store(&fail_code, code);
        atomic_store(&fail_after, after);
        atomic_store(&fail_more, more);
        atomic_store(&fail_in, n);
        put_some(&made, &value);
        archive_rig_flush(&r);
        atomic_store(&fail_in, 0);
        hit += atomic_load(&failed) > before;
        if (n % 10 == 0) expect_each_once(made);
    }
    expect_each_once(made);
    buf_fini(&value);
    return hit;
}

static void run(int code, bool after, int more)
{
    struct archive_info info;
    int hit;

    r.conf.compress = false;
    ck_assert_msg(archive_rig_open(&r) == OK, "%s", r.why);
    archive_begin_log(r.a, "log");
    hit = fail_each(code, after, more);
    printf("%d of %d transactions met a failure\n", hit, STEPS);
    ck_assert_int_ge(hit, STEPS / 2);
    do { /* what it does between transactions may have failed too, and is tried again */
        usleep(2000);
        archive_info(r.a, &info);
    } while (strcmp(info.state, "ok") != 0);
    ck_assert_uint_ge(info.retries, (uint64_t)hit / 2);
    ck_assert_int_eq(built_on_lost, 0);
}

START_TEST(a_write_that_fails_is_done_again)
{
    run(SQLITE_IOERR_WRITE, false, 0);
}
END_TEST

START_TEST(a_write_that_was_done_and_failed_is_not_doubled)
{
    run(SQLITE_IOERR_WRITE, true, 0);
}
END_TEST

START_TEST(a_full_disk_for_some_time)
{
    run(SQLITE_FULL, false, 7);
}
END_TEST

START_TEST(a_disk_that_fails_for_some_time)
{
    run(SQLITE_IOERR_WRITE, true, 5);
}
END_TEST

/* Memd ends while syncs fail. The next one finds the transaction in the log of changes, whole as far as can be seen. */
START_TEST(what_a_failed_sync_may_have_lost_is_not_built_upon)
{
    struct archive_info info;
    struct buf value = { 0 };
    int made = 0;

    ck_assert_msg(archive_rig_open(&r) == OK, "%s", r.why);
    archive_begin_log(r.a, "log");
    put_some(&made, &value);
    archive_rig_flush(&r);
    atomic_store(&only_syncs, true);
    atomic_store(&fail_more, INT_MAX);
    atomic_store(&fail_in, 1);
    put_some(&made, &value);
    archive_synced(r.a, r.offset);
    do {
        usleep(1000);
        archive_info(r.a, &info);
    } while (strcmp(info.state, "failing") != 0);
    archive_rig_close(&r);
    atomic_store(&fail_in, 0);
    ck_assert_int_lt(lost.from, lost.to);
    ck_assert_msg(archive_rig_open(&r) == OK, "%s", r.why);
    archive_begin_log(r.a, "log");
    put_some(&made, &value);
    archive_rig_flush(&r);
    ck_assert_int_eq(built_on_lost, 0);
    archive_rig_check(&r);
    buf_fini(&value);
}
END_TEST

UNIT_MAIN_AROUND("archive_faults", set_up, tear_down, a_write_that_fails_is_done_again,
                 a_write_that_was_done_and_failed_is_not_doubled, a_full_disk_for_some_time, a_disk_that_fails_for_some_time,
                 what_a_failed_sync_may_have_lost_is_not_built_upon)

#include "server/privilege.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"
#include "base/num.h"
#include "conf/conf.h"
#include "server/inherit.h"
#include "server/listen.h"

enum { CAPS = 64, OWN_DESCRIPTORS = 32 };

/* What root keeps without run-as: its way to files of others (a data directory that belongs to a user of its own), low
 * ports for CONFIG SET port, limits, and the way forward of a thread that has stood back (base/thread.h). */
static const int kept[] = { CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_FOWNER, CAP_NET_BIND_SERVICE,
                            CAP_SYS_RESOURCE, CAP_SYS_NICE };

static bool fail(char *why, const char *what, const char *name)
{
    snprintf(why, PRIVILEGE_WHY, "%s%s%.200s: %s", what, *name ? " " : "", name, strerror(errno));
    return false;
}

/* --- who to become ------------------------------------------------------------------------------------- */

struct who {
    char user[64];
    uid_t uid;
    gid_t gid;
};

static bool is_number(const char *text, int64_t *n)
{
    return num_parse_i64(str_c(text), n) && *n >= 0 && *n < UINT32_MAX;
}

static bool find_user(struct who *w, char *why)
{
    const struct passwd *pw;
    int64_t id;

    errno = 0;
    pw = getpwnam(w->user);
    if (pw == NULL && is_number(w->user, &id)) pw = getpwuid((uid_t)id);
    if (pw == NULL) {
        snprintf(why, PRIVILEGE_WHY, "run-as: there is no user \"%s\" on this machine", w->user);
        return false;
    }
    snprintf(w->user, sizeof w->user, "%s", pw->pw_name);
    w->uid = pw->pw_uid;
    w->gid = pw->pw_gid;
    return true;
}

static bool find_group(struct who *w, const char *name, char *why)
{
    const struct group *gr = getgrnam(name);
    int64_t id;

    if (gr == NULL && is_number(name, &id)) gr = getgrgid((gid_t)id);
    if (gr != NULL) w->gid = gr->gr_gid;
    else snprintf(why, PRIVILEGE_WHY, "run-as: there is no group \"%.200s\" on this machine", name);
    return gr != NULL;
}

/* "user" or "user:group". */
static bool read_who(const char *text, struct who *w, char *why)
{
    size_t n = strcspn(text, ":");

    if (n == 0 || n >= sizeof w->user) {
        snprintf(why, PRIVILEGE_WHY, "run-as: \"%.200s\" is not accepted: user or user:group", text);
        return false;
    }
    memcpy(w->user, text, n);
    w->user[n] = '\0';
    if (!find_user(w, why)) return false;
    return text[n] == '\0' || find_group(w, text + n + 1, why);
}

/* --- capabilities -------------------------------------------------------------------------------------- */

static bool is_kept(int cap)
{
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
        if (kept[i] == cap) return true;
    }
    return false;
}

/* Whatever is executed gets no others. A kernel that knows fewer says EINVAL. */
static void bound_capabilities(bool keep)
{
    for (int cap = 0; cap < CAPS; cap++) {
        if (!keep || !is_kept(cap)) prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
    }
}

/* Keep these and no others. */
static void limit_capabilities(bool keep)
{
    struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct now[2] = { { 0 } }, then[2] = { { 0 } };

    for (int cap = 0; cap < CAPS; cap++) {
        if (keep && is_kept(cap)) then[cap / 32].permitted |= 1u << cap % 32;
    }
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    if (syscall(SYS_capget, &head, now) != 0) return;
    for (int i = 0; i < 2; i++) {
        then[i].permitted &= now[i].permitted;
        then[i].effective = then[i].permitted;
    }
    if (syscall(SYS_capset, &head, then) != 0) { /* then it keeps what it has */ }
}

/* --- becoming ------------------------------------------------------------------------------------------ */

/* All three identities at once, and a look whether there is a way back. */
static bool become(const struct who *w, char *why)
{
    if (initgroups(w->user, w->gid) != 0) return fail(why, "run-as: the groups of", w->user);
    if (setresgid(w->gid, w->gid, w->gid) != 0) return fail(why, "run-as: the group of", w->user);
    bound_capabilities(false);
    if (setresuid(w->uid, w->uid, w->uid) != 0) return fail(why, "run-as:", w->user);
    limit_capabilities(false);
    if (w->uid != 0 && (setuid(0) == 0 || seteuid(0) == 0)) {
        snprintf(why, PRIVILEGE_WHY, "run-as: root could not be given up");
        return false;
    }
    return true;
}

static void raise_descriptors(const struct conf *conf)
{
    rlim_t want = (rlim_t)conf->maxclients + OWN_DESCRIPTORS;
    struct rlimit now;

    if (getrlimit(RLIMIT_NOFILE, &now) != 0 || now.rlim_max == RLIM_INFINITY || now.rlim_max >= want) return;
    if (setrlimit(RLIMIT_NOFILE, &(struct rlimit){ now.rlim_cur, want }) != 0) { /* maxclients is reduced, and it is said */ }
}

/* *already: we are that user, after a RESTART, say. False: nobody, or nobody that we can become. */
static bool read_successor(const struct conf *conf, struct who *w, bool *already, char *why)
{
    if (!read_who(conf->run_as, w, why)) return false;
    *already = geteuid() != 0 && w->uid == geteuid() && w->gid == getegid();
    if (geteuid() == 0 || *already) return true;
    snprintf(why, PRIVILEGE_WHY, "run-as: only root can become another user, %.64s", w->user);
    return false;
}

static bool switch_user(struct privilege *p, const struct conf *conf, struct inheritance *in, char *why)
{
    struct who w;
    bool already;

    if (!read_successor(conf, &w, &already, why)) return false;
    if (already) return true;
    raise_descriptors(conf);
    listen_before(conf, in);
    if (!become(&w, why)) return false;
    p->is_root = geteuid() == 0;
    return true;
}

bool privilege_knows(const struct conf *conf, char *why)
{
    struct who w;

    return read_who(conf->run_as, &w, why);
}

bool privilege_try(const struct conf *conf, char *why)
{
    struct who w;
    bool already;

    if (conf->run_as[0] == '\0') return true;
    return read_successor(conf, &w, &already, why) && (already || become(&w, why));
}

/* A file that memd writes is its own; but this one may lie where only root may make files. Never through a link: a
 * directory in which others can make one would have us write anywhere. */
static void open_pidfile(struct privilege *p, const struct conf *conf)
{
    if (conf->pidfile[0] == '\0') return;
    p->pidfile = open(conf->pidfile, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0644);
    p->pidfile_error = errno;
}

/* Cores hold what is in memory, and a process that can be looked into gives away the same. Under AddressSanitizer the
 * search for leaks has to look into it. */
static void forbid_cores(void)
{
#ifndef __SANITIZE_ADDRESS__
    setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
}

bool privilege_enter(struct privilege *p, const struct conf *conf, struct inheritance *in, char *why)
{
    *p = (struct privilege){ .pidfile = -1, .is_root = geteuid() == 0 };
    p->oom = inherit_named(in, INHERIT_OOM);
    if (p->oom < 0) p->oom = open("/proc/self/oom_score_adj", O_RDWR | O_CLOEXEC);
    open_pidfile(p, conf);
    if (conf->oom_score_adj != CONF_OOM_NO && !privilege_oom(p, conf)) { /* privilege_tell says so */ }
    if (conf->run_as[0] != '\0') {
        if (!switch_user(p, conf, in, why)) return false;
    } else if (p->is_root) {
        bound_capabilities(true);
        limit_capabilities(true);
    }
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (conf->core_dumps) prctl(PR_SET_DUMPABLE, 1, 0, 0, 0); /* which a change of user has forbidden */
    else forbid_cores();
    return true;
}

void privilege_tell(const struct privilege *p, const struct conf *conf, struct log *log)
{
    if (p->is_root) {
        log_warning(log, "memd runs as root, which it does not need: set run-as to a user of its own, or start it as one.");
    }
    if (conf->oom_score_adj != CONF_OOM_NO && !p->oom_changed)
        log_warning(log, "oom-score-adj: the kernel has refused it: less than at the start only root may set.");
}

/* --- the pidfile --------------------------------------------------------------------------------------- */

void privilege_write_pid(const struct privilege *p, const struct conf *conf, struct log *log)
{
    char text[24];
    int n = snprintf(text, sizeof text, "%d\n", (int)getpid());

    if (conf->pidfile[0] == '\0') return;
    errno = p->pidfile_error;
    if (p->pidfile < 0 || ftruncate(p->pidfile, 0) != 0 || pwrite(p->pidfile, text, (size_t)n, 0) != n)
        log_warning(log, "pidfile: %s: %s", conf->pidfile, strerror(errno));
}

void privilege_remove_pid(const struct conf *conf)
{
    if (conf->pidfile[0] != '\0' && unlink(conf->pidfile) != 0) { /* where only root may: it stays */ }
}

/* --- the killer's score -------------------------------------------------------------------------------- */

static bool read_score(struct privilege *p)
{
    char text[24];
    ssize_t n = pread(p->oom, text, sizeof text - 1, 0);

    if (n <= 0) return false;
    text[n] = '\0';
    p->oom_at_start = atoi(text);
    return true;
}

static bool write_score(const struct privilege *p, int64_t score)
{
    char text[24];
    int n = snprintf(text, sizeof text, "%d\n", (int)(score < -1000 ? -1000 : score > 1000 ? 1000 : score));

    return pwrite(p->oom, text, (size_t)n, 0) == n;
}

bool privilege_oom(struct privilege *p, const struct conf *conf)
{
    int64_t score = conf->oom_score_adj_values[0];

    if (conf->oom_score_adj == CONF_OOM_NO) {
        if (p->oom_changed && !write_score(p, p->oom_at_start)) return false;
        p->oom_changed = false;
        return true;
    }
    if (!p->oom_changed && !read_score(p)) return false;
    if (conf->oom_score_adj == CONF_OOM_RELATIVE) score += p->oom_at_start;
    if (!write_score(p, score)) return false;
    p->oom_changed = true;
    return true;
}

void privilege_give(struct privilege *p, struct inheritance *in)
{
    int fd = p->oom < 0 ? -1 : fcntl(p->oom, F_DUPFD_CLOEXEC, 0);

    if (p->oom_changed && write_score(p, p->oom_at_start)) p->oom_changed = false;
    if (fd >= 0) inherit_give(in, fd, INHERIT_OOM);
}

void privilege_close(struct privilege *p)
{
    if (p->pidfile >= 0) close(p->pidfile);
    if (p->oom >= 0) close(p->oom);
    p->pidfile = p->oom = -1;
}

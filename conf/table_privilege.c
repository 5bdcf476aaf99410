/* table_privilege.c -- settings of the process: who started it, as whom it runs, and what it gives up. */
#include "conf/table.h"

static const struct word supervised_words[] = {
    { "no", CONF_SUPERVISED_NO },           { "systemd", CONF_SUPERVISED_SYSTEMD },
    { "upstart", CONF_SUPERVISED_UPSTART }, { "auto", CONF_SUPERVISED_AUTO },
    { 0 },
};
static const struct word sandbox_words[] = {
    { "no", CONF_SANDBOX_NO },
    { "auto", CONF_SANDBOX_AUTO },
    { "yes", CONF_SANDBOX_YES },
    { 0 },
};
static const struct word call_words[] = {
    { "all", CONF_CALLS_ALL },
    { "refuse", CONF_CALLS_REFUSE },
    { "kill", CONF_CALLS_KILL },
    { 0 },
};
static const struct word oom_words[] = {
    { "no", CONF_OOM_NO },
    { "yes", CONF_OOM_RELATIVE },
    { "relative", CONF_OOM_RELATIVE },
    { "absolute", CONF_OOM_ABSOLUTE },
    { 0 },
};

const struct setting privilege_settings[] = {
    { "supervised", WORD(supervised, supervised_words), .initial = "no", .flags = SETTING_IMMUTABLE,
      .doc = "Tell the one that started memd how it is. systemd: that it loads, is ready, reloads, stops, and "
             "still turns (Type=notify, WatchdogSec=). upstart: stop until continued, when ready. auto: what "
             "the environment asks for. Sockets that systemd passes (memd.socket) are used in any case." },
    { "run-as", TEXT(run_as), .initial = "", .flags = SETTING_IMMUTABLE | SETTING_DROP,
      .example = "memd:memd",
      .doc = "A user, or user:group, to become when memd is started as root. What only root can do is done "
             "before: opening the sockets of low ports, creating the pidfile, raising the limit of open files. "
             "Then groups, user and capabilities are given up for good. No file changes its owner: give the "
             "data directory to that user." },
    { "sandbox", WORD(sandbox, sandbox_words), .initial = "auto", .flags = SETTING_IMMUTABLE,
      .doc = "Keep memd to its own files by the kernel (Landlock, Linux 5.19 and later). auto: it can create and "
             "change files in the directories of its data, log, pidfile, socket, users and settings, and nowhere "
             "else; where the kernel cannot do it, memd does without. yes: in any case, or memd does not start; and it "
             "can read nothing else but what the system's libraries need. no: what its user may do, it may do." },
    { "system-calls", WORD(system_calls, call_words), .initial = "refuse", .flags = SETTING_IMMUTABLE,
      .doc = "System calls that memd never makes (into other processes, mounts, modules, clocks, bpf, io_uring and the "
             "like, and sockets other than IP and Unix): all are allowed, they are refused with an error, or they kill "
             "it (seccomp). Reading and writing cost no more by it." },
    { "core-dumps", BOOL(core_dumps), .initial = "no", .flags = SETTING_IMMUTABLE,
      .doc = "Let the kernel write a core file when memd crashes. It holds all data and passwords. Without it "
             "no other process of the same user can look into memd's memory either (gdb, strace)." },
    { "restart-in-place", BOOL(restart_in_place), .initial = "yes", .flags = SETTING_IMMUTABLE,
      .doc = "Allow RESTART and SIGUSR2: memd becomes its program anew, after an upgrade say, and keeps its "
             "sockets, so that clients that connect meanwhile wait and are not refused. In a sandbox, programs "
             "in the directory of memd's own can then be run; with no, none." },
    { "oom-score-adj", WORD(oom_score_adj, oom_words), .initial = "no",
      .doc = "Tell the kernel which process to kill first when the machine runs out of memory: "
             "no, relative (oom-score-adj-values are added to the score it has at the start; yes "
             "means the same) or absolute. Less than at the start only root may set." },
    { "oom-score-adj-values", KIND(kind_scores, oom_score_adj_values), .initial = "0 200 800",
      .flags = SETTING_MULTI,
      .doc = "The values for a primary, a replica and a helper process, -2000 to 2000 each. memd is a primary and "
             "has no helper processes: the first counts." },
    { 0 },
};

#include "server/system_calls.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"
#include "conf/conf.h"

/* 0: no filter. AddressSanitizer looks for leaks by ptrace. */
#if defined(__SANITIZE_ADDRESS__)
#define ARCH 0
#elif defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCH AUDIT_ARCH_AARCH64
#else
#define ARCH 0
#endif

static const uint16_t refused[] = {
    /* into other processes */
    SYS_ptrace, SYS_process_vm_readv, SYS_process_vm_writev, SYS_kcmp,
#ifdef SYS_pidfd_getfd
    SYS_pidfd_getfd,
#endif
#ifdef SYS_process_madvise
    SYS_process_madvise,
#endif
    /* the system */
    SYS_mount, SYS_umount2, SYS_pivot_root, SYS_chroot, SYS_unshare, SYS_setns, SYS_swapon, SYS_swapoff, SYS_reboot,
    SYS_kexec_load, SYS_init_module, SYS_finit_module, SYS_delete_module, SYS_acct, SYS_quotactl, SYS_settimeofday,
    SYS_clock_settime, SYS_clock_adjtime, SYS_adjtimex, SYS_sethostname, SYS_setdomainname, SYS_syslog, SYS_vhangup,
    SYS_mknodat, SYS_personality,
#ifdef SYS_mknod
    SYS_mknod,
#endif
#ifdef SYS_kexec_file_load
    SYS_kexec_file_load,
#endif
#ifdef SYS_move_mount
    SYS_open_tree, SYS_move_mount, SYS_fsopen, SYS_fsconfig, SYS_fsmount, SYS_fspick,
#endif
#ifdef SYS_mount_setattr
    SYS_mount_setattr,
#endif
#ifdef SYS_iopl
    SYS_iopl, SYS_ioperm, SYS_modify_ldt,
#endif
    /* doors that nobody here needs */
    SYS_bpf, SYS_perf_event_open, SYS_userfaultfd, SYS_add_key, SYS_request_key, SYS_keyctl, SYS_fanotify_init,
    SYS_name_to_handle_at, SYS_open_by_handle_at, SYS_migrate_pages, SYS_move_pages, SYS_vmsplice, SYS_lookup_dcookie,
#ifdef SYS_io_uring_setup
    SYS_io_uring_setup, SYS_io_uring_enter, SYS_io_uring_register,
#endif
#ifdef SYS_memfd_secret
    SYS_memfd_secret,
#endif
};

/* Without RESTART nothing is ever executed. */
static const uint16_t executing[] = { SYS_execve, SYS_execveat };

/* getaddrinfo asks by netlink which families this machine has. */
static const uint16_t families[] = { AF_UNIX, AF_INET, AF_INET6, AF_NETLINK };

enum { COUNT_REFUSED = sizeof refused / sizeof *refused, COUNT_FAMILIES = sizeof families / sizeof *families, ROOM = 160 };

struct program {
    struct sock_filter at[ROOM];
    unsigned short n;
};

static void add(struct program *p, uint16_t code, uint32_t k, uint8_t yes, uint8_t no)
{
    p->at[p->n++] = (struct sock_filter){ code, yes, no, k };
}

static void load(struct program *p, size_t offset)
{
    add(p, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0);
}

/* If what was loaded is k, that is the answer. */
static void answer(struct program *p, uint32_t k, uint32_t verdict)
{
    add(p, BPF_JMP | BPF_JEQ | BPF_K, k, 0, 1);
    add(p, BPF_RET | BPF_K, verdict, 0, 0);
}

static void always(struct program *p, uint32_t verdict)
{
    add(p, BPF_RET | BPF_K, verdict, 0, 0);
}

/* Calls of other architectures, and of x32, have other numbers: none of them is ours. */
static void write_program(struct program *p, uint32_t no, bool executes)
{
    load(p, offsetof(struct seccomp_data, arch));
    add(p, BPF_JMP | BPF_JEQ | BPF_K, ARCH, 1, 0);
    always(p, no);
    load(p, offsetof(struct seccomp_data, nr));
    add(p, BPF_JMP | BPF_JGE | BPF_K, 0x40000000, 0, 1);
    always(p, no);
    for (size_t i = 0; i < COUNT_REFUSED; i++) answer(p, refused[i], no);
    for (size_t i = 0; !executes && i < sizeof executing / sizeof *executing; i++) answer(p, executing[i], no);
    add(p, BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 1, 0);
    always(p, SECCOMP_RET_ALLOW);
    load(p, offsetof(struct seccomp_data, args[0]));
    for (size_t i = 0; i < COUNT_FAMILIES; i++) answer(p, families[i], SECCOMP_RET_ALLOW);
    always(p, SECCOMP_RET_ERRNO | EAFNOSUPPORT);
}

void system_calls_limit(const struct conf *conf, bool again, struct log *log)
{
    bool kills = conf->system_calls == CONF_CALLS_KILL;
    struct program p = { .n = 0 };
    struct sock_fprog f = { .filter = p.at };

    _Static_assert(2 * COUNT_REFUSED + 2 * COUNT_FAMILIES + 20 <= ROOM, "longer than the program may be");
    if (conf->system_calls == CONF_CALLS_ALL) return;
    if (ARCH == 0) {
        log_verbose(log, "system-calls: this build allows all.");
        return;
    }
    if (again && prctl(PR_GET_SECCOMP, 0, 0, 0, 0) == SECCOMP_MODE_FILTER) return; /* they would pile up */
    write_program(&p, kills ? SECCOMP_RET_KILL_PROCESS : SECCOMP_RET_ERRNO | EPERM, conf->restart_in_place);
    f.len = p.n;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &f, 0, 0) != 0)
        log_warning(log, "system-calls: %s: all are allowed.", strerror(errno));
}

#include "base/crash.h"

#include <dlfcn.h>
#include <execinfo.h>
#include <link.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <ucontext.h>
#include <unistd.h>

#include "base/ensure.h"
#include "base/log.h"
#include "base/thread.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { SANITIZED = 1 };
#else
enum { SANITIZED = 0 };
#endif

enum { FRAMES = 64, GIVE_UP_S = 10 };

static struct {
    struct log *log;
    const char *version;
    void (*more)(void *ctx, struct crash_pen *p);
    void *ctx;
    char build_id[41]; /* of the binary, "" when it has none */
    char path[256];
    uintptr_t base; /* where the binary is loaded */
    _Atomic pid_t reporter; /* the thread that reports; 0: none */
} crash;

static const int fatal[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT };

/* --- what can be known before -------------------------------------------------------------------------- */

static void take_note(const ElfW(Nhdr) *note, size_t n)
{
    const unsigned char *end = (const unsigned char *)note + n;

    while ((const unsigned char *)(note + 1) <= end) {
        const unsigned char *name = (const unsigned char *)(note + 1), *id = name + ((note->n_namesz + 3) & ~3u);

        if (note->n_type == NT_GNU_BUILD_ID && id + note->n_descsz <= end) {
            for (size_t i = 0; i < note->n_descsz && i < 20; i++) {
                crash.build_id[2 * i] = "0123456789abcdef"[id[i] >> 4];
                crash.build_id[2 * i + 1] = "0123456789abcdef"[id[i] & 15];
            }
            return;
        }
        note = (const ElfW(Nhdr) *)(id + ((note->n_descsz + 3) & ~3u));
    }
}

/* The first object is the binary itself. */
static int look_at_binary(struct dl_phdr_info *info, size_t size, void *ctx)
{
    (void)size;
    (void)ctx;
    crash.base = info->dlpi_addr;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *h = &info->dlpi_phdr[i];

        if (h->p_type == PT_NOTE) take_note((const ElfW(Nhdr) *)(info->dlpi_addr + h->p_vaddr), h->p_memsz);
    }
    return 1;
}

/* --- where it was -------------------------------------------------------------------------------------- */

struct reg {
    const char *name;
    uint64_t value;
};

#if defined(__x86_64__)
static uintptr_t pc_of(const ucontext_t *u)
{
    return (uintptr_t)u->uc_mcontext.gregs[REG_RIP];
}

/* As if the call of an address at which nothing is had not been made: the unwinder knows no way back from there. */
static void undo_call(ucontext_t *u)
{
    greg_t *sp = &u->uc_mcontext.gregs[REG_RSP];

    u->uc_mcontext.gregs[REG_RIP] = *(greg_t *)*sp;
    *sp += sizeof(greg_t);
}

static size_t registers(const ucontext_t *u, struct reg *out)
{
    static const struct {
        const char *name;
        int at;
    } table[] = { { "rax", REG_RAX }, { "rbx", REG_RBX }, { "rcx", REG_RCX }, { "rdx", REG_RDX }, { "rsi", REG_RSI },
                  { "rdi", REG_RDI }, { "rbp", REG_RBP }, { "rsp", REG_RSP }, { "r8", REG_R8 },   { "r9", REG_R9 },
                  { "r10", REG_R10 }, { "r11", REG_R11 }, { "r12", REG_R12 }, { "r13", REG_R13 }, { "r14", REG_R14 },
                  { "r15", REG_R15 }, { "rip", REG_RIP }, { "efl", REG_EFL } };
    size_t n = sizeof table / sizeof *table;

    for (size_t i = 0; i < n; i++) out[i] = (struct reg){ table[i].name, (uint64_t)u->uc_mcontext.gregs[table[i].at] };
    return n;
}
#elif defined(__aarch64__)
static uintptr_t pc_of(const ucontext_t *u)
{
    return (uintptr_t)u->uc_mcontext.pc;
}

static void undo_call(ucontext_t *u)
{
    u->uc_mcontext.pc = u->uc_mcontext.regs[30];
}

static size_t registers(const ucontext_t *u, struct reg *out)
{
    for (size_t i = 0; i < 31; i++) out[i] = (struct reg){ i == 30 ? "lr" : "x", u->uc_mcontext.regs[i] };
    out[31] = (struct reg){ "sp", u->uc_mcontext.sp };
    out[32] = (struct reg){ "pc", u->uc_mcontext.pc };
    return 33;
}
#else
static uintptr_t pc_of(const ucontext_t *u)
{
    (void)u;
    return 0;
}

static void undo_call(ucontext_t *u)
{
    (void)u;
}

static size_t registers(const ucontext_t *u, struct reg *out)
{
    (void)u;
    (void)out;
    return 0;
}
#endif

/* Three or more bytes that can be typed: it may be a piece of a key or of a password. Addresses are not, on Linux they
 * begin with zeros. */
static bool may_be_text(uint64_t v)
{
    int typed = 0, others = 0;

    for (; v > 0; v >>= 8) {
        unsigned char c = v & 0xff;

        if (c >= ' ' && c < 0x7f) typed++;
        else if (c != 0) others++;
    }
    return typed >= 3 && typed > others;
}

static void put_registers(struct crash_pen *p, const ucontext_t *u)
{
    struct reg r[40];
    size_t n = registers(u, r);

    for (size_t i = 0; i < n; i++) {
        crash_put(p, i % 6 == 0 ? "  " : " ");
        crash_put(p, r[i].name);
        crash_put(p, "=");
        if (may_be_text(r[i].value)) crash_put(p, "(not shown)");
        else crash_put_hex(p, r[i].value);
        if (i % 6 == 5 || i + 1 == n) crash_end_line(p);
    }
}

static const char *file_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

static bool is_ours(const Dl_info *d)
{
    return (uintptr_t)d->dli_fbase == crash.base;
}

static void put_frame(struct crash_pen *p, int i, uintptr_t at)
{
    Dl_info d;

    crash_put(p, "  #");
    crash_put_u64(p, (uint64_t)i);
    crash_put(p, " ");
    if (dladdr((void *)at, &d) == 0 || d.dli_fname == NULL) {
        crash_put_hex(p, at);
        crash_end_line(p);
        return;
    }
    crash_put(p, is_ours(&d) ? "memd" : file_of(d.dli_fname));
    crash_put(p, "+");
    crash_put_hex(p, at - (uintptr_t)d.dli_fbase);
    if (d.dli_sname) {
        crash_put(p, " ");
        crash_put(p, d.dli_sname);
        crash_put(p, "+");
        crash_put_hex(p, at - (uintptr_t)d.dli_saddr);
    }
    crash_end_line(p);
}

/* A line that can be pasted into a shell. An address that is returned to lies behind the call: one less is in it. */
static void put_advice(struct crash_pen *p, const uintptr_t *at, int n)
{
    crash_put(p, "  addr2line -pfie ");
    crash_put(p, crash.path);
    for (int i = 0; i < n; i++) {
        Dl_info d;

        if (dladdr((void *)at[i], &d) == 0 || !is_ours(&d)) continue;
        crash_put(p, " ");
        crash_put_hex(p, at[i] - crash.base - (i > 0));
    }
    crash_end_line(p);
}

/* The handler's own frames come first: up to where the signal came. u is where the unwinder looks, too. */
static void put_stack(struct crash_pen *p, ucontext_t *u)
{
    ucontext_t was = *u;
    void *frames[FRAMES];
    uintptr_t at[FRAMES + 2];
    int n, from = 0, found = 0;
    Dl_info d;

    at[found++] = pc_of(u);
    if (dladdr((void *)at[0], &d) == 0) {
        undo_call(u);
        at[found++] = pc_of(u);
    }
    n = backtrace(frames, FRAMES);
    while (from < n && (uintptr_t)frames[from] != at[found - 1]) from++;
    for (int i = from + 1; i < n; i++) at[found++] = (uintptr_t)frames[i];
    *u = was;
    for (int i = 0; i < found; i++) put_frame(p, i, at[i]);
    put_advice(p, at, found);
}

static void put_thread(struct crash_pen *p)
{
    char name[17] = "";

    prctl(PR_GET_NAME, name, 0, 0, 0);
    crash_put(p, getpid() == (pid_t)syscall(SYS_gettid) ? "the reactor (" : "thread ");
    crash_put(p, name);
    if (getpid() == (pid_t)syscall(SYS_gettid)) crash_put(p, ")");
}

/* --- the report ---------------------------------------------------------------------------------------- */

static const char *name_of(int sig)
{
    switch (sig) {
    case SIGSEGV: return "SIGSEGV";
    case SIGBUS: return "SIGBUS";
    case SIGFPE: return "SIGFPE";
    case SIGILL: return "SIGILL";
    case SIGABRT: return "SIGABRT";
    default: return "?";
    }
}

static void put_cause(struct crash_pen *p, int sig, const siginfo_t *info)
{
    const struct ensure_broken *b = ensure_what_broke();

    crash_put(p, "memd ");
    crash_put(p, crash.version);
    crash_put(p, " crashed by signal: ");
    crash_put_u64(p, (uint64_t)sig);
    crash_put(p, " (");
    crash_put(p, name_of(sig));
    crash_put(p, "), si_code: ");
    if (info->si_code < 0) crash_put(p, "-");
    crash_put_u64(p, (uint64_t)(info->si_code < 0 ? -(int64_t)info->si_code : info->si_code));
    crash_put(p, ", in ");
    put_thread(p);
    crash_end_line(p);
    if (info->si_code > 0 && sig != SIGABRT) {
        crash_put(p, "Accessing address: ");
        crash_put_hex(p, (uintptr_t)info->si_addr);
        crash_end_line(p);
    } else if (info->si_pid != getpid()) {
        crash_put(p, "It was sent by process ");
        crash_put_u64(p, (uint64_t)info->si_pid);
        crash_end_line(p);
    }
    if (sig == SIGABRT && b->file) {
        crash_put(p, "Assertion failed: ");
        crash_put(p, b->file);
        crash_put(p, ":");
        crash_put_u64(p, (uint64_t)b->line);
        crash_put(p, ": ");
        crash_line(p, b->cond);
    }
    crash_put(p, "Build: ");
    crash_line(p, crash.build_id);
}

static void report(int sig, const siginfo_t *info, ucontext_t *u)
{
    struct crash_pen p;

    crash_pen_open(&p, log_fd(crash.log), log_is_json(crash.log));
    crash_line(&p, "=== MEMD BUG REPORT START: cut and paste from here ===");
    put_cause(&p, sig, info);
    crash_line(&p, "Stack:");
    put_stack(&p, u);
    crash_line(&p, "Registers:");
    put_registers(&p, u);
    if (crash.more) crash.more(crash.ctx, &p);
    crash_line(&p, "=== MEMD BUG REPORT END. It holds names of commands, and nothing that clients sent. ===");
}

/* On return what failed runs again, and fails again with the default action; what was sent is sent again. */
static void on_fatal(int sig, siginfo_t *info, void *context)
{
    pid_t me = (pid_t)syscall(SYS_gettid), reporter = 0;

    if (atomic_compare_exchange_strong(&crash.reporter, &reporter, me)) {
        signal(SIGALRM, SIG_DFL);
        alarm(GIVE_UP_S);
        report(sig, info, context);
    } else if (reporter != me) {
        for (;;) pause(); /* the other one ends it */
    }
    signal(sig, SIG_DFL);
    if (info->si_code <= 0) raise(sig);
}

/* --- the watchdog -------------------------------------------------------------------------------------- */

static void on_watch(int sig, siginfo_t *info, void *context)
{
    struct crash_pen p;

    (void)sig;
    (void)info;
    crash_pen_open(&p, log_fd(crash.log), log_is_json(crash.log));
    crash_line(&p, "--- WATCHDOG TIMER EXPIRED --- the reactor has been busy for longer than watchdog-period; it is "
                   "here:");
    put_stack(&p, context);
    if (crash.more) crash.more(crash.ctx, &p);
    crash_line(&p, "--- it goes on ---");
}

void crash_watch(int64_t ms)
{
    struct itimerval it = { .it_value = { ms / 1000, ms % 1000 * 1000 } };
    struct sigaction a = { .sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK };

    a.sa_sigaction = on_watch;
    sigfillset(&a.sa_mask);
    if (ms > 0) sigaction(SIGALRM, &a, NULL);
    setitimer(ITIMER_REAL, &it, NULL);
}

/* --- on and off ------------------------------------------------------------------------------------------ */

bool crash_open(struct log *log, const char *version)
{
    struct sigaction a = { .sa_flags = SA_SIGINFO | SA_ONSTACK };
    void *frames[FRAMES];
    ssize_t n;

    if (SANITIZED) return false;
    crash.log = log;
    crash.version = version;
    dl_iterate_phdr(look_at_binary, NULL);
    n = readlink("/proc/self/exe", crash.path, sizeof crash.path - 1);
    crash.path[n > 0 ? n : 0] = '\0';
    backtrace(frames, FRAMES); /* the first call loads a library: not in a handler */
    thread_signal_stack();
    a.sa_sigaction = on_fatal;
    sigemptyset(&a.sa_mask);
    for (size_t i = 0; i < sizeof fatal / sizeof *fatal; i++) sigaction(fatal[i], &a, NULL);
    return true;
}

void crash_tell_more(void (*more)(void *ctx, struct crash_pen *p), void *ctx)
{
    crash.more = more;
    crash.ctx = ctx;
}

void crash_close(void)
{
    if (SANITIZED) return;
    crash_watch(0);
    for (size_t i = 0; i < sizeof fatal / sizeof *fatal; i++) signal(fatal[i], SIG_DFL);
    crash.more = NULL;
    crash.log = NULL;
}

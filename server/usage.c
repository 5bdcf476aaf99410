#include "server/usage.h"

#include <string.h>

#include "base/buf.h"
#include "base/roff.h"
#include "server/server.h"

struct usage {
    const char *name, *arguments; /* of a mode: arguments of which capitals are the user's words; NULL ends a table */
    const char *doc;
};

static const struct usage modes[] = {
    { "--check-config", "FILE", "Say all that is wrong with a configuration file." },
    { "--print-config", "", "Print the default configuration, with comments." },
    { "--print-man", "1|5", "Print the manual page memd(1) or memd.conf(5)." },
    { "--check", "FILE|DIR", "Are the files of a data directory as they were written?" },
    { "--repair", "DIR [--salvage] [/path/to/memd.conf] [--setting value ...]",
      "Keep the original beside, and make DIR one that loads; --salvage: also from a snapshot that can be read in "
      "part." },
    { "--restore-to", "TIME DIR NEWDIR",
      "The log in DIR as it was at TIME (2026-11-21T10:00:00Z, or Unix time in s or ms), as a new data directory." },
    { "--ping", "[--port N] [--host ADDRESS] [--unixsocket PATH] "
      "[--tls [--cacert FILE] [--cert FILE --key FILE] [--insecure]]",
      "Exit 0 when a memd answers there: for health checks." },
    { "--version, -v", "", "Print the version." },
    { "--help, -h", "", "Print this." },
    { 0 },
};

static const struct usage signals[] = {
    { "SIGTERM, SIGINT", NULL, "Save as the settings say, answer what has been asked, and end with exit status 0. When "
      "something cannot be saved memd goes on, unless shutdown-on-sigterm (shutdown-on-sigint) has the word force." },
    { "SIGUSR2", NULL, "Start anew in place, as RESTART does: connections wait, none is refused." },
    { "SIGHUP", NULL, "Open the log file again, after logrotate(8) has moved it, and read the certificates of TLS anew." },
    { "SIGPIPE, SIGXFSZ", NULL, "Ignored." },
    { 0 },
};

static const struct usage environment[] = {
    { "MEMD_NAME", NULL, "The setting of that name, in capitals and with _ for -: MEMD_MAXMEMORY=2gb." },
    { "MEMD_PASSWORD_FILE", NULL, "A file whose first line is the password (requirepass)." },
    { "MEMD_PASSWORD, REDIS_PASSWORD", NULL, "The password itself." },
    { 0 },
};

static const struct usage files[] = {
    { "/etc/memd/memd.conf", NULL, "The settings, where the package puts them." },
    { "/var/lib/memd", NULL, "The data, where the package's service keeps it." },
    { "dump.rdb, appendonlydir/", NULL, "In the data directory: the snapshot, and the log of writes." },
    { "LOCK", NULL, "There as well: held while memd runs, since only one may use a directory." },
    { 0 },
};

static const struct usage statuses[] = {
    { "0", NULL, "An orderly end, or the answer yes (--check, --check-config, --ping)." },
    { "1", NULL, "It could not start, or the answer is no. Standard error or the log says why." },
    { 0 },
};

/* --- help ---------------------------------------------------------------------------------------------------- */

enum { INDENT = 8, DOC_AT = 34, WIDTH = 100 };

static void put_blanks(struct buf *out, size_t n)
{
    while (n-- > 0) buf_add_char(out, ' ');
}

/* Broken at blanks, each line after the first indented. */
static void put_wrapped(struct buf *out, const char *text)
{
    size_t room = WIDTH - DOC_AT;

    for (;;) {
        size_t n = strlen(text), line = n;

        if (n > room) {
            line = room;
            while (line > 0 && text[line] != ' ') line--;
        }
        buf_printf(out, "%.*s\n", (int)line, text);
        text += line;
        while (*text == ' ') text++;
        if (*text == '\0') return;
        put_blanks(out, DOC_AT);
    }
}

void usage_help(struct buf *out)
{
    buf_add_c(out, "memd: the memory of AI agents, speaking the Redis protocol\n"
                   "\n"
                   "Usage: memd [/path/to/memd.conf] [--setting value ...] [-]\n");
    for (const struct usage *u = modes; u->name; u++) {
        size_t at = out->n;

        put_blanks(out, INDENT - 1);
        buf_printf(out, "memd %s %s", u->name, u->arguments);
        if (out->n - at >= DOC_AT - 1) {
            buf_add_char(out, '\n');
            at = out->n;
        }
        put_blanks(out, DOC_AT - (out->n - at));
        put_wrapped(out, u->doc);
    }
    buf_add_c(out, "\n"
                   "Every setting of memd.conf can be given as an option; later ones win:\n"
                   "       memd --port 7000 --maxmemory 2gb --appendonly yes\n"
                   "       memd memd.conf --loglevel verbose --save 60 1000 --save \"\"\n"
                   "       MEMD_PORT=7000 MEMD_PASSWORD_FILE=/run/secrets/memd memd\n"
                   "       echo 'maxmemory 128mb' | memd -\n");
}

/* --- the manual ------------------------------------------------------------------------------------------------ */

static void put_table(struct buf *out, const char *section, const struct usage *table)
{
    roff_section(out, section);
    for (const struct usage *u = table; u->name; u++) {
        struct buf tag = { 0 };

        buf_printf(&tag, "*%s*", u->name);
        if (u->arguments && u->arguments[0]) buf_printf(&tag, " %s", u->arguments);
        buf_add_char(&tag, '\0');
        roff_item(out, tag.p, u->doc);
        buf_fini(&tag);
    }
}

static void memd_1(struct buf *out)
{
    roff_title(out, "MEMD", 1, MEMD_RELEASED, "memd " MEMD_VERSION, "User commands");
    roff_section(out, "NAME");
    buf_add_c(out, "memd \\- the memory of AI agents, speaking the Redis protocol\n");
    roff_section(out, "SYNOPSIS");
    roff_paragraph(out, "*memd* [_/path/to/memd.conf_] [*--setting* _value_ ...] [*-*]");
    for (const struct usage *u = modes; u->name; u++) {
        struct buf line = { 0 };

        buf_printf(&line, "*memd %s*%s%s", u->name, u->arguments[0] ? " " : "", u->arguments);
        buf_add_char(&line, '\0');
        roff_line(out, line.p);
        buf_fini(&line);
    }
    roff_section(out, "DESCRIPTION");
    roff_paragraph(out, "memd keeps sessions, contexts, caches, rate limits, locks and event streams of AI agents, and "
                        "serves them to every client of Redis. It keeps what it is told in memory and on disk: in a log "
                        "of writes, in snapshots, and what leaves memory in an archive that can be searched.");
    roff_paragraph(out, "Settings come from the file, from standard input when - is given, from the environment and from "
                        "the command line, where each setting of memd.conf(5) is an option; later ones win. Without any "
                        "it listens on 127.0.0.1 and [::1], port 6379.");
    put_table(out, "OPTIONS", modes);
    put_table(out, "SIGNALS", signals);
    put_table(out, "ENVIRONMENT", environment);
    put_table(out, "FILES", files);
    put_table(out, "EXIT STATUS", statuses);
    roff_section(out, "EXAMPLES");
    roff_example(out, "memd --port 7000 --maxmemory 2gb --appendonly yes\n"
                      "memd memd.conf --loglevel verbose --save 60 1000\n"
                      "MEMD_PASSWORD_FILE=/run/secrets/memd memd\n"
                      "echo 'maxmemory 128mb' | memd -");
    roff_section(out, "SEE ALSO");
    roff_paragraph(out, "*memd.conf*(5), *redis-cli*(1), *systemctl*(1)");
}

void usage_man(struct buf *out, int section)
{
    if (section == 1) memd_1(out);
    else conf_print_man(out, MEMD_VERSION, MEMD_RELEASED);
}

/* kinds_special.c -- kinds that one setting alone has: save, client-output-buffer-limit,
 * latency-tracking-info-percentiles, notify-keyspace-events, oom-score-adj-values. */
#include "base/buf.h"
#include "base/mem.h"
#include "base/num.h"
#include "conf/setting.h"

static bool refuse(struct buf *why, const char *text)
{
    buf_add_c(why, text);
    return false;
}

/* --- save: rules of seconds and changes ------------------------------------------------------- */

static void save_fini(void *field)
{
    struct conf_save *save = field;

    mem_free(save->rules);
    *save = (struct conf_save){ 0 };
}

static void save_copy(void *to, const void *from)
{
    const struct conf_save *save = from;
    struct conf_save *copy = to;

    *copy = *save;
    copy->rules = mem_dup(save->rules, save->n * sizeof *save->rules);
}

static bool save_rule(const struct str *args, struct conf_save_rule *rule)
{
    return num_parse_i64(args[0], &rule->seconds) && rule->seconds >= 1 &&
           num_parse_i64(args[1], &rule->changes) && rule->changes >= 0;
}

/* Lines of a file add up, the first of them takes the place of the defaults, and "" clears. */
static bool save_read(const struct setting *s, const struct input *in, void *field, struct buf *why)
{
    bool clear = in->n == 0 || (in->n == 1 && in->args[0].n == 0);
    size_t n = clear ? 0 : in->n / 2;
    struct conf_save *save = field;
    struct conf_save_rule rule;

    (void)s;
    if (!clear && in->n % 2 != 0) return refuse(why, "Invalid save parameters");
    for (size_t i = 0; i < n; i++) {
        if (!save_rule(in->args + 2 * i, &rule)) return refuse(why, "Invalid save parameters");
    }
    if (clear || !in->add || save->is_default) save_fini(save);
    save->rules = mem_realloc(save->rules, (save->n + n) * sizeof *save->rules);
    for (size_t i = 0; i < n; i++) {
        ensure(save_rule(in->args + 2 * i, &save->rules[save->n]));
        save->n++;
    }
    return true;
}

static void save_show(const struct setting *s, const void *field, struct buf *out)
{
    const struct conf_save *save = field;

    (void)s;
    for (size_t i = 0; i < save->n; i++) {
        buf_printf(out, i > 0 ? " %lld %lld" : "%lld %lld", (long long)save->rules[i].seconds,
                   (long long)save->rules[i].changes);
    }
}

static void save_write(const struct setting *s, const void *field, struct buf *out)
{
    const struct conf_save *save = field;

    buf_printf(out, "%s ", s->name);
    if (save->n == 0) buf_add_c(out, "\"\"");
    save_show(s, field, out);
}

static void save_accepts(const struct setting *s, struct buf *out)
{
    (void)s;
    buf_add_c(out, "pairs of seconds (1 or more) and changes (0 or more), or \"\"");
}

const struct setting_kind kind_save = {
    .size = sizeof(struct conf_save),
    .read = save_read,
    .show = save_show,
    .write = save_write,
    .copy = save_copy,
    .fini = save_fini,
    .accepts = save_accepts,
};

/* --- client-output-buffer-limit: class, hard, soft, seconds ----------------------------------- */

static bool class_find(struct str name, enum conf_class *class)
{
    if (str_is(name, "normal")) {
        *class = CONF_CLASS_NORMAL;
    } else if (str_is(name, "replica") || str_is(name, "slave")) {
        *class = CONF_CLASS_REPLICA;
    } else if (str_is(name, "pubsub")) {
        *class = CONF_CLASS_PUBSUB;
    } else {
        return false;
    }
    return true;
}

static bool limits_read(const struct setting *s, const struct input *in, void *field,
                        struct buf *why)
{
    struct conf_output_limit limits[CONF_CLASSES];

    (void)s;
    memcpy(limits, field, sizeof limits);
    if (in->n % 4 != 0) {
        return refuse(why, "Wrong number of arguments in buffer limit configuration.");
    }
    for (size_t i = 0; i < in->n; i += 4) {
        struct conf_output_limit l;
        enum conf_class class;

        if (!class_find(in->args[i], &class)) {
            return refuse(why, "Invalid client class specified in buffer limit configuration.");
        }
        if (!num_parse_bytes(in->args[i + 1], &l.hard) ||
            !num_parse_bytes(in->args[i + 2], &l.soft) ||
            !num_parse_i64(in->args[i + 3], &l.soft_seconds) || l.soft_seconds < 0) {
            return refuse(why, "Error in hard, soft or soft_seconds setting in buffer limit "
                               "configuration.");
        }
        limits[class] = l;
    }
    memcpy(field, limits, sizeof limits);
    return true;
}

static void limits_show(const struct setting *s, const void *field, struct buf *out)
{
    static const char *const classes[CONF_CLASSES] = { "normal", "slave", "pubsub" };
    const struct conf_output_limit *l = field;

    (void)s;
    for (int i = 0; i < CONF_CLASSES; i++) {
        buf_printf(out, i > 0 ? " %s %llu %llu %lld" : "%s %llu %llu %lld", classes[i],
                   (unsigned long long)l[i].hard, (unsigned long long)l[i].soft,
                   (long long)l[i].soft_seconds);
    }
}

static void limits_write(const struct setting *s, const void *field, struct buf *out)
{
    static const char *const classes[CONF_CLASSES] = { "normal", "replica", "pubsub" };
    const struct conf_output_limit *l = field;

    buf_add_c(out, s->name);
    for (int i = 0; i < CONF_CLASSES; i++) {
        buf_printf(out, " %s ", classes[i]);
        setting_add_bytes(out, l[i].hard);
        buf_add_char(out, ' ');
        setting_add_bytes(out, l[i].soft);
        buf_printf(out, " %lld", (long long)l[i].soft_seconds);
    }
}

static void limits_accepts(const struct setting *s, struct buf *out)
{
    (void)s;
    buf_add_c(out, "a class (normal, replica or pubsub), hard bytes, soft bytes, soft seconds");
}

const struct setting_kind kind_limits = {
    .size = sizeof(struct conf_output_limit[CONF_CLASSES]),
    .read = limits_read,
    .show = limits_show,
    .write = limits_write,
    .accepts = limits_accepts,
};

/* --- latency-tracking-info-percentiles -------------------------------------------------------- */

static void percentiles_fini(void *field)
{
    struct conf_numbers *l = field;

    mem_free(l->items);
    *l = (struct conf_numbers){ 0 };
}

static void percentiles_copy(void *to, const void *from)
{
    const struct conf_numbers *l = from;
    struct conf_numbers *copy = to;

    *copy = *l;
    copy->items = mem_dup(l->items, l->n * sizeof *l->items);
}

static bool percentiles_read(const struct setting *s, const struct input *in, void *field,
                             struct buf *why)
{
    size_t n = in->n == 1 && in->args[0].n == 0 ? 0 : in->n;
    struct conf_numbers *l = field;
    double v;

    (void)s;
    for (size_t i = 0; i < n; i++) {
        if (!num_parse_double(in->args[i], &v)) {
            return refuse(why, "Invalid latency-tracking-info-percentiles parameters");
        }
        if (v < 0 || v > 100) {
            return refuse(why, "latency-tracking-info-percentiles parameters should sit between "
                               "[0.0,100.0]");
        }
    }
    percentiles_fini(l);
    if (n == 0) return true;
    l->items = mem_alloc(n * sizeof *l->items);
    l->n = n;
    for (size_t i = 0; i < n; i++) ensure(num_parse_double(in->args[i], &l->items[i]));
    return true;
}

/* Six digits behind the point, without trailing zeros. */
static void percentiles_show(const struct setting *s, const void *field, struct buf *out)
{
    const struct conf_numbers *l = field;

    (void)s;
    for (size_t i = 0; i < l->n; i++) {
        buf_printf(out, i > 0 ? " %f" : "%f", l->items[i]);
        while (out->p[out->n - 1] == '0') out->n--;
        if (out->p[out->n - 1] == '.') out->n--;
    }
}

static void percentiles_write(const struct setting *s, const void *field, struct buf *out)
{
    buf_printf(out, "%s ", s->name);
    if (((const struct conf_numbers *)field)->n == 0) buf_add_c(out, "\"\"");
    percentiles_show(s, field, out);
}

static void percentiles_accepts(const struct setting *s, struct buf *out)
{
    (void)s;
    buf_add_c(out, "numbers from 0 to 100, or \"\"");
}

const struct setting_kind kind_percentiles = {
    .size = sizeof(struct conf_numbers),
    .read = percentiles_read,
    .show = percentiles_show,
    .write = percentiles_write,
    .copy = percentiles_copy,
    .fini = percentiles_fini,
    .accepts = percentiles_accepts,
};

/* --- notify-keyspace-events: letters ---------------------------------------------------------- */

/* In the order in which they are shown. A comes first, and stands for ten of the others. */
static const struct {
    char letter;
    unsigned bits;
} events[] = {
    { 'A', CONF_NOTIFY_ALL },      { 'g', CONF_NOTIFY_GENERIC },  { '$', CONF_NOTIFY_STRING },
    { 'l', CONF_NOTIFY_LIST },     { 's', CONF_NOTIFY_SET },      { 'h', CONF_NOTIFY_HASH },
    { 'z', CONF_NOTIFY_ZSET },     { 'x', CONF_NOTIFY_EXPIRED },  { 'e', CONF_NOTIFY_EVICTED },
    { 't', CONF_NOTIFY_STREAM },   { 'd', CONF_NOTIFY_MODULE },   { 'n', CONF_NOTIFY_NEW },
    { 'K', CONF_NOTIFY_KEYSPACE }, { 'E', CONF_NOTIFY_KEYEVENT }, { 'm', CONF_NOTIFY_MISS },
};

enum { N_EVENTS = sizeof events / sizeof events[0] };

unsigned conf_notify_bit(char letter)
{
    for (size_t i = 0; i < N_EVENTS; i++) {
        if (events[i].letter == letter) return events[i].bits;
    }
    return 0;
}

static bool events_read(const struct setting *s, const struct input *in, void *field,
                        struct buf *why)
{
    unsigned bits = 0;

    (void)s;
    for (size_t i = 0; i < in->args[0].n; i++) {
        unsigned bit = conf_notify_bit(in->args[0].p[i]);

        if (bit == 0) {
            return refuse(why, "Invalid event class character. Use 'Ag$lshzxeKEtmdn'.");
        }
        bits |= bit;
    }
    *(unsigned *)field = bits;
    return true;
}

static void events_show(const struct setting *s, const void *field, struct buf *out)
{
    unsigned bits = *(const unsigned *)field;

    (void)s;
    for (size_t i = 0; i < N_EVENTS; i++) {
        if ((bits & events[i].bits) != events[i].bits) continue;
        buf_add_char(out, events[i].letter);
        bits &= ~events[i].bits;
    }
}

static void events_write(const struct setting *s, const void *field, struct buf *out)
{
    buf_printf(out, "%s ", s->name);
    if (*(const unsigned *)field == 0) buf_add_c(out, "\"\"");
    events_show(s, field, out);
}

static void events_accepts(const struct setting *s, struct buf *out)
{
    (void)s;
    buf_add_c(out, "letters of Ag$lshzxeKEtmdn, or \"\"");
}

const struct setting_kind kind_events = {
    .size = sizeof(unsigned),
    .read = events_read,
    .show = events_show,
    .write = events_write,
    .accepts = events_accepts,
};

/* --- oom-score-adj-values: three numbers ------------------------------------------------------ */

static bool scores_read(const struct setting *s, const struct input *in, void *field,
                        struct buf *why)
{
    int64_t v[3];

    (void)s;
    if (in->n != 3) return refuse(why, "wrong number of arguments");
    for (int i = 0; i < 3; i++) {
        if (!num_parse_i64(in->args[i], &v[i]) || v[i] < -2000 || v[i] > 2000) {
            return refuse(why, "Invalid oom-score-adj-values, elements must be between -2000 and "
                               "2000.");
        }
    }
    memcpy(field, v, sizeof v);
    return true;
}

static void scores_show(const struct setting *s, const void *field, struct buf *out)
{
    const int64_t *v = field;

    (void)s;
    buf_printf(out, "%lld %lld %lld", (long long)v[0], (long long)v[1], (long long)v[2]);
}

static void scores_accepts(const struct setting *s, struct buf *out)
{
    (void)s;
    buf_add_c(out, "three whole numbers from -2000 to 2000");
}

const struct setting_kind kind_scores = {
    .size = sizeof(int64_t[3]),
    .read = scores_read,
    .show = scores_show,
    .accepts = scores_accepts,
};

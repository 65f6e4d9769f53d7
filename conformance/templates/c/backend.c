// A conformance backend with one operation, encode.poisson; protocol.md and semantics.md say what is due.
#define _POSIX_C_SOURCE 200809L
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *HELLO = "{\"protocol\":1,\"name\":\"my-backend\",\"version\":\"0.1.0\",\"language\":\"C\","
    "\"ops\":[\"encode.poisson\"],\"profiles\":[\"sequential-f64\"],"
    "\"codes\":[\"simulate.steps\",\"input.seed\",\"input.sample\",\"input.shape\",\"input.range\"]}";

// JSON is read in place: a value is a pointer to its first character. The names of members hold no escapes.
static const char *blank(const char *p) { return p + strspn(p, " \t\r\n"); }
static const char *end_of(const char *p) { // where the value ends that begins at p
    int depth = 0;
    if (!strchr("\"[{", *p)) return p + strcspn(p, ",]} \t\r\n");
    do {
        if (*p == '"')
            for (p++; *p && *p != '"'; p++) p += *p == '\\' && p[1];
        depth += (*p == '[') + (*p == '{') - (*p == ']') - (*p == '}');
    } while (*p && (p++, depth > 0));
    return p;
}

static const char *after(const char *p) { // what follows the element, key or value at p: the next one, or a bracket
    p = blank(end_of(p));
    return *p == ',' || *p == ':' ? blank(p + 1) : p;
}

static bool is(const char *p, const char *text) { // whether the value at p has this text, letter for letter
    return p && strlen(text) == (size_t)(end_of(p) - p) && !strncmp(p, text, strlen(text));
}

static const char *member(const char *object, const char *quoted_name) { // its value, or NULL
    object = blank(object);
    const char *key = blank(object + (*object == '{'));
    while (*key == '"' && !is(key, quoted_name)) key = after(after(key));
    return *key == '"' ? after(key) : NULL;
}

static bool integer(const char *p, int64_t lowest, int64_t highest, int64_t *value) {
    if (!p || p + strspn(p, "-0123456789") != end_of(p)) return false; // 2.0 is no Integer
    *value = strtoll(p, NULL, 10); // a text that is too long becomes the largest or the smallest int64_t
    return lowest <= *value && *value <= highest;
}

static bool number(const char *p, double *value) {
    char *end;
    p += is(p, "\"NaN\"") || is(p, "\"Infinity\"") || is(p, "\"-Infinity\""); // strtod knows what stands in the quotes
    return *value = strtod(p, &end), end > p;
}

static uint32_t philox(uint64_t seed, uint64_t sample, uint32_t step, uint32_t input) { // Philox4x32-10
    uint32_t c[4] = {step, input / 4, (uint32_t)sample, sample >> 32}, k[2] = {(uint32_t)seed, seed >> 32};
    for (int round = 0; round < 10; round++, k[0] += 0x9E3779B9, k[1] += 0xBB67AE85) {
        uint64_t left = (uint64_t)0xD2511F53 * c[0], right = (uint64_t)0xCD9E8D57 * c[2];
        c[0] = (uint32_t)(right >> 32) ^ c[1] ^ k[0], c[1] = (uint32_t)right;
        c[2] = (uint32_t)(left >> 32) ^ c[3] ^ k[1], c[3] = (uint32_t)left;
    }
    return c[input % 4];
}

static int reject(const char *code, const char *path, int index) { // index -1: the path needs none
    printf("\"verdict\":\"reject\",\"code\":\"%s\",\"message\":\"not as it must be\",\"path\":\"%s", code, path);
    if (index >= 0) printf("/%d", index);
    return puts("\"}");
}

static int encode_poisson(const char *input) { // one sample's spike trains; the checks stand in the order of the rules
    const int64_t most_steps = 1 << 20, largest = ((int64_t)1 << 53) - 1;
    const char *sample_at = member(input, "\"sample\""), *list = member(input, "\"rates\"");
    int64_t steps, seed, sample = 0;
    if (!integer(member(input, "\"steps\""), 1, most_steps, &steps)) return reject("simulate.steps", "/steps", -1);
    if (!integer(member(input, "\"seed\""), 0, largest, &seed)) return reject("input.seed", "/seed", -1);
    if (sample_at && !integer(sample_at, 0, largest, &sample)) return reject("input.sample", "/sample", -1);
    if (!list || *list != '[') return reject("input.shape", "/rates", -1);
    static double *rates; // kept for the next request
    int width = 0;
    rates = realloc(rates, strlen(list) * sizeof *rates);
    for (const char *p = blank(list + 1); *p && *p != ']'; p = after(p))
        if (!number(p, &rates[width++])) return reject("input.shape", "/rates", width - 1);
    for (int i = 0; i < width; i++)
        if (!(0 <= rates[i] && rates[i] <= 1)) return reject("input.range", "/rates", i);
    printf("\"verdict\":\"accept\",\"output\":{\"spikes\":[");
    for (int step = 0, fired = 0; step < steps; step++, fired = 0) {
        printf(step ? ",[" : "[");
        for (int i = 0; i < width; i++)
            if (philox(seed, sample, step, i) < rates[i] * 4294967296.0) printf(fired++ ? ",%d" : "%d", i);
        printf("]");
    }
    return puts("]}}");
}

static int answer(const char *request, const char *id) {
    printf("{\"id\":%.*s,", (int)(end_of(id) - id), id);
    if (is(member(request, "\"op\""), "\"encode.poisson\"")) return encode_poisson(member(request, "\"input\""));
    return puts("\"verdict\":\"unsupported\",\"reason\":\"no such operation\"}");
}

int main(void) {
    static char *line;
    static size_t room;
    while (getline(&line, &room, stdin) > 0) {
        const char *command = member(line, "\"cmd\""), *id = member(line, "\"id\"");
        if (is(command, "\"bye\"")) break;
        if (is(command, "\"hello\"")) puts(HELLO);
        if (is(command, "\"run\"") && id) answer(line, id); // root is for operations that read files
        fflush(stdout);
    }
}

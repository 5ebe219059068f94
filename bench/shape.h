/* Shapes shared by the fake upstream and the load client.
 *
 * Everything the upstream sends can be rebuilt by the client, so the client
 * can compare every byte (exact mode) - except the send time, which is read
 * from the event itself and has a fixed width.
 *
 * The behaviour is chosen by a word in the system message, so that one upstream
 * serves all workloads, the model can be one that has a price, and no proxy has
 * to forward special headers:
 *   bench-json-<response bytes>-<delay ms>
 *   bench-full-<response bytes>-<delay ms>   the same with the headers OpenAI sends
 *   bench-sse-<events>-<delay ms>
 * The usage event of a stream comes only when it was asked for, as OpenAI does.
 */
#ifndef SHAPE_H
#define SHAPE_H
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static inline uint64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000ull + t.tv_nsec;
}

#define MODEL "gpt-4o-mini-2024-07-18"
#define LOOK_IN 4096 /* the word stands within these first bytes */

#define EV_HEAD "data: {\"id\":\"chatcmpl-bench00000000000000000\"," \
    "\"object\":\"chat.completion.chunk\",\"created\":1730000000," \
    "\"model\":\"" MODEL "\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"@S"
#define EV_TAIL " token\"},\"finish_reason\":null}]}\n\n"
#define EV_USAGE "data: {\"id\":\"chatcmpl-bench00000000000000000\"," \
    "\"object\":\"chat.completion.chunk\",\"created\":1730000000," \
    "\"model\":\"" MODEL "\",\"choices\":[],\"usage\":{\"prompt_tokens\":512," \
    "\"completion_tokens\":199,\"total_tokens\":711," \
    "\"prompt_tokens_details\":{\"cached_tokens\":256}}}\n\n"
#define EV_DONE "data: [DONE]\n\n"
#define EV_STAMP 28 /* 6 digits, "@T", 20 digits */
#define EV_LEN (sizeof EV_HEAD - 1 + EV_STAMP + sizeof EV_TAIL - 1)

static inline void put_dec(char *p, int width, uint64_t v) {
    while (width--) { p[width] = '0' + v % 10; v /= 10; }
}

/* Writes event number seq, sent at time ts, into p; returns its length. */
static inline int build_event(char *p, unsigned seq, uint64_t ts) {
    const int h = sizeof EV_HEAD - 1, t = sizeof EV_TAIL - 1;
    memcpy(p, EV_HEAD, h);
    put_dec(p + h, 6, seq);
    memcpy(p + h + 6, "@T", 2);
    put_dec(p + h + 8, 20, ts);
    memcpy(p + h + EV_STAMP, EV_TAIL, t);
    return h + EV_STAMP + t;
}

#define JS_HEAD "{\"id\":\"chatcmpl-bench00000000000000000\"," \
    "\"object\":\"chat.completion\",\"created\":1730000000," \
    "\"model\":\"" MODEL "\",\"choices\":[{\"index\":0,\"message\":" \
    "{\"role\":\"assistant\",\"content\":\""
#define JS_TAIL "\",\"refusal\":null},\"logprobs\":null,\"finish_reason\":\"stop\"}]," \
    "\"usage\":{\"prompt_tokens\":512,\"completion_tokens\":199," \
    "\"total_tokens\":711,\"prompt_tokens_details\":{\"cached_tokens\":256," \
    "\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":64," \
    "\"audio_tokens\":0}},\"service_tier\":\"default\"}"

/* A chat.completion of exactly size bytes (or the least possible). */
static inline char *build_json(size_t size, size_t *len) {
    static const char words[] = "the quick brown fox jumps over a lazy dog, ";
    size_t fixed = sizeof JS_HEAD - 1 + sizeof JS_TAIL - 1;
    size_t pad = size > fixed ? size - fixed : 0;
    char *b = malloc(fixed + pad + 1), *p = b;
    memcpy(p, JS_HEAD, sizeof JS_HEAD - 1); p += sizeof JS_HEAD - 1;
    for (size_t i = 0; i < pad; i++) *p++ = words[i % (sizeof words - 1)];
    memcpy(p, JS_TAIL, sizeof JS_TAIL - 1); p += sizeof JS_TAIL - 1;
    *len = p - b;
    return b;
}

/* Reads "<prefix><a>-<b>" after the marker; returns 1 when found. */
static inline int find_mode(const char *b, size_t n, const char *prefix,
                            unsigned *x, unsigned *y) {
    if (n > LOOK_IN) n = LOOK_IN;
    char *p = memmem(b, n, prefix, strlen(prefix));
    if (!p) return 0;
    char tmp[64];
    size_t k = n - (p - b) - strlen(prefix);
    if (k > sizeof tmp - 1) k = sizeof tmp - 1;
    memcpy(tmp, p + strlen(prefix), k);
    tmp[k] = 0;
    return sscanf(tmp, "%u-%u", x, y) == 2;
}
#endif

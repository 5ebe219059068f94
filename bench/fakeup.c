/* Fake model API: one thread, epoll, HTTP/1.1 keep-alive, 127.0.0.1 only.
 * usage: fakeup PORT
 * Behaviour by a word in the request body: see shape.h. Anything else
 * gets a 1200-byte chat.completion at once. SSE events go out as one send()
 * and one HTTP chunk each; with delay 0 the streams take turns, one event
 * each, and wait for EPOLLOUT when a socket is full.
 */
#include "shape.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAXFD 20000
enum { IDLE, WAIT_JSON, STREAM };
typedef struct {
    int fd, open, state, want_out, active, sent100, full, usage;
    unsigned gen, seq, total, delay, size;
    uint64_t next;
    char *in; size_t in_len, in_cap;
    const char *out; char *out_own; size_t out_len, out_off;
} conn;
static conn conns[MAXFD];
static int ep;

/* timers: binary heap of (time, fd, generation) */
typedef struct { uint64_t t; int fd; unsigned gen; } timer;
static timer heap[MAXFD * 4];
static int nheap;
static void heap_push(uint64_t t, conn *c) {
    int i = nheap++;
    timer x = { t, c->fd, c->gen };
    while (i && heap[(i - 1) / 2].t > t) { heap[i] = heap[(i - 1) / 2]; i = (i - 1) / 2; }
    heap[i] = x;
}
static timer heap_pop(void) {
    timer top = heap[0], x = heap[--nheap];
    int i = 0;
    for (;;) {
        int k = 2 * i + 1;
        if (k >= nheap) break;
        if (k + 1 < nheap && heap[k + 1].t < heap[k].t) k++;
        if (heap[k].t >= x.t) break;
        heap[i] = heap[k]; i = k;
    }
    heap[i] = x;
    return top;
}

static int act[MAXFD], nact; /* fds of streams with delay 0 */

/* ready-made JSON replies, by size */
static struct { unsigned size; int full; char *b; size_t len; } ready[8];
static int nready;
static const char FULL[] = "Date: Mon, 06 Jan 2025 10:00:00 GMT\r\naccess-control-expose-headers: X-Request-ID\r\n"
    "openai-organization: bench-organisation\r\nopenai-version: 2020-10-01\r\n"
    "x-ratelimit-limit-requests: 30000\r\nx-ratelimit-limit-tokens: 150000000\r\n"
    "x-ratelimit-remaining-requests: 29999\r\nx-ratelimit-remaining-tokens: 149999985\r\n"
    "x-ratelimit-reset-requests: 2ms\r\nx-ratelimit-reset-tokens: 0s\r\n"
    "strict-transport-security: max-age=31536000; includeSubDomains; preload\r\ncf-cache-status: DYNAMIC\r\n"
    "set-cookie: __cf_bm=0123456789abcdef0123456789abcdef; path=/; HttpOnly; Secure; SameSite=None\r\n"
    "set-cookie: _cfuvid=0123456789abcdef; path=/; HttpOnly; Secure; SameSite=None\r\n"
    "x-content-type-options: nosniff\r\nServer: cloudflare\r\nCF-RAY: 0123456789abcdef-AMS\r\n"
    "alt-svc: h3=\":443\"; ma=86400\r\n";
static void json_reply(unsigned size, int full, const char **b, size_t *len) {
    for (int i = 0; i < nready; i++)
        if (ready[i].size == size && ready[i].full == full) { *b = ready[i].b; *len = ready[i].len; return; }
    size_t jl; char *j = build_json(size, &jl);
    char *r = malloc(jl + 256 + sizeof FULL);
    int h = sprintf(r, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
        "x-request-id: req_bench0000000000000000\r\nopenai-processing-ms: 0\r\n"
        "%sContent-Length: %zu\r\n\r\n", full ? FULL : "", jl);
    memcpy(r + h, j, jl); free(j);
    int k = nready < 8 ? nready++ : 7;
    ready[k].size = size; ready[k].full = full; ready[k].b = r; ready[k].len = h + jl;
    *b = r; *len = h + jl;
}

static void drop(conn *c) {
    if (!c->open) return;
    close(c->fd); c->open = 0; c->gen++; c->state = IDLE; c->active = 0;
    free(c->in); c->in = 0; c->in_len = c->in_cap = 0;
    free(c->out_own); c->out_own = 0; c->out = 0;
}
static void want(conn *c, int out) {
    if (c->want_out == out) return;
    c->want_out = out;
    struct epoll_event e = { EPOLLIN | (out ? EPOLLOUT : 0), { .fd = c->fd } };
    epoll_ctl(ep, EPOLL_CTL_MOD, c->fd, &e);
}
/* sends what is pending; 1 when all is out, 0 when the socket is full, -1 gone */
static int flush_out(conn *c) {
    while (c->out && c->out_off < c->out_len) {
        ssize_t k = send(c->fd, c->out + c->out_off, c->out_len - c->out_off, MSG_NOSIGNAL);
        if (k < 0) {
            if (errno == EAGAIN) { want(c, 1); return 0; }
            drop(c); return -1;
        }
        c->out_off += k;
    }
    free(c->out_own); c->out_own = 0; c->out = 0;
    want(c, 0);
    return 1;
}
static int put(conn *c, const char *b, size_t n) { /* copies only what stays */
    ssize_t k = send(c->fd, b, n, MSG_NOSIGNAL);
    if (k < 0) { if (errno != EAGAIN) { drop(c); return -1; } k = 0; }
    if ((size_t)k == n) return 1;
    c->out_own = malloc(n - k); memcpy(c->out_own, b + k, n - k);
    c->out = c->out_own; c->out_len = n - k; c->out_off = 0;
    want(c, 1);
    return 0;
}
static void try_request(conn *c);

static void stream_step(conn *c) { /* one event; the end closes the stream */
    char ev[1024], b[1100]; int n, m;
    if (c->seq < c->total - 1) {
        n = build_event(ev, c->seq++, now_ns());
        m = sprintf(b, "%x\r\n", n);
        memcpy(b + m, ev, n); memcpy(b + m + n, "\r\n", 2);
        if (put(c, b, m + n + 2) < 0) return;
        if (c->delay) { c->next += c->delay * 1000000ull; heap_push(c->next, c); }
        return;
    }
    n = c->usage ? sprintf(b, "%zx\r\n" EV_USAGE "\r\n", sizeof EV_USAGE - 1) : 0;
    n += sprintf(b + n, "%zx\r\n" EV_DONE "\r\n0\r\n\r\n", sizeof EV_DONE - 1);
    c->state = IDLE; c->active = 0;
    if (put(c, b, n) >= 0) try_request(c);
}
static void json_now(conn *c) {
    const char *b; size_t n;
    json_reply(c->size, c->full, &b, &n);
    c->state = IDLE;
    c->out = b; c->out_len = n; c->out_off = 0; c->out_own = 0;
    if (flush_out(c) == 1) try_request(c);
}
static const char *header(const char *h, const char *end, const char *name) {
    size_t n = strlen(name);
    for (const char *p = h; p < end; ) {
        if (!strncasecmp(p, name, n) && p[n] == ':') { p += n + 1; while (*p == ' ') p++; return p; }
        p = memchr(p, '\n', end - p); if (!p) break; p++;
    }
    return 0;
}
static void try_request(conn *c) {
    if (!c->open || c->state != IDLE || c->out || c->in_len < 16) return;
    char *end = memmem(c->in, c->in_len, "\r\n\r\n", 4);
    if (!end) return;
    size_t head = end + 4 - c->in, total;
    const char *te = header(c->in, end, "transfer-encoding");
    const char *cl = header(c->in, end, "content-length");
    const char *ex = header(c->in, end, "expect");
    if (ex && !c->sent100) { c->sent100 = 1; send(c->fd, "HTTP/1.1 100 Continue\r\n\r\n", 25, MSG_NOSIGNAL); }
    if (te && !strncasecmp(te, "chunked", 7)) { /* body text stays framed: only scanned */
        char *p = c->in + head, *lim = c->in + c->in_len;
        for (;;) {
            char *nl = memchr(p, '\n', lim - p);
            if (!nl) return;
            size_t k = strtoul(p, 0, 16);
            p = nl + 1;
            if (p + k + 2 > lim) return;
            p += k + 2;
            if (!k) break;
        }
        total = p - c->in;
    } else total = head + (cl ? strtoul(cl, 0, 10) : 0);
    if (c->in_len < total) return;
    unsigned a, b;
    c->sent100 = c->full = 0;
    c->usage = memmem(c->in, total < LOOK_IN ? total : LOOK_IN, "\"include_usage\":true", 20) != 0;
    if (find_mode(c->in, total, "bench-sse-", &a, &b)) {
        c->state = STREAM; c->seq = 0; c->total = a; c->delay = b;
    } else if (find_mode(c->in, total, "bench-json-", &a, &b)
               || (c->full = find_mode(c->in, total, "bench-full-", &a, &b))) {
        c->state = WAIT_JSON; c->size = a; c->delay = b;
    } else { c->state = WAIT_JSON; c->size = 1200; c->delay = 0; }
    memmove(c->in, c->in + total, c->in_len - total);
    c->in_len -= total;
    if (c->state == WAIT_JSON) {
        if (c->delay) heap_push(now_ns() + c->delay * 1000000ull, c); else json_now(c);
        return;
    }
    static const char h[] = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
        "Cache-Control: no-cache\r\nx-request-id: req_bench0000000000000000\r\n"
        "Transfer-Encoding: chunked\r\n\r\n";
    if (put(c, h, sizeof h - 1) < 0) return;
    if (c->delay) { c->next = now_ns() + c->delay * 1000000ull; heap_push(c->next, c); }
    else if (!c->active) { c->active = 1; act[nact++] = c->fd; }
}
static void on_read(conn *c) {
    for (;;) {
        if (c->in_cap - c->in_len < 65536) { c->in_cap = c->in_cap * 2 + 65536; c->in = realloc(c->in, c->in_cap + 1); }
        ssize_t k = recv(c->fd, c->in + c->in_len, c->in_cap - c->in_len, 0);
        if (k == 0 || (k < 0 && errno != EAGAIN)) { drop(c); return; }
        if (k < 0) break;
        c->in_len += k;
        c->in[c->in_len] = 0;
        if (c->in_cap - c->in_len > 0) break;
    }
    try_request(c);
}
int main(int argc, char **argv) {
    signal(SIGPIPE, SIG_IGN);
    int one = 1, ls = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    setsockopt(ls, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(argc > 1 ? atoi(argv[1]) : 9000),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    if (bind(ls, (void *)&a, sizeof a) || listen(ls, 4096)) { perror("fakeup"); return 1; }
    ep = epoll_create1(0);
    struct epoll_event e = { EPOLLIN, { .fd = ls } }, evs[512];
    epoll_ctl(ep, EPOLL_CTL_ADD, ls, &e);
    for (;;) {
        struct timespec ts = { 1, 0 };
        if (nact) ts.tv_sec = 0;
        else if (nheap) {
            uint64_t t = now_ns(), d = heap[0].t > t ? heap[0].t - t : 0;
            ts.tv_sec = d / 1000000000; ts.tv_nsec = d % 1000000000;
        }
        int n = epoll_pwait2(ep, evs, 512, &ts, 0);
        for (int i = 0; i < n; i++) {
            int fd = evs[i].data.fd;
            if (fd == ls) {
                int f;
                while ((f = accept4(ls, 0, 0, SOCK_NONBLOCK)) >= 0) {
                    if (f >= MAXFD) { close(f); continue; }
                    setsockopt(f, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
                    unsigned g = conns[f].gen + 1;
                    memset(&conns[f], 0, sizeof(conn));
                    conns[f].fd = f; conns[f].open = 1; conns[f].gen = g;
                    struct epoll_event x = { EPOLLIN, { .fd = f } };
                    epoll_ctl(ep, EPOLL_CTL_ADD, f, &x);
                }
                continue;
            }
            conn *c = &conns[fd];
            if (!c->open) continue;
            if (evs[i].events & EPOLLOUT) if (flush_out(c) == 1) try_request(c);
            if (c->open && (evs[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))) on_read(c);
        }
        uint64_t t = now_ns();
        while (nheap && heap[0].t <= t) {
            timer x = heap_pop();
            conn *c = &conns[x.fd];
            if (!c->open || c->gen != x.gen) continue;
            if (c->state == WAIT_JSON) json_now(c);
            else if (c->state == STREAM) {
                if (c->out) heap_push(t + 1000000, c); else stream_step(c);
            }
        }
        int m = nact; /* streams without delay take turns: one event each */
        nact = 0;
        for (int i = 0; i < m; i++) {
            conn *c = &conns[act[i]];
            if (!c->open || c->state != STREAM || !c->active) continue;
            int fd = act[i], before = nact;
            if (!c->out) stream_step(c); /* may start the next stream of this connection */
            if (nact == before && c->open && c->state == STREAM && c->active) act[nact++] = fd;
        }
    }
}

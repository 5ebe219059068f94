/* Closed-loop load client: one thread, epoll, HTTP/1.1 keep-alive.
 * usage: loadgen -p PORT [-u /path] -m WORD [-c conns] [-n requests] [-d seconds]
 *                [-b body bytes] [-s] [-U] [-l] [-k N] [-r ramp ms] [-H "Name: value"]...
 *   -m  what the upstream shall do: see shape.h
 *   -s  streaming: sets "stream": true and reads SSE; -U asks for the usage event
 *       Every byte of every body is compared, unless
 *   -l  loose: the subject writes bodies anew, so events are counted and looked through for what they must contain
 *   -k  keeps the times of every Nth event only, for hours of streams
 * Stops after -n requests or -d seconds, whichever is first. Prints one JSON line.
 * chunk_ms is (receive time - send time stamped into the event by the upstream),
 * gap_ms the time between the receipts of two events of one stream.
 */
#include "shape.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HEAD, BODY_LEN, BODY_CHUNKED, BODY_EOF };
typedef struct {
    int fd, busy, state, status, close_after, want_out, got_body, done_seen;
    size_t req_off;
    uint64_t start, last_event;
    char head[16384]; size_t head_len;
    long long left;                 /* bytes left in body or in this chunk */
    int ck; char ckline[64]; int cklen; /* chunk parser: 0 size line, 1 data, 2 crlf, 3 trailer */
    unsigned seq; size_t body_len;
    char *ev; size_t ev_len, ev_cap;
} conn;

static char *req; static size_t req_len;
static char *want_json; static size_t want_len;
static int port, stream_mode, usage, loose, ep;
static unsigned keep_every = 1;
static unsigned n_events, n_delay;
static conn *conns; static int nconn = 1;
static long limit = 1000000000, started, finished, errors, bad, reconnects, not200;
static uint64_t events_total, bytes_total, t0, t_end, deadline;
static float *lat, *ttfb, *delay, *gap;
static size_t nlat, ndelay, ngap, nttfb, cap_lat, cap_delay, cap_gap, cap_ttfb;

static void push(float **a, size_t *n, size_t *cap, double v) {
    if (*n == *cap) { *cap = *cap * 2 + 65536; *a = realloc(*a, *cap * sizeof(float)); }
    (*a)[(*n)++] = v;
}
static void begin(conn *c);
static void dial(conn *c) {
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int one = 1;
    c->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(c->fd, (void *)&a, sizeof a)) { perror("connect"); exit(2); }
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    struct epoll_event e = { EPOLLIN, { .ptr = c } };
    epoll_ctl(ep, EPOLL_CTL_ADD, c->fd, &e);
    c->want_out = 0;
}
static void redial(conn *c) { close(c->fd); reconnects++; dial(c); }
static void send_more(conn *c) {
    while (c->req_off < req_len) {
        ssize_t k = send(c->fd, req + c->req_off, req_len - c->req_off, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (k < 0) {
            if (errno != EAGAIN) return; /* the read side will see the close */
            if (!c->want_out) {
                struct epoll_event e = { EPOLLIN | EPOLLOUT, { .ptr = c } };
                epoll_ctl(ep, EPOLL_CTL_MOD, c->fd, &e); c->want_out = 1;
            }
            return;
        }
        c->req_off += k;
    }
    if (c->want_out) {
        struct epoll_event e = { EPOLLIN, { .ptr = c } };
        epoll_ctl(ep, EPOLL_CTL_MOD, c->fd, &e); c->want_out = 0;
    }
}
static void begin(conn *c) {
    c->busy = 0;
    if (started >= limit || now_ns() >= deadline) return;
    started++;
    c->busy = 1; c->state = HEAD; c->head_len = 0; c->req_off = 0; c->got_body = 0;
    c->seq = 0; c->body_len = 0; c->ev_len = 0; c->done_seen = 0; c->status = 0; c->last_event = 0;
    c->start = now_ns();
    send_more(c);
}
static void fail(conn *c) { errors++; finished++; t_end = now_ns(); redial(c); begin(c); }
static void complete(conn *c) {
    uint64_t t = now_ns();
    finished++; t_end = t;
    if (c->status != 200) not200++;
    else if (stream_mode) {
        if (!c->done_seen || (loose ? c->seq != n_events - 1 : c->seq != n_events + usage)) bad++;
    } else if (loose) {
        if (c->body_len < 200 || !memmem(c->ev, c->ev_len, "chat.completion", 15)) bad++;
    } else if (c->body_len != want_len) bad++;
    push(&lat, &nlat, &cap_lat, (t - c->start) / 1e6);
    if (c->close_after) redial(c);
    begin(c);
}
static void event(conn *c, char *p, size_t n) {
    char e[1024];
    if (n == sizeof EV_DONE - 1 && !memcmp(p, EV_DONE, n)) { c->done_seen = 1; c->seq += !loose; return; }
    char *m = memmem(p, n, "@T", 2);
    if (loose) {
        if (!m || !memmem(p, n, "@S", 2)) return; /* one of its own: a role, a finish, the usage */
    } else if (c->seq == n_events - 1) {
        if (!usage || n != sizeof EV_USAGE - 1 || memcmp(p, EV_USAGE, n)) bad++;
        c->seq++; return;
    }
    uint64_t ts = 0;
    if (m) for (int i = 2; i < 22; i++) ts = ts * 10 + (m[i] - '0');
    if (!loose && ((int)n != build_event(e, c->seq, ts) || memcmp(p, e, n))) bad++;
    c->seq++; events_total++;
    if (!n_delay && c->seq & 63) return;
    uint64_t now = now_ns(), last = c->last_event;
    c->last_event = n_delay ? now : 0;
    if (events_total % keep_every) return;
    push(&delay, &ndelay, &cap_delay, (now - ts) / 1e6);
    if (last) push(&gap, &ngap, &cap_gap, (now - last) / 1e6);
}
static void body(conn *c, char *p, size_t n) {
    if (!c->got_body) {
        c->got_body = 1;
        push(&ttfb, &nttfb, &cap_ttfb, (now_ns() - c->start) / 1e6);
    }
    bytes_total += n;
    if (!stream_mode) {
        if (loose && c->ev_len < 512) {
            size_t k = n > 512 ? 512 : n;
            if (!c->ev) { c->ev_cap = 4096; c->ev = malloc(c->ev_cap); }
            memcpy(c->ev + c->ev_len, p, k); c->ev_len += k;
        }
        if (!loose && c->status == 200 &&
            (c->body_len + n > want_len || memcmp(want_json + c->body_len, p, n))) bad++;
        c->body_len += n;
        return;
    }
    c->body_len += n;
    if (c->ev_len + n > c->ev_cap) { c->ev_cap = (c->ev_len + n) * 2; c->ev = realloc(c->ev, c->ev_cap); }
    memcpy(c->ev + c->ev_len, p, n); c->ev_len += n;
    char *s = c->ev, *lim = c->ev + c->ev_len, *q;
    while ((q = memmem(s, lim - s, "\n\n", 2))) { event(c, s, q + 2 - s); s = q + 2; }
    memmove(c->ev, s, lim - s); c->ev_len = lim - s;
}
static void parse_head(conn *c, size_t n) {
    c->head[n - 1] = 0;
    sscanf(c->head, "HTTP/1.%*d %d", &c->status);
    c->state = BODY_EOF; c->left = -1; c->close_after = 0;
    for (char *p = c->head; (p = strchr(p, '\n')); ) {
        p++;
        if (!strncasecmp(p, "content-length:", 15)) { c->state = BODY_LEN; c->left = atoll(p + 15); }
        else if (!strncasecmp(p, "transfer-encoding: chunked", 26)) { c->state = BODY_CHUNKED; c->ck = 0; c->cklen = 0; }
        else if (!strncasecmp(p, "connection: close", 17)) c->close_after = 1;
    }
    if (c->status != 200 && errors + not200 < 2) fprintf(stderr, "%s\n", c->head);
}
static void feed(conn *c, char *p, size_t n) {
    if (c->state == HEAD) {
        if (!c->busy) return;
        size_t room = sizeof c->head - c->head_len, k = n < room ? n : room;
        memcpy(c->head + c->head_len, p, k);
        char *e = memmem(c->head, c->head_len + k, "\r\n\r\n", 4);
        if (!e) { c->head_len += k; if (k < n) fail(c); return; }
        size_t hl = e + 4 - c->head, used = hl - c->head_len;
        parse_head(c, hl);
        p += used; n -= used;
        if (c->state == BODY_LEN && !c->left) { complete(c); return; }
    }
    while (n) {
        if (c->state == BODY_LEN) {
            size_t k = (long long)n < c->left ? n : (size_t)c->left;
            body(c, p, k); p += k; n -= k; c->left -= k;
            if (!c->left) { complete(c); return; }
        } else if (c->state == BODY_EOF) { body(c, p, n); return; }
        else if (c->ck == 1) {
            size_t k = (long long)n < c->left ? n : (size_t)c->left;
            body(c, p, k); p += k; n -= k; c->left -= k;
            if (!c->left) { c->ck = 2; }
        } else { /* size line, crlf after data, or trailer */
            char ch = *p++; n--;
            if (ch == '\r') continue;
            if (ch != '\n') { if (c->ck != 2 && c->cklen < 60) c->ckline[c->cklen++] = ch; continue; }
            c->ckline[c->cklen] = 0;
            if (c->ck == 2) { c->ck = 0; c->cklen = 0; continue; }
            if (c->ck == 0) { c->left = strtoll(c->ckline, 0, 16); c->ck = c->left ? 1 : 3; c->cklen = 0; continue; }
            if (!c->cklen) { complete(c); return; }
            c->cklen = 0;
        }
    }
}
static int cmpf(const void *a, const void *b) { float x = *(float *)a, y = *(float *)b; return x < y ? -1 : x > y; }
static void quant(const char *name, float *a, size_t n) {
    if (!n) return;
    qsort(a, n, sizeof *a, cmpf);
    printf(", \"%s\": {\"p50\": %.4f, \"p90\": %.4f, \"p99\": %.4f, \"p999\": %.4f, \"max\": %.4f}", name,
        a[n / 2], a[(size_t)(n * .9)], a[(size_t)(n * .99)], a[(size_t)(n * .999)], a[n - 1]);
}
int main(int argc, char **argv) {
    const char *path = "/v1/chat/completions", *word = "bench-json-1200-0";
    char extra[4096] = ""; size_t bsize = 2048; double secs = 10; int o, ramp = 0;
    while ((o = getopt(argc, argv, "p:u:m:c:n:d:b:sUlk:r:H:")) > 0) switch (o) {
        case 'p': port = atoi(optarg); break;
        case 'u': path = optarg; break;
        case 'm': word = optarg; break;
        case 'c': nconn = atoi(optarg); break;
        case 'n': limit = atol(optarg); break;
        case 'd': secs = atof(optarg); break;
        case 'b': bsize = atol(optarg); break;
        case 's': stream_mode = 1; break;
        case 'U': usage = 1; break;
        case 'l': loose = 1; break;
        case 'k': keep_every = atoi(optarg); break;
        case 'r': ramp = atoi(optarg); break;
        case 'H': strcat(extra, optarg); strcat(extra, "\r\n"); break;
        default: return 1;
    }
    signal(SIGPIPE, SIG_IGN);
    unsigned a = 0, b = 0;
    if (find_mode(word, strlen(word), "bench-json-", &a, &b) || find_mode(word, strlen(word), "bench-full-", &a, &b))
        want_json = build_json(a, &want_len);
    else find_mode(word, strlen(word), "bench-sse-", &a, &b);
    n_events = a; n_delay = b;
    char *jb = malloc(bsize + 1024);
    int k = sprintf(jb, "{\"model\":\"gpt-4o-mini\",%s%s\"temperature\":0.2,\"messages\":[{\"role\":\"system\","
        "\"content\":\"You are a helpful assistant. %s\"},{\"role\":\"user\",\"content\":\"",
        stream_mode ? "\"stream\":true," : "", usage ? "\"stream_options\":{\"include_usage\":true}," : "", word);
    static const char t[] = "\"}]}";
    static const char w[] = "Please tell me what a proxy does and why it is slow ";
    for (int i = 0; k < (int)bsize - 4; i++) jb[k++] = w[i % (sizeof w - 1)];
    memcpy(jb + k, t, 4); k += 4;
    req = malloc(k + 8192);
    req_len = sprintf(req, "POST %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Type: application/json\r\n"
        "Authorization: Bearer sk-bench-0123456789abcdef0123456789abcdef\r\nAccept: */*\r\n"
        "User-Agent: loadgen\r\n%sContent-Length: %d\r\n\r\n", path, port, extra, k);
    memcpy(req + req_len, jb, k); req_len += k;
    ep = epoll_create1(0);
    conns = calloc(nconn, sizeof(conn));
    for (int i = 0; i < nconn; i++) dial(&conns[i]);
    t0 = now_ns(); deadline = t0 + secs * 1e9;
    int launched = 0;
    static char buf[262144];
    struct epoll_event evs[512];
    uint64_t hard = deadline + 30000000000ull;
    for (;;) {
        uint64_t t = now_ns();
        while (launched < nconn && t >= t0 + (uint64_t)ramp * 1000000ull * launched / nconn) begin(&conns[launched++]);
        if (launched == nconn && finished >= started) break;
        if (t > hard) { fprintf(stderr, "gave up: %ld unfinished\n", started - finished); break; }
        int n = epoll_wait(ep, evs, 512, launched < nconn ? 1 : 1000);
        for (int i = 0; i < n; i++) {
            conn *c = evs[i].data.ptr;
            if (evs[i].events & EPOLLOUT) send_more(c);
            if (!(evs[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))) continue;
            ssize_t r = recv(c->fd, buf, sizeof buf, MSG_DONTWAIT);
            if (r < 0 && errno == EAGAIN) continue;
            if (r <= 0) {
                if (!c->busy) { epoll_ctl(ep, EPOLL_CTL_DEL, c->fd, 0); continue; }
                if (c->state == BODY_EOF) { c->close_after = 1; complete(c); }
                else fail(c);
                continue;
            }
            feed(c, buf, r);
        }
    }
    double el = (t_end - t0) / 1e9;
    struct rusage ru; getrusage(RUSAGE_SELF, &ru);
    double cpu = ru.ru_utime.tv_sec + ru.ru_stime.tv_sec + (ru.ru_utime.tv_usec + ru.ru_stime.tv_usec) / 1e6;
    printf("{\"requests\": %ld, \"seconds\": %.4f, \"rps\": %.1f, \"errors\": %ld, \"not200\": %ld, \"bad\": %ld, "
        "\"reconnects\": %ld, \"events\": %llu, \"events_per_s\": %.0f, \"mb_per_s\": %.1f, \"client_cpu_s\": %.3f",
        finished, el, finished / el, errors, not200, bad, reconnects, (unsigned long long)events_total,
        events_total / el, bytes_total / el / 1e6, cpu);
    quant("ttfb_ms", ttfb, nttfb);
    quant("latency_ms", lat, nlat);
    quant("chunk_ms", delay, ndelay);
    quant("gap_ms", gap, ngap);
    puts("}");
    return errors || bad || not200;
}

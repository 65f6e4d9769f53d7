// The comparison: a network of two layers as fast as hand-written C can run it here.
//
// Output tiles are outermost, so that a tile's weights stay in the near caches while all samples and steps pass by; sums
// and potentials stay in registers. Legal, as a layer depends only on the layers before it. Every output has a lane of
// its own and takes its terms in ascending order of the inputs, so the bits are those of the profile.
//
// -DNV=n: vectors per tile. Build without -ffast-math and with -ffp-contract=off.
#include <immintrin.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "workload.h"

#ifdef __AVX512F__
#define LANES 8
#else
#define LANES 4
#endif
typedef double Vector __attribute__((vector_size(LANES * 8), aligned(8)));
typedef int64_t Mask __attribute__((vector_size(LANES * 8)));

#define THRESHOLD 1.0
#define LAST_VECTORS ((10 + LANES - 1) / LANES)
#define ALWAYS_INLINE static inline __attribute__((always_inline))

// The sign bits of a comparison, one per lane.
ALWAYS_INLINE uint64_t lane_bits(Mask mask) {
#ifdef __AVX512F__
    return _mm512_movepi64_mask((__m512i)mask);
#else
    return _mm256_movemask_pd((__m256d)mask);
#endif
}

// The spikes of a layer: events of step k (of all samples) are events[offsets[k]] up to the next offset.
typedef struct {
    const int64_t *offsets;
    const int32_t *events;
} Spikes;

// One tile of a layer for one sample through all steps. `fired` receives the tile's lanes per step.
ALWAYS_INLINE void run_tile(const int vectors, Spikes in, int64_t steps, const double *weights, double *potential,
                            uint64_t *fired) {
    Vector v[vectors], sum[vectors];
    for (int k = 0; k < vectors; k++) v[k] = (Vector){0};
    for (int64_t t = 0; t < steps; t++) {
        const int32_t *event = in.events + in.offsets[t], *end = in.events + in.offsets[t + 1];
        for (int k = 0; k < vectors; k++) sum[k] = (Vector){0};
        for (; event < end; event++) {
            const double *row = weights + (size_t)*event * (vectors * LANES);
#pragma GCC unroll 32
            for (int k = 0; k < vectors; k++) sum[k] += *(const Vector *)(row + LANES * k);
        }
        uint64_t bits = 0;
#pragma GCC unroll 32
        for (int k = 0; k < vectors; k++) {
            v[k] = v[k] + sum[k];
            Mask spikes = v[k] >= THRESHOLD;
            Vector one = (Vector){0} + THRESHOLD;
            v[k] = v[k] - (Vector)(spikes & (Mask)one);
            bits |= lane_bits(spikes) << (LANES * k);
        }
        fired[t] = bits;
    }
    for (int k = 0; k < vectors; k++) *(Vector *)(potential + LANES * k) = v[k];
}

// A range of samples, as the work of one thread.
typedef struct {
    const Workload *w;
    double *packed[2];
    Result result;
    int64_t first, end;
} Slice;

// The weights of `outputs` × `inputs` as tiles of `width` outputs, each input by input.
static double *pack(const double *weights, int64_t outputs, int64_t inputs, int64_t width) {
    int64_t tiles = (outputs + width - 1) / width;
    double *packed = aligned_alloc(64, tiles * width * inputs * sizeof(double));
    for (int64_t o = 0; o < tiles * width; o++)
        for (int64_t i = 0; i < inputs; i++)
            packed[(o / width * inputs + i) * width + o % width] = o < outputs ? weights[o * inputs + i] : 0;
    return packed;
}

static void *run_slice(void *argument) {
    enum { WIDTH = NV * LANES, LAST = LAST_VECTORS * LANES };
    const Slice *s = argument;
    const Workload *w = s->w;
    int64_t samples = s->end - s->first, steps = w->steps, tiles = (w->hidden + WIDTH - 1) / WIDTH;
    // fired[sample][tile][step]
    uint64_t *fired = malloc(samples * tiles * steps * sizeof *fired);
    for (int64_t tile = 0; tile < tiles; tile++)
        for (int64_t b = 0; b < samples; b++) {
            double potential[WIDTH];
            Spikes in = {w->offsets + (s->first + b) * steps, w->events};
            run_tile(NV, in, steps, s->packed[0] + tile * WIDTH * w->inputs, potential,
                     fired + (b * tiles + tile) * steps);
            memcpy(s->result.potential[0] + (s->first + b) * w->hidden + tile * WIDTH, potential, sizeof potential);
        }
    int64_t *offsets = malloc((steps + 1) * sizeof *offsets);
    int32_t *events = malloc(steps * w->hidden * sizeof *events);
    uint64_t *last = malloc(steps * sizeof *last);
    for (int64_t b = 0; b < samples; b++) {
        int64_t n = 0;
        for (int64_t t = 0; t < steps; t++) {
            offsets[t] = n;
            for (int64_t tile = 0; tile < tiles; tile++)
                for (uint64_t bits = fired[(b * tiles + tile) * steps + t]; bits; bits &= bits - 1)
                    events[n++] = (int32_t)(tile * WIDTH + __builtin_ctzll(bits));
        }
        offsets[steps] = n;
        double potential[LAST];
        run_tile(LAST_VECTORS, (Spikes){offsets, events}, steps, s->packed[1], potential, last);
        memcpy(s->result.potential[1] + (s->first + b) * w->outputs, potential, w->outputs * sizeof(double));
        int64_t *counts = s->result.counts + (s->first + b) * w->outputs;
        memset(counts, 0, w->outputs * sizeof *counts);
        for (int64_t t = 0; t < steps; t++)
            for (uint64_t bits = last[t]; bits; bits &= bits - 1) counts[__builtin_ctzll(bits)]++;
    }
    free(fired), free(offsets), free(events), free(last);
    return NULL;
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + 1e-9 * time.tv_nsec;
}

// For every line of standard input, the number of threads, runs once and answers with the seconds that passed. "file"
// runs with one thread and reads the workload from its file first; "save" writes the result of the last run.
int main(int argc, char **argv) {
    if (argc != 3) return fprintf(stderr, "usage: tiled WORKLOAD RESULT\n"), 2;
    Workload w = read_workload(argv[1]);
    if (w.hidden % (NV * LANES) || w.outputs > LAST_VECTORS * LANES) return fprintf(stderr, "no such tiles\n"), 2;
    Result result = {calloc(w.samples * w.outputs, 8), {calloc(w.samples * w.hidden, 8), calloc(w.samples * w.outputs, 8)}};
    double *packed[2] = {pack(w.weights[0], w.hidden, w.inputs, NV * LANES),
                         pack(w.weights[1], w.outputs, w.hidden, LAST_VECTORS * LANES)};
    char line[16];
    while (fgets(line, sizeof line, stdin)) {
        if (line[0] == 's') {
            write_result(argv[2], &w, &result);
            puts("saved");
            fflush(stdout);
            continue;
        }
        double start = now();
        if (line[0] == 'f') w = read_workload(argv[1]);
        int threads = line[0] == 'f' ? 1 : atoi(line);
        Slice slices[threads];
        pthread_t ids[threads];
        for (int k = 0; k < threads; k++) {
            slices[k] = (Slice){&w, {packed[0], packed[1]}, result, w.samples * k / threads, w.samples * (k + 1) / threads};
            if (k + 1 < threads && pthread_create(&ids[k], NULL, run_slice, &slices[k])) return 2;
        }
        run_slice(&slices[threads - 1]);
        for (int k = 0; k + 1 < threads; k++) pthread_join(ids[k], NULL);
        double seconds = now() - start;
        printf("%.9f\n", seconds);
        fflush(stdout);
    }
    return 0;
}

// What a measured program reads and writes: a network of two layers, the spikes of a batch, and what came out.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

// A file of int64 sizes, then float64 weights (output, input) of both layers, then int64 offsets of the events of every
// sample and step (and of the end), then the events: the ascending int32 indices of the inputs that spike.
typedef struct {
    int64_t inputs, hidden, outputs, samples, steps;
    double *weights[2];
    int64_t *offsets;
    int32_t *events;
} Workload;

// Per sample: the spike counts of the last layer, then the potentials of both layers.
typedef struct {
    int64_t *counts;
    double *potential[2];
} Result;

static void *read_array(FILE *file, size_t count, size_t size) {
    void *array = malloc(count * size + 1);
    if (!array || fread(array, size, count, file) != count) {
        fprintf(stderr, "the workload is cut off\n");
        exit(2);
    }
    return array;
}

static Workload read_workload(const char *path) {
    FILE *file = fopen(path, "rb");
    if (!file) {
        perror(path);
        exit(2);
    }
    Workload w;
    int64_t *sizes = read_array(file, 5, sizeof *sizes);
    w.inputs = sizes[0], w.hidden = sizes[1], w.outputs = sizes[2], w.samples = sizes[3], w.steps = sizes[4];
    free(sizes);
    w.weights[0] = read_array(file, w.hidden * w.inputs, sizeof(double));
    w.weights[1] = read_array(file, w.outputs * w.hidden, sizeof(double));
    w.offsets = read_array(file, w.samples * w.steps + 1, sizeof(int64_t));
    w.events = read_array(file, w.offsets[w.samples * w.steps], sizeof(int32_t));
    fclose(file);
    return w;
}

static void write_result(const char *path, const Workload *w, const Result *r) {
    FILE *file = fopen(path, "wb");
    if (!file) {
        perror(path);
        exit(2);
    }
    fwrite(r->counts, sizeof(int64_t), w->samples * w->outputs, file);
    fwrite(r->potential[0], sizeof(double), w->samples * w->hidden, file);
    fwrite(r->potential[1], sizeof(double), w->samples * w->outputs, file);
    fclose(file);
}

/* An example of a plugin: the range (largest minus smallest value) of the square of cells around each
 * cell, for every band. Its argument is "radius" (1). Compile it with
 *
 *   cc -shared -fPIC -O2 -I include examples/plugin/local_range.c -o local_range.so
 */
#include "cube_plugin.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* The radius, or -1 after saying what is wrong with it. */
static int64_t radius_of(const cube_input *input, const cube_output *output) {
  int64_t radius = 1;
  for (uint32_t i = 0; i < input->argument_count; ++i) {
    const cube_argument *given = &input->arguments[i];
    if (strcmp(given->name, "radius") == 0 && given->kind == CUBE_NUMBER && given->number >= 0) {
      radius = (int64_t)given->number;
    } else {
      if (output) output->fail(output->host, "its only argument is 'radius', a number from 0");
      return -1;
    }
  }
  return radius;
}

static int describe(const cube_input *input, cube_output *output) {
  const int64_t radius = radius_of(input, output);
  if (radius < 0) return 1;
  output->halo_y = radius;
  output->halo_x = radius;
  for (uint32_t i = 0; i < input->band_count; ++i) {
    char name[256];
    cube_band band = input->bands[i];
    snprintf(name, sizeof name, "%s_range", band.name);
    band.name = name;
    band.dtype = CUBE_FLOAT32;
    band.nodata = NAN;
    output->add_band(output->host, &band);
  }
  return 0;
}

/* The input outlives the state, so it can be the state. */
static void *create(const cube_input *input) { return (void *)input; }

static int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }
static int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

/* The range of the square around column x of row y, which are the cube's. */
static double range_at(const double *slice, const cube_box *box, int64_t y, int64_t x, int64_t radius) {
  double low = INFINITY, high = -INFINITY;
  for (int64_t j = larger(y - radius, box->y); j <= smaller(y + radius, box->y + box->ny - 1); ++j) {
    for (int64_t i = larger(x - radius, box->x); i <= smaller(x + radius, box->x + box->nx - 1); ++i) {
      const double value = slice[(j - box->y) * box->nx + (i - box->x)];
      if (value < low) low = value; /* never true of NaN */
      if (value > high) high = value;
    }
  }
  return high < low ? NAN : high - low;
}

static int run(void *state, const cube_call *call) {
  const int64_t radius = radius_of(state, NULL);
  const cube_box *given = &call->given, *made = &call->made;
  for (uint32_t band = 0; band < call->output_count; ++band) {
    double *out = call->outputs[band];
    for (int64_t t = made->t; t < made->t + made->nt; ++t) {
      const double *slice = call->inputs[band] + (t - given->t) * given->ny * given->nx;
      for (int64_t y = made->y; y < made->y + made->ny; ++y) {
        for (int64_t x = made->x; x < made->x + made->nx; ++x) *out++ = range_at(slice, given, y, x, radius);
      }
    }
  }
  return 0;
}

const cube_plugin *cube_plugin_v1(void);

const cube_plugin *cube_plugin_v1(void) {
  static const cube_plugin plugin = {sizeof(cube_plugin), CUBE_PLUGIN_ABI, "local_range", "1.0",
                                     describe, create, NULL, run};
  return &plugin;
}

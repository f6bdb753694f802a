/* Plugins that do wrong what a plugin can do wrong; each export is another. */
#include <math.h>
#include <string.h>

#include "cube_plugin.h"

static int none(const cube_input *input, cube_output *output) {
  (void)input, (void)output;
  return 0;
}

static int refuses(const cube_input *input, cube_output *output) {
  (void)input;
  output->fail(output->host, "a red band is needed");
  return 1;
}

static int refuses_silently(const cube_input *input, cube_output *output) {
  (void)input, (void)output;
  return 1;
}

static void add(cube_output *output, const char *name, int32_t dtype, double nodata) {
  cube_band band;
  memset(&band, 0, sizeof band);
  band.size = sizeof band;
  band.name = name;
  band.dtype = dtype;
  band.nodata = nodata;
  band.scale = 1;
  output->add_band(output->host, &band);
}

static int no_name(const cube_input *input, cube_output *output) {
  (void)input;
  add(output, "", CUBE_FLOAT32, NAN);
  return 0;
}

static int no_type(const cube_input *input, cube_output *output) {
  (void)input;
  add(output, "a", 256, NAN);
  return 0;
}

static int bad_nodata(const cube_input *input, cube_output *output) {
  (void)input;
  add(output, "a", CUBE_UINT8, 300);
  return 0;
}

static int same_name(const cube_input *input, cube_output *output) {
  (void)input;
  add(output, "a", CUBE_FLOAT32, NAN);
  add(output, "a", CUBE_FLOAT32, NAN);
  return 0;
}

static int bad_halo(const cube_input *input, cube_output *output) {
  (void)input;
  add(output, "a", CUBE_FLOAT32, NAN);
  output->halo_x = -1;
  return 0;
}

/* Makes a uint8 band, with 255 for missing, of what arguments and places say. */
static int one_byte(const cube_input *input, cube_output *output) {
  (void)input;
  add(output, "a", CUBE_UINT8, 255);
  output->whole_series = 1;
  return 0;
}

static void *create(const cube_input *input) { return (void *)input; }

/* Slices of the input that are not missing, and the sum of all arguments. */
static int counts(void *state, const cube_call *call) {
  const cube_input *input = state;
  const int64_t cells = call->made.ny * call->made.nx;
  double sum = 0;
  for (uint32_t p = 0; p < input->argument_count; ++p) {
    const cube_argument *given = &input->arguments[p];
    sum += given->number + (double)strlen(given->text);
    for (size_t i = 0; i < given->number_count; ++i) sum += given->numbers[i];
  }
  if (call->given.nt != input->slices) {
    call->fail(call->host, "not all slices are there");
    return 1;
  }
  for (int64_t t = 0; t < call->made.nt; ++t) {
    for (int64_t i = 0; i < cells; ++i) {
      double count = 0;
      for (int64_t s = 0; s < call->given.nt; ++s) {
        const double cell = call->inputs[0][s * cells + i];
        count += cell == cell;
      }
      if (count > 0) call->outputs[0][t * cells + i] = count + sum; /* else left missing */
    }
  }
  return 0;
}

static int fails(void *state, const cube_call *call) {
  (void)state;
  call->fail(call->host, call->made.y > 0 ? "row 1 is odd" : "row 0 is odd");
  return 1;
}

#define PLUGIN(FUNCTION, ABI, DESCRIBE, RUN)                                                     \
  const cube_plugin *FUNCTION(void);                                                             \
  const cube_plugin *FUNCTION(void) {                                                            \
    static const cube_plugin plugin = {sizeof(cube_plugin), ABI,    #FUNCTION, "0", DESCRIBE,     \
                                       create,              NULL,   RUN};                        \
    return &plugin;                                                                              \
  }

PLUGIN(plugin_none, CUBE_PLUGIN_ABI, none, counts)
PLUGIN(plugin_refuses, CUBE_PLUGIN_ABI, refuses, counts)
PLUGIN(plugin_refuses_silently, CUBE_PLUGIN_ABI, refuses_silently, counts)
PLUGIN(plugin_no_name, CUBE_PLUGIN_ABI, no_name, counts)
PLUGIN(plugin_no_type, CUBE_PLUGIN_ABI, no_type, counts)
PLUGIN(plugin_bad_nodata, CUBE_PLUGIN_ABI, bad_nodata, counts)
PLUGIN(plugin_same_name, CUBE_PLUGIN_ABI, same_name, counts)
PLUGIN(plugin_bad_halo, CUBE_PLUGIN_ABI, bad_halo, counts)
PLUGIN(plugin_counts, CUBE_PLUGIN_ABI, one_byte, counts)
PLUGIN(plugin_fails, CUBE_PLUGIN_ABI, one_byte, fails)
PLUGIN(plugin_of_tomorrow, 2, one_byte, counts)
PLUGIN(plugin_cannot_run, CUBE_PLUGIN_ABI, one_byte, NULL)

const cube_plugin *plugin_null(void);
const cube_plugin *plugin_null(void) { return NULL; }

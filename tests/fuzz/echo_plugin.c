/* A plugin that says of its bands what its argument "says" says: lines "NAME DTYPE NODATA SCALE", or
 * "halo T Y X". */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cube_plugin.h"

static int describe(const cube_input *input, cube_output *output) {
  if (input->argument_count == 0) return 1;
  const char *text = input->arguments[0].text;
  while (*text) {
    const char *end = strchr(text, '\n');
    const size_t length = end ? (size_t)(end - text) : strlen(text);
    char line[256];
    const size_t kept = length < sizeof line - 1 ? length : sizeof line - 1;
    memcpy(line, text, kept);
    line[kept] = 0;
    text += length + (end ? 1 : 0);
    char *numbers = strchr(line, ' ');
    if (!numbers) {
      output->fail(output->host, line);
      return 1;
    }
    *numbers++ = 0;
    if (strcmp(line, "halo") == 0) {
      output->halo_t = strtoll(numbers, &numbers, 10);
      output->halo_y = strtoll(numbers, &numbers, 10);
      output->halo_x = strtoll(numbers, &numbers, 10);
      continue;
    }
    cube_band band;
    memset(&band, 0, sizeof band);
    band.size = sizeof band;
    band.name = strcmp(line, "null") == 0 ? NULL : line;
    band.dtype = (int32_t)strtol(numbers, &numbers, 10);
    band.nodata = strtod(numbers, &numbers);
    band.scale = strtod(numbers, &numbers);
    output->add_band(output->host, &band);
  }
  return 0;
}

static int run(void *state, const cube_call *call) {
  (void)state, (void)call;
  return 0;
}

const cube_plugin *cube_plugin_v1(void);
const cube_plugin *cube_plugin_v1(void) {
  static const cube_plugin plugin = {sizeof(cube_plugin), CUBE_PLUGIN_ABI, "echo", "0", describe, NULL, NULL, run};
  return &plugin;
}

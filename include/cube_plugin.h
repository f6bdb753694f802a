/* Code of your own for cubes, in a shared library: what `cube` calls, and what it hands over.
 *
 * A library exports one function (several under other names, if it holds several):
 *
 *   const cube_plugin *cube_plugin_v1(void);
 *
 * which returns a description that lives as long as the library. A graph names the library:
 *
 *   {"cube_type": "plugin", "file": "libmine.so", "arguments": {"radius": 2}, "in_cube": ...}
 *
 * Cells are doubles, NaN = missing, in the order slices, rows (from the top), columns. What a band is
 * stored as is declared apart from that.
 *
 * Versions: `abi` of all structures below is CUBE_PLUGIN_ABI. Later versions of the same abi only add
 * members at the ends; `size` (sizeof as the giver was compiled) tells what is there.
 *
 * Errors: functions that can fail return 0 for success; otherwise they first say why by
 * `fail(host, "reason")`, which copies the text. Do not let C++ exceptions out.
 *
 * Threads: describe() is called on one thread, with any number of nodes after one another; create(),
 * run() and destroy() on the thread that uses the state, many threads at the same time. Calls cannot be
 * interrupted: there is no time limit, and a crash is the crash of the whole program.
 */
#ifndef CUBE_PLUGIN_H
#define CUBE_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CUBE_PLUGIN_ABI 1

/* Types of stored cells. */
enum {
  CUBE_UINT8 = 0,
  CUBE_INT16 = 1,
  CUBE_UINT16 = 2,
  CUBE_INT32 = 3,
  CUBE_UINT32 = 4,
  CUBE_FLOAT32 = 5,
  CUBE_FLOAT64 = 6
};

/* Of cube_argument.kind. */
enum { CUBE_TEXT = 0, CUBE_NUMBER = 1, CUBE_FLAG = 2, CUBE_NUMBERS = 3 };

typedef struct {
  uint32_t size;
  int32_t dtype;
  const char *name;
  double nodata; /* of an integer type; NaN = none */
  double scale;  /* physical value = cell * scale + offset; not applied to the cells */
  double offset;
  const char *unit; /* "" = unknown */
} cube_band;

typedef struct {
  uint32_t size;
  int32_t kind;
  const char *name;
  const char *text; /* of CUBE_TEXT, else "" */
  double number;    /* of CUBE_NUMBER; 0 or 1 of CUBE_FLAG */
  const double *numbers;
  size_t number_count; /* of CUBE_NUMBERS */
} cube_argument;

/* The input and what the graph asks for. All pointers live as long as states made from it. */
typedef struct {
  uint32_t size;
  uint32_t band_count;
  const cube_band *bands;
  int64_t slices, rows, columns; /* of the whole cube */
  const double *times;           /* starts of the slices, seconds since 1970 */
  double left, top, dx, dy;      /* outer corner and size of cells, units of the reference system */
  const char *srs;               /* "EPSG:32631" or WKT; "" = none */
  uint32_t argument_count;
  const cube_argument *arguments;
} cube_input;

/* What describe() fills in. */
typedef struct {
  uint32_t size;
  int32_t whole_series; /* 1: every call needs all slices of the input */
  int64_t halo_t, halo_y, halo_x; /* cells needed around each cell, on both sides */
  void *host;
  /* Adds a band that the plugin makes. Only name, dtype, nodata, scale, offset, unit count. */
  void (*add_band)(void *host, const cube_band *band);
  void (*fail)(void *host, const char *reason);
} cube_output;

/* A box of cells: slices [t, t + nt), rows [y, y + ny), columns [x, x + nx) of the cube. */
typedef struct {
  int64_t t, y, x;
  int64_t nt, ny, nx;
} cube_box;

/* One call. Cell (t, y, x) of a box is at index ((t - box.t) * box.ny + (y - box.y)) * box.nx +
 * (x - box.x) of each band. `given` holds `made` and the halo as far as the cube reaches. */
typedef struct {
  uint32_t size;
  uint32_t input_count;
  uint32_t output_count;
  cube_box given;
  cube_box made;
  const double *const *inputs; /* a band each, cells of `given` */
  double *const *outputs;      /* a band each, cells of `made`; NaN when called */
  void *host;
  void (*fail)(void *host, const char *reason);
} cube_call;

typedef struct {
  uint32_t size;
  uint32_t abi; /* CUBE_PLUGIN_ABI */
  const char *name;
  const char *version;

  /* Checks the input and its arguments and says what comes out. */
  int (*describe)(const cube_input *input, cube_output *output);

  /* The state of one thread; may be NULL, as may be both functions. */
  void *(*create)(const cube_input *input);
  void (*destroy)(void *state);

  /* Fills the outputs. */
  int (*run)(void *state, const cube_call *call);
} cube_plugin;

#ifdef __cplusplus
}
#endif

#endif

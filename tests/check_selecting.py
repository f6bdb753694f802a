"""Operators that select cells, bands and slices, and those that put cubes together, against numpy's
indexing and GDAL."""
import sys
import unittest

try:
    import numpy as np
    from osgeo import gdal
except ImportError as error:
    print("skipped:", error)
    sys.exit(77)

from raster_files import RasterCase, gaps

gdal.UseExceptions()
UNEVEN = ("--chunk", "2,7,11", "--threads", "3")
RULES = {"first": lambda v: v[0], "last": lambda v: v[-1], "min": np.min, "max": np.max,
         "mean": np.mean, "sum": np.sum}


class Merge(RasterCase):
    def test_mosaic(self):
        random = np.random.default_rng(12)
        whole = np.full((3, 90, 120), np.nan)
        cubes = []
        for i, (y, x, h, w) in enumerate(((0, 0, 50, 70), (30, 40, 60, 80), (10, 90, 20, 25))):
            cells = gaps(random.normal(0, 1, (h, w)), random)
            cubes.append(self.write(f"a{i}.tif", cells, left=5e5 + 10 * x, top=5e6 - 10 * y,
                                    tile=16))
            whole[i, y:y + h, x:x + w] = cells
        first = np.where(np.isnan(whole[0]), np.where(np.isnan(whole[1]), whole[2], whole[1]),
                         whole[0])
        none = np.isnan(whole).all(0)
        for overlap, wanted in (("first", first), ("max", np.nanmax(whole, 0)),
                                ("mean", np.nanmean(whole, 0)),
                                ("sum", np.where(none, np.nan, np.nansum(whole, 0)))):
            for more in ([], ["--chunk", "1,16,48"]):
                got, dataset, _ = self.run_graph(
                    {"cube_type": "merge", "overlap": overlap, "in_cubes": cubes}, *more)
                self.assertSame(got, wanted, rtol=1e-15)
        self.assertEqual(dataset.GetGeoTransform(), (5e5, 10, 0, 5e6, 0, -10))

    def united(self, parts, shape, rule):
        """Cells of the parts ((t, y, x) of the first cell, cells [t, y, x]) in one cube."""
        layers = np.full((len(parts),) + shape, np.nan)
        for layer, ((t, y, x), cells) in zip(layers, parts):
            layer[t:t + cells.shape[0], y:y + cells.shape[1], x:x + cells.shape[2]] = cells
        out = np.full(shape, np.nan)
        for index in np.ndindex(*shape):
            values = layers[(slice(None),) + index]
            values = values[~np.isnan(values)]
            if values.size:
                out[index] = RULES[rule](values)
        return out

    def test_overlaps_in_time_and_space(self):
        random = np.random.default_rng(25)
        places = (((1, 0, 0), (3, 14, 18)), ((0, 6, 9), (3, 13, 20)), ((3, 2, 5), (3, 15, 9)))
        parts = [(place, gaps(random.normal(0, 9, size), random, 0.4)) for place, size in places]
        cubes, labelled = [], []
        for i, ((t, y, x), cells) in enumerate(parts):
            stack = self.stack(cells, name=f"p{i}_", left=5e5 + 10 * x, top=5e6 - 10 * y, tile=16)
            stack["datetime"] = [f"2020-01-{t + k + 1:02}" for k in range(len(cells))]
            labelled.append(stack)
            cubes.append({"cube_type": "aggregate_time", "dt": "P1D", "func": "first",
                          "in_cube": stack})
        for rule in RULES:
            wanted = self.united(parts, (6, 19, 29), rule)
            self.assertGreater(np.isnan(wanted).sum(), 100)
            for in_cubes in (cubes, labelled):
                for more in ((), UNEVEN):
                    got, dataset = self.series({"cube_type": "merge", "overlap": rule,
                                                "in_cubes": in_cubes}, *more)
                    with self.subTest(rule):
                        self.assertSame(got, wanted, rtol=1e-14)
            self.assertEqual(dataset.GetGeoTransform(), (5e5, 10, 0, 5e6, 0, -10))

    def test_overlaps_of_one_place_in_time(self):
        """Every second day of one cube has a slice of the other."""
        random = np.random.default_rng(26)
        cells = [gaps(random.normal(0, 9, (count, 9, 12)), random, 0.4) for count in (6, 3)]
        daily, other = (self.stack(c, name=f"q{i}_", tile=16) for i, c in enumerate(cells))
        other["datetime"] = ["2020-01-01", "2020-01-03", "2020-01-05"]
        layers = np.full((2, 6, 9, 12), np.nan)
        layers[0], layers[1, ::2] = cells
        for rule, reduce in (("first", lambda v: np.where(np.isnan(v[0]), v[1], v[0])),
                             ("last", lambda v: np.where(np.isnan(v[1]), v[0], v[1])),
                             ("min", lambda v: np.fmin(*v)), ("max", lambda v: np.fmax(*v)),
                             ("mean", lambda v: np.nanmean(v, 0)),
                             ("sum", lambda v: np.where(np.isnan(v).all(0), np.nan, np.nansum(v, 0)))):
            got, _ = self.series({"cube_type": "merge", "overlap": rule, "in_cubes": [daily, other]},
                                 *UNEVEN)
            self.assertSame(got, reduce(layers), rtol=1e-14)


class Selecting(RasterCase):
    """crop, slice_space, mask and join_bands on a stack, against numpy's indexing."""

    def setUp(self):
        super().setUp()
        random = np.random.default_rng(21)
        self.cells = np.array([gaps(random.normal(0, 1, (50, 80)), random) for _ in range(4)])
        self.days = self.stack(self.cells, tile=16)

    def test_crop(self):
        for more in ([], ["--chunk", "1,7,11", "--threads", "3"]):
            got, dataset = self.series({"cube_type": "crop", "in_cube": self.days, "ix_min": 10,
                                        "ix_max": 40, "iy_min": 5, "iy_max": 49, "it_min": 1,
                                        "it_max": 2}, *more)
            self.assertSame(got, self.cells[1:3, 5:50, 10:41])
            self.assertEqual(dataset.GetGeoTransform(), (5e5 + 100, 10, 0, 5e6 - 50, 0, -10))
            wide, dataset = self.series({"cube_type": "crop", "in_cube": self.days, "ix_min": -3,
                                         "iy_max": 60}, *more)
            self.assertSame(wide, np.pad(self.cells, ((0, 0), (0, 11), (3, 0)),
                                         constant_values=np.nan))
        for snap, (first, last) in (("near", (2, 6)), ("in", (3, 6)), ("out", (2, 7))):
            got, _ = self.series({"cube_type": "crop", "in_cube": self.days, "snap": snap,
                                  "extent": {"left": 5e5 + 24, "right": 5e5 + 72, "top": 5e6,
                                             "bottom": 5e6 - 500, "t0": "2020-01-02",
                                             "t1": "2020-01-03"}})
            self.assertSame(got, self.cells[1:3, :, first:last + 1])

    def test_crop_beyond_the_ends_of_steps(self):
        daily = {"cube_type": "aggregate_time", "dt": "P1D", "func": "first", "in_cube": self.days}
        got, dataset = self.series({"cube_type": "crop", "in_cube": daily, "it_min": -2, "it_max": 4,
                                    "iy_min": -4, "ix_max": 90}, *UNEVEN)
        self.assertSame(got, np.pad(self.cells, ((2, 1), (4, 0), (0, 11)), constant_values=np.nan))
        self.assertEqual(dataset.GetGeoTransform(), (5e5, 10, 0, 5e6 + 40, 0, -10))
        extent = {"t0": "2019-12-31", "t1": "2020-01-02T12:00:00", "left": 5e5 - 20, "right": 5e5 + 30,
                  "top": 5e6 - 470, "bottom": 5e6 - 530}
        got, dataset = self.series({"cube_type": "crop", "in_cube": daily, "extent": extent,
                                    "snap": "out"}, *UNEVEN)
        self.assertSame(got, np.pad(self.cells[:2, 47:, :3], ((1, 0), (0, 3), (2, 0)),
                                    constant_values=np.nan))
        self.assertEqual(dataset.GetGeoTransform(), (5e5 - 20, 10, 0, 5e6 - 470, 0, -10))

    def test_crop_snaps_rows_and_slices(self):
        months = {**self.days, "datetime": [f"2020-0{m}-15" for m in range(1, 5)]}
        monthly = {"cube_type": "aggregate_time", "dt": "P1M", "func": "first", "in_cube": months}
        # Rows from 2.4 to 7.6, slices from 19 / 31 to 2 + 20 / 31.
        extent = {"top": 5e6 - 24, "bottom": 5e6 - 76, "t0": "2020-01-20", "t1": "2020-03-20"}
        for snap, rows, slices in (("near", (2, 8), (1, 3)), ("in", (3, 7), (1, 2)),
                                   ("out", (2, 8), (0, 3))):
            got, _ = self.series({"cube_type": "crop", "in_cube": monthly, "extent": extent,
                                  "snap": snap}, *UNEVEN)
            with self.subTest(snap):
                self.assertSame(got, self.cells[slice(*slices), slice(*rows)])

    def test_crop_keeps_values_of_whole_numbers(self):
        cells = np.arange(256, dtype="uint8").reshape(1, 16, 16)
        for nodata, dtype in ((None, gdal.GDT_Int16), (7, gdal.GDT_Byte)):
            got, dataset = self.series({"cube_type": "crop", "ix_min": -1, "ix_max": 16,
                                        "in_cube": self.stack(cells, nodata, "u")})
            wanted = np.where(cells == nodata, np.nan, cells)
            self.assertSame(got, np.pad(wanted, ((0, 0), (0, 0), (1, 1)), constant_values=np.nan))
            self.assertEqual(dataset.GetRasterBand(1).DataType, dtype)

    def bands(self, cube):
        """a, b = 2 a and c = ix + 100 iy, and their cells."""
        iy, ix = np.mgrid[0:50, 0:80]
        cells = {"a": self.cells, "b": 2 * self.cells,
                 "c": np.broadcast_to(ix + 100.0 * iy, self.cells.shape)}
        return {"cube_type": "apply_pixel", "expr": ["2 * a", "ix + 100 * iy"], "keep_bands": True,
                "band_names": ["b", "c"], "dtype": "float64", "in_cube": cube}, cells

    def test_one_slice_and_bands_in_order(self):
        daily = {"cube_type": "aggregate_time", "dt": "P1D", "func": "first", "in_cube": self.days}
        for source in (self.days, daily):
            cube, cells = self.bands(source)
            for keys in ({"t": "2020-01-03"}, {"t": 2}, {"it": 2}):
                slice_ = {"cube_type": "slice_time", "in_cube": cube, **keys}
                bands = {"cube_type": "select_bands", "bands": ["c", "a"], "in_cube": slice_}
                for chosen, names in ((bands, "ca"), (slice_, "abc"), (
                        {"cube_type": "rename_bands", "band_names": {"c": "a", "a": "c"},
                         "in_cube": bands}, "ca")):
                    _, dataset, got = self.run_graph(chosen, *UNEVEN)
                    self.assertSame(got, [cells[name][2] for name in names])
                last = [dataset.GetRasterBand(i).GetDescription() for i in (1, 2)]
                self.assertEqual(last, ["a", "c"])
        got, _ = self.series({"cube_type": "slice_time", "t": "2020-01-03T18:00:00",
                              "in_cube": daily}, *UNEVEN)
        self.assertSame(got, self.cells[2:3])

    def test_some_slices(self):
        daily = {"cube_type": "aggregate_time", "dt": "P1D", "func": "first", "in_cube": self.days}
        for source in (self.days, daily):
            for t, wanted in ((["2020-01-04", "2020-01-01", "2020-01-03"], [0, 2, 3]),
                              ("2020-01-02", [1])):
                got, _ = self.series({"cube_type": "select_time", "t": t, "in_cube": source}, *UNEVEN)
                self.assertSame(got, self.cells[wanted])

    def test_filter_pixel(self):
        cube, cells = self.bands(self.days)
        a, c = cells["a"], cells["c"]
        iy, ix = np.mgrid[0:50, 0:80]
        there = ~np.isnan(a)
        second = np.arange(4)[:, None, None] == 1
        for predicate, kept in (("a > 0 && c % 3 == 0", there & (a > 0) & (c % 3 == 0)),
                                ("a", there & (a != 0)), ("it == 1 || ix < iy", second | (ix < iy)),
                                ("isnan(a)", ~there)):
            for band in "abc":
                got, _ = self.series({"cube_type": "select_bands", "bands": [band], "in_cube": {
                    "cube_type": "filter_pixel", "predicate": predicate, "in_cube": cube}}, *UNEVEN)
                with self.subTest(f"{predicate} {band}"):
                    self.assertSame(got, np.where(kept, cells[band], np.nan))

    def test_slice_space(self):
        for keys in ({"ix": 79, "iy": 12}, {"x": 5e5 + 799.9, "y": 5e6 - 120},
                     {"x": 5e5 + 800, "y": 5e6 - 129.9}):  # an edge is the cell's on its right, or
            got, dataset = self.series({"cube_type": "slice_space", "in_cube": self.days, **keys})
            self.assertSame(got.ravel(), self.cells[:, 12, 79])
            self.assertEqual(dataset.GetGeoTransform(), (5e5 + 790, 10, 0, 5e6 - 120, 0, -10))

    def test_mask(self):
        random = np.random.default_rng(22)
        classes = random.integers(0, 5, (50, 80)).astype("uint8")
        mask = self.write("m.tif", classes, 0, tile=16)
        there = classes != 0
        series = {**self.days}
        for more in ([], ["--chunk", "1,7,11", "--threads", "3"]):
            for keys, hidden in (({"predicate": "a > 2"}, there & (classes > 2)),
                                 ({"predicate": "a > 2", "invert": True}, ~(classes > 2)),
                                 ({}, there)):
                got, _ = self.series({"cube_type": "mask", "mask": mask, "in_cube": self.days,
                                      **keys}, *more)
                # A missing predicate hides too.
                hidden = hidden | ~there if "invert" not in keys else hidden
                self.assertSame(got, np.where(hidden, np.nan, self.cells))
                got, _ = self.series({"cube_type": "mask", "mask": mask, "in_cube": self.days,
                                      "replacement": -7, **keys}, *more)
                self.assertSame(got, np.where(hidden, -7, self.cells))
        got, _ = self.series({"cube_type": "mask", "mask": series, "predicate": "a > 0",
                              "in_cube": self.days})
        self.assertSame(got, np.where(self.cells <= 0, self.cells, np.nan))

    def test_join_bands(self):
        other = {"cube_type": "apply_pixel", "expr": ["2 * a"], "band_names": ["a"],
                 "dtype": "float64", "in_cube": self.days}
        for keys, names in (({"prefixes": ["p", "q"]}, ("p.a", "q.a")),
                            ({"prefixes": ["", "q"]}, ("a", "q.a"))):
            joined = {"cube_type": "join_bands", "in_cubes": [self.days, other], **keys}
            out = {"cube_type": "apply_pixel", "expr": [f"{names[0]} + 10 * {names[1]}"],
                   "band_names": ["sum"], "dtype": "float64", "in_cube": joined}
            got, _ = self.series(out, "--chunk", "1,9,13")
            self.assertSame(got, 21 * self.cells, rtol=1e-14)

    def test_join_bands_of_any_chunks(self):
        cubes = [{**self.days, "chunk_size": size} for size in ([1, 8, 16], [4, 50, 3])]
        cubes.append({"cube_type": "apply_pixel", "expr": "3 * a", "band_names": "a",
                      "dtype": "float64", "in_cube": self.days})
        joined = {"cube_type": "join_bands", "in_cubes": cubes, "prefixes": ["", "old", "new"]}
        for expr, factor in (("a", 1), ("old.a", 1), ("new.a", 3), ("new.a - old.a + a", 3)):
            got, _ = self.series({"cube_type": "apply_pixel", "expr": expr, "dtype": "float64",
                                  "in_cube": joined})
            self.assertSame(got, factor * self.cells, rtol=1e-14)
        _, dataset, got = self.run_graph({"cube_type": "slice_time", "it": 3, "in_cube": joined})
        self.assertSame(got, [self.cells[3], self.cells[3], 3 * self.cells[3]])
        names = [dataset.GetRasterBand(i + 1).GetDescription() for i in range(3)]
        self.assertEqual(names, ["a", "old.a", "new.a"])


if __name__ == "__main__":
    unittest.main(warnings="ignore")  # numpy's, about cells without values

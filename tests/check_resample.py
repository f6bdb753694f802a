"""resample of cubes against gdalwarp, where both mean the same, and against the textbook, slowly."""
import math
import sys
import unittest

try:
    import numpy as np
    from osgeo import gdal, osr
except ImportError as error:
    print("skipped:", error)
    sys.exit(77)

from raster_files import RasterCase, gaps

gdal.UseExceptions()
AREA = ("average", "rms", "sum", "mode", "min", "max", "med", "q1", "q3")
KERNELS = ("near", "bilinear", "cubic", "cubicspline", "lanczos")


def kernel(method, distance):
    """The weight of a cell whose centre is `distance` away."""
    x = abs(distance)
    if method == "bilinear":
        return max(0.0, 1 - x)
    if method == "lanczos":
        if x == 0 or x >= 3:
            return float(x == 0)
        return math.sin(math.pi * x) / (math.pi * x) * math.sin(math.pi * x / 3) / (math.pi * x / 3)
    if method == "cubic":
        if x <= 1:
            return 1.5 * x ** 3 - 2.5 * x * x + 1
        return -0.5 * x ** 3 + 2.5 * x * x - 4 * x + 2 if x <= 2 else 0.0
    if x <= 1:
        return 2 / 3 - x * x + 0.5 * x ** 3
    return (2 - x) ** 3 / 6 if x <= 2 else 0.0


def weights_along(method, center, size):
    """Cells along an axis and what each counts; `center` and `size` of a new cell in old ones."""
    if method in AREA:
        begin, end = center - size / 2, center + size / 2
        return {i: min(i + 1, end) - max(i, begin) for i in range(math.floor(begin), math.ceil(end))}
    scale = size if size * 0.95 > 1 and method != "bilinear" else 1
    reach = math.ceil(3 * scale) + 1
    middle = math.floor(center)
    return {i: kernel(method, (i + 0.5 - center) / scale) for i in range(middle - reach, middle + reach + 1)}


def first_most_frequent(values):
    counts, best = {}, None
    for value in values:
        counts[value] = counts.get(value, 0) + 1
        if best is None or counts[value] > counts[best]:
            best = value
    return best


def reduced(method, values, weights, share):
    """Of the cells that are there; `share` of all weights are theirs. None = the centre's cell."""
    if method in ("min", "max"):
        return getattr(np, method)(values)
    if method == "mode":
        return first_most_frequent(values)
    if method in ("med", "q1", "q3"):
        rank = math.ceil({"med": 0.5, "q1": 0.25, "q3": 0.75}[method] * len(values))
        return sorted(values)[rank - 1]
    if method == "sum":
        return np.sum(values * weights)
    if method == "rms":
        return math.sqrt(np.sum(weights * values ** 2) / np.sum(weights))
    return None if share < 0.1 else np.sum(weights * values) / np.sum(weights)


def textbook(cells, method, left, top, size, shape):
    """`left`, `top` and `size` of the new cells in old ones, from the upper left corner."""
    out = np.full(shape, np.nan)
    height, width = cells.shape
    for row, column in np.ndindex(*shape):
        y, x = top + (row + 0.5) * size, left + (column + 0.5) * size
        if not (0 <= y < height and 0 <= x < width) or math.isnan(cells[int(y), int(x)]):
            continue
        center = cells[int(y), int(x)]
        if method == "near":
            out[row, column] = center
            continue
        down, across = (weights_along(method, at, size) for at in (y, x))
        values, weights, every = [], [], 0
        for (i, p), (k, q) in ((a, b) for a in down.items() for b in across.items()):
            every += p * q
            inside = 0 <= i < height and 0 <= k < width
            if p * q != 0 and inside and not math.isnan(cells[i, k]):
                values.append(cells[i, k])
                weights.append(p * q)
        value = reduced(method, np.array(values), np.array(weights), sum(weights) / every)
        out[row, column] = center if value is None else value
    return out


class Warped(RasterCase):
    """Against gdalwarp where it has one answer: on whole neighbourhoods, without its own scaling."""

    def warped(self, name, method, left, top, dx, shape, srs="EPSG:32631"):
        height, width = shape
        out = gdal.Warp("", self.path(name), format="MEM", resampleAlg=method, dstSRS=srs,
                        outputBounds=(left, top - height * dx, left + width * dx, top),
                        width=width, height=height, errorThreshold=0, outputType=gdal.GDT_Float64,
                        dstNodata=np.nan, warpOptions=["XSCALE=1", "YSCALE=1"])
        return out.ReadAsArray()

    def check(self, source, method, left, top, dx, shape, rtol, atol=1e-9,
              srs="EPSG:32631", inner=3):
        height, width = shape
        view = {"space": {"left": left, "right": left + width * dx, "top": top,
                          "bottom": top - height * dx, "nx": width, "ny": height, "srs": srs}}
        graph = {"cube_type": "resample", "method": method, "view": view, "in_cube": source}
        got, dataset, _ = self.run_graph(graph, "--chunk", "1,17,23", "--threads", "2")
        self.assertSame(got, self.run_graph(graph)[0])
        self.assertEqual(dataset.GetGeoTransform(), (left, dx, 0, top, 0, -dx))
        wanted = self.warped(source["file"], method, left, top, dx, shape, srs)
        both = np.isfinite(got) & np.isfinite(wanted)
        for _ in range(inner):  # kernels at the source's edges are GDAL's own
            wide = np.pad(both, 1)
            both = wide[1:-1, 1:-1] & wide[:-2, 1:-1] & wide[2:, 1:-1] & wide[1:-1, :-2] & wide[1:-1, 2:]
        self.assertGreater(both.mean(), 0.5)
        self.assertSame(got[both], wanted[both], rtol=rtol, atol=atol)
        return got, wanted

    def test_finer_and_shifted(self):
        random = np.random.default_rng(16)
        cells = random.normal(100, 30, (60, 70))
        source = self.write("a.tif", cells, tile=16)
        for method in KERNELS:
            with self.subTest(method):
                self.check(source, method, 5e5 + 33, 5e6 - 27, 4, (120, 140), 1e-7, inner=0)

    def test_nearest_with_gaps_beyond_the_edges(self):
        random = np.random.default_rng(17)
        source = self.write("a.tif", gaps(random.normal(0, 9, (40, 50)), random), tile=16)
        got, wanted = self.check(source, "near", 5e5 - 47, 5e6 + 31, 7, (70, 90), 0, inner=0)
        self.assertSame(got, wanted)

    def test_other_zone(self):
        random = np.random.default_rng(18)
        smooth = np.cumsum(np.cumsum(random.normal(0, 1, (200, 200)), 0), 1)
        source = self.write("a.tif", smooth, left=7.4e5)
        zones = [osr.SpatialReference() for _ in range(2)]
        for zone, code in zip(zones, (32631, 32632)):
            zone.ImportFromEPSG(code)
        x, y, _ = osr.CoordinateTransformation(*zones).TransformPoint(7.41e5, 4.999e6)
        for method in ("bilinear", "cubic"):
            # Places are right to a hundredth of a cell.
            steepest = max(np.abs(np.diff(smooth, axis=axis)).max() for axis in (0, 1))
            self.check(source, method, round(x) - 1000, round(y) + 1000, 10, (200, 200), 0,
                       atol=0.02 * steepest, srs="EPSG:32632")

    def test_areas_of_a_cube_with_gaps(self):
        """Cells of a formula, not of a file; where the middle one is missing gdalwarp has a value."""
        random = np.random.default_rng(19)
        cells = gaps(random.integers(1, 9, (60, 90)), random, 0.3)
        file = self.write("a.tif", cells, tile=16)
        doubled = {"cube_type": "apply_pixel", "expr": ["a / 2"], "band_names": ["a"],
                   "dtype": "float64", "in_cube": file}
        self.write("half.tif", cells / 2, np.nan)
        for left, top, dx, shape in ((5e5, 5e6, 30, (20, 30)), (5e5 + 13, 5e6 - 21, 27, (19, 30))):
            height, width = shape
            view = {"space": {"left": left, "right": left + width * dx, "top": top,
                              "bottom": top - height * dx, "dx": dx, "srs": "EPSG:32631"}}
            y = ((5e6 - top + (np.arange(height) + 0.5) * dx) / 10).astype(int)
            x = ((left - 5e5 + (np.arange(width) + 0.5) * dx) / 10).astype(int)
            there = ~np.isnan(cells[np.ix_(y, x)])
            for method in AREA:
                graph = {"cube_type": "resample", "method": method, "view": view, "in_cube": doubled}
                got = self.run_graph(graph, "--chunk", "1,7,13")[0]
                wanted = self.warped("half.tif", method, left, top, dx, shape)
                with self.subTest(f"{method} {dx}"):
                    self.assertSame(got, np.where(there, wanted, np.nan), rtol=1e-6)


class Textbook(RasterCase):
    def setUp(self):
        super().setUp()
        random = np.random.default_rng(23)
        self.cells = np.array([gaps(random.integers(0, 12, (23, 31)), random, share)
                               for share in (0.15, 0.6)])
        self.cells[:, 5:11, 8:16] = np.nan
        self.stack_ = self.stack(self.cells, tile=16)

    def resample(self, left, top, size, shape, **keys):
        """`left`, `top` and `size` in cells of the stack."""
        view = {"space": {"left": 5e5 + 10 * left, "right": 5e5 + 10 * (left + shape[1] * size),
                          "top": 5e6 - 10 * top, "bottom": 5e6 - 10 * (top + shape[0] * size),
                          "nx": shape[1], "ny": shape[0], "srs": "EPSG:32631"}}
        return {"cube_type": "resample", "view": view, "in_cube": self.stack_, **keys}

    GRIDS = ((-1.3, -2.71, 0.37, (14, 18)), (0.21, 0.13, 1.9, (13, 18)), (-2.13, -1.71, 3.3, (8, 11)))

    def test_every_method(self):
        """Of a series with gaps, on grids finer and coarser that stick out on all sides."""
        for method in KERNELS + AREA:
            for grid in self.GRIDS:
                got, _ = self.series(self.resample(*grid, method=method), "--chunk", "1,5,7")
                wanted = [textbook(cells, method, *grid) for cells in self.cells]
                with self.subTest(f"{method} {grid[2]}"):
                    self.assertGreater(np.isfinite(wanted).sum(), 20)
                    self.assertSame(got, wanted, rtol=1e-9, atol=1e-9)

    def test_fill_stands_outside_only(self):
        for method in ("near", "lanczos", "average", "max"):
            grid = self.GRIDS[2]
            got, _ = self.series(self.resample(*grid, method=method, fill=-5), "--chunk", "2,3,4")
            rows = grid[1] + (np.arange(8) + 0.5) * 3.3
            columns = grid[0] + (np.arange(11) + 0.5) * 3.3
            inside = ((rows >= 0) & (rows < 23))[:, None] & ((columns >= 0) & (columns < 31))
            self.assertTrue(0 < inside.sum() < inside.size)
            wanted = [np.where(inside, textbook(cells, method, *grid), -5) for cells in self.cells]
            self.assertTrue(np.isnan(wanted).any())
            self.assertSame(got, wanted, rtol=1e-9, atol=1e-9)

    def test_whole_numbers_are_rounded_and_clamped(self):
        random = np.random.default_rng(24)
        cells = random.choice([1, 2, 250, 254, 255], (23, 31)).astype("uint8")
        self.stack_ = self.write("bytes.tif", cells, 255)
        real = np.where(cells == 255, np.nan, cells)
        clamped = 0
        for method in KERNELS + AREA:
            for grid in self.GRIDS[:2]:
                got, dataset, _ = self.run_graph(self.resample(*grid, method=method))
                wanted = textbook(real, method, *grid)
                clamped += np.sum(wanted < -0.6)
                # Values next to a half may go either way; 255 means missing, so 254 is the highest.
                half = np.abs(wanted % 1 - 0.5) < 1e-6
                wanted = np.clip(np.rint(wanted), 0, 254)
                with self.subTest(f"{method} {grid[2]}"):
                    self.assertEqual(dataset.GetRasterBand(1).DataType, gdal.GDT_Byte)
                    self.assertLess(half.mean(), 0.1)
                    self.assertSame(np.where(half, 0, got), np.where(half, 0, wanted))
        self.assertGreater(clamped, 10)

    def test_like_fill_and_dtype(self):
        random = np.random.default_rng(20)
        source = self.write("a.tif", random.integers(0, 99, (30, 30)).astype("uint8"), tile=16)
        like = self.write("like.tif", np.zeros((20, 25), "uint8"), left=5e5 - 25, top=5e6 + 35, dx=5,
                          dy=5, tile=16)
        for given in (like["file"], like):
            got, dataset, _ = self.run_graph({"cube_type": "resample", "like": given, "fill": 200,
                                              "dtype": "int32", "in_cube": source})
            self.assertEqual(dataset.GetGeoTransform(), (5e5 - 25, 5, 0, 5e6 + 35, 0, -5))
            self.assertEqual(dataset.GetRasterBand(1).DataType, gdal.GDT_Int32)
            wanted = np.full((20, 25), 200.0)
            cells = gdal.Open(self.path("a.tif")).ReadAsArray()
            for y in range(7, 20):
                for x in range(5, 25):
                    wanted[y, x] = cells[int((y + 0.5) * 0.5 - 3.5), int((x + 0.5) * 0.5 - 2.5)]
            self.assertSame(got, wanted)


if __name__ == "__main__":
    unittest.main(warnings="ignore")  # numpy's, about what is missing

"""Warps of fields that are known everywhere, in cells of the source: how far from the truth a value
comes (the position), and how far between cells (the interpolation).

The truth is made here: UTM by Krueger's series to the sixth order (Karney 2011, doi
10.1007/s00190-011-0445-3; nanometres within a zone), the Mercator of the web by its formula. PROJ and
GDAL are not asked where a cell lies."""
import functools
import unittest

import numpy as np
from osgeo import gdal, osr

from program import Case, cube

gdal.UseExceptions()
RADIUS = 6378137.0
FLATTENING = 1 / 298.257223563
SCALE = 0.9996
N = FLATTENING / (2 - FLATTENING)
ECCENTRICITY = np.sqrt(FLATTENING * (2 - FLATTENING))
RECTIFYING = RADIUS / (1 + N) * (1 + N**2 / 4 + N**4 / 64 + N**6 / 256)
# Row j: coefficients of n^j, n^(j+1), ... n^6.
ALPHA = ((1 / 2, -2 / 3, 5 / 16, 41 / 180, -127 / 288, 7891 / 37800),
         (13 / 48, -3 / 5, 557 / 1440, 281 / 630, -1983433 / 1935360),
         (61 / 240, -103 / 140, 15061 / 26880, 167603 / 181440),
         (49561 / 161280, -179 / 168, 6601661 / 7257600),
         (34729 / 80640, -3418889 / 1995840),
         (212378941 / 319334400,))
BETA = ((1 / 2, -2 / 3, 37 / 96, -1 / 360, -81 / 512, 96199 / 604800),
        (1 / 48, 1 / 15, -437 / 1440, 46 / 105, -1118711 / 3870720),
        (17 / 480, -37 / 840, -209 / 4480, 5569 / 90720),
        (4397 / 161280, -11 / 504, -830251 / 7257600),
        (4583 / 161280, -108847 / 3991680),
        (20648693 / 638668800,))


def series(rows):
    return [(j, sum(c * N**(j + k) for k, c in enumerate(row))) for j, row in enumerate(rows, 1)]


def conformal(tau):
    """The tangent of the conformal latitude."""
    sigma = np.sinh(ECCENTRICITY * np.arctanh(ECCENTRICITY * tau / np.hypot(1, tau)))
    return tau * np.hypot(1, sigma) - sigma * np.hypot(1, tau)


def to_utm(longitude, latitude, zone):
    """Degrees to metres, northern hemisphere."""
    angle = np.radians(longitude - (6 * zone - 183))
    tau = conformal(np.tan(np.radians(latitude)))
    xi = np.arctan2(tau, np.cos(angle))
    eta = np.arcsinh(np.sin(angle) / np.hypot(tau, np.cos(angle)))
    north = xi + sum(a * np.sin(2 * j * xi) * np.cosh(2 * j * eta) for j, a in series(ALPHA))
    east = eta + sum(a * np.cos(2 * j * xi) * np.sinh(2 * j * eta) for j, a in series(ALPHA))
    return 500000 + SCALE * RECTIFYING * east, SCALE * RECTIFYING * north


def from_utm(x, y, zone):
    north, east = y / (SCALE * RECTIFYING), (x - 500000) / (SCALE * RECTIFYING)
    xi = north - sum(b * np.sin(2 * j * north) * np.cosh(2 * j * east) for j, b in series(BETA))
    eta = east - sum(b * np.cos(2 * j * north) * np.sinh(2 * j * east) for j, b in series(BETA))
    wanted = np.sin(xi) / np.hypot(np.sinh(eta), np.cos(xi))
    tau = wanted
    for _ in range(5):  # Newton's steps
        slope = np.hypot(1, conformal(tau)) * np.hypot(1, tau) * (1 - ECCENTRICITY**2)
        tau = tau + (wanted - conformal(tau)) * (1 + (1 - ECCENTRICITY**2) * tau**2) / slope
    longitude = np.degrees(np.arctan2(np.sinh(eta), np.cos(xi))) + 6 * zone - 183
    return longitude, np.degrees(np.arctan(tau))


def from_mercator(x, y):
    return np.degrees(x / RADIUS), np.degrees(2 * np.arctan(np.exp(y / RADIUS)) - np.pi / 2)


TO_DEGREES = {4326: lambda x, y: (x, y), 3857: from_mercator,
              32632: lambda x, y: from_utm(x, y, 32), 32631: lambda x, y: from_utm(x, y, 31)}
# A grid of at most 10 m in each CRS, turned against zone 31 by up to 4 degrees.
RESOLUTION = {4326: 0.00008, 3857: 15.0, 32632: 10.0}
SIZE = 250
LEFT, TOP, CELL = 690000.0, 5400000.0, 10.0  # near 5.6 E 48.7 N
WAVE = 16.0  # cells


@functools.cache
def truth(code, transform, rows, columns):
    """Where the centres of a grid's cells lie in the source, in its columns and rows."""
    left, dx, _, top, _, dy = transform
    y, x = np.mgrid[0:rows, 0:columns] + 0.5
    east, north = to_utm(*TO_DEGREES[code](left + dx * x, top + dy * y), 31)
    return (east - LEFT) / CELL, (TOP - north) / CELL


def wave(column, row):
    return np.sin(2 * np.pi * column / WAVE) * np.cos(2 * np.pi * row / WAVE)


class Fields(Case):
    """source.tif: the place of each cell's centre in columns and in rows, and a wave."""

    def setUp(self):
        super().setUp()
        row, column = np.mgrid[0:SIZE, 0:SIZE] + 0.5
        data = gdal.GetDriverByName("GTiff").Create(self.path("source.tif"), SIZE, SIZE, 3,
                                                    gdal.GDT_Float64)
        data.SetGeoTransform([LEFT, CELL, 0, TOP, 0, -CELL])
        reference = osr.SpatialReference()
        reference.ImportFromEPSG(32631)
        data.SetSpatialRef(reference)
        for number, cells in enumerate((column, row, wave(column, row)), 1):
            data.GetRasterBand(number).WriteArray(cells)

    def warp(self, code, method, times=1):
        """Bands of the result, and the true columns and rows of its cells; all but those near the
        source's edge."""
        result = cube("warp", self.path("source.tif"), "--srs", f"EPSG:{code}", "--res",
                      repr(times * RESOLUTION[code]), "-r", method, "-o", self.path("out.tif"),
                      "--overwrite")
        self.assertEqual(result.returncode, 0, result.stderr)
        data = gdal.Open(self.path("out.tif"))
        column, row = truth(code, data.GetGeoTransform(), data.RasterYSize, data.RasterXSize)
        margin = 8 * times
        inside = (np.minimum(column, row) > margin) & (np.maximum(column, row) < SIZE - margin)
        self.assertGreater(inside.sum(), 0.4 * (SIZE / times) ** 2)
        return data.ReadAsArray()[:, inside], column[inside], row[inside]

    def errors(self, code, method, times=1):
        """The largest error of a position in cells, and of the wave, whose amplitude is 1."""
        bands, column, row = self.warp(code, method, times)
        self.assertTrue(np.isfinite(bands).all())
        place = max(np.abs(bands[0] - column).max(), np.abs(bands[1] - row).max())
        return place, np.abs(bands[2] - wave(column, row)).max()


class Truth(unittest.TestCase):
    def test_a_meridian_arc_known_from_elsewhere(self):
        # 4984944.378 m from the equator to 45 N on WGS 84, times the scale.
        east, north = to_utm(3.0, 45.0, 31)
        self.assertEqual(east, 500000)
        self.assertAlmostEqual(float(north), 4984944.378 * SCALE, places=3)

    def test_back_and_forth(self):
        longitude, latitude = np.meshgrid(np.linspace(-1, 10, 12), np.linspace(1, 80, 12))
        back = from_utm(*to_utm(longitude, latitude, 31), 31)
        self.assertLess(np.abs(back[0] - longitude).max(), 1e-12)
        self.assertLess(np.abs(back[1] - latitude).max(), 1e-12)


class Positions(Fields):
    def test_between_cells(self):
        # Methods that give linear fields back. A hundredth of a cell is what is promised.
        for code in RESOLUTION:
            for method in ("bilinear", "cubic", "cubicspline"):
                with self.subTest(code=code, method=method):
                    self.assertLess(self.errors(code, method)[0], 0.01)

    def test_nearest_takes_the_cell_that_holds_the_centre(self):
        for code in RESOLUTION:
            bands, column, row = self.warp(code, "near")
            for value, exact in zip(bands[:2], (column, row)):
                sure = np.abs(exact - np.rint(exact)) > 0.01  # not at the edge of a cell
                np.testing.assert_array_equal(value[sure], np.floor(exact[sure]) + 0.5)

    def test_areas(self):
        # Source cells are constant over their area, so the mean of the places in a footprint of w
        # cells is off its centre by up to f (1 - f) / 2w where it ends within a cell at f: 1 / 8w.
        for code in RESOLUTION:
            with self.subTest(code=code):
                self.assertLess(self.errors(code, "average", 5)[0], 0.125 / 4.5 + 0.01)


class Waves(Fields):
    def test_interpolation_errs_as_theory_says(self):
        # k = 2 pi / 16 a cell. Linear: an eighth of the second derivative a direction, k k / 8 * 2 =
        # 0.0386. Cubic convolution: the largest difference of 1 and the kernel's gain at k, over
        # all places between cells, is 0.00101 a direction. A position that is off by a hundredth
        # of a cell in both adds 0.02 k = 0.0079 at most.
        for code in RESOLUTION:
            for method, bound in (("bilinear", 0.0386), ("cubic", 0.0021)):
                with self.subTest(code=code, method=method):
                    error = self.errors(code, method)[1]
                    self.assertLess(error, bound + 0.0079)
                    self.assertGreater(error, bound / 2)  # or the bound would tell nothing


if __name__ == "__main__":
    unittest.main(verbosity=2)

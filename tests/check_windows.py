"""Windows in space and time where they reach beyond a cube or do not divide it: coarsen against xarray's,
window_space in every padding against numpy.pad, and its filters against their weights."""
import sys
import unittest

try:
    import numpy as np
    import xarray as xr
except ImportError as error:
    print("skipped:", error)
    sys.exit(77)

from array_files import ArrayCase, crs_attributes
from program import cube

RANDOM = np.random.default_rng(77)
SHAPE = (7, 11, 13)
PADS = {"constant": {"mode": "constant", "constant_values": 2.5}, "replicate": {"mode": "edge"},
        "reflect": {"mode": "symmetric"}, "reflect_pixel": {"mode": "reflect"}, "wrap": {"mode": "wrap"}}
SOBEL = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])
LAPLACE = np.array([[0, 1, 0], [1, -4, 1], [0, 1, 0]])


def windows(cells, height, width, **mode):
    """Of each cell of [t, y, x] its window, as two further axes."""
    v, u = height // 2, width // 2
    wide = np.stack([np.pad(slice_, ((v, v), (u, u)), **mode) for slice_ in cells])
    return np.lib.stride_tricks.sliding_window_view(wide, (height, width), axis=(1, 2))


class Windows(ArrayCase):
    def setUp(self):
        super().setUp()
        cells = np.round(RANDOM.normal(20, 9, SHAPE), 2)
        cells[RANDOM.random(SHAPE) < 0.15] = np.nan
        cells[:, 4:9, 5:10] = np.nan
        self.array = xr.DataArray(cells, dims=("time", "y", "x"), coords={
            "time": np.arange("2020-01-01", "2020-01-08", dtype="datetime64[D]").astype("datetime64[ns]"),
            "y": 5e6 - (np.arange(SHAPE[1]) + 0.5) * 10, "x": 5e5 + (np.arange(SHAPE[2]) + 0.5) * 10})
        whole = np.round(RANDOM.normal(20, 9, SHAPE), 2)
        data = xr.Dataset({"a": self.array, "whole": (self.array.dims, whole)})
        for name in ("a", "whole"):
            data[name].attrs["grid_mapping"] = "crs"
        data["crs"] = xr.DataArray(0, attrs=crs_attributes(32631))
        self.cells, self.whole = cells, whole
        self.source = {"cube_type": "ncdf", "file": self.save(data, "ncdf")}

    def made(self, document):
        """The result, the same for any chunks."""
        results = []
        for more in ((), ("--chunk", "2,3,4", "--threads", "3")):
            out = self.path(f"out{len(results)}.nc")
            result = cube("run", self.graph(document), "-o", out, "--overwrite", *more)
            self.assertEqual(result.returncode, 0, result.stderr)
            with xr.open_dataset(out) as file:
                results.append(file.load())
        xr.testing.assert_identical(*results)
        return results[0]

    def test_coarsen_is_xarrays(self):
        for factor in ({"x": 4, "y": 3}, {"t": 3, "x": 5}, {"t": 2, "y": 4, "x": 6}):
            sizes = {{"t": "time"}.get(k, k): n for k, n in factor.items()}
            for boundary in ("pad", "trim"):
                for side in ("left", "right"):
                    with self.subTest(f"{factor} {boundary} {side}"):
                        got = self.made({"cube_type": "coarsen", "factor": factor, "func": "mean",
                                         "boundary": boundary, "side": side, "in_cube": self.source})
                        coarse = self.array.coarsen(sizes, boundary=boundary, side=side)
                        np.testing.assert_allclose(got["a"].values, coarse.mean().values, rtol=1e-12)
                        for axis, step in (("x", 10), ("y", -10)):
                            # Where a window is padded xarray's place is the mean of the cells that are there,
                            # ours the middle of the whole window.
                            places = coarse.count()[axis].values
                            np.testing.assert_allclose(np.diff(got[axis]), step * factor.get(axis, 1))
                            np.testing.assert_allclose(got[axis].values[1:-1], places[1:-1], rtol=1e-12)

    def test_coarsen_with_any_reducer(self):
        # xarray sums nothing up to 0 and divides by n; its coarsen cannot be told otherwise.
        def of_some(function):
            return lambda v, axis: np.where(np.isnan(v).all(axis), np.nan, function(v, axis=axis))

        reducers = {name: None for name in ("min", "max", "mean", "median", "count")}
        reducers |= {"sum": of_some(np.nansum), "prod": of_some(np.nanprod),
                     "var": lambda v, axis: np.nanvar(v, axis=axis, ddof=1),
                     "sd": lambda v, axis: np.nanstd(v, axis=axis, ddof=1)}
        sizes = {"time": 2, "y": 5, "x": 4}
        crop = {"cube_type": "crop", "ix_min": 0, "ix_max": 11, "iy_min": 0, "iy_max": 9,
                "it_min": 0, "it_max": 5, "in_cube": self.source}
        for boundary in ("exact", "pad", "trim"):
            exact = boundary == "exact"
            array = self.array[:6, :10, :12] if exact else self.array
            for side in ("left", "right"):
                coarsened = [{"cube_type": "coarsen", "factor": {"x": 4, "y": 5, "t": 2},
                              "func": name, "boundary": boundary, "side": side,
                              "in_cube": crop if exact else self.source} for name in reducers]
                got = self.made({"cube_type": "join_bands", "prefixes": list(reducers),
                                 "in_cubes": coarsened})
                coarse = array.coarsen(sizes, boundary=boundary, side=side)
                for name, function in reducers.items():
                    with self.subTest(f"{name} {boundary} {side}"):
                        wanted = coarse.reduce(function) if function else getattr(coarse, name)()
                        np.testing.assert_allclose(got[f"{name}.a"].values, wanted.values,
                                                   rtol=1e-9, atol=1e-9)
                # Places are the middles of windows, times their first ones (xarray: the mean).
                whole = slice(None)
                if boundary == "pad":
                    whole = slice(0, -1) if side == "left" else slice(1, None)
                places = coarse.count()
                for axis in "xy":
                    np.testing.assert_allclose(got[axis].values[whole], places[axis].values[whole],
                                               rtol=1e-12)
                starts = {"exact": [0, 2, 4], "pad": [0, 2, 4, 6], "trim": [0, 2, 4]}[boundary]
                if side == "right" and not exact:
                    starts = [max(0, i - 1) for i in starts] if boundary == "pad" else [1, 3, 5]
                np.testing.assert_array_equal(got["time"].values, array.time.values[starts])
                system = got[got["mean.a"].attrs.get("grid_mapping") or
                             got["mean.a"].encoding["grid_mapping"]]
                self.assertEqual(system.attrs["grid_mapping_name"], "transverse_mercator")
        with self.assertRaises(ValueError):
            self.array.coarsen(sizes, boundary="exact").mean()
        self.fails(2, "/factor/", "run", self.graph({"cube_type": "coarsen", "factor": {"x": 4},
                                                     "in_cube": self.source}),
                   "-o", self.path("no.nc"))

    def test_the_whole_cube_as_one_window(self):
        got = self.made({"cube_type": "coarsen", "factor": {"x": 13, "y": 11, "t": 7}, "func": "median",
                         "in_cube": self.source})
        np.testing.assert_allclose(got["a"].values.ravel(), [np.nanmedian(self.cells)], rtol=1e-12)

    def test_reducers_in_every_padding(self):
        reducers = {"mean": np.nanmean, "max": np.nanmax, "median": np.nanmedian, "sum": np.nansum}
        for height, width in ((3, 5), (9, 7)):
            for pad, mode in PADS.items():
                with self.subTest(f"{pad} {height} x {width}"):
                    got = self.made({"cube_type": "window_space", "win_size_y": height, "win_size_x": width,
                                     "reducer_bands": [[name, "a"] for name in reducers], "pad": pad,
                                     **({"pad_fill": 2.5} if pad == "constant" else {}), "in_cube": self.source})
                    seen = windows(self.cells, height, width, **mode)
                    nothing = np.isnan(seen).all((3, 4))
                    for name, function in reducers.items():
                        wanted = np.where(nothing, np.nan, function(seen, (3, 4)))
                        np.testing.assert_allclose(got[f"a_{name}"].values, wanted, rtol=1e-12, err_msg=name)

    def test_filters_in_every_padding(self):
        for pad, mode in PADS.items():
            seen = windows(self.whole, 3, 3, **mode)
            x, y = (np.einsum("tyxij,ij->tyx", seen, k) for k in (SOBEL, SOBEL.T))
            for preset, wanted in (("sobel", np.hypot(x, y)),
                                   ("laplacian", np.einsum("tyxij,ij->tyx", seen, LAPLACE))):
                with self.subTest(f"{preset} {pad}"):
                    node = {"cube_type": "window_space", "preset": preset, "pad": pad, "keep_bands": True,
                            **({"pad_fill": 2.5} if pad == "constant" else {}), "in_cube": self.source}
                    got = self.made(node)
                    self.assertEqual([name for name in got.data_vars if got[name].ndim == 3],
                                     ["a", "whole", f"a_{preset}", f"whole_{preset}"])
                    np.testing.assert_array_equal(got["whole"].values, self.whole)
                    np.testing.assert_allclose(got[f"whole_{preset}"].values, wanted, rtol=1e-10, atol=1e-10)

    def test_skipped_values_leave_their_weight_to_the_others(self):
        kernel = np.array([[1, 2, 0.5], [0, 3, 1], [2, 1, 0.25]])
        got = self.made({"cube_type": "window_space", "kernel": kernel.tolist(), "skip_missing": True,
                         "pad": "replicate", "in_cube": self.source})
        seen = windows(self.cells, 3, 3, mode="edge")
        there = np.einsum("tyxij,ij->tyx", ~np.isnan(seen), kernel)
        with np.errstate(invalid="ignore", divide="ignore"):
            wanted = np.einsum("tyxij,ij->tyx", np.nan_to_num(seen), kernel) / there * kernel.sum()
        np.testing.assert_allclose(got["a"].values, np.where(there > 0, wanted, np.nan), rtol=1e-10)


if __name__ == "__main__":
    unittest.main(warnings="ignore")  # numpy's, about windows without values

#!/usr/bin/python3
"""How far two results of a job agree, as one line of JSON.

usage: compare.py OURS THEIRS [--tolerance T] [--missing VALUE] [--series]

OURS and THEIRS are GeoTIFF or netCDF with the same bands, slices, rows and columns. A cell is
missing where it is NaN or the file's nodata value, or equal to --missing. --series:
compare the sequences of valid cells only, for time axes with different gaps.
Printed: cells, the share of cells missing in one only, the largest difference, and the share of
the cells valid in both whose difference is at most the tolerance.
"""
import argparse
import json

import numpy as np

ROWS = 512  # read at a time


class Tiff:
    def __init__(self, path):
        from osgeo import gdal
        gdal.UseExceptions()
        self.dataset = gdal.Open(path)
        self.shape = (self.dataset.RasterCount, self.dataset.RasterYSize, self.dataset.RasterXSize)

    def rows(self, layer, begin, end):
        band = self.dataset.GetRasterBand(layer + 1)
        cells = band.ReadAsArray(0, begin, self.shape[2], end - begin)
        nodata = band.GetNoDataValue()
        out = cells.astype(np.float64)
        if nodata is not None:
            out[cells == cells.dtype.type(nodata)] = np.nan
        return out


class Netcdf:
    """All variables over y and x, in the order of their names, slice by slice."""

    def __init__(self, path):
        import netCDF4
        self.dataset = netCDF4.Dataset(path)
        variables = [v for _, v in sorted(self.dataset.variables.items())
                     if v.dimensions[-2:] == ("y", "x")]
        self.layers = []
        for variable in variables:
            variable.set_auto_scale(False)
            slices = range(variable.shape[0]) if variable.ndim == 3 else [None]
            self.layers += [(variable, t) for t in slices]
        y = self.dataset["y"][:]
        self.flipped = len(y) > 1 and y[0] < y[-1]
        self.shape = (len(self.layers), *variables[0].shape[-2:])

    def rows(self, layer, begin, end):
        variable, t = self.layers[layer]
        if self.flipped:
            begin, end = self.shape[1] - end, self.shape[1] - begin
        cells = variable[begin:end] if t is None else variable[t, begin:end]
        out = np.ma.filled(np.ma.asarray(cells).astype(np.float64), np.nan)
        return out[::-1] if self.flipped else out


def open_result(path):
    return Netcdf(path) if path.endswith(".nc") else Tiff(path)


def pairs(ours, theirs, missing):
    """The cells of both results, some rows at a time."""
    assert ours.shape == theirs.shape, f"shapes differ: {ours.shape} and {theirs.shape}"
    for layer in range(ours.shape[0]):
        for begin in range(0, ours.shape[1], ROWS):
            end = min(ours.shape[1], begin + ROWS)
            a, b = ours.rows(layer, begin, end), theirs.rows(layer, begin, end)
            if missing is not None:
                a[a == missing] = b[b == missing] = np.nan
            yield a, b


def series(result):
    cells = np.concatenate([result.rows(i, 0, result.shape[1]).ravel()
                            for i in range(result.shape[0])])
    return cells[~np.isnan(cells)]


def agreement(cells, tolerance):
    count = missing = valid = within = 0
    largest = 0.0
    for a, b in cells:
        gone_a, gone_b = np.isnan(a), np.isnan(b)
        both = ~gone_a & ~gone_b
        difference = np.abs(a[both] - b[both])
        count += a.size
        missing += int((gone_a != gone_b).sum())
        valid += difference.size
        within += int((difference <= tolerance).sum())
        largest = max(largest, float(difference.max(initial=0)))
    return {"cells": count, "valid": valid, "missing_differ": missing / max(count, 1),
            "largest": largest, "within": within / max(valid, 1)}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("ours")
    parser.add_argument("theirs")
    parser.add_argument("--tolerance", type=float, default=0)
    parser.add_argument("--missing", type=float)
    parser.add_argument("--series", action="store_true")
    arguments = parser.parse_args()
    ours, theirs = open_result(arguments.ours), open_result(arguments.theirs)
    if arguments.series:
        a, b = series(ours), series(theirs)
        assert a.shape == b.shape, f"{a.size} valid cells against {b.size}"
        cells = [(a, b)]
    else:
        cells = pairs(ours, theirs, arguments.missing)
    print(json.dumps(agreement(cells, arguments.tolerance)))


if __name__ == "__main__":
    main()

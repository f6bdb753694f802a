"""Rasters of random cells for tests: written by GDAL, put through the program, read back."""
from needs import gdal, np, osr
from program import Case, cube

KINDS = {"uint8": gdal.GDT_Byte, "uint16": gdal.GDT_UInt16, "int16": gdal.GDT_Int16,
         "int32": gdal.GDT_Int32, "uint32": gdal.GDT_UInt32, "float32": gdal.GDT_Float32,
         "float64": gdal.GDT_Float64}


def write_raster(path, bands, transform, nodata=None, epsg=32631, options=(), names=()):
    """A GeoTIFF of bands [row, column]; gives the path."""
    height, width = bands[0].shape
    dataset = gdal.GetDriverByName("GTiff").Create(path, width, height, len(bands),
                                                   KINDS[str(bands[0].dtype)], list(options))
    dataset.SetGeoTransform(transform)
    if epsg:
        srs = osr.SpatialReference()
        srs.ImportFromEPSG(epsg)
        dataset.SetSpatialRef(srs)
    for number, cells in enumerate(bands, 1):
        if nodata is not None:
            dataset.GetRasterBand(number).SetNoDataValue(nodata)
        dataset.GetRasterBand(number).WriteArray(cells)
    for number, name in enumerate(names, 1):
        dataset.GetRasterBand(number).SetDescription(name)
    return path


class RasterCase(Case):
    def write(self, name, cells, nodata=None, left=5e5, top=5e6, dx=10.0, dy=10.0, tile=64):
        """A tiled GeoTIFF of one band, read as {"cube_type": "raster", "file": name}."""
        write_raster(self.path(name), [cells], (left, dx, 0, top, 0, -dy), nodata,
                     options=["TILED=YES", f"BLOCKXSIZE={tile}", f"BLOCKYSIZE={tile}"])
        return {"cube_type": "raster", "file": name, "bands": ["a"]}

    def run_graph(self, document, *more):
        """The first band's cells as float64 with NaN for missing; the dataset; all bands' cells."""
        out = self.path("out.tif")
        result = cube("run", self.graph(document), "-o", out, "--overwrite", *more)
        self.assertEqual(result.returncode, 0, result.stderr)
        dataset = gdal.Open(out)
        bands = []
        for number in range(1, dataset.RasterCount + 1):
            band = dataset.GetRasterBand(number)
            cells = band.ReadAsArray().astype(float)
            if band.GetNoDataValue() is not None:
                cells[cells == band.GetNoDataValue()] = np.nan
            bands.append(cells)
        return bands[0], dataset, bands

    def stack(self, slices, nodata=None, name="t", **more):
        """A series of days from 2020-01-01 on of one band "a", of cells [t, y, x]."""
        files = [self.write(f"{name}{i}.tif", cells, nodata, **more)["file"]
                 for i, cells in enumerate(slices)]
        return {"cube_type": "simple_cube", "files": files, "band_names": ["a"],
                "datetime": [f"2020-01-{i + 1:02}" for i in range(len(files))]}

    def series(self, document, *more):
        """Cells of all slices, which become bands of the file, and the dataset."""
        _, dataset, bands = self.run_graph(document, *more)
        return np.array(bands), dataset

    def assertSame(self, got, wanted, rtol=0.0, atol=0.0):
        np.testing.assert_allclose(np.asarray(got, dtype=float), np.asarray(wanted, dtype=float),
                                   rtol=rtol, atol=atol, equal_nan=True)


def gaps(cells, random, share=0.2):
    """The cells as float64, some of them NaN."""
    out = cells.astype(float)
    out[random.random(cells.shape) < share] = np.nan
    return out

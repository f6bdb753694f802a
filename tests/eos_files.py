"""Tiny files laid out as satellite products are: HDF-EOS2 grids, netCDF swaths and grids."""
import ctypes

import numpy as np
from osgeo import gdal

_TYPES = {"int8": 20, "uint8": 21, "int16": 22, "uint16": 23, "int32": 24, "uint32": 25}
_CREATE, _WRITE, _DOUBLE, _CHARS, _SDS_TAG = 4, 3, 6, 4, 720
SINUSOIDAL_TILE = 1111950.519667  # metres


def hdf4():
    """The HDF4 library, twice; None where there is none."""
    for names in (("libdfalt.so.0", "libmfhdfalt.so.0"), ("libdf.so.0", "libmfhdf.so.0")):
        try:
            return [ctypes.CDLL(name, mode=ctypes.RTLD_GLOBAL) for name in names]
        except OSError:
            pass
    return None


def _structure(number, name, fields, corner):
    """What HDF-EOS says of a grid: one MODIS tile, whatever its number of cells."""
    height, width = fields[0][1].shape
    left, top = corner
    # HDF-EOS finds entries with the tabs before them.
    text = (f'\tGROUP=GRID_{number}\n\t\tGridName="{name}"\n\t\tXDim={width}\n'
            f"\t\tYDim={height}\n\t\tUpperLeftPointMtrs=({left:.6f},{top:.6f})\n"
            f"\t\tLowerRightMtrs=({left + SINUSOIDAL_TILE:.6f},{top - SINUSOIDAL_TILE:.6f})\n"
            "\t\tProjection=GCTP_SNSOID\n"
            "\t\tProjParams=(6371007.181000,0,0,0,0,0,0,0,0,0,0,0,0)\n"
            "\t\tSphereCode=-1\n\t\tGridOrigin=HDFE_GD_UL\n\t\tGROUP=Dimension\n"
            "\t\tEND_GROUP=Dimension\n\t\tGROUP=DataField\n")
    for i, (field, cells, _, _) in enumerate(fields, 1):
        text += (f'\t\t\tOBJECT=DataField_{i}\n\t\t\t\tDataFieldName="{field}"\n'
                 f"\t\t\t\tDataType=DFNT_{cells.dtype.name.upper()}\n"
                 f'\t\t\t\tDimList=("YDim","XDim")\n\t\t\tEND_OBJECT=DataField_{i}\n')
    return text + ("\t\tEND_GROUP=DataField\n\t\tGROUP=MergedFields\n"
                   f"\t\tEND_GROUP=MergedFields\n\tEND_GROUP=GRID_{number}\n")


def _write_field(mf, file, grid, field, cells, fill, scale):
    """Gives the field's reference."""
    shape = (ctypes.c_int32 * 2)(*cells.shape)
    sds = mf.SDcreate(file, field.encode(), _TYPES[cells.dtype.name], 2, shape)
    for axis, name in enumerate(("YDim", "XDim")):
        mf.SDsetdimname(mf.SDgetdimid(sds, axis), f"{name}:{grid}".encode())
    if fill is not None:
        value = np.array(fill, cells.dtype)
        mf.SDsetfillvalue(sds, value.ctypes.data_as(ctypes.c_void_p))
    if scale is not None:
        mf.SDsetattr(sds, b"scale_factor", _DOUBLE, 1, ctypes.byref(ctypes.c_double(scale)))
    cells = np.ascontiguousarray(cells)
    done = mf.SDwritedata(sds, (ctypes.c_int32 * 2)(), None, shape,
                          cells.ctypes.data_as(ctypes.c_void_p))
    assert done == 0
    reference = mf.SDidtoref(sds)
    mf.SDendaccess(sds)
    return reference


def write_hdf_eos(path, grids, corner=(0, 5559752.598333)):
    """grids: {name: [(field, cells, fill or None, scale_factor or None)]}; corner in metres."""
    df, mf = hdf4()
    file = mf.SDstart(path.encode(), _CREATE)
    assert file != -1, path
    structure = "GROUP=SwathStructure\nEND_GROUP=SwathStructure\nGROUP=GridStructure\n"
    references = {}
    for number, (name, fields) in enumerate(grids.items(), 1):
        structure += _structure(number, name, fields, corner)
        references[name] = [_write_field(mf, file, name, *field) for field in fields]
    structure += "END_GROUP=GridStructure\nGROUP=PointStructure\nEND_GROUP=PointStructure\nEND\n"
    mf.SDsetattr(file, b"HDFEOSVersion", _CHARS, 12, b"HDFEOS_V2.17")
    text = structure.encode().ljust(32000, b"\0")
    mf.SDsetattr(file, b"StructMetadata.0", _CHARS, len(text), text)
    mf.SDend(file)

    file = df.Hopen(path.encode(), _WRITE, 0)
    df.Vinitialize(file)

    def group(name, kind):
        handle = df.Vattach(file, -1, b"w")
        df.Vsetname(handle, name.encode())
        df.Vsetclass(handle, kind.encode())
        return handle

    for name, fields in references.items():
        top = group(name, "GRID")
        parts = [group(part, "GRID Vgroup") for part in ("Data Fields", "Grid Attributes")]
        for reference in fields:
            df.Vaddtagref(parts[0], _SDS_TAG, reference)
        for part in parts:
            df.Vinsert(top, part)
        for handle in (*parts, top):
            df.Vdetach(handle)
    df.Vfinish(file)
    df.Hclose(file)


class Netcdf:
    """A netCDF-4 file whose variables may lie in a group."""

    def __init__(self, path, group=None):
        driver = gdal.GetDriverByName("netCDF")
        self.data = driver.CreateMultiDimensional(path, [], ["FORMAT=NC4"])
        self.group = self.data.GetRootGroup()
        if group:
            self.group = self.group.CreateGroup(group)
        self.dimensions = {}

    def dimension(self, name, size):
        self.dimensions[name] = self.group.CreateDimension(name, None, None, size)

    def variable(self, name, cells, dimensions, fill=None, **attributes):
        kind = {"uint8": gdal.GDT_Byte, "int16": gdal.GDT_Int16, "float32": gdal.GDT_Float32,
                "float64": gdal.GDT_Float64}[cells.dtype.name]
        variable = self.group.CreateMDArray(name, [self.dimensions[d] for d in dimensions],
                                            gdal.ExtendedDataType.Create(kind))
        for key, value in attributes.items():
            text = isinstance(value, str)
            type_of = (gdal.ExtendedDataType.CreateString() if text else
                       gdal.ExtendedDataType.Create(gdal.GDT_Float32))
            variable.CreateAttribute(key, [], type_of).Write(value)
        if fill is not None:
            variable.SetNoDataValueDouble(fill)
        variable.Write(cells)

    def axes(self, longitude, latitude):
        self.dimension("lat", latitude.size)
        self.dimension("lon", longitude.size)
        self.variable("lat", latitude, ["lat"], units="degrees_north", standard_name="latitude")
        self.variable("lon", longitude, ["lon"], units="degrees_east", standard_name="longitude")


def write_s5p(path, longitude, latitude, no2, qa):
    """A swath of Sentinel-5P: cells placed by two-dimensional longitudes and latitudes."""
    file = Netcdf(path, "PRODUCT")
    for name, size in (("time", 1), ("scanline", no2.shape[0]), ("ground_pixel", no2.shape[1])):
        file.dimension(name, size)
    axes = ["time", "scanline", "ground_pixel"]
    single = lambda cells: cells[None].astype("float32")
    file.variable("longitude", single(longitude), axes, units="degrees_east",
                  standard_name="longitude")
    file.variable("latitude", single(latitude), axes, units="degrees_north",
                  standard_name="latitude")
    file.variable("qa_value", qa[None].astype("uint8"), axes, 255, units="1", scale_factor=0.01,
                  add_offset=0.0, coordinates="longitude latitude")
    file.variable("nitrogendioxide_tropospheric_column", single(no2), axes, 9.969209968386869e36,
                  units="mol m-2", coordinates="longitude latitude")

"""Files of HDF4 and HDF5 as programs write them that know nothing of netCDF: by the libraries."""
import ctypes
import ctypes.util

import numpy as np

from eos_files import hdf4

_ID = ctypes.c_int64
_HDF5 = {"int16": "H5T_STD_I16LE_g", "uint8": "H5T_STD_U8LE_g", "float32": "H5T_IEEE_F32LE_g",
         "float64": "H5T_IEEE_F64LE_g"}
_HDF4 = {"int16": 22, "float32": 5, "float64": 6}
_CREATE = 4


def hdf5():
    """The HDF5 library; None where there is none."""
    for name in ("hdf5_serial", "hdf5"):
        file = ctypes.util.find_library(name)
        if file:
            library = ctypes.CDLL(file)
            library.H5open()
            for function in ("H5Fcreate", "H5Gcreate2", "H5Screate", "H5Screate_simple",
                             "H5Dcreate2", "H5Acreate2", "H5Tcopy"):
                getattr(library, function).restype = _ID
            return library
    return None


class Hdf5:
    """A file of arrays in groups; their dimensions have no names."""

    def __init__(self, path):
        self.h5 = hdf5()
        self.groups = {"": self.h5.H5Fcreate(path.encode(), 2, _ID(0), _ID(0))}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for name in reversed(list(self.groups)):
            (self.h5.H5Gclose if name else self.h5.H5Fclose)(_ID(self.groups[name]))

    def _group(self, name):
        if name not in self.groups:
            above, _, last = name.rpartition("/")
            self.groups[name] = self.h5.H5Gcreate2(_ID(self._group(above)), last.encode(), _ID(0),
                                                   _ID(0), _ID(0))
        return self.groups[name]

    def _type(self, cells):
        if cells.dtype.kind != "S":
            return _ID(_ID.in_dll(self.h5, _HDF5[cells.dtype.name]).value)
        text = _ID(self.h5.H5Tcopy(_ID(_ID.in_dll(self.h5, "H5T_C_S1_g").value)))
        self.h5.H5Tset_size(text, ctypes.c_size_t(cells.dtype.itemsize))
        return text

    def _space(self, cells):
        if cells.ndim == 0:
            return _ID(self.h5.H5Screate(0))
        return _ID(self.h5.H5Screate_simple(cells.ndim, (ctypes.c_uint64 * cells.ndim)(*cells.shape),
                                            None))

    def write(self, name, cells, **attributes):
        """`cells`: numbers, or a text."""
        cells = np.array(cells.encode() if isinstance(cells, str) else cells, order="C")
        group, _, last = name.rpartition("/")
        kind = self._type(cells)
        array = _ID(self.h5.H5Dcreate2(_ID(self._group(group)), last.encode(), kind,
                                       self._space(cells), _ID(0), _ID(0), _ID(0)))
        done = self.h5.H5Dwrite(array, kind, _ID(0), _ID(0), _ID(0),
                                cells.ctypes.data_as(ctypes.c_void_p))
        assert done >= 0, name
        for key, value in attributes.items():
            value = np.array(value.encode() if isinstance(value, str) else value)
            kind = self._type(value)
            attribute = _ID(self.h5.H5Acreate2(array, key.encode(), kind, self._space(value),
                                               _ID(0), _ID(0)))
            self.h5.H5Awrite(attribute, kind, value.ctypes.data_as(ctypes.c_void_p))
            self.h5.H5Aclose(attribute)
        self.h5.H5Dclose(array)


def write_sds(path, arrays):
    """HDF4 of {name: (cells, names of the dimensions, {dimension: (values, units)})}; a dimension's
    values stand where it comes first."""
    _, mf = hdf4()
    file = mf.SDstart(path.encode(), _CREATE)
    assert file != -1, path
    for name, (cells, dimensions, scales) in arrays.items():
        shape = (ctypes.c_int32 * cells.ndim)(*cells.shape)
        sds = mf.SDcreate(file, name.encode(), _HDF4[cells.dtype.name], cells.ndim, shape)
        for axis, dimension in enumerate(dimensions):
            handle = mf.SDgetdimid(sds, axis)
            mf.SDsetdimname(handle, dimension.encode())
            if dimension in scales:
                values, units = scales[dimension]
                mf.SDsetdimscale(handle, values.size, _HDF4[values.dtype.name],
                                 values.ctypes.data_as(ctypes.c_void_p))
                mf.SDsetdimstrs(handle, dimension.encode(), units.encode(), b"")
        cells = np.ascontiguousarray(cells)
        done = mf.SDwritedata(sds, (ctypes.c_int32 * cells.ndim)(), None, shape,
                              cells.ctypes.data_as(ctypes.c_void_p))
        assert done == 0, name
        mf.SDendaccess(sds)
    mf.SDend(file)


def eos5_metadata(grid, fields, upper_left, lower_right, projection="HE5_GCTP_SNSOID",
                  dimensions=("YDim", "XDim"), more=""):
    """The StructMetadata of one grid, as the library of HDF-EOS5 lays it out."""
    text = ("GROUP=SwathStructure\nEND_GROUP=SwathStructure\nGROUP=GridStructure\n\tGROUP=GRID_1\n"
            f'\t\tGridName="{grid}"\n\t\tXDim=4\n\t\tYDim=3\n'
            f"\t\tUpperLeftPointMtrs=({upper_left[0]:.6f},{upper_left[1]:.6f})\n"
            f"\t\tLowerRightMtrs=({lower_right[0]:.6f},{lower_right[1]:.6f})\n"
            f"\t\tProjection={projection}\n{more}\t\tGROUP=Dimension\n\t\tEND_GROUP=Dimension\n"
            "\t\tGROUP=DataField\n")
    for i, field in enumerate(fields, 1):
        listed = ",".join(f'"{dimension}"' for dimension in dimensions)
        text += (f'\t\t\tOBJECT=DataField_{i}\n\t\t\t\tDataFieldName="{field}"\n'
                 f"\t\t\t\tDataType=H5T_NATIVE_SHORT\n\t\t\t\tDimList=({listed})\n"
                 f"\t\t\tEND_OBJECT=DataField_{i}\n")
    return (text + "\t\tEND_GROUP=DataField\n\t\tGROUP=MergedFields\n\t\tEND_GROUP=MergedFields\n"
            "\tEND_GROUP=GRID_1\nEND_GROUP=GridStructure\nEND\n").ljust(32000, "\0")

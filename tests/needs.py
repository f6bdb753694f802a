"""numpy and GDAL for tests that cannot do without, which are skipped where there is none."""
import sys

try:
    import numpy as np
    from osgeo import gdal, osr
except ImportError as error:
    print("skipped:", error)
    sys.exit(77)

gdal.UseExceptions()

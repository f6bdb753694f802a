"""CSV tables of images for `cube catalog create --table`: images of a tenth of a degree on a
lattice that starts at 0, 0 and goes east and north, some dates at each place."""
import datetime
import os

SIZE = 0.1  # degrees of a place
FIRST = datetime.date(2015, 1, 1)


def write_table(path, places, dates, raster):
    """places**2 * dates images of two bands; no file is opened but `raster`, the first of each."""
    days = [FIRST + datetime.timedelta(days=35 * k) for k in range(dates)]
    with open(path + ".part", "w") as f:
        f.write("name,datetime,left,bottom,right,top,srs,B04,B08\n")
        first = f"{raster},{raster}\n"
        for row in range(places):
            for column in range(places):
                left, bottom = column * SIZE, row * SIZE
                box = f"{left:.4f},{bottom:.4f},{left + SIZE - 1e-3:.4f},{bottom + SIZE - 1e-3:.4f}"
                for day in days:
                    name = f"S2_{row:03d}_{column:03d}_{day:%Y%m%d}"
                    files = first or f"/archive/{name}_B04.tif,/archive/{name}_B08.tif\n"
                    f.write(f"{name},{day},{box},EPSG:4326,{files}")
                    first = ""
    os.rename(path + ".part", path)

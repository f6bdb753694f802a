#!/usr/bin/env python3
"""Pictures: colours, frames, labels and legends against values worked out here.

PNG and the frames of WebP are decoded by GDAL; GIF by the decoder below, which shares nothing with
giflib.
"""
import os
import struct
import unittest

from needs import gdal, np
from program import Case, cube
from raster_files import write_raster



def content(name):
    with open(name, "rb") as file:
        return file.read()


def unpack(data, bits, size):
    """Indices of a GIF's LZW stream."""
    clear, end = 1 << bits, (1 << bits) + 1
    out, table, width, old = bytearray(), None, bits + 1, None
    value = held = 0
    for byte in data:
        value |= byte << held
        held += 8
        while held >= width:
            code, value, held = value & ((1 << width) - 1), value >> width, held - width
            if code == clear:
                table, width, old = [bytes([i]) for i in range(clear)] + [b"", b""], bits + 1, None
                continue
            if code == end:
                return np.frombuffer(bytes(out[:size]), np.uint8)
            entry = table[code] if code < len(table) else old + old[:1]
            if old is not None:
                table.append(old + entry[:1])
                if len(table) == 1 << width and width < 12:
                    width += 1
            out += entry
            old = entry
    raise ValueError("no end")


class Gif:
    """frames: RGBA arrays; delays: centiseconds; loop: None = shown once; comment."""

    def __init__(self, name):
        data = content(name)
        assert data[:6] == b"GIF89a"
        self.width, self.height, flags = struct.unpack("<HHB", data[6:11])
        assert flags & 0x80
        colours = 2 << (flags & 7)
        palette = np.frombuffer(data[13:13 + 3 * colours], np.uint8).reshape(-1, 3)
        self.frames, self.delays, self.disposals, self.loop, self.comment = [], [], [], None, b""
        at, hidden = 13 + 3 * colours, None
        while data[at] != 0x3B:
            if data[at] == 0x21:
                kind, blocks, at = data[at + 1], *self.blocks(data, at + 2)
                if kind == 0xF9:
                    flags, delay, index = struct.unpack("<BHB", blocks[0])
                    hidden = index if flags & 1 else None
                    self.delays.append(delay)
                    self.disposals.append(flags >> 2 & 7)
                elif kind == 0xFF and blocks[0] == b"NETSCAPE2.0":
                    self.loop = struct.unpack("<H", blocks[1][1:3])[0]
                elif kind == 0xFE:
                    self.comment = b"".join(blocks)
                continue
            assert data[at] == 0x2C
            x, y, w, h, flags = struct.unpack("<HHHHB", data[at + 1:at + 10])
            assert (x, y, w, h, flags) == (0, 0, self.width, self.height, 0)
            blocks, end = self.blocks(data, at + 11)
            indices = unpack(b"".join(blocks), data[at + 10], w * h).reshape(h, w)
            alpha = np.where(indices == hidden, 0, 255).astype(np.uint8)
            self.frames.append(np.dstack([palette[indices], alpha]))
            at = end

    @staticmethod
    def blocks(data, at):
        out = []
        while data[at]:
            out.append(data[at + 1:at + 1 + data[at]])
            at += 1 + data[at]
        return out, at + 1


def decoded(name):
    """RGBA by GDAL."""
    cells = gdal.Open(name).ReadAsArray()
    if cells.shape[0] == 3:  # WebP without any transparent pixel
        cells = np.concatenate([cells, np.full_like(cells[:1], 255)])
    return np.moveaxis(cells, 0, -1)


class WebP:
    """frames: RGBA arrays; delays: milliseconds; loop: 0 = for ever."""

    def __init__(self, name):
        data = content(name)
        assert data[:4] == b"RIFF" and data[8:12] == b"WEBP"
        assert struct.unpack("<I", data[4:8])[0] == len(data) - 8
        self.frames, self.delays, self.loop, self.xmp = [], [], None, b""
        for kind, body in self.chunks(data[12:]):
            if kind == b"VP8X":
                self.width = 1 + int.from_bytes(body[4:7], "little")
                self.height = 1 + int.from_bytes(body[7:10], "little")
            elif kind == b"ANIM":
                self.loop = struct.unpack("<H", body[4:6])[0]
            elif kind == b"ANMF":
                assert 1 + int.from_bytes(body[6:9], "little") == self.width
                self.delays.append(int.from_bytes(body[12:15], "little"))
                self.frames.append(self.frame(body[16:]))
            elif kind == b"XMP ":
                self.xmp = body

    @staticmethod
    def chunks(data):
        while data:
            length = struct.unpack("<I", data[4:8])[0]
            yield data[:4], data[8:8 + length]
            data = data[8 + length + length % 2:]

    def frame(self, picture):
        if picture[:4] != b"VP8L":  # lossy with alpha needs a header
            size = (self.width - 1).to_bytes(3, "little") + (self.height - 1).to_bytes(3, "little")
            picture = b"VP8X" + struct.pack("<II", 10, 0x10) + size + picture
        whole = b"RIFF" + struct.pack("<I", len(picture) + 4) + b"WEBP" + picture
        gdal.FileFromMemBuffer("/vsimem/frame.webp", whole)
        try:
            return decoded("/vsimem/frame.webp")
        finally:
            gdal.Unlink("/vsimem/frame.webp")


class Pictures(Case):
    def series(self, cells, nodata=None, names=("v",)):
        """A graph of the cells (t, band, y, x)."""
        cells = np.asarray(cells)
        for t, slices in enumerate(cells):
            write_raster(self.path(f"c_202001{t + 1:02d}.tif"), slices,
                         (500000, 10, 0, 5000000, 0, -10), nodata, names=names)
        return self.graph({"cube_type": "simple_cube", "files": "c_*.tif",
                           "datetime_pattern": "_([0-9]{8})"})

    def make(self, graph, name, **options):
        pairs = [x for key, value in options.items() for x in ("--co", f"{key}={value}")]
        result = cube("run", graph, "-o", self.path(name), "--overwrite", "-q", "--chunk", "2,7,9",
                      *pairs)
        self.assertEqual(result.returncode, 0, result.stderr)
        return self.path(name)

    def same(self, picture, gray, missing):
        """The picture is gray, and transparent where it is missing."""
        np.testing.assert_array_equal(picture[..., 3] == 0, missing)
        self.assertTrue(np.isin(picture[..., 3], (0, 255)).all())
        for c in range(3):
            np.testing.assert_array_equal(picture[..., c][~missing], gray[~missing])

    def grays(self, n=3, height=11, width=20):
        t, y, x = np.mgrid[0:n, 0:height, 0:width]
        cells = ((t * 71 + y * 37 + x * 11) % 250).astype("float32")
        cells[(x + 2 * y + t) % 7 == 0] = np.nan
        return cells

    def test_animations_have_the_colours_of_their_cells(self):
        cells = self.grays()
        graph = self.series(cells[:, None])
        options = dict(RAMP="gray", MIN=0, MAX=249, LABEL="NO", FPS=4)
        gif = Gif(self.make(graph, "a.gif", LOOP=3, **options))
        webp = WebP(self.make(graph, "a.webp", LOOP=3, **options))
        self.assertEqual((len(gif.frames), gif.delays, gif.loop), (3, [25] * 3, 2))
        self.assertEqual(gif.disposals, [2] * 3)
        self.assertEqual((len(webp.frames), webp.delays, webp.loop), (3, [250] * 3, 3))
        self.assertIn(b"simple_cube", gif.comment)
        self.assertIn(b"c_20200101.tif", gif.comment)
        self.assertIn(b"simple_cube", webp.xmp)
        missing = np.isnan(cells)
        gray = np.rint(np.where(missing, 0, cells) / 249 * 255)
        for t in range(3):
            self.same(gif.frames[t], gray[t], missing[t])
            self.same(webp.frames[t], gray[t], missing[t])
            self.same(decoded(self.make(graph, "a.png", T=t, **{k: options[k] for k in (
                "RAMP", "MIN", "MAX", "LABEL")})), gray[t], missing[t])
        self.assertEqual(gdal.Open(self.path("a.gif")).RasterXSize, 20)  # another reader takes it
        self.assertIsNone(Gif(self.make(graph, "a.gif", LOOP=1)).loop)
        self.assertEqual(Gif(self.make(graph, "a.gif")).loop, 0)
        self.assertEqual(Gif(self.path("a.gif")).delays, [50] * 3)

    def test_the_stretch_is_of_all_slices_or_of_each(self):
        cells = self.grays() * np.float32(0.37) + np.arange(3, dtype="float32")[:, None, None] * 60
        graph = self.series(cells[:, None])
        missing = np.isnan(cells)

        def expected(values, limits):
            position = np.clip((np.where(np.isnan(values), 0, values) - limits[0]) /
                               (limits[1] - limits[0]), 0, 1)
            return np.floor(position * 255 + 0.5)

        for options, percents, by_slice in (({}, (2, 98), False),
                                            ({"PERCENTILES": "10,75.5"}, (10, 75.5), False),
                                            ({"STRETCH": "slice"}, (2, 98), True)):
            webp = WebP(self.make(graph, "a.webp", RAMP="gray", LABEL="NO", **options))
            for t in range(3):
                limits = np.nanpercentile(cells[t] if by_slice else cells, percents)
                self.same(webp.frames[t], expected(cells[t], limits), missing[t])

    def test_a_label_changes_its_corner_only(self):
        graph = self.series(self.grays(3, 30, 80)[:, None])
        for name, reader in (("a.gif", Gif), ("a.webp", WebP)):
            plain = reader(self.make(graph, name, SIZE=80, LABEL="NO")).frames
            labelled = reader(self.make(graph, name, SIZE=80)).frames
            boxes = []
            for t in range(3):
                differ = (plain[t] != labelled[t]).any(axis=-1)
                self.assertFalse(differ[11:].any() or differ[:, 63:].any())
                box = labelled[t][:11, :63]  # 10 letters of 6 pixels and the margins
                self.assertTrue((box[..., 3] == 255).all())
                self.assertTrue(np.isin(box[..., :3], (0, 255)).all())
                boxes.append(box[..., 0] == 255)
            self.assertTrue((boxes[0] != boxes[1]).any())
            # "2020-01-01" and "-02" differ in the last digit, which begins at 2 + 9 * 6.
            self.assertFalse((boxes[0] != boxes[1])[:, :56].any())
            glyph = boxes[0][2:9, 56:61]
            expected = np.array([[c == "#" for c in row] for row in
                                 ("  #  ", " ##  ", "  #  ", "  #  ", "  #  ", "  #  ", " ### ")])
            np.testing.assert_array_equal(glyph, expected)
        png = decoded(self.make(graph, "a.png", SIZE=80, LABEL="YES", T="2020-01-02"))
        np.testing.assert_array_equal(png[:11, :63, 0] == 255, boxes[1])

    def test_a_legend_is_in_the_other_corner(self):
        graph = self.series(self.grays(1, 30, 300)[:, None])
        plain = decoded(self.make(graph, "a.png", MIN=0, MAX=200))
        legend = decoded(self.make(graph, "a.png", MIN=0, MAX=200, LEGEND="YES"))
        differ = (plain != legend).any(axis=-1)
        width = (1 * 6 + 3) + 64 + (3 * 6 + 3)  # "0", the bar, "200"
        self.assertFalse(differ[:19].any() or differ[:, :300 - width].any())
        bar = legend[24, 300 - width + 9:300 - width + 9 + 64]
        self.assertEqual(bar[0].tolist(), [68, 1, 84, 255])
        self.assertEqual(bar[-1].tolist(), [253, 231, 37, 255])
        self.assertEqual(len(np.unique(bar, axis=0)), 64)

    def test_classes_have_their_colours(self):
        cells = np.array([[[[0, 1, 2], [3, 2, 255]]]], dtype="uint8")
        graph = self.series(cells, nodata=255)
        options = dict(CLASSES="0=#102030,1=#FFffFF,2=#0000ff", LABEL="NO")
        expected = [[[16, 32, 48, 255], [255, 255, 255, 255], [0, 0, 255, 255]],
                    [[0, 0, 0, 0], [0, 0, 255, 255], [0, 0, 0, 0]]]
        self.assertEqual(decoded(self.make(graph, "a.png", **options)).tolist(), expected)
        gif = Gif(self.make(graph, "a.gif", **options)).frames[0]
        self.assertEqual(np.where(gif[..., 3:] == 0, 0, gif).tolist(), expected)

    def test_three_bands_are_red_green_and_blue(self):
        y, x = np.mgrid[0:100, 0:120]
        bands = np.stack([x * 2, y * 2, (x + y), x * 0]).astype("float32")
        graph = self.series(np.stack([bands, bands[[1, 2, 0, 3]]]), names="rgbz")
        options = dict(BANDS="g,r,b", MIN=0, MAX=255, LABEL="NO")
        exact = np.stack([bands[1], bands[0], bands[2]], axis=-1)
        webp = WebP(self.make(graph, "a.webp", **options))
        np.testing.assert_array_equal(webp.frames[0][..., :3], exact)
        gif = Gif(self.make(graph, "a.gif", **options))
        error = np.abs(gif.frames[0][..., :3].astype(float) - exact)
        self.assertLess(error.mean(), 8)
        self.assertLess(error.max(), 50)
        self.assertEqual(len(gif.frames), 2)
        lossy = WebP(self.make(graph, "b.webp", QUALITY=60, **options))
        error = np.abs(lossy.frames[0][..., :3].astype(float) - exact)
        self.assertTrue(0 < error.mean() < 8)

    def test_large_cubes_are_shrunk_and_small_ones_enlarged(self):
        cells = np.arange(30 * 50, dtype="float32").reshape(1, 1, 30, 50) % 250
        graph = self.series(cells)
        options = dict(RAMP="gray", MIN=0, MAX=255, LABEL="NO")
        small = decoded(self.make(graph, "a.png", SIZE=20, **options))  # 3 cells a pixel
        np.testing.assert_array_equal(small[..., 0],
                                      cells[0, 0][1::3, [*range(1, 50, 3)]])
        large = decoded(self.make(graph, "a.png", SIZE=120, **options))  # 2 pixels a cell
        np.testing.assert_array_equal(large[..., 0],
                                      cells[0, 0].repeat(2, axis=0).repeat(2, axis=1))

    def test_odd_cubes(self):
        one = self.series(np.array([[[[7]]]], dtype="float32"))
        for name, reader in (("a.gif", lambda n: Gif(n).frames), ("a.png", lambda n: [decoded(n)]),
                             ("a.webp", lambda n: [decoded(n)])):
            frames = reader(self.make(one, name, RAMP="gray"))
            self.assertEqual(len(frames), 1)
            self.assertEqual(frames[0].shape, (1, 1, 4))
            self.assertTrue(frames[0][0, 0].tolist() in ([128, 128, 128, 255], [127] * 3 + [255]))

    def test_slices_without_a_value_are_transparent(self):
        for lost in ([1], [0, 1, 2]):
            cells = self.grays(3)
            cells[lost] = np.nan
            graph = self.series(cells[:, None])
            for name, reader in (("a.gif", Gif), ("a.webp", WebP)):
                frames = reader(self.make(graph, name, LABEL="NO")).frames
                self.assertEqual([int((f[..., 3] > 0).sum()) for f in frames],
                                 np.isfinite(cells).sum(axis=(1, 2)).tolist())

    def test_the_threads_make_no_difference(self):
        graph = self.series(self.grays(4)[:, None])
        first = content(self.make(graph, "a.gif"))
        cube("run", graph, "-o", self.path("b.gif"), "--threads", "2", "--chunk", "1,3,4")
        self.assertEqual(content(self.path("b.gif")), first)

    def test_a_huge_cube_takes_little_memory(self):
        graph = self.graph({"cube_type": "dummy", "fill": 2, "view": {
            "space": {"left": 0, "right": 20000, "bottom": 0, "top": 20000, "dx": 1,
                      "srs": "EPSG:32631"},
            "time": {"t0": "2020-01", "t1": "2020-02", "dt": "P1M"}}})
        result = cube("run", graph, "-o", self.path("a.gif"), "-o", self.path("a.webp"), "--memory",
                      "400M")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(Gif(self.path("a.gif")).frames[1].shape, (1000, 1000, 4))

    def test_what_is_wrong_is_said_before_any_work(self):
        graph = self.series(self.grays(2)[:, None])
        for name, options, message in (
                ("a.gif", {"FPS": 0}, "option FPS cannot be '0' (a number from 0.1 to 50)"),
                ("a.gif", {"LOOP": -1}, "option LOOP cannot be '-1' (a whole number from 0 to 65535)"),
                ("a.gif", {"RAMP": "virids"}, "option RAMP cannot be 'virids' (did you mean 'viridis'?)"),
                ("a.webp", {"QUALITY": 101},
                 "option QUALITY cannot be '101' (a whole number from 1 to 100)"),
                ("a.png", {"PERCENTILES": "98,2"}, "option PERCENTILES cannot be '98,2' (two rising "
                 "numbers from 0 to 100: PERCENTILES=2,98)"),
                ("a.png", {"STRETCH": "both"}, "option STRETCH cannot be 'both' (one of all, slice)"),
                ("a.png", {"CLASSES": "1=red"}, "option CLASSES holds '1=red' (VALUE=#rrggbb, "
                 "separated by commas: CLASSES=1=#1f78b4,2=#33a02c)"),
                ("a.png", {"CLASSES": "1=#000000", "RAMP": "gray"},
                 "options RAMP and CLASSES exclude each other"),
                ("a.png", {"CLASSES": "1=#000000", "LEGEND": "YES"}, "option LEGEND draws the ramp of "
                 "one band, and the picture has none (BAND=NAME chooses a band)"),
                ("a.png", {"CLASSES": "1=#000000", "BANDS": "v,v,v"}, "option CLASSES colours one "
                 "band, and three are shown (BAND=NAME chooses one)"),
                ("a.gif", {"LABEL": "YES"}, "option LABEL needs 63 x 11 pixels, and the picture has "
                 "20 x 11 (SIZE=1024 enlarges it)"),
                ("a.png", {"LEGEND": "YES"}, "option LEGEND needs 190 x 11 pixels, and the picture "
                 "has 20 x 11 (SIZE=1024 enlarges it)"),
                ("a.webp", {"SIZE": 16384}, "option SIZE cannot be '16384' (a whole number from 1 to 16383)"),
                ("a.gif", {"T": 9}, "there is no slice '9' (2020-01-01 to 2020-01-02, or an index "
                 "from 0)")):
            pairs = [x for key, value in options.items() for x in ("--co", f"{key}={value}")]
            self.rejects(f"FOLDER/{name}: {message}", "run", graph, "-o", self.path(name), *pairs)
            self.assertFalse(os.path.exists(self.path(name)))


if __name__ == "__main__":
    unittest.main()

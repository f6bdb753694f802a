// Archives: files that hold files, which GDAL reads without unpacking.
// Thread rule: pure functions.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cube {

// Whether a name ends like an archive: .zip, .tar, .tar.gz or .tgz.
bool is_archive(const std::string& name);

// Whether a name ends like a single compressed file: .gz, but no archive.
bool is_compressed(const std::string& name);

// The names under which GDAL opens the files in an archive, in all its folders:
// "/vsizip//data/a.zip/b/c.tif"; of an archive that lies in another and is given by such a name
// "/vsizip/{/vsizip//data/a.zip/b.zip}/c.tif". Empty where it cannot be read. Takes one pass over a zip file's
// directory; a .tar.gz is decompressed once.
// REQUIRES: is_archive(path).
std::vector<std::string> list_archive(const std::string& path);

// The name under which GDAL opens the only file in an archive whose name ends like one of
// `endings`, or a compressed one; other names as they are. Throws Error(kNotFound), or
// Error(kUnreadable) where an archive does not hold exactly one; `kind` is what such files are
// called.
std::string name_in_archive(const std::string& path, std::span<const std::string_view> endings,
                            const std::string& kind);

// The name under which GDAL opens a compressed file.
std::string decompressed(const std::string& path);

}  // namespace cube

// Archives: files that hold files, which GDAL reads without unpacking.
// Thread rule: pure functions.
#pragma once

#include <string>
#include <vector>

namespace cube {

// Whether a name ends like an archive: .zip, .tar, .tar.gz or .tgz.
bool is_archive(const std::string& name);

// Whether a name ends like a single compressed file: .gz, but no archive.
bool is_compressed(const std::string& name);

// The names under which GDAL opens the files in an archive, in all its folders:
// "/vsizip//data/a.zip/b/c.tif". Empty where it cannot be read. Takes one pass over a zip file's
// directory; a .tar.gz is decompressed once.
// REQUIRES: is_archive(path).
std::vector<std::string> list_archive(const std::string& path);

// The name under which GDAL opens a compressed file.
std::string decompressed(const std::string& path);

}  // namespace cube

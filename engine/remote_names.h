// Names of files on servers and in object stores, as people write them and as GDAL takes them.
// Thread rule: pure functions.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace cube {

// GDAL's name for a URL: "https://h/a.tif" is "/vsicurl/https://h/a.tif" (http:// and ftp://
// alike), "s3://bucket/a.tif" is "/vsis3/bucket/a.tif", gs:// is /vsigs/, az:// (and abfs://)
// /vsiaz/, adl:// /vsiadls/, oss:// /vsioss/, and file:///a.tif is "/a.tif". Other names stay as
// they are.
std::string gdal_name_of(const std::string& name);

// Whether the file is read over the network: a URL, a name such as /vsis3/bucket/a.tif, or either
// of them within an archive or subdataset ("/vsizip//vsicurl/https://h/a.zip/b.tif").
bool is_remote(std::string_view name);

// Where in a name of GDAL that of the file itself begins: 0, or after the archives that it is, or
// is in: 8 in "/vsizip//data/a.zip/b.tif".
std::size_t own_name_begin(std::string_view gdal_name);

// The name without the query of a URL: what says how a remote file is called.
std::string without_query(const std::string& name);

// What may be written of a name to where others read it: queries of URLs as "?...", users and
// passwords as "...@". Of a text that is the name of a remote file alone nothing after its question
// mark is kept, whatever characters are in it; in other texts without_queries() finds the URLs.
std::string without_secrets(const std::string& text);

}  // namespace cube

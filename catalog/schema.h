// The tables of a catalog: gdalcubes', and ours beside them.
// Thread rule: pure functions.
#pragma once

#include <string>

namespace cube {

// Our key in `collection_md`, and its value for the tables as they are now.
inline constexpr const char* kVersionKey = "CUBE_CATALOG_VERSION";
inline constexpr const char* kVersion = "2";

// gdalcubes' key in `collection_md` for the format (JSON).
inline constexpr const char* kFormatKey = "collection_format";

// Our key in `collection_md` for the numbers of images and files, the extent and the like (JSON),
// which a large catalog could only give by reading all of it. Removed by a trigger when somebody
// changes the images.
inline constexpr const char* kSummaryKey = "CUBE_SUMMARY";

// Our key in `collection_md` for what the catalog was made from (JSON, see inputs.h).
inline constexpr const char* kInputsKey = "CUBE_INPUTS";

// Our key in `collection_md` for what those documents were like (JSON, see document_states.h).
inline constexpr const char* kDocumentsKey = "CUBE_DOCUMENTS";

// Our key in `band_md` for what a user should know of a band.
inline constexpr const char* kNoteKey = "note";

// Our R*Tree of extents in space and time: longitude/latitude boxes and days since 1970, rounded
// outwards to 32-bit floats; the exact values are in `images`. An image that crosses the
// antimeridian has two rows here and left > right there.
inline constexpr const char* kExtentTable = "image_extents";

// Our table of what images say of a band's scale and offset where that is not what `bands` says.
inline constexpr const char* kPackingTable = "image_packing";

// Our key in `band_md` for the scales and offsets in that table, in words.
inline constexpr const char* kPackingsKey = "packings";

// Size in bytes and modification time (nanoseconds since 1970; older catalogs: seconds) of files
// when they were indexed, of an archive's or subdataset's file for what lies in it. What is no file
// of this machine is not in it.
inline constexpr const char* kFileTable = "files";

// Our table of images that somebody removed, which an update leaves away: their names and, where a
// file holds several images, the file (the name in their descriptors). Older catalogs lack it.
inline constexpr const char* kRemovedTable = "removed_images";

// How a draft is written, by one process, that is of use only when it is complete. A larger cache
// gains nothing where rows come in order.
inline constexpr const char* kDraftSettings =
    "PRAGMA cache_size = -16000; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;"
    " PRAGMA locking_mode = EXCLUSIVE; BEGIN;";

// The statements that make all tables.
std::string schema_sql();

// The statements that make the indexes and triggers, which is faster once the rows are there. The
// triggers keep the R*Tree true when somebody adds, changes or removes images.
std::string index_sql();

// The one that makes the table of removed images, where it is not there.
std::string removed_sql();

// Those that make the triggers anew, in a catalog that has some.
std::string trigger_sql();

}  // namespace cube

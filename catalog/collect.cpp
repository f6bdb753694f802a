// From files to a collection: matching names, opening files, joining them to images.
#include <algorithm>
#include <cmath>
#include <mutex>
#include <set>
#include <tuple>

#include "catalog/collection.h"
#include "catalog/descriptor.h"
#include "catalog/footprint.h"
#include "catalog/packings.h"
#include "catalog/parallel.h"
#include "catalog/stored_offsets.h"
#include "catalog/subdatasets.h"
#include "engine/error.h"
#include "engine/gdal/archive.h"
#include "engine/gdal/raster_info.h"
#include "engine/text.h"

namespace cube {

namespace {

// A file and what was found out about it.
struct Candidate {
  ListedFile listed;
  CollectionFormat::Match match;
  RasterInfo info;
  std::map<std::string, std::string> metadata;
  std::vector<double> offsets;  // to be added to stored values, one each of listed.bands
  std::string failure;          // not empty: it cannot be indexed, and why
};

// How files are to be taken, beside their names.
struct SourceRules {
  std::string srs;
  std::vector<std::string> metadata_fields;
  std::optional<Period> band_period;
  StoredOffsets* offsets = nullptr;
};

std::string why_unusable(const RasterInfo& info, const ListedFile& file,
                         const std::vector<FormatBand>& bands) {
  for (const ListedFile::Band& band : file.bands) {
    const auto wanted = static_cast<std::size_t>(band.raster_band);
    if (wanted > info.bands.size()) {
      return "has " + counted(info.bands.size(), "band") + ", and '" + bands[band.band].name +
             "' is band " + std::to_string(wanted);
    }
  }
  if (!info.has_location) {
    return "has no georeference" + (info.unplaced.empty() ? "" : ": " + info.unplaced);
  }
  if (info.crs.empty()) return "has no coordinate reference system";
  if (info.lonlat.empty()) return "has no outline in longitude and latitude";
  constexpr double kBeyondPoles = 100;  // degrees; cells of global grids may reach over a pole
  for (const Box& box : info.lonlat) {
    if (box.top <= kBeyondPoles && box.bottom >= -kBeyondPoles) continue;
    return "has latitudes from " + number_text(box.bottom) + " to " + number_text(box.top) +
           ": its axes seem to be swapped";
  }
  return {};
}

void open(Candidate& file, const std::vector<FormatBand>& bands, const SourceRules& rules) {
  try {
    file.info = describe_raster(file.listed.name, rules.srs);
    file.metadata = raster_metadata(file.listed.name, rules.metadata_fields);
    file.failure = why_unusable(file.info, file.listed, bands);
    for (const ListedFile::Band& band : file.listed.bands) {
      const auto number = bands[band.band].stored_offset;
      const auto offset =
          rules.offsets && number ? rules.offsets->of(file.listed.name, *number) : std::nullopt;
      file.offsets.push_back(offset.value_or(0));
    }
  } catch (const Error& error) {
    file.failure = why_unreadable(file.listed.name, error.message());
  }
}

// What a format makes of a name.
Candidate matched(const std::string& file, const CollectionFormat& format) {
  Candidate out;
  out.listed.file = file;
  out.listed.name = absolute_name(file);
  out.match = format.match(out.listed.name);
  out.listed.image = out.match.image;
  out.listed.datetime = out.match.datetime;
  for (const std::size_t band : out.match.bands) {
    out.listed.bands.push_back({band, format.bands()[band].raster_band});
  }
  return out;
}

std::vector<Candidate> match_names(const CollectionFormat& format, std::vector<std::string> files,
                                   int threads) {
  std::sort(files.begin(), files.end());
  files.erase(std::unique(files.begin(), files.end()), files.end());
  std::vector<Candidate> out(files.size());
  for_each_parallel(files.size(), threads,
                    [&](std::size_t i) { out[i] = matched(files[i], format); });
  std::sort(out.begin(), out.end(),
            [](const Candidate& a, const Candidate& b) { return a.listed.name < b.listed.name; });
  return out;
}

// Leaves out names that do not match; an error when that is all of them.
std::vector<Candidate> matching(std::vector<Candidate> all, const CollectionFormat& format,
                                std::vector<IndexReport::Left>& left_out) {
  std::vector<Candidate> out;
  std::vector<std::string> names;
  for (Candidate& file : all) {
    if (file.match.reason.empty()) {
      out.push_back(std::move(file));
      continue;
    }
    if (is_archive(file.listed.name)) {
      left_out.push_back({file.listed.file, "is an archive without files that can be read", true});
      continue;
    }
    names.push_back(file.listed.name);
    // Most files hold subdatasets that are no bands.
    const bool other = file.match.other || (format.subdatasets() && file.match.bands.empty());
    left_out.push_back({file.listed.file, file.match.reason, false, other});
  }
  if (!out.empty()) return out;
  if (left_out.empty()) throw Error(ErrorCode::kInvalid, "no files are given to index");
  const auto other = CollectionFormat::guess(names);
  throw Error(ErrorCode::kInvalid,
              "none of " + counted(left_out.size(), "file") + " is of the format " + format.id() +
                  ": " + left_out.front().reason,
              left_out.front().file, other ? "the format " + *other + " fits" : "");
}

void open_all(std::vector<Candidate>& files, const std::vector<FormatBand>& bands,
              const SourceRules& rules, const IndexOptions& options) {
  std::mutex mutex;
  std::int64_t done = 0;
  for_each_parallel(files.size(), options.threads, [&](std::size_t i) {
    open(files[i], bands, rules);
    const std::lock_guard lock(mutex);
    ++done;
    if (options.progress) options.progress(done, static_cast<std::int64_t>(files.size()));
  });
}

// What the files say of one band of the format.
struct BandFacts {
  std::set<DType> dtypes;
  std::set<std::optional<double>> nodata;
  std::optional<BandInfo> first;

  void add(const BandInfo& info) {
    dtypes.insert(info.dtype);
    nodata.insert(info.nodata);
    if (!first) first = info;
  }
};

// A nodata value as a set can hold it (NaN equals nothing).
std::optional<double> comparable(std::optional<double> nodata) {
  return nodata && std::isnan(*nodata) ? std::nullopt : nodata;
}

BandInfo band_info(const FormatBand& band, const BandFacts& facts) {
  BandInfo out = *facts.first;
  out.name = band.name;
  out.note.clear();
  std::vector<std::string> types;
  for (const DType dtype : facts.dtypes) {
    out.dtype = common_dtype(out.dtype, dtype);
    types.emplace_back(name(dtype));
  }
  if (types.size() > 1) out.note = "files have " + join(types, " and ");
  const bool same_nodata = facts.nodata.size() == 1;
  out.nodata = band.nodata ? band.nodata : same_nodata ? out.nodata : std::nullopt;
  if (!band.nodata && !same_nodata) {
    out.note += std::string(out.note.empty() ? "" : "; ") + "files differ in nodata";
  }
  if (!band.unit.empty()) out.unit = band.unit;
  return out;
}

// What a format says counts before what the file does. An offset of the image is not applied where
// one is said already.
Packing packing_of_file(const FormatBand& band, const BandInfo& info, double image_offset) {
  const bool said = band.scale != 1 || band.offset != 0;
  Packing out = said ? Packing{band.scale, band.offset} : Packing{info.scale, info.offset};
  if (out.offset == 0) out.offset = image_offset * out.scale;
  return out;
}

// Joins files to images.
class Assembler {
 public:
  Assembler(const std::vector<FormatBand>& bands, Collection& out)
      : bands_(bands), out_(out), facts_(bands.size()) {}

  // A file whose bands are times: an image each, named after its time as gdalcubes does.
  void add_times(const Candidate& candidate, const Period& period) {
    Candidate step = candidate;
    const auto count = static_cast<std::int64_t>(candidate.info.bands.size());
    const TimeAxis times = TimeAxis::regular(candidate.listed.datetime, period, count);
    for (std::int64_t i = 0; i < count; ++i) {
      step.listed.datetime = times.start(i);
      step.listed.image = candidate.listed.image + "_" + times.label(i);
      for (ListedFile::Band& band : step.listed.bands) band.raster_band = static_cast<int>(i) + 1;
      add(step);
    }
  }

  void add(const Candidate& candidate) {
    const ListedFile& file = candidate.listed;
    auto [at, fresh] = images_.try_emplace(file.image);
    CollectedImage& image = at->second;
    if (!fresh) {
      const std::string clash = clash_with(image, candidate);
      if (!clash.empty()) return out_.left_out.push_back({file.file, clash, true, false});
    } else {
      image = {file.image, file.datetime, candidate.info.crs, {}, {}, {}};
    }
    if (out_.files.empty() || out_.files.back() != file.name) out_.files.push_back(file.name);
    for (std::size_t i = 0; i < file.bands.size(); ++i) {
      const ListedFile::Band& band = file.bands[i];
      BandInfo info = candidate.info.bands[static_cast<std::size_t>(band.raster_band) - 1];
      info.nodata = comparable(info.nodata);
      facts_[band.band].add(info);
      image.sources[band.band] = {out_.files.size() - 1, band.raster_band,
                                  packing_of_file(bands_[band.band], info, candidate.offsets[i])};
    }
    image.metadata.insert(candidate.metadata.begin(), candidate.metadata.end());
    const auto boxes = wrap_longitudes(candidate.info.lonlat);
    image.footprint.insert(image.footprint.end(), boxes.begin(), boxes.end());
  }

  void finish() {
    std::vector<std::size_t> place(facts_.size());
    for (std::size_t i = 0; i < facts_.size(); ++i) {
      place[i] = out_.bands.size();
      if (facts_[i].first) out_.bands.push_back(band_info(bands_[i], facts_[i]));
    }
    for (auto& [name, image] : images_) {
      std::map<std::size_t, CollectedImage::Source> sources;
      for (const auto& [index, source] : image.sources) sources[place[index]] = source;
      image.sources = std::move(sources);
      merge_touching(image.footprint);
      out_.images.push_back(std::move(image));
    }
    std::stable_sort(
        out_.images.begin(), out_.images.end(),
        [](const CollectedImage& a, const CollectedImage& b) { return a.datetime < b.datetime; });
    settle_packings(out_);
  }

 private:
  std::string clash_with(const CollectedImage& image, const Candidate& candidate) const {
    const ListedFile& file = candidate.listed;
    if (image.datetime != file.datetime) {
      return "is of " + to_text(file.datetime) + ", other files of its image '" + image.name +
             "' of " + to_text(image.datetime);
    }
    if (image.crs != candidate.info.crs) {
      return "is in " + candidate.info.crs + ", other files of its image '" + image.name +
             "' are in " + image.crs;
    }
    for (const ListedFile::Band& band : file.bands) {
      const auto other = image.sources.find(band.band);
      if (other == image.sources.end()) continue;
      return "the image '" + image.name + "' has its band '" + bands_[band.band].name +
             "' already from " + out_.files[other->second.file];
    }
    return {};
  }

  const std::vector<FormatBand>& bands_;
  Collection& out_;
  std::map<std::string, CollectedImage> images_;
  std::vector<BandFacts> facts_;  // one each of bands_
};

// Opens the files and joins them to images.
Collection assemble(std::vector<Candidate> files, const std::vector<FormatBand>& bands,
                    std::vector<IndexReport::Left> left_out, const SourceRules& rules,
                    const IndexOptions& options) {
  Collection out;
  out.left_out = std::move(left_out);
  open_all(files, bands, rules, options);
  Assembler assembler(bands, out);
  for (const Candidate& file : files) {
    if (file.failure.empty()) {
      rules.band_period ? assembler.add_times(file, *rules.band_period) : assembler.add(file);
    } else {
      out.left_out.push_back({file.listed.file, file.failure, true, false});
    }
  }
  if (out.files.empty()) {
    const auto first = std::find_if(out.left_out.begin(), out.left_out.end(),
                                    [](const IndexReport::Left& left) { return left.failed; });
    throw Error(ErrorCode::kUnreadable,
                "none of " + counted(files.size(), "file") +
                    " of the format can be indexed: " + first->reason,
                first->file);
  }
  assembler.finish();
  return out;
}

}  // namespace

Collection collect(const CollectionFormat& format, std::vector<std::string> files,
                   const IndexOptions& options) {
  std::vector<IndexReport::Left> left_out;
  if (format.subdatasets()) files = subdatasets_of(format, files, options.threads, left_out);
  auto candidates =
      matching(match_names(format, std::move(files), options.threads), format, left_out);
  SourceRules rules{format.srs(), format.metadata_fields(), format.band_period()};
  std::optional<StoredOffsets> offsets;
  if (format.stored_offset()) rules.offsets = &offsets.emplace(*format.stored_offset());
  return assemble(std::move(candidates), format.bands(), std::move(left_out), rules, options);
}

Collection collect_listed(const std::vector<FormatBand>& bands, std::vector<ListedFile> files,
                          const IndexOptions& options, const std::string& srs) {
  std::vector<Candidate> candidates(files.size());
  for (std::size_t i = 0; i < files.size(); ++i) candidates[i].listed = std::move(files[i]);
  return assemble(std::move(candidates), bands, {},
                  {.srs = srs, .metadata_fields = {}, .band_period = {}, .offsets = {}}, options);
}

}  // namespace cube

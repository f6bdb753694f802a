#include <algorithm>

#include "api/copy_cells.h"
#include "cube/cube.h"
#include "engine/text.h"

namespace cube {

Cells::Cells(std::shared_ptr<const CubeInfo> info, std::vector<std::size_t> bands, Chunk chunk)
    : info_(std::move(info)), bands_(std::move(bands)), chunk_(std::move(chunk)) {}

std::vector<std::string> Cells::band_names() const {
  std::vector<std::string> names;
  names.reserve(bands_.size());
  for (const std::size_t band : bands_) names.push_back(info_->bands[band].name);
  return names;
}

const BandInfo& Cells::info(std::string_view band) const {
  return info_->bands[bands_[index(band)]];
}

bool Cells::missing(std::string_view band) const {
  const BlockPtr& block = chunk_.bands[index(band)];
  return !block || block->all_missing();
}

std::vector<double> Cells::numbers(std::string_view band) const {
  std::vector<double> out(static_cast<std::size_t>(region().cells()));
  copy_to(band, CellsOut::of(std::span(out)));
  return out;
}

void Cells::copy_to(std::string_view band, const CellsOut& out) const {
  const std::size_t i = index(band);
  const BandInfo& about = info_->bands[bands_[i]];
  check_out(out, about, region());
  copy_cells(chunk_.bands[i].get(), about, region(), region(), out);
}

std::size_t Cells::index(std::string_view band) const {
  const std::size_t wanted = info_->band(band, "");
  const auto found = std::ranges::find(bands_, wanted);
  if (found == bands_.end()) {
    throw Error(ErrorCode::kNotFound, "the band '" + std::string(band) + "' was not read", "",
                "one of " + join(band_names()));
  }
  return static_cast<std::size_t>(found - bands_.begin());
}

const Block& Cells::block(std::string_view band, DType dtype) const {
  const std::size_t i = index(band);
  const BandInfo& about = info_->bands[bands_[i]];
  if (about.dtype != dtype) {
    throw Error(
        ErrorCode::kInvalid,
        "its cells are " + std::string(name(about.dtype)) + ", not " + std::string(name(dtype)),
        "band '" + about.name + "'", "numbers() and copy_to() convert");
  }
  BlockPtr& block = chunk_.bands[i];
  if (!block) block = std::make_shared<const Block>(region(), about.storage());
  return *block;
}

}  // namespace cube

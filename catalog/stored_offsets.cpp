#include "catalog/stored_offsets.h"

#include "engine/gdal/zarr_json.h"
#include "engine/text.h"

namespace cube {

std::map<int, double> offsets_in(const std::string& text, const std::string& element) {
  std::map<int, double> out;
  const std::string open = "<" + element + " ";
  for (std::size_t at = text.find(open); at != std::string::npos; at = text.find(open, at + 1)) {
    const std::size_t end = text.find('>', at);
    const std::size_t close = text.find('<', end);
    static const std::string kBand = "band_id=\"";
    const std::size_t band = text.find(kBand, at);
    if (end == std::string::npos || close == std::string::npos || band > end) continue;
    const std::size_t digits = band + kBand.size();
    const auto number = parse_number(text.substr(digits, text.find('"', digits) - digits));
    const auto value = parse_number(text.substr(end + 1, close - end - 1));
    if (number && value) out[static_cast<int>(*number)] = *value;
  }
  return out;
}

StoredOffsets::Offsets StoredOffsets::in_folder(const std::string& name) {
  const std::string folder = rule_->folder.captured(name);
  if (folder.empty()) return std::nullopt;
  const std::lock_guard lock(mutex_);
  const auto known = known_.find(folder);
  if (known != known_.end()) return known->second;
  Offsets out;
  if (const auto bytes = read_whole_file(folder + "/" + rule_->file)) {
    const std::string text(reinterpret_cast<const char*>(bytes->data()), bytes->size());
    out = offsets_in(text, rule_->element);
  }
  return known_[folder] = out;
}

std::optional<double> StoredOffsets::of(const std::string& name, int band) {
  if (const Offsets offsets = in_folder(name)) {
    const auto at = offsets->find(band);
    return at == offsets->end() ? 0 : at->second;
  }
  const auto number = parse_number(rule_->number.captured(name));
  if (!number) return std::nullopt;
  return *number >= rule_->from ? rule_->offset : 0;
}

}  // namespace cube

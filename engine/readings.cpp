#include "engine/readings.h"

#include <algorithm>

#include "engine/demand.h"
#include "engine/text.h"

namespace cube {

namespace {

// What is said of one band.
std::string ways_text(std::span<const Reading> ways) {
  if (ways.size() == 1) return ways[0].how;
  std::int64_t all = 0;
  for (const Reading& way : ways) all += way.files;
  std::vector<std::string> parts;
  for (const Reading& way : ways) {
    const std::string of = parts.empty() ? " of " + std::to_string(all) + " looked at" : "";
    parts.push_back(way.how + " (" + std::to_string(way.files) + of + ")");
  }
  return join(parts);
}

}  // namespace

void ReadingCount::add(std::size_t band, const std::string& how) {
  const auto same = [&](const Reading& one) { return one.band == band && one.how == how; };
  auto found = std::find_if(readings_.begin(), readings_.end(), same);
  if (found == readings_.end()) {
    readings_.push_back({band, how, 0});
    found = std::prev(readings_.end());
  }
  ++found->files;
}

std::vector<Reading> ReadingCount::take() {
  std::vector<std::size_t> order;  // of bands, as they came
  for (const Reading& one : readings_) {
    if (std::find(order.begin(), order.end(), one.band) == order.end()) order.push_back(one.band);
  }
  const auto place = [&](const Reading& one) {
    return std::find(order.begin(), order.end(), one.band) - order.begin();
  };
  std::stable_sort(readings_.begin(), readings_.end(), [&](const Reading& a, const Reading& b) {
    return std::pair(place(a), -a.files) < std::pair(place(b), -b.files);
  });
  return std::move(readings_);
}

std::vector<std::vector<Reading>> readings_of(const Graph& graph) {
  std::vector<std::vector<Reading>> out(graph.nodes.size());
  const CubeInfo& info = graph.info();
  if (info.extent().empty()) return out;
  const auto wanted = demanded(graph, graph.result, all_bands(info, info.extent()));
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    const auto* source = dynamic_cast<const FileSource*>(graph.nodes[i].op.get());
    if (source && !wanted[i].region.empty()) out[i] = source->readings(wanted[i].bands);
  }
  return out;
}

std::vector<std::string> readings_lines(const std::vector<Reading>& readings,
                                        const std::vector<std::string>& names) {
  struct Group {
    std::string how;
    std::vector<std::string> bands;
  };
  std::vector<Group> groups;
  const std::span all(readings);
  for (std::size_t begin = 0; begin < all.size();) {
    std::size_t end = begin;
    while (end < all.size() && all[end].band == all[begin].band) ++end;
    const std::string how = ways_text(all.subspan(begin, end - begin));
    const auto same = [&](const Group& group) { return group.how == how; };
    auto found = std::find_if(groups.begin(), groups.end(), same);
    if (found == groups.end()) found = groups.insert(groups.end(), {how, {}});
    found->bands.push_back(names.at(all[begin].band));
    begin = end;
  }
  if (groups.size() == 1) return {groups[0].how};
  constexpr std::size_t kNamed = 4;
  std::vector<std::string> parts;
  for (const Group& group : groups) {
    const bool few = group.bands.size() <= kNamed;
    parts.push_back((few ? join(group.bands) : counted(group.bands.size(), "band")) + " " +
                    group.how);
  }
  return parts;
}

}  // namespace cube

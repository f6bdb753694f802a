#include "engine/gdal/cloud_settings.h"

#include <algorithm>

#include "engine/text.h"

namespace cube {

namespace {

double option_number(const char* name, double by_default) {
  const char* text = CPLGetConfigOption(name, nullptr);
  const auto number = text ? parse_number(text) : std::nullopt;
  return number && *number >= 0 ? *number : by_default;
}

}  // namespace

Patience CloudSettings::wanted_patience() {
  constexpr double kTimes = 5;
  constexpr double kMostTimes = 100;
  constexpr double kDelay = 0.25;
  return {static_cast<int>(std::min(kMostTimes, option_number("GDAL_HTTP_MAX_RETRY", kTimes))),
          option_number("GDAL_HTTP_RETRY_DELAY", kDelay)};
}

CloudSettings::FixedOption::FixedOption(const char* name, const char* value) : name_(name) {
  if (const char* before = CPLGetThreadLocalConfigOption(name, nullptr)) before_ = before;
  CPLSetThreadLocalConfigOption(name, value);
}

CloudSettings::FixedOption::~FixedOption() {
  CPLSetThreadLocalConfigOption(name_, before_ ? before_->c_str() : nullptr);
}

}  // namespace cube

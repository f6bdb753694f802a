#include "engine/remote_names.h"

#include <algorithm>
#include <array>

#include "engine/text.h"

namespace cube {

namespace {

struct Scheme {
  std::string_view url;
  std::string_view gdal;
};

constexpr std::array<Scheme, 10> kSchemes = {{{"https://", "/vsicurl/https://"},
                                              {"http://", "/vsicurl/http://"},
                                              {"ftp://", "/vsicurl/ftp://"},
                                              {"s3://", "/vsis3/"},
                                              {"gs://", "/vsigs/"},
                                              {"az://", "/vsiaz/"},
                                              {"abfs://", "/vsiaz/"},
                                              {"adl://", "/vsiadls/"},
                                              {"oss://", "/vsioss/"},
                                              {"file://", ""}}};

}  // namespace

std::string gdal_name_of(const std::string& name) {
  for (const Scheme& scheme : kSchemes) {
    if (!name.starts_with(scheme.url)) continue;
    return std::string(scheme.gdal) + name.substr(scheme.url.size());
  }
  return name;
}

bool is_remote(std::string_view name) {
  static constexpr std::array<std::string_view, 9> kFileSystems = {
      "/vsicurl", "/vsis3",    "/vsigs",      "/vsiaz",  "/vsiadls",
      "/vsioss",  "/vsiswift", "/vsiwebhdfs", "/vsihdfs"};
  const auto has = [&](std::string_view part) { return name.find(part) != std::string_view::npos; };
  return std::ranges::any_of(kFileSystems, has) ||
         std::ranges::any_of(
             kSchemes, [&](const Scheme& scheme) { return scheme.gdal != "" && has(scheme.url); });
}

std::size_t own_name_begin(std::string_view gdal_name) {
  std::size_t begin = 0;
  for (bool inside = true; inside;) {
    inside = false;
    for (const std::string_view archive : {"/vsizip/", "/vsitar/", "/vsigzip/", "{"}) {
      if (!gdal_name.substr(begin).starts_with(archive)) continue;
      begin += archive.size();
      inside = true;
    }
  }
  return begin;
}

std::string without_query(const std::string& name) {
  return is_remote(name) ? name.substr(0, name.find('?')) : name;
}

std::string without_secrets(const std::string& text) {
  const std::size_t query = text.find('?');
  const bool name = is_remote(text) && text.find_first_of(" \t\n") == std::string::npos;
  if (!name || query == std::string::npos) return without_queries(text);
  return without_queries(text.substr(0, query)) + "?...";
}

}  // namespace cube

#include "engine/gdal/zarr_json.h"

#include <cpl_vsi.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <limits>
#include <memory>

#include "engine/error.h"
#include "engine/gdal/handles.h"
#include "engine/gdal/network.h"
#include "engine/remote_names.h"

namespace cube {

namespace {

Json parse(const std::string& text, const std::string& file) {
  const GdalErrors errors;
  CPLJSONDocument document;
  if (document.LoadMemory(text) && document.GetRoot().GetType() == Json::Type::Object) {
    return document.GetRoot();
  }
  throw Error(ErrorCode::kUnreadable, "is no JSON object", file);
}

// A file of this machine, without GDAL's ways to others.
bool is_plain(const std::string& path) { return !is_remote(path) && !path.starts_with("/vsi"); }

Error unreadable(const std::string& path, const std::string& reason) {
  return Error(ErrorCode::kUnreadable, "cannot be read: " + reason, path);
}

// Takes one code point off the front of a UTF-8 text; U+FFFD for what is none.
char32_t take_code_point(std::string_view& text) {
  const auto lead = static_cast<unsigned char>(text.front());
  text.remove_prefix(1);
  if (lead < 0x80) return lead;
  const std::size_t more = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : lead >= 0xc0 ? 1 : 0;
  if (more == 0 || text.size() < more) return 0xfffd;
  char32_t code = lead & (0x3fU >> more);
  for (std::size_t i = 0; i < more; ++i) {
    code = (code << 6) | (static_cast<unsigned char>(text[i]) & 0x3fU);
  }
  text.remove_prefix(more);
  return code;
}

// "\u00b0".
std::string escaped(char32_t unit) {
  static constexpr const char* kHex = "0123456789abcdef";
  std::string out = "\\u";
  for (int shift = 12; shift >= 0; shift -= 4) out += kHex[(unit >> shift) & 15U];
  return out;
}

// A code point beyond ASCII, or a control character.
std::string escaped_point(char32_t code) {
  if (code < 0x10000) return escaped(code);
  // a surrogate pair
  return escaped(0xd800 + ((code - 0x10000) >> 10)) + escaped(0xdc00 + (code & 0x3ff));
}

}  // namespace

bool file_exists(const std::string& path) {
  if (is_plain(path)) {
    struct stat status {};
    if (::stat(path.c_str(), &status) == 0) return true;
    if (errno == ENOENT || errno == ENOTDIR) return false;
    throw unreadable(path, std::strerror(errno));
  }
  const GdalErrors errors;  // which are not printed
  VSIStatBufL stat;
  const bool there = VSIStatExL(network_name(path).c_str(), &stat, VSI_STAT_EXISTS_FLAG) == 0;
  if (!there && errors.any() && is_remote(path) && !server_has_none()) {
    throw Error(ErrorCode::kUnreadable, "cannot be read: " + errors.first(), path);
  }
  return there;
}

namespace {

struct Closing {
  int descriptor;
  ~Closing() { ::close(descriptor); }
};

// The same of a file of this machine, which is there or not for sure.
std::optional<Bytes> read_plain_file(const std::string& path) {
  // Nobody may ever write into a pipe.
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0 && (errno == ENOENT || errno == ENOTDIR)) return std::nullopt;
  if (descriptor < 0) throw unreadable(path, std::strerror(errno));
  const Closing owner{descriptor};
  struct stat status {};
  if (::fstat(descriptor, &status) != 0) throw unreadable(path, std::strerror(errno));
  if (!S_ISREG(status.st_mode)) throw unreadable(path, "it is no file");
  Bytes out(static_cast<std::size_t>(status.st_size));
  for (std::size_t at = 0; at < out.size();) {
    const ssize_t done = ::read(descriptor, out.data() + at, out.size() - at);
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) throw unreadable(path, std::strerror(errno));
    if (done == 0) throw unreadable(path, "it has become shorter");
    at += static_cast<std::size_t>(done);
  }
  return out;
}

}  // namespace

std::optional<Bytes> read_whole_file(const std::string& path) {
  if (is_plain(path)) return read_plain_file(path);
  const GdalErrors errors;
  const std::unique_ptr<VSILFILE, decltype(&VSIFCloseL)> file(
      VSIFOpenL(network_name(path).c_str(), "rb"), &VSIFCloseL);
  const bool told = !file && is_remote(path) && server_has_none();
  if (told || (!file && !is_remote(path) && !file_exists(path))) return std::nullopt;
  if (file && VSIFSeekL(file.get(), 0, SEEK_END) == 0) {
    Bytes out(VSIFTellL(file.get()));
    VSIRewindL(file.get());
    if (VSIFReadL(out.data(), 1, out.size(), file.get()) == out.size()) return out;
  }
  throw Error(ErrorCode::kUnreadable,
              "cannot be read" + (errors.any() ? ": " + errors.first() : std::string()), path);
}

std::optional<Json> read_json(const std::string& path) {
  const auto bytes = read_whole_file(path);
  if (!bytes) return std::nullopt;
  return parse({reinterpret_cast<const char*>(bytes->data()), bytes->size()}, path);
}

Json json_member(const Json& object, std::string_view name) {
  for (const Json& child : object.GetChildren()) {
    if (child.GetName() == name) return child;
  }
  return object.GetObj("\x01no such member");
}

std::string json_text(std::string_view text) {
  std::string out = "\"";
  while (!text.empty()) {
    const char32_t code = take_code_point(text);
    if (code == U'"' || code == U'\\') {
      out += {'\\', static_cast<char>(code)};
    } else if (code >= 0x20 && code < 0x7f) {
      out += static_cast<char>(code);
    } else {
      out += escaped_point(code);
    }
  }
  return out + "\"";
}

std::string ascii_json(std::string_view document) {
  std::string out;
  while (!document.empty()) {
    const char32_t code = take_code_point(document);
    if (code < 0x80) {
      out += static_cast<char>(code);
    } else {
      out += escaped_point(code);
    }
  }
  return out;
}

std::optional<double> json_number(const Json& value) {
  switch (value.GetType()) {
    case Json::Type::Integer:
    case Json::Type::Long:
    case Json::Type::Double:
      return value.ToDouble();
    case Json::Type::Boolean:
      return value.ToBool() ? 1 : 0;
    case Json::Type::String: {
      const std::string text = value.ToString();
      if (text == "NaN") return std::numeric_limits<double>::quiet_NaN();
      if (text == "Infinity") return std::numeric_limits<double>::infinity();
      if (text == "-Infinity") return -std::numeric_limits<double>::infinity();
      return std::nullopt;
    }
    default:
      return std::nullopt;
  }
}

CfAttributes json_attributes(const Json& object) {
  CfAttributes out;
  for (const Json& child : object.GetChildren()) {
    const std::string name = child.GetName();
    if (name == "_CRS") {  // GDAL's
      const Json wkt = json_member(child, "wkt");
      if (wkt.IsValid()) out.emplace_back(name, wkt.ToString());
    } else if (child.GetType() == Json::Type::Array) {
      std::vector<double> numbers;
      for (const Json& item : child.ToArray()) {
        if (const auto value = json_number(item)) numbers.push_back(*value);
      }
      if (!numbers.empty()) out.emplace_back(name, std::move(numbers));
    } else if (child.GetType() == Json::Type::String) {
      out.emplace_back(name, child.ToString());
    } else if (const auto value = json_number(child)) {
      out.emplace_back(name, *value);
    }
  }
  return out;
}

std::vector<std::int64_t> json_integers(const Json& value) {
  std::vector<std::int64_t> out;
  if (value.GetType() != Json::Type::Array) return out;
  for (const Json& item : value.ToArray()) out.push_back(item.ToLong());
  return out;
}

}  // namespace cube

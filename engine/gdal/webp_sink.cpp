// WebP: all slices one after the other, missing cells transparent; one slice is a still picture.
// The container is written here (RIFF: VP8X, then ANIM and an ANMF a frame), so that a frame is
// forgotten once it is encoded; developers.google.com/speed/webp/docs/riff_container.
#include <webp/encode.h>

#include <array>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <fstream>

#include "engine/gdal/picture_writer.h"
#include "engine/gdal/run_record.h"
#include "engine/text.h"
#include "engine/xml_text.h"

namespace cube {

namespace {

constexpr std::uint8_t kAnimationFlag = 0x02;
constexpr std::uint8_t kXmpFlag = 0x04;
constexpr std::uint8_t kAlphaFlag = 0x10;
constexpr std::size_t kRiffHeader = 12;
constexpr std::size_t kChunkHeader = 8;

struct FreeWebp {
  void operator()(std::uint8_t* bytes) const { WebPFree(bytes); }
};

// `size` bytes of a number, lowest first.
void append(std::string& out, std::uint64_t value, int size) {
  constexpr int kByte = 8;
  for (int i = 0; i < size; ++i) out += static_cast<char>(value >> (kByte * i) & 0xff);
}

std::string chunk(std::string_view name, std::string_view content) {
  std::string out(name);
  append(out, content.size(), 4);
  out += content;
  if (content.size() % 2 != 0) out += '\0';
  return out;
}

std::uint64_t length_of(std::string_view bytes) {
  std::uint64_t out = 0;
  for (std::size_t i = 4; i-- > 0;) out = out << 8 | static_cast<std::uint8_t>(bytes[i]);
  return out;
}

// The chunks of a picture in a file of its own, without those that only such a file has.
std::string picture_chunks(std::string_view file) {
  std::string out;
  file.remove_prefix(kRiffHeader);
  while (file.size() >= kChunkHeader) {
    const std::uint64_t length = length_of(file.substr(4));
    const std::size_t whole =
        std::min<std::size_t>(kChunkHeader + length + length % 2, file.size());
    if (file.substr(0, 4) != "VP8X") out += file.substr(0, whole);
    file.remove_prefix(whole);
  }
  return out;
}

class WebpWriter final : public PictureWriter {
 public:
  WebpWriter(const FilePart& part, const OutputOptions& options)
      : PictureWriter(part, options, {.animated = true}),
        fps_(*parse_number(option(options, "FPS", kDefaultFps))),
        loop_(static_cast<int>(*parse_number(option(options, "LOOP", "0")))),
        quality_(parse_number(option(options, "QUALITY", ""))) {}

 private:
  // What libwebp holds of a picture, measured, and a frame encoded.
  std::int64_t encoder_bytes() const override {
    constexpr std::int64_t kBytesAPixel = 64;
    return width() * height() * kBytesAPixel + (std::int64_t{4} << 20);
  }

  void encode() override {
    errno = 0;
    out_.open(path(), std::ios::binary | std::ios::trunc);
    put("RIFF    WEBP");
    std::string header;
    const bool animated = frames() > 1;
    append(header, kAlphaFlag | kXmpFlag | (animated ? kAnimationFlag : 0U), 4);
    append(header, static_cast<std::uint64_t>(width() - 1), 3);
    append(header, static_cast<std::uint64_t>(height() - 1), 3);
    put(chunk("VP8X", header));
    if (animated) {
      std::string params;
      append(params, 0, 4);  // the background is transparent
      append(params, static_cast<std::uint64_t>(loop_), 2);
      put(chunk("ANIM", params));
    }
    for (std::int64_t frame = 0; frame < frames(); ++frame) {
      const std::string picture = compress(frame);
      put(animated ? chunk("ANMF", frame_header() + picture) : picture);
    }
    put(chunk("XMP ", description()));
    finish_file();
  }

  void put(const std::string& bytes) {
    out_ << bytes;
    if (out_.fail()) fail();
  }

  void finish_file() {
    const auto size = static_cast<std::uint64_t>(out_.tellp());
    std::string length;
    append(length, size - kChunkHeader, 4);
    out_.seekp(4);
    put(length);
    out_.close();
    if (out_.fail()) fail();
  }

  // The whole canvas, for so many milliseconds; the frame before it is taken away.
  std::string frame_header() const {
    constexpr double kMilliseconds = 1000;
    constexpr std::uint64_t kNoBlending = 2;
    constexpr std::uint64_t kDisposal = 1;
    std::string out;
    append(out, 0, 6);
    append(out, static_cast<std::uint64_t>(width() - 1), 3);
    append(out, static_cast<std::uint64_t>(height() - 1), 3);
    append(out, static_cast<std::uint64_t>(std::lround(kMilliseconds / fps_)), 3);
    append(out, kNoBlending | kDisposal, 1);
    return out;
  }

  std::string compress(std::int64_t frame) const {
    const Picture picture = render(frame);
    const auto w = static_cast<int>(width());
    const auto h = static_cast<int>(height());
    std::uint8_t* made = nullptr;
    const std::size_t size =
        quality_ ? WebPEncodeRGBA(picture.rgba().data(), w, h, 4 * w, static_cast<float>(*quality_),
                                  &made)
                 : WebPEncodeLosslessRGBA(picture.rgba().data(), w, h, 4 * w, &made);
    const std::unique_ptr<std::uint8_t, FreeWebp> owner(made);
    if (size == 0) throw unwritable(part().file, "libwebp cannot encode a picture");
    return picture_chunks({reinterpret_cast<const char*>(made), size});
  }

  // The graph and what it was made from, as XMP's dc:description.
  std::string description() const {
    return "<x:xmpmeta xmlns:x=\"adobe:ns:meta/\"><rdf:RDF "
           "xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\"><rdf:Description "
           "rdf:about=\"\" xmlns:dc=\"http://purl.org/dc/elements/1.1/\"><dc:description><rdf:Alt>"
           "<rdf:li xml:lang=\"x-default\">" +
           xml_text(one_text(provenance())) +
           "</rdf:li></rdf:Alt></dc:description></rdf:Description></rdf:RDF></x:xmpmeta>";
  }

  [[noreturn]] void fail() const {
    throw unwritable(part().file, errno != 0 ? std::strerror(errno) : "write failed");
  }

  double fps_;
  int loop_;
  std::optional<double> quality_;  // lossy; else lossless
  std::ofstream out_;
};

}  // namespace

std::unique_ptr<FileWriter> make_webp_writer(const FilePart& part, const OutputOptions& options) {
  return std::make_unique<WebpWriter>(part, options);
}

std::string webp_options() {
  return "<Options>" + picture_options(WEBP_MAX_DIMENSION) + animation_options() +
         "<Option name='QUALITY' type='int' min='1' max='100'/></Options>";
}

}  // namespace cube

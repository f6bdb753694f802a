// GIF: all slices one after the other, missing cells transparent, one palette for all of them.
#include <gif_lib.h>

#include <array>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <fstream>

#include "engine/gdal/picture_writer.h"
#include "engine/gdal/run_record.h"
#include "engine/palette.h"
#include "engine/text.h"

namespace cube {

namespace {

constexpr int kRampLevels = 250;       // with black and white fewer than a palette holds
constexpr std::size_t kColours = 255;  // the last entry is transparent
constexpr int kBits = 8;

struct CloseGif {
  void operator()(GifFileType* gif) const { EGifCloseFile(gif, nullptr); }
};
struct FreeMap {
  void operator()(ColorMapObject* map) const { GifFreeMapObject(map); }
};

int put_bytes(GifFileType* gif, const GifByteType* bytes, int count) {
  auto& out = *static_cast<std::ofstream*>(gif->UserData);
  return out.write(reinterpret_cast<const char*>(bytes), count) ? count : 0;
}

class GifWriter final : public PictureWriter {
 public:
  GifWriter(const FilePart& part, const OutputOptions& options)
      : PictureWriter(part, options, {.animated = true, .ramp_levels = kRampLevels}),
        fps_(*parse_number(option(options, "FPS", kDefaultFps))),
        loop_(static_cast<int>(*parse_number(option(options, "LOOP", "0")))) {}

 private:
  std::int64_t encoder_bytes() const override {
    constexpr std::int64_t kLibrary = std::int64_t{1} << 20;
    return Palette::bytes() + kLibrary;
  }

  void encode() override {
    Palette palette(kColours);
    for (std::int64_t frame = 0; frame < frames(); ++frame) palette.add(render(frame));
    palette.build();
    errno = 0;
    out_.open(path(), std::ios::binary | std::ios::trunc);
    int error = 0;
    gif_.reset(EGifOpen(&out_, put_bytes, &error));
    check(gif_ != nullptr);
    begin_file(palette);
    for (std::int64_t frame = 0; frame < frames(); ++frame) put_frame(palette, frame);
    check(EGifCloseFile(gif_.release(), &error) == GIF_OK);
    out_.close();
    check(!out_.fail());
  }

  void begin_file(const Palette& palette) {
    const std::unique_ptr<ColorMapObject, FreeMap> map(GifMakeMapObject(1 << kBits, nullptr));
    check(map != nullptr);
    for (std::size_t i = 0; i < palette.colours().size(); ++i) {
      const Rgb& colour = palette.colours()[i];
      map->Colors[i] = {colour[0], colour[1], colour[2]};
    }
    EGifSetGifVersion(gif_.get(), true);
    check(EGifPutScreenDesc(gif_.get(), static_cast<int>(width()), static_cast<int>(height()),
                            kBits, 0, map.get()) == GIF_OK);
    if (frames() > 1 && loop_ != 1) put_loop();
    check(EGifPutComment(gif_.get(), one_text(provenance()).c_str()) == GIF_OK);
  }

  // How often it is repeated after the first time, 0 = for ever.
  void put_loop() {
    const int repeats = loop_ == 0 ? 0 : loop_ - 1;
    const std::array<GifByteType, 3> block = {1, static_cast<GifByteType>(repeats & 0xff),
                                              static_cast<GifByteType>(repeats >> 8)};
    constexpr std::string_view kName = "NETSCAPE2.0";
    check(
        EGifPutExtensionLeader(gif_.get(), APPLICATION_EXT_FUNC_CODE) == GIF_OK &&
        EGifPutExtensionBlock(gif_.get(), static_cast<int>(kName.size()), kName.data()) == GIF_OK &&
        EGifPutExtensionBlock(gif_.get(), static_cast<int>(block.size()), block.data()) == GIF_OK &&
        EGifPutExtensionTrailer(gif_.get()) == GIF_OK);
  }

  // Each frame stands for itself: the one before it is taken away.
  void put_frame(const Palette& palette, std::int64_t frame) {
    constexpr double kCentiseconds = 100;
    const GraphicsControlBlock control = {DISPOSE_BACKGROUND, false,
                                          static_cast<int>(std::lround(kCentiseconds / fps_)),
                                          static_cast<int>(kColours)};
    std::array<GifByteType, 4> bytes{};
    EGifGCBToExtension(&control, bytes.data());
    check(EGifPutExtension(gif_.get(), GRAPHICS_EXT_FUNC_CODE, static_cast<int>(bytes.size()),
                           bytes.data()) == GIF_OK);
    const auto w = static_cast<int>(width());
    check(EGifPutImageDesc(gif_.get(), 0, 0, w, static_cast<int>(height()), false, nullptr) ==
          GIF_OK);
    const Picture picture = render(frame);
    std::vector<GifPixelType> row(static_cast<std::size_t>(width()));
    const std::uint8_t* pixel = picture.rgba().data();
    for (std::int64_t y = 0; y < height(); ++y) {
      for (GifPixelType& out : row) {
        out = static_cast<GifPixelType>(
            pixel[3] == 0 ? kColours : palette.index({pixel[0], pixel[1], pixel[2]}));
        pixel += 4;
      }
      check(EGifPutLine(gif_.get(), row.data(), w) == GIF_OK);
    }
  }

  void check(bool good) const {
    if (good) return;
    throw unwritable(part().file, errno != 0 ? std::strerror(errno) : "write failed");
  }

  double fps_;
  int loop_;
  std::ofstream out_;  // which the next writes to, even when it is closed
  std::unique_ptr<GifFileType, CloseGif> gif_;
};

}  // namespace

std::unique_ptr<FileWriter> make_gif_writer(const FilePart& part, const OutputOptions& options) {
  return std::make_unique<GifWriter>(part, options);
}

std::string gif_options() {
  return "<Options>" + picture_options(kMostPictureSize) + animation_options() + "</Options>";
}

}  // namespace cube

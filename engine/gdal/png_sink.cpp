// PNG quick look: one slice, missing cells transparent.
#include <cpl_string.h>
#include <gdal_priv.h>

#include "engine/gdal/handles.h"
#include "engine/gdal/picture_writer.h"
#include "engine/gdal/run_record.h"
#include "engine/text.h"

namespace cube {

namespace {

class PngWriter final : public PictureWriter {
 public:
  PngWriter(const FilePart& part, const OutputOptions& options)
      : PictureWriter(part, options, {}), zlevel_(option(options, "ZLEVEL", "6")) {}

 private:
  // GDAL's copy of the picture, and what its driver holds.
  std::int64_t encoder_bytes() const override { return width() * height() * 4 + kDriverBytes; }

  void encode() override {
    constexpr std::int64_t kChannels = 4;
    const GdalErrors errors;
    const Picture picture = render(0);
    const auto w = static_cast<int>(width());
    const auto h = static_cast<int>(height());
    GDALDriverManager& drivers = *GetGDALDriverManager();
    const GDALDatasetUniquePtr memory(
        drivers.GetDriverByName("MEM")->Create("", w, h, kChannels, GDT_Byte, nullptr));
    if (!memory ||
        memory->RasterIO(GF_Write, 0, 0, w, h, const_cast<std::uint8_t*>(picture.rgba().data()), w,
                         h, GDT_Byte, kChannels, nullptr, kChannels, kChannels * width(), 1,
                         nullptr) != CE_None) {
      throw unwritable(part().file, errors.first());
    }
    CPLStringList settings;
    settings.SetNameValue("ZLEVEL", zlevel_.c_str());
    settings.SetNameValue("TITLE", label(0).c_str());
    settings.SetNameValue("COMMENT", one_text(provenance()).c_str());
    GDALDatasetUniquePtr copy(drivers.GetDriverByName("PNG")->CreateCopy(
        path().c_str(), memory.get(), TRUE, settings.List(), nullptr, nullptr));
    const bool made = copy != nullptr;
    copy.reset();
    if (!made || errors.any()) throw unwritable(part().file, errors.first());
  }

  static constexpr std::int64_t kDriverBytes = std::int64_t{1} << 20;

  std::string zlevel_;
};

}  // namespace

std::unique_ptr<FileWriter> make_png_writer(const FilePart& part, const OutputOptions& options) {
  return std::make_unique<PngWriter>(part, options);
}

std::string png_options() {
  return "<Options>" + picture_options(kMostPictureSize) +
         "<Option name='ZLEVEL' type='int' min='1' max='9'/></Options>";
}

}  // namespace cube

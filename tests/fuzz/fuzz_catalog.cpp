// Catalogs: the bytes of an SQLite file, opened and read in every way there is.
#include "catalog/catalog.h"
#include "catalog/stored_collection.h"
#include "tests/fuzz/fuzz.h"

CUBE_FUZZ_TARGET(catalog) {
  using namespace cube;
  const std::string file = fuzz::scratch_file(bytes, ".db");
  const auto index = open_catalog(file);
  fuzz::attempt([&] { index->summary(); });
  fuzz::attempt([&] { catalog_note(file); });
  const ImageQuery all{Instant::min(), Instant::max(), {}, {}};
  const auto check = [&](const Image& image) {
    for (const ImageBand& band : image.bands) {
      fuzz::require(band.band < index->bands().size(), "images have bands of the collection");
    }
  };
  fuzz::attempt([&] { for_each_image(file, all, check); });
  fuzz::attempt([&] {
    ImageQuery some{parse_time("2018")->start, parse_time("2020")->start, {{-10, -10, 20, 60}}, {}};
    if (!index->bands().empty()) some.bands = {0};
    for (const Image& image : index->find(some)) check(image);
  });
  read_collection(file);
}

// STAC: a document of items of any kind, and what its items say of images.
#include <nlohmann/json.hpp>
#include <sstream>

#include "catalog/stac.h"
#include "catalog/stac_files.h"
#include "tests/fuzz/fuzz.h"

CUBE_FUZZ_TARGET(stac) {
  using namespace cube;
  std::istringstream in{std::string(bytes)};
  std::vector<IndexReport::Left> left_out;
  DocumentStates documents;
  StacReader reader;
  const auto use = [&](const StacSource& source) {
    fuzz::attempt([&] {
      const StacItem item = reader.read(source.item, source.base);
      fuzz::require(!item.id.empty(), "items have ids");
      std::vector<const StacAsset*> assets;
      for (const StacAsset& asset : item.assets) {
        fuzz::require(!asset.bands.empty(), "assets have bands");
        assets.push_back(&asset);
      }
      reader.footprint(item, assets);
    });
  };
  for_each_stac_item({"-"}, in, left_out, documents, use, {});
}

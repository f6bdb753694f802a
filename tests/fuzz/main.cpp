#include <cpl_conv.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>

#include "tests/fuzz/fuzz.h"

#ifdef CUBE_FUZZ
extern "C" int LLVMFuzzerRunDriver(int* argc, char*** argv,
                                   int (*run)(const std::uint8_t* data, std::size_t size));
#endif

namespace cube::fuzz {

namespace fs = std::filesystem;

std::vector<Target>& targets() {
  static std::vector<Target> all;
  return all;
}

void require(bool holds, const char* what) {
  if (holds) return;
  std::cerr << "does not hold: " << what << std::endl;
  std::abort();
}

std::string scratch_file(std::string_view bytes, const std::string& ending) {
  static const fs::path folder =
      fs::is_directory("/dev/shm") ? fs::path("/dev/shm") : fs::temp_directory_path();
  std::string name = (folder / ("cube_fuzz_" + std::to_string(getpid()) + ending)).string();
  std::ofstream(name, std::ios::binary).write(bytes.data(), static_cast<long>(bytes.size()));
  return name;
}

std::string_view take_line(std::string_view& text) {
  const std::size_t end = std::min(text.find('\n'), text.size());
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

namespace {

const Target* find(std::string_view name) {
  const auto found =
      std::ranges::find_if(targets(), [&](const Target& t) { return t.name == name; });
  return found == targets().end() ? nullptr : &*found;
}

void replay(const Target& target, const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(in)), {});
  const std::clock_t start = std::clock();
  target.run(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  const double seconds = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
  constexpr double kSlow = 20;  // of the processor, with sanitizers and without optimisation
  if (seconds > kSlow) {
    std::cerr << file << " took " << seconds << " s\n";
    std::exit(1);
  }
}

// The files of a folder, and of those in it.
std::vector<fs::path> files_in(const fs::path& folder) {
  std::vector<fs::path> out;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) out.push_back(entry.path());
  }
  std::ranges::sort(out);
  return out;
}

// All corpora, or those of the targets that are named. A target without one has not been thought
// of.
int replay_all(const std::vector<std::string>& names) {
  int status = 0;
  for (const Target& target : targets()) {
    if (!names.empty() && std::ranges::find(names, target.name) == names.end()) continue;
    const fs::path folder = fs::path(CUBE_SOURCE_DIR) / "tests/fuzz/corpus" / target.name;
    const std::vector<fs::path> files =
        fs::is_directory(folder) ? files_in(folder) : std::vector<fs::path>();
    for (const fs::path& file : files) {
      if (std::getenv("CUBE_FUZZ_VERBOSE")) std::cerr << file.string() << std::endl;
      replay(target, file);
    }
    std::cout << target.name << ": " << files.size() << " files" << std::endl;
    if (files.empty()) status = 1;
  }
  return status;
}

// No file is fetched from anywhere.
void stay_at_home() {
  CPLSetConfigOption("CPL_VSIL_CURL_ALLOWED_EXTENSIONS", ".nothing");
  CPLSetConfigOption("GDAL_HTTP_MAX_RETRY", "0");
  CPLSetConfigOption("CPL_AWS_AUTODETECT_EC2", "NO");
  CPLSetConfigOption("CPL_GCE_SKIP", "YES");
  CPLSetConfigOption("AWS_NO_SIGN_REQUEST", "YES");
  CPLSetConfigOption("AWS_S3_ENDPOINT", "127.0.0.1:9");
  CPLSetConfigOption("GDAL_HTTP_PROXY", "127.0.0.1:9");
  CPLSetConfigOption("GDAL_HTTP_CONNECTTIMEOUT", "1");
  CPLSetConfigOption("OGR_SKIP", "GPSBabel,ODBC,PGeo,MSSQLSpatial,OGR_OGDI,HTTP,PostgreSQL,MySQL");
}

}  // namespace

}  // namespace cube::fuzz

int main(int argc, char** argv) {
  using namespace cube::fuzz;
  stay_at_home();
  std::ranges::sort(targets(), {}, [](const Target& t) { return std::string_view(t.name); });
  std::string name = fs::path(argv[0]).filename().string();
  name = name.substr(std::min(name.find('_') + 1, name.size()));
#ifdef CUBE_FUZZ
  if (const Target* target = find(name)) return LLVMFuzzerRunDriver(&argc, &argv, target->run);
#endif
  // fuzz_replay [TARGET...] or fuzz_replay TARGET FILE
  const std::vector<std::string> names(argv + 1, argv + argc);
  if (names.size() == 2 && fs::is_regular_file(names[1])) {
    const Target* target = find(names[0]);
    if (!target) {
      std::cerr << "there is no target '" << names[0] << "'\n";
      return 2;
    }
    replay(*target, names[1]);
    return 0;
  }
  return replay_all(names);
}

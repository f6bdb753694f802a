#include "engine/plugin_code.h"

#include <dlfcn.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "engine/error.h"
#include "engine/file_kind.h"
#include "engine/missing.h"
#include "engine/text.h"
#include "include/cube_plugin.h"

namespace cube {

namespace {

static_assert(static_cast<int>(DType::kUInt8) == CUBE_UINT8);
static_assert(static_cast<int>(DType::kInt32) == CUBE_INT32);
static_assert(static_cast<int>(DType::kFloat64) == CUBE_FLOAT64);

// A loaded library.
class Library {
 public:
  explicit Library(const std::string& file)
      : handle_(dlopen(std::filesystem::absolute(file).c_str(), RTLD_NOW | RTLD_LOCAL)) {
    if (handle_) return;
    const char* reason = dlerror();
    throw Error(
        ErrorCode::kUnreadable,
        std::string("the library cannot be loaded: ") + (reason ? reason : "unknown reason"),
        "/file");
  }
  ~Library() { dlclose(handle_); }
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;

  // Null when it exports no such function.
  template <class Function>
  Function function(const std::string& name) const {
    return reinterpret_cast<Function>(dlsym(handle_, name.c_str()));
  }

 private:
  void* handle_;
};

// The description that the library's function gives, checked. The library must outlive it.
const cube_plugin& description(const Library& library, const std::string& name) {
  const auto function = library.function<const cube_plugin* (*)()>(name);
  if (!function) {
    throw Error(ErrorCode::kNotFound, "the library exports no function '" + name + "'", "/function",
                "see cube_plugin.h");
  }
  const cube_plugin* plugin = function();
  if (plugin && plugin->abi != CUBE_PLUGIN_ABI) {
    throw Error(ErrorCode::kInvalid,
                "the plugin was made for version " + std::to_string(plugin->abi) +
                    " of the plugin interface",
                "/file", "this program has version " + std::to_string(CUBE_PLUGIN_ABI));
  }
  if (!plugin || plugin->size < sizeof(cube_plugin) || !plugin->name || !plugin->describe ||
      !plugin->run) {
    throw Error(ErrorCode::kInvalid, "'" + name + "' gives no complete description of a plugin",
                "/function", "see cube_plugin.h");
  }
  return *plugin;
}

cube_band as_c(const BandInfo& band) {
  return {sizeof(cube_band), static_cast<std::int32_t>(band.dtype),
          band.name.c_str(), is_float(band.dtype) ? kMissing : band.nodata.value_or(kMissing),
          band.scale,        band.offset,
          band.unit.c_str()};
}

cube_argument as_c(const std::string& name, const FreeValue& value) {
  cube_argument out{sizeof(cube_argument), CUBE_TEXT, name.c_str(), "", 0, nullptr, 0};
  if (const auto* text = std::get_if<std::string>(&value)) {
    out.text = text->c_str();
  } else if (const auto* number = std::get_if<double>(&value)) {
    out.kind = CUBE_NUMBER;
    out.number = *number;
  } else if (const auto* flag = std::get_if<bool>(&value)) {
    out.kind = CUBE_FLAG;
    out.number = *flag ? 1 : 0;
  } else {
    const auto& numbers = std::get<std::vector<double>>(value);
    out.kind = CUBE_NUMBERS;
    out.numbers = numbers.data();
    out.number_count = numbers.size();
  }
  return out;
}

// The cube_input of a node with all it points to.
class PluginInput {
 public:
  PluginInput(const CubeInfo& cube, FreeValues arguments)
      : cube_(cube), values_(std::move(arguments)) {
    for (const BandInfo& band : cube_.bands) bands_.push_back(as_c(band));
    for (const auto& [name, value] : values_) arguments_.push_back(as_c(name, value));
    for (std::int64_t t = 0; t < cube_.time.size(); ++t) {
      times_.push_back(epoch_seconds(cube_.time.start(t)));
    }
    const Grid& grid = cube_.grid;
    input_ = {sizeof(cube_input),
              static_cast<std::uint32_t>(bands_.size()),
              bands_.data(),
              cube_.time.size(),
              grid.height,
              grid.width,
              times_.data(),
              grid.left,
              grid.top,
              grid.dx,
              grid.dy,
              grid.crs.c_str(),
              static_cast<std::uint32_t>(arguments_.size()),
              arguments_.data()};
  }
  PluginInput(const PluginInput&) = delete;
  PluginInput& operator=(const PluginInput&) = delete;

  const cube_input* get() const { return &input_; }

 private:
  CubeInfo cube_;
  FreeValues values_;
  std::vector<cube_band> bands_;
  std::vector<cube_argument> arguments_;
  std::vector<double> times_;
  cube_input input_{};
};

constexpr auto kNoType = static_cast<DType>(0xff);

// What a plugin says through the functions it is handed.
struct Host {
  std::vector<BandInfo> bands;
  std::string reason;

  static void add_band(void* host, const cube_band* band) {
    auto& bands = static_cast<Host*>(host)->bands;
    BandInfo made;
    made.name = band->name ? band->name : "";
    made.dtype = band->dtype < CUBE_UINT8 || band->dtype > CUBE_FLOAT64
                     ? kNoType
                     : static_cast<DType>(band->dtype);
    if (band->nodata == band->nodata) made.nodata = band->nodata;
    made.scale = band->scale;
    made.offset = band->offset;
    made.unit = band->unit ? band->unit : "";
    bands.push_back(std::move(made));
  }
  static void fail(void* host, const char* reason) {
    static_cast<Host*>(host)->reason = reason ? reason : "";
  }
  Error error(const std::string& plugin) const {
    return Error(ErrorCode::kInternal, "the plugin " + plugin + ": " +
                                           (reason.empty() ? "failed without a reason" : reason));
  }
};

cube_box box(const Region& region) {
  return {region.t.begin,  region.y.begin,  region.x.begin,
          region.t.size(), region.y.size(), region.x.size()};
}

class PluginCode final : public UserCode {
 public:
  PluginCode(const PluginParams& params, const CubeInfo& input, const FreeValues& arguments)
      : file_(params.file),
        library_(params.file),
        plugin_(description(library_, params.function)),
        input_(input, arguments) {}

  std::unique_ptr<UserWorker> worker() const override { return std::make_unique<Worker>(*this); }
  std::string what() const override { return "the plugin '" + file_ + "'"; }
  std::int64_t bytes(const UserCall& call) const override {
    return static_cast<std::int64_t>(sizeof(double)) *
           (call.given.cells() * static_cast<std::int64_t>(call.input.bands.size()) +
            call.made.cells() * static_cast<std::int64_t>(call.output.bands.size()) +
            call.given.x.size());
  }

  LoadedPlugin describe() const {
    Host host;
    cube_output output{sizeof(cube_output), 0, 0, 0, 0, &host, &Host::add_band, &Host::fail};
    if (plugin_.describe(input_.get(), &output) != 0) {
      throw Error(ErrorCode::kInvalid, host.error(plugin_.name).message());
    }
    return {nullptr,
            std::move(host.bands),
            {output.halo_t, output.halo_y, output.halo_x},
            output.whole_series != 0};
  }

 private:
  // The plugin's state and the cells of a call as doubles.
  class Worker final : public UserWorker {
   public:
    explicit Worker(const PluginCode& code)
        : code_(code),
          state_(code.plugin_.create ? code.plugin_.create(code.input_.get()) : nullptr) {}
    ~Worker() override {
      if (code_.plugin_.destroy) code_.plugin_.destroy(state_);
    }
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;

    void call(const UserCall& call, const Chunk& in, UserAnswer& answer,
              const std::function<bool()>&) override {
      fill(call, in);
      outputs_.resize(call.output.bands.size());
      std::vector<const double*> inputs;
      std::vector<double*> outputs;
      for (const auto& band : inputs_) inputs.push_back(band.data());
      for (auto& band : outputs_) {
        band.assign(static_cast<std::size_t>(call.made.cells()), kMissing);
        outputs.push_back(band.data());
      }
      Host host;
      const cube_call c_call{sizeof(cube_call),
                             static_cast<std::uint32_t>(inputs.size()),
                             static_cast<std::uint32_t>(outputs.size()),
                             box(call.given),
                             box(call.made),
                             inputs.data(),
                             outputs.data(),
                             &host,
                             &Host::fail};
      if (code_.plugin_.run(state_, &c_call) != 0) throw host.error(code_.plugin_.name);
      take(call, answer);
    }

   private:
    void fill(const UserCall& call, const Chunk& in) {
      inputs_.resize(in.bands.size());
      for (std::size_t band = 0; band < in.bands.size(); ++band) {
        inputs_[band].clear();
        for (auto t = call.given.t.begin; t < call.given.t.end; ++t) {
          for (auto y = call.given.y.begin; y < call.given.y.end; ++y) {
            const auto row = row_or_missing(in.bands[band], t, y, call.given.x, row_);
            inputs_[band].insert(inputs_[band].end(), row.begin(), row.end());
          }
        }
      }
    }

    void take(const UserCall& call, UserAnswer& answer) const {
      const auto width = static_cast<std::size_t>(call.made.x.size());
      for (std::size_t band = 0; band < outputs_.size(); ++band) {
        std::span<const double> left = outputs_[band];
        for (auto t = call.made.t.begin; t < call.made.t.end; ++t) {
          for (auto y = call.made.y.begin; y < call.made.y.end; ++y) {
            answer.set_row(band, t, y, call.made.x.begin, left.first(width));
            left = left.subspan(width);
          }
        }
      }
    }

    const PluginCode& code_;
    void* state_;
    std::vector<std::vector<double>> inputs_;
    std::vector<std::vector<double>> outputs_;
    std::vector<double> row_;
  };

  std::string file_;
  Library library_;
  const cube_plugin& plugin_;
  PluginInput input_;
};

// A declared band with all that ours need. A plugin may say anything.
BandInfo checked(BandInfo band) {
  if (band.name.empty()) throw Error(ErrorCode::kInvalid, "the plugin makes a band without a name");
  if (band.dtype == kNoType) {
    throw Error(ErrorCode::kInvalid,
                "the plugin makes a band '" + band.name + "' of a type that there is not");
  }
  if (band.nodata && !is_float(band.dtype) && !can_hold(band.dtype, *band.nodata)) {
    throw Error(ErrorCode::kInvalid, "the plugin makes a band '" + band.name + "' whose type, " +
                                         std::string(name(band.dtype)) + ", has no value " +
                                         number_text(*band.nodata));
  }
  if (is_float(band.dtype)) band.nodata.reset();
  return with_gaps(std::move(band), "a plugin can make missing cells");
}

}  // namespace

void PluginParams::fields(FieldVisitor& v) {
  v.field(
      {.name = "file",
       .help =
           "The shared library, made by: cc -shared -fPIC -O2 -I FOLDER_OF_CUBE_PLUGIN_H mine.c "
           "-o mine.so.",
       .required = true,
       .path = true},
      file);
  v.field(
      {.name = "function",
       .help = "The function of the library that describes the plugin, where it holds several."},
      function);
}

namespace {

// Throws Error where the file is surely no shared library, such as source code of one.
void check_library(const std::string& file) {
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(file, ignored)) {
    throw Error(ErrorCode::kNotFound, "there is no file '" + file + "'", "/file");
  }
  if (kind_of_file(file) == FileKind::kElf) return;
  const std::filesystem::path path(file);
  const std::string end = lower(path.extension().string());
  const auto fail = [&](const std::string& what, const std::string& hint) {
    throw Error(ErrorCode::kInvalid, "'" + file + "' is " + what, "/file", hint);
  };
  if (end == ".py" || end == ".r" || end == ".sh") {
    const std::string runs = end == ".py" ? "python3" : end == ".r" ? "Rscript" : "sh";
    fail("a program, not a shared library",
         "the cube_type stream runs it: \"command\": [\"" + runs + "\", \"" + file + "\"]");
  }
  if (end == ".c" || end == ".cc" || end == ".cpp" || end == ".cxx") {
    const std::string made = std::filesystem::path(path).replace_extension(".so").string();
    fail("source code that has to be compiled first",
         std::string(end == ".c" ? "cc" : "c++") +
             " -shared -fPIC -O2 -I FOLDER_OF_CUBE_PLUGIN_H '" + file + "' -o '" + made +
             "', then \"file\": \"" + made + "\"");
  }
#ifdef __linux__
  fail("no shared library of this system", "");
#endif
}

}  // namespace

LoadedPlugin load_plugin(const PluginParams& params, const FreeValues& arguments,
                         const CubeInfo& input, const Resources& resources) {
  check_library(params.file);
  if (!resources.allow_exec) {
    throw Error(ErrorCode::kInvalid, "the graph would load the plugin '" + params.file + "'",
                "/file", Resources::kConsent);
  }
  const auto code = std::make_shared<const PluginCode>(params, input, arguments);
  LoadedPlugin loaded = code->describe();
  loaded.code = code;
  for (BandInfo& band : loaded.bands) band = checked(std::move(band));
  if (std::min({loaded.halo.t, loaded.halo.y, loaded.halo.x}) < 0) {
    throw Error(ErrorCode::kInvalid, "the plugin asks for a halo of less than 0 cells");
  }
  return loaded;
}

std::vector<BandInfo> plugin_bands(std::vector<BandInfo> declared, const UserBands& wanted,
                                   DType preset) {
  if (declared.empty()) {
    if (wanted.bands.empty()) {
      throw Error(ErrorCode::kInvalid, "neither the plugin nor the graph says which bands it makes",
                  "/bands", "a list of names");
    }
    return wanted.made(preset);
  }
  if (!wanted.bands.empty() && wanted.bands.size() != declared.size()) {
    throw Error(ErrorCode::kInvalid,
                counted(wanted.bands.size(), "name") + " for the " +
                    counted(declared.size(), "band") + " that the plugin makes",
                "/bands");
  }
  for (std::size_t i = 0; i < declared.size(); ++i) {
    if (!wanted.bands.empty()) declared[i].name = wanted.bands[i];
    if (wanted.storage.dtype.empty() && wanted.storage.nodata.empty()) continue;
    declared[i] =
        wanted.storage.apply(std::move(declared[i]), i, declared.size(), declared[i].dtype, "band",
                             "a plugin can make missing cells");
  }
  check_unique_bands(declared, "/bands");
  return declared;
}

}  // namespace cube

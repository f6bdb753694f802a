#include "engine/files_code.h"

#include <array>
#include <cctype>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "engine/error.h"

namespace cube {

namespace {

namespace fs = std::filesystem;

// A new folder, gone with the object.
class Folder {
 public:
  Folder() : name_((fs::temp_directory_path() / "cube_stream_XXXXXX").string()) {
    if (!mkdtemp(name_.data())) {
      throw Error(ErrorCode::kUnwritable,
                  std::string("no temporary folder can be made: ") + std::strerror(errno), name_);
    }
  }
  ~Folder() {
    std::error_code ignored;
    fs::remove_all(name_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::string file(const std::string& name) const { return name_ + "/" + name; }

 private:
  std::string name_;
};

template <class T>
void put(std::ofstream& out, const T* values, std::size_t count) {
  out.write(reinterpret_cast<const char*>(values), static_cast<std::streamsize>(count * sizeof(T)));
}

void put_text(std::ofstream& out, const std::string& text) {
  const auto size = static_cast<std::int32_t>(text.size());
  put(out, &size, 1);
  put(out, text.data(), text.size());
}

std::array<std::int32_t, 4> shape(const CubeInfo& cube, const Region& region) {
  return {static_cast<std::int32_t>(cube.bands.size()), static_cast<std::int32_t>(region.t.size()),
          static_cast<std::int32_t>(region.y.size()), static_cast<std::int32_t>(region.x.size())};
}

// "2020-01-31" as 20200131.
double digits(const std::string& label) {
  std::string out;
  for (const char c : label) {
    if (std::isdigit(static_cast<unsigned char>(c))) out += c;
  }
  return parse_number(out).value_or(0);
}

std::vector<double> coordinates(const UserCall& call) {
  std::vector<double> out;
  const Region& region = call.given;
  for (auto t = region.t.begin; t < region.t.end; ++t) {
    out.push_back(digits(call.input.time.label(t)));
  }
  for (auto y = region.y.begin; y < region.y.end; ++y) {
    out.push_back(call.input.grid.y_center(y));
  }
  for (auto x = region.x.begin; x < region.x.end; ++x) {
    out.push_back(call.input.grid.x_center(x));
  }
  return out;
}

void write_request(const std::string& file, const UserCall& call, const Chunk& in) {
  std::ofstream out(file, std::ios::binary);
  const auto sides = shape(call.input, call.given);
  put(out, sides.data(), sides.size());
  for (const BandInfo& band : call.input.bands) put_text(out, band.name);
  const std::vector<double> places = coordinates(call);
  put(out, places.data(), places.size());
  put_text(out, call.input.grid.crs);
  std::vector<double> scratch;
  for (const BlockPtr& band : in.bands) {
    for (auto t = call.given.t.begin; t < call.given.t.end; ++t) {
      for (auto y = call.given.y.begin; y < call.given.y.end; ++y) {
        const auto row = row_or_missing(band, t, y, call.given.x, scratch);
        put(out, row.data(), row.size());
      }
    }
  }
  if (!out.flush()) throw Error(ErrorCode::kUnwritable, "cannot write the cells", file);
}

std::string text(const std::array<std::int32_t, 4>& shape) {
  std::vector<std::string> sides;
  for (const std::int32_t side : shape) sides.push_back(std::to_string(side));
  return join(sides, " ");
}

// Throws Error that says what is wrong with the answer.
void read_answer(const std::string& file, const UserCall& call, UserAnswer& answer) {
  const auto wrong = [](const std::string& how) {
    return Error(ErrorCode::kInternal, "its answer " + how);
  };
  std::ifstream in(file, std::ios::binary);
  if (!in) throw wrong("is not there, in the file that GDALCUBES_STREAMING_FILE_OUT names");
  std::array<std::int32_t, 4> sides{};
  in.read(reinterpret_cast<char*>(sides.data()), sizeof sides);
  const auto wanted = shape(call.output, call.made);
  if (!in || sides != wanted) {
    throw wrong("has the shape " + text(sides) + ", not " + text(wanted) +
                " (bands, slices, rows, columns)" +
                (sides[0] != wanted[0] ? "; \"bands\" says which it makes" : ""));
  }
  std::vector<double> row(static_cast<std::size_t>(call.made.x.size()));
  for (std::size_t band = 0; band < call.output.bands.size(); ++band) {
    for (auto t = call.made.t.begin; t < call.made.t.end; ++t) {
      for (auto y = call.made.y.begin; y < call.made.y.end; ++y) {
        in.read(reinterpret_cast<char*>(row.data()),
                static_cast<std::streamsize>(row.size() * sizeof(double)));
        if (!in) throw wrong("ends too early");
        answer.set_row(band, t, y, call.made.x.begin, row);
      }
    }
  }
}

// Neither sends nor keeps anything.
struct NoStreams final : ChildStreams {
  std::span<const std::byte> input() override { return {}; }
  void output(std::span<const std::byte>) override {}
};

class FilesCode final : public UserCode {
 public:
  FilesCode(const CommandParams& params, std::string note)
      : command_(params.checked()), note_(std::move(note)) {}

  std::unique_ptr<UserWorker> worker() const override { return std::make_unique<Worker>(*this); }
  std::string what() const override { return command_text(command_); }
  std::int64_t bytes(const UserCall& call) const override {
    constexpr std::int64_t kBuffers = std::int64_t{1} << 17;
    return kBuffers + 8 * (call.given.t.size() + call.given.y.size() + 4 * call.given.x.size());
  }

 private:
  struct Worker final : UserWorker {
    explicit Worker(const FilesCode& code) : code_(code) {}
    void call(const UserCall& call, const Chunk& in, UserAnswer& answer,
              const std::function<bool()>& cancelled) override {
      const Folder folder;
      write_request(folder.file("in"), call, in);
      Command command = code_.command_;
      command.environment = {"GDALCUBES_STREAMING=1", "GDALCUBES_STREAMING_CHUNK_ID=0",
                             "GDALCUBES_STREAMING_FILE_IN=" + folder.file("in"),
                             "GDALCUBES_STREAMING_FILE_OUT=" + folder.file("out")};
      NoStreams streams;
      const std::string said = run_noted(command, streams, cancelled);
      try {
        read_answer(folder.file("out"), call, answer);
      } catch (const Error& error) {
        throw Error(error.code(), code_.what() + ": " + error.message() + said + code_.note_);
      }
    }
    std::string run_noted(const Command& command, NoStreams& streams,
                          const std::function<bool()>& cancelled) const {
      try {
        return run_child(command, streams, cancelled);
      } catch (const Error& error) {
        throw Error(error.code(), error.message() + code_.note_, error.where(), error.hint());
      }
    }
    const FilesCode& code_;
  };

  Command command_;
  std::string note_;
};

}  // namespace

void read_gdalcubes_answer(const std::string& file, const UserCall& call, UserAnswer& answer) {
  read_answer(file, call, answer);
}

std::shared_ptr<const UserCode> gdalcubes_code(const CommandParams& params, std::string note) {
  return std::make_shared<const FilesCode>(params, std::move(note));
}

UserBands gdalcubes_bands(const CubeInfo& input) {
  UserBands out;
  for (std::size_t i = 1; i <= input.bands.size(); ++i) {
    out.bands.push_back(std::string("band").append(std::to_string(i)));
  }
  out.storage.dtype = {"float64"};
  return out;
}

}  // namespace cube

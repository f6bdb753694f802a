#include "engine/command_code.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <filesystem>
#include <optional>
#include <utility>

#include "engine/error.h"
#include "engine/missing.h"
#include "engine/text.h"

namespace cube {

const char* const kStreamProtocol =
    "Protocol. Standard input: lines \"KEY VALUES\", an empty line, then the cells, which run over "
    "bands, slices, rows (from the top) and columns, as float32 (float64 where a band has 32-bit "
    "integers or is float64) in the machine's byte order, NaN for missing. Keys: cube-stream "
    "(version, 1), shape (bands, slices, rows, columns), dtype, byteorder, band (a line each), "
    "answer (shape that is wanted), answer-band (a line each), halo (cells of the halo that are "
    "there: before and after in time, above and below, left and right), first (slice, row and "
    "column "
    "of the cube of the first cell), origin (left and top edge), cell (width and height), srs, "
    "time "
    "(a line a slice: label and seconds since 1970), argument (name and value, a line each). "
    "Standard output: lines \"shape BANDS SLICES ROWS COLUMNS\" and \"dtype NAME\" (any of uint8, "
    "int16, uint16, int32, uint32, float32, float64), an empty line, then the cells, without halo; "
    "other lines are passed over. What the command writes to standard error is shown when it "
    "fails.";

namespace {

constexpr std::size_t kSentBytes = std::size_t{64} << 10;
constexpr std::size_t kHeaderBytes = std::size_t{1} << 20;  // of an answer, at most

using Shape = std::array<std::int64_t, 4>;

Shape shape_of(const CubeInfo& cube, const Region& region) {
  return {static_cast<std::int64_t>(cube.bands.size()), region.t.size(), region.y.size(),
          region.x.size()};
}

std::string text(std::span<const std::int64_t> numbers) {
  std::vector<std::string> texts;
  for (const std::int64_t number : numbers) texts.push_back(std::to_string(number));
  return join(texts, " ");
}

std::string one_line(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

std::string value_text(const FreeValue& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  if (const auto* number = std::get_if<double>(&value)) return number_text(*number);
  if (const auto* flag = std::get_if<bool>(&value)) return *flag ? "true" : "false";
  std::vector<std::string> numbers;
  for (const double each : std::get<std::vector<double>>(value)) {
    numbers.push_back(number_text(each));
  }
  return join(numbers, " ");
}

std::string place_lines(const UserCall& call) {
  const Region& given = call.given;
  const Grid grid = call.input.grid.window(given.y, given.x);
  std::vector<std::int64_t> halo;
  const auto add_halo = [&](const Range& inner, const Range& outer) {
    halo.insert(halo.end(), {inner.begin - outer.begin, outer.end - inner.end});
  };
  add_halo(call.input.time == call.output.time ? call.made.t : given.t, given.t);
  add_halo(call.made.y, given.y);
  add_halo(call.made.x, given.x);
  const std::array<std::int64_t, 3> first = {given.t.begin, given.y.begin, given.x.begin};
  return "halo " + text(halo) + "\nfirst " + text(first) + "\norigin " + number_text(grid.left) +
         " " + number_text(grid.top) + "\ncell " + number_text(grid.dx) + " " +
         number_text(grid.dy) + "\nsrs " + one_line(grid.crs) + "\n";
}

std::string request_header(const UserCall& call, const FreeValues& arguments) {
  const CubeInfo& in = call.input;
  std::string out = "cube-stream 1\nshape " + text(shape_of(in, call.given)) + "\ndtype " +
                    std::string(name(common_arithmetic_dtype(in))) + "\nbyteorder " +
                    (std::endian::native == std::endian::little ? "little" : "big") + "\n";
  for (const BandInfo& band : in.bands) out += "band " + one_line(band.name) + "\n";
  out += "answer " + text(shape_of(call.output, call.made)) + "\n";
  for (const BandInfo& band : call.output.bands) out += "answer-band " + one_line(band.name) + "\n";
  out += place_lines(call);
  for (std::int64_t t = call.given.t.begin; t < call.given.t.end; ++t) {
    out += "time " + in.time.label(t) + " " + number_text(epoch_seconds(in.time.start(t))) + "\n";
  }
  for (const auto& [name, value] : arguments) {
    out += "argument " + name + " " + value_text(value) + "\n";
  }
  return out + "\n";
}

// Walks over the rows of a cube's region: bands, slices, rows.
class RowWalk {
 public:
  RowWalk(const CubeInfo& cube, const Region& region)
      : region_(region), bands_(cube.bands.size()), t(region.t.begin), y(region.y.begin) {}

  bool at_end() const { return band == bands_; }
  void next() {
    if (++y < region_.y.end) return;
    y = region_.y.begin;
    if (++t < region_.t.end) return;
    t = region_.t.begin;
    ++band;
  }

 private:
  Region region_;
  std::size_t bands_;

 public:
  std::size_t band = 0;
  std::int64_t t;
  std::int64_t y;
};

// The cells of a request as bytes, a piece at a time.
class RequestBytes {
 public:
  RequestBytes(const UserCall& call, const Chunk& in, std::string header)
      : call_(call), in_(in), header_(std::move(header)), walk_(call.input, call.given) {}

  std::span<const std::byte> next() {
    if (!header_.empty()) {
      sent_header_ = std::exchange(header_, "");
      return std::as_bytes(std::span(sent_header_));
    }
    piece_.clear();
    for (; !walk_.at_end() && piece_.size() < kSentBytes; walk_.next()) add_row();
    return piece_;
  }

 private:
  void add_row() {
    const auto row =
        row_or_missing(in_.bands[walk_.band], walk_.t, walk_.y, call_.given.x, scratch_);
    dispatch(common_arithmetic_dtype(call_.input), [&]<class T>(std::type_identity<T>) {
      const std::size_t old = piece_.size();
      piece_.resize(old + row.size() * sizeof(T));
      for (std::size_t i = 0; i < row.size(); ++i) {
        const T cell = static_cast<T>(row[i]);
        std::memcpy(&piece_[old + i * sizeof(T)], &cell, sizeof(T));
      }
    });
  }

  const UserCall& call_;
  const Chunk& in_;
  std::string header_;  // until it is sent
  std::string sent_header_;
  RowWalk walk_;
  std::vector<std::byte> piece_;
  std::vector<double> scratch_;
};

// Takes an answer apart as it comes.
class AnswerBytes {
 public:
  AnswerBytes(const UserCall& call, UserAnswer& answer)
      : call_(call), answer_(answer), walk_(call.output, call.made) {}

  void add(std::span<const std::byte> bytes) {
    if (!type_) bytes = take_header(bytes);
    while (!bytes.empty()) {
      if (walk_.at_end()) throw wrong("is longer than its shape says");
      const std::size_t wanted = row_bytes() - row_.size();
      const auto part = bytes.first(std::min(wanted, bytes.size()));
      row_.insert(row_.end(), part.begin(), part.end());
      bytes = bytes.subspan(part.size());
      if (row_.size() == row_bytes()) finish_row();
    }
  }

  // Throws Error when something is lacking.
  void finish() const {
    if (!type_)
      throw wrong(header_.empty() ? "is empty" : "has no empty line after its first lines");
    if (walk_.at_end()) return;
    const Shape shape = shape_of(call_.output, call_.made);
    const auto all = static_cast<std::size_t>(shape[0] * shape[1] * shape[2] * shape[3]);
    throw wrong("ends after " + std::to_string(rows_ * row_bytes() + row_.size()) + " of " +
                std::to_string(all * size_of(*type_)) + " bytes of cells");
  }

 private:
  static Error wrong(const std::string& how) {
    return Error(ErrorCode::kInternal, "its answer " + how);
  }

  std::size_t row_bytes() const {
    return static_cast<std::size_t>(call_.made.x.size()) * size_of(*type_);
  }

  // What follows the header, if that is complete.
  std::span<const std::byte> take_header(std::span<const std::byte> bytes) {
    const std::size_t known = header_.size();
    header_.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    const std::size_t end = header_.find("\n\n", known == 0 ? 0 : known - 1);
    if (end == std::string::npos) {
      if (header_.size() > kHeaderBytes) throw wrong("does not begin with lines and an empty one");
      return {};
    }
    header_.resize(end);
    read_header();
    return bytes.subspan(end + 2 - known);
  }

  void read_header() {
    std::optional<std::string> shape;
    for (const std::string& line : split(header_, '\n')) {
      if (line.starts_with("shape ")) shape = line.substr(6);
      if (line.starts_with("dtype ")) type_ = parse_dtype(line.substr(6));
    }
    if (!type_ || !shape) {
      throw wrong("does not say its " + std::string(shape ? "dtype" : "shape") +
                  " in the lines before its cells");
    }
    const std::string wanted = text(shape_of(call_.output, call_.made));
    if (*shape != wanted) {
      throw wrong("has the shape " + one_line(shape->substr(0, 80)) + ", not " + wanted +
                  " (bands, slices, rows, columns)");
    }
  }

  void finish_row() {
    values_.resize(static_cast<std::size_t>(call_.made.x.size()));
    dispatch(*type_, [&]<class T>(std::type_identity<T>) {
      for (std::size_t i = 0; i < values_.size(); ++i) {
        T cell;
        std::memcpy(&cell, &row_[i * sizeof(T)], sizeof(T));
        values_[i] = static_cast<double>(cell);
      }
    });
    answer_.set_row(walk_.band, walk_.t, walk_.y, call_.made.x.begin, values_);
    row_.clear();
    walk_.next();
    ++rows_;
  }

  const UserCall& call_;
  UserAnswer& answer_;
  std::string header_;
  std::optional<DType> type_;  // once the header is read
  RowWalk walk_;
  std::vector<std::byte> row_;
  std::vector<double> values_;
  std::size_t rows_ = 0;
};

class CommandCode final : public UserCode {
 public:
  CommandCode(const CommandParams& params, FreeValues arguments)
      : command_(params.checked()),
        what_(command_text(command_)),
        arguments_(std::move(arguments)) {
    check_lines(arguments_);
  }

  std::unique_ptr<UserWorker> worker() const override { return std::make_unique<Worker>(*this); }
  std::string what() const override { return what_; }

  std::int64_t bytes(const UserCall& call) const override {
    const std::int64_t row = std::max(call.given.x.size(), call.made.x.size());
    return static_cast<std::int64_t>(2 * kHeaderBytes + 4 * kSentBytes) + call.given.t.size() * 64 +
           row * 32;
  }

 private:
  struct Worker final : UserWorker {
    explicit Worker(const CommandCode& code) : code_(code) {}
    void call(const UserCall& call, const Chunk& in, UserAnswer& answer,
              const std::function<bool()>& cancelled) override {
      Streams streams(call, in, answer, code_.arguments_);
      const std::string said = run_child(code_.command_, streams, cancelled);
      try {
        streams.out.finish();
      } catch (const Error& error) {
        throw Error(error.code(), code_.what_ + ": " + error.message() + said);
      }
    }
    const CommandCode& code_;
  };

  struct Streams final : ChildStreams {
    Streams(const UserCall& call, const Chunk& cells, UserAnswer& answer,
            const FreeValues& arguments)
        : in(call, cells, request_header(call, arguments)), out(call, answer) {}
    std::span<const std::byte> input() override { return in.next(); }
    void output(std::span<const std::byte> bytes) override { out.add(bytes); }
    RequestBytes in;
    AnswerBytes out;
  };

  Command command_;
  std::string what_;
  FreeValues arguments_;
};

}  // namespace

void CommandParams::fields(FieldVisitor& v, bool required) {
  v.field(
      {.name = "command",
       .help = "What to run: a list of the program and its arguments, or one text (or a list of "
               "one), which the shell runs (sh -c). The program inherits the environment.",
       .required = required,
       .one_or_many = true},
      command);
  v.field(
      {.name = "directory",
       .help = "Folder to run it in; \".\" is that of the document, by default it is the current "
               "one.",
       .path = true},
      directory);
  v.field(
      {.name = "timeout",
       .help = "Seconds a call may take before the command and all it has started are killed; 0 "
               "= any time."},
      timeout);
}

Command CommandParams::checked() const {
  const auto is_empty = [](const std::string& text) { return text.empty(); };
  if (command.empty() || is_empty(command[0])) {
    throw Error(ErrorCode::kInvalid, "there is no command", "/command",
                "e.g. [\"python3\", \"ndvi.py\"]");
  }
  if (!(timeout >= 0)) {
    throw Error(ErrorCode::kInvalid, "a time limit of " + number_text(timeout) + " s cannot be",
                "/timeout", "seconds; 0 = any time");
  }
  std::error_code ignored;
  if (directory && !std::filesystem::is_directory(*directory, ignored)) {
    throw Error(ErrorCode::kNotFound, "there is no folder '" + *directory + "'", "/directory");
  }
  Command out{command, directory.value_or(""), timeout, {}, ""};
  if (command.size() == 1) {
    out.line = without_pipes(command[0]);
    out.arguments = {"/bin/sh", "-c", command[0]};
  }
  check_program(out, command.size() == 1 ? "/command" : "/command/0");
  return out;
}

void read_stream_answer(const UserCall& call, std::span<const std::span<const std::byte>> pieces,
                        UserAnswer& answer) {
  AnswerBytes bytes(call, answer);
  for (const std::span<const std::byte>& piece : pieces) bytes.add(piece);
  bytes.finish();
}

void check_lines(const FreeValues& arguments) {
  for (const auto& [name, value] : arguments) {
    const auto* text = std::get_if<std::string>(&value);
    if (name.find_first_of(" \n") == std::string::npos && !name.empty() &&
        (!text || text->find('\n') == std::string::npos)) {
      continue;
    }
    throw Error(ErrorCode::kInvalid,
                "an argument has a name without spaces and a value without line breaks",
                "/arguments" + pointer_step(std::string_view(name)));
  }
}

namespace {

constexpr std::string_view kBeforePiped =
    "(unset GDALCUBES_STREAMING_FILE_IN GDALCUBES_STREAMING_FILE_OUT; ";
constexpr std::string_view kAfterPiped =
    "\n) < \"$GDALCUBES_STREAMING_FILE_IN\" > \"$GDALCUBES_STREAMING_FILE_OUT\"";

}  // namespace

std::string with_pipes(const std::string& line) {
  return std::string(kBeforePiped) + line + std::string(kAfterPiped);
}

std::string without_pipes(const std::string& line) {
  if (!line.starts_with(kBeforePiped) || !line.ends_with(kAfterPiped)) return line;
  return line.substr(kBeforePiped.size(), line.size() - kBeforePiped.size() - kAfterPiped.size());
}

std::vector<BandInfo> command_bands(const UserBands& wanted, DType preset) {
  if (wanted.bands.empty()) {
    throw Error(ErrorCode::kInvalid, "nothing says which bands the command makes", "/bands",
                "a list of names");
  }
  return wanted.made(preset);
}

std::shared_ptr<const UserCode> command_code(const CommandParams& params,
                                             const FreeValues& arguments) {
  return std::make_shared<const CommandCode>(params, arguments);
}

}  // namespace cube

#include <algorithm>
#include <cmath>

#include "engine/declared_bands.h"
#include "engine/error.h"
#include "engine/formula_rows.h"
#include "engine/missing.h"
#include "engine/registry.h"
#include "engine/text.h"

namespace cube {

namespace {

std::string item(std::string_view key, std::size_t i) {
  return pointer_step(key) + pointer_step(i);
}

class ApplyPixel final : public Operator {
 public:
  struct Params {
    std::vector<std::string> expr;
    std::vector<std::string> band_names;
    bool keep_bands = false;
    DeclaredStorage storage;
    std::vector<double> scale;
    std::vector<double> offset;

    void fields(FieldVisitor& v) {
      v.field({.name = "expr",
               .help = "Formulas over the bands, one a new band.",
               .required = true,
               .one_or_many = true},
              expr);
      v.field(
          {.name = "band_names",
           .help = "Names of the new bands, one a formula; without them band1, band2, ..., which "
                   "answer to x1, x2, ... too, as gdalcubes calls them.",
           .one_or_many = true},
          band_names);
      v.field({.name = "keep_bands", .help = "Put the bands of the input before the new ones."},
              keep_bands);
      v.field({.name = "dtype",
               .help = "Types of the new bands, one for all or one each: uint8, int16, uint16, "
                       "int32, uint32, float32, float64. Integers round to nearest and clamp.",
               .one_or_many = true},
              storage.dtype);
      v.field({.name = "nodata",
               .help = "Stored values that mean missing, of new bands of an integer type.",
               .one_or_many = true},
              storage.nodata);
      v.field({.name = "scale",
               .help = "Stated for the new bands: physical value = cell * scale + offset. The "
                       "formula gives the cell.",
               .one_or_many = true},
              scale);
      v.field({.name = "offset", .help = "See scale.", .one_or_many = true}, offset);
    }
  };

  ApplyPixel(const Params& params, std::span<const CubeInfo> in)
      : ApplyPixel(params, in[0], compile(params, in[0])) {}

  Request demand(const Request& out, std::size_t) const override {
    Request in{out.region, sources(out.bands)};
    if (in.bands.empty()) in.region = {};
    return in;
  }

  std::unique_ptr<Kernel> kernel() const override { return std::make_unique<Work>(*this); }
  Stage stage() const override { return Stage::kFormula; }

  Cost cost(const Request& request) const override {
    Cost cost;
    cost.scratch_bytes = request.region.x.size() * std::int64_t{sizeof(double)} *
                         static_cast<std::int64_t>(sources(request.bands).size() + 2);
    return cost;
  }

  bool passes_emptiness() const override {
    return std::none_of(formulas_.begin(), formulas_.end(),
                        [](const Formula& f) { return f.survives_missing(); });
  }

 private:
  class Work final : public Kernel {
   public:
    explicit Work(const ApplyPixel& op) : op_(op) {
      for (const Formula& formula : op.formulas_) rows_.emplace_back(formula, op.info());
    }

    Chunk run(const Request& request, Inputs& inputs) override {
      const std::vector<std::size_t> pulled = op_.sources(request.bands);
      Chunk in{request.region, {}};
      if (!pulled.empty()) in = inputs.pull(0, {request.region, pulled});
      Chunk out{request.region, {}};
      for (const std::size_t band : request.bands) {
        if (band < op_.kept_) {
          const auto place = std::lower_bound(pulled.begin(), pulled.end(), band);
          out.bands.push_back(in.bands[static_cast<std::size_t>(place - pulled.begin())]);
        } else {
          out.bands.push_back(compute(band, in, pulled));
        }
      }
      return out;
    }

   private:
    BlockPtr compute(std::size_t band, const Chunk& in, std::span<const std::size_t> pulled) {
      FormulaRows& rows = rows_[band - op_.kept_];
      if (rows.surely_missing(in, pulled)) return nullptr;
      const Region& region = in.region;
      Block block = Block::unfilled(region, op_.info().bands[band].storage());
      row_.resize(static_cast<std::size_t>(region.x.size()));
      const bool numbered = block.nodata() && !std::isnan(*block.nodata());
      for (std::int64_t t = region.t.begin; t < region.t.end; ++t) {
        for (std::int64_t y = region.y.begin; y < region.y.end; ++y) {
          rows.run(in, pulled, region, t, y, row_);
          // The value that the user calls missing is; one that only rounds to it is not.
          if (numbered) std::ranges::replace(row_, *block.nodata(), kMissing);
          block.set_row_of_valid(t, y, region.x.begin, row_);
        }
      }
      return share(std::move(block));
    }

    const ApplyPixel& op_;
    std::vector<FormulaRows> rows_;
    std::vector<double> row_;
  };

  ApplyPixel(const Params& params, const CubeInfo& in, std::vector<Formula> formulas)
      : Operator(computed(params, in, formulas)),
        formulas_(std::move(formulas)),
        kept_(params.keep_bands ? in.bands.size() : 0) {}

  static std::vector<Formula> compile(const Params& params, const CubeInfo& in) {
    if (params.expr.empty())
      throw Error(ErrorCode::kInvalid, "there is no formula", "/expr",
                  "one a new band, e.g. \"(B08 - B04) / (B08 + B04)\"");
    std::vector<Formula> formulas;
    for (std::size_t i = 0; i < params.expr.size(); ++i) {
      formulas.emplace_back(params.expr[i], in, item("expr", i));
    }
    return formulas;
  }

  static CubeInfo computed(const Params& params, const CubeInfo& in,
                           std::span<const Formula> formulas) {
    if (!params.band_names.empty() && params.band_names.size() != formulas.size()) {
      throw Error(
          ErrorCode::kInvalid,
          counted(params.band_names.size(), "name") + " for " + counted(formulas.size(), "formula"),
          "/band_names", "one a formula");
    }
    CubeInfo out{in.grid, in.time, {}};
    if (params.keep_bands) out.bands = in.bands;
    for (std::size_t i = 0; i < formulas.size(); ++i) {
      BandInfo band;
      band.name = new_name(params, i, out.bands);
      if (params.band_names.empty()) band.alias = unsaid_name("x", i);
      band = params.storage.apply(
          std::move(band), i, formulas.size(), default_dtype(formulas[i], in), "formula",
          "a formula can give missing cells; nodata says how to store them");
      band.scale = choice("scale", params.scale, i, formulas.size(), "formula").value_or(1);
      if (band.scale == 0) {
        throw Error(ErrorCode::kInvalid, "a scale of 0 leaves nothing of a value",
                    "/scale" + (params.scale.size() > 1 ? pointer_step(i) : ""), "another number");
      }
      band.offset = choice("offset", params.offset, i, formulas.size(), "formula").value_or(0);
      out.bands.push_back(std::move(band));
    }
    return out;
  }

  // Without a name a band is called band1, or x1, as in gdalcubes, where band1 is there already.
  static std::string new_name(const Params& params, std::size_t i,
                              std::span<const BandInfo> taken) {
    const bool given = !params.band_names.empty();
    const auto is_taken = [&](const std::string& name) {
      return std::any_of(taken.begin(), taken.end(), [&](const auto& b) { return b.name == name; });
    };
    std::string name = given ? params.band_names[i] : unsaid_name("band", i);
    if (!given && is_taken(name)) name = unsaid_name("x", i);
    const std::string where = given ? item("band_names", i) : item("expr", i);
    if (name.empty()) throw Error(ErrorCode::kInvalid, "a band needs a name", where);
    if (is_taken(name)) {
      throw Error(ErrorCode::kInvalid, "there is already a band named '" + name + "'", where,
                  "give another name in band_names");
    }
    return name;
  }

  static std::string unsaid_name(const char* prefix, std::size_t i) {
    return std::string(prefix).append(std::to_string(i + 1));
  }

  // Coordinates and times need more digits than float32 has, and so do wide inputs.
  static DType default_dtype(const Formula& formula, const CubeInfo& in) {
    DType type = formula.needs_float64() ? DType::kFloat64 : DType::kFloat32;
    for (const std::size_t band : formula.bands()) {
      type = std::max(type, arithmetic_dtype(in.bands[band].dtype));
    }
    return type;
  }

  // Bands of the input that some bands of the result need, ascending.
  std::vector<std::size_t> sources(std::span<const std::size_t> bands) const {
    std::vector<std::size_t> all;
    for (const std::size_t band : bands) {
      if (band < kept_) {
        all.push_back(band);
      } else {
        const auto& used = formulas_[band - kept_].bands();
        all.insert(all.end(), used.begin(), used.end());
      }
    }
    return united(std::move(all), {});
  }

  std::vector<Formula> formulas_;
  std::size_t kept_;  // bands of the input that come first
};

}  // namespace

namespace ops {

OperatorType apply_pixel() {
  return operator_type<ApplyPixel>({
      .id = "apply_pixel",
      .summary = "New bands from formulas, cell by cell.",
      .help =
          "A band without dtype is float32, or float64 where the formula uses bands wider than "
          "16 bits, coordinates or times. A result that is the nodata value, or nan, is missing. "
          "Results of an integer band are rounded to the nearest whole number (halves to the even "
          "one) and clamped to what its type holds; one that becomes the nodata value only by that "
          "is stored as the number beside it (254 for 255, 1 for 0) and does not go missing. "
          "Missing in an operand gives missing. A band that "
          "matches a name only when case is ignored is found if there is one. A name with other "
          "characters than letters, digits, _ and . cannot stand in a formula: rename_bands gives "
          "it "
          "another. Formulas know:\n" +
          formula_help(),
      .example = R"json({"cube_type": "apply_pixel", "expr": ["(band2-band1)/(band2+band1)"],
  "band_names": ["NDVI"],
  "in_cube": {"cube_type": "dummy", "nbands": 2, "fill": 1,
    "view": {"space": {"left": 0, "right": 40, "bottom": 0, "top": 30, "dx": 10, "dy": 10,
      "srs": "EPSG:3857"},
      "time": {"t0": "2020-01", "t1": "2020-03", "dt": "P1M"}}}})json",
      .inputs = {{.name = "in_cube", .help = "The cube whose bands the formulas name."}},
  });
}

}  // namespace ops

}  // namespace cube

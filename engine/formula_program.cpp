#include "engine/formula_program.h"

#include <algorithm>
#include <cmath>
#include <functional>

namespace cube::formula {

namespace {

using Callback = decltype(mu::generic_callable_type::_pRawFun);

// What a function of the table is called by in muParser's code.
Callback callback(const Scalar& scalar) {
  return std::visit([](auto call) { return reinterpret_cast<Callback>(call); }, scalar);
}

const Function* find_function(Callback wanted) {
  for (const Function& function : functions()) {
    if (callback(function.scalar) == wanted) return &function;
  }
  for (const OperatorSign& sign : operators()) {
    if (callback(sign.scalar) == wanted) return &sign;
  }
  return nullptr;
}

// A value on the stack while the code is read.
struct Operand {
  std::uint32_t reg = 0;
  bool missing = false;  // surely missing where all bands are
  bool uniform = false;  // the same in every cell of a row
  bool temporary = false;
};

class Translator {
 public:
  Translator(const Names& names, std::span<const double> inputs, std::span<const mu::SToken> code)
      : names_(names), inputs_(inputs), code_(code) {
    program_.inputs = inputs.size();
    const auto constants = std::count_if(code.begin(), code.end(),
                                         [](const auto& token) { return token.Cmd == mu::cmVAL; });
    next_register_ =
        static_cast<std::uint32_t>(inputs.size()) + static_cast<std::uint32_t>(constants);
  }

  std::optional<ColumnProgram> run() {
    for (const mu::SToken& token : code_) {
      if (token.Cmd == mu::cmEND) break;
      if (!translate(token)) return std::nullopt;
    }
    if (stack_.size() != 1) return std::nullopt;
    program_.registers = next_register_;
    program_.result = stack_.back().reg;
    program_.result_survives_missing = !stack_.back().missing;
    return std::move(program_);
  }

 private:
  bool translate(const mu::SToken& token) {
    switch (token.Cmd) {
      case mu::cmVAR:
        return push_input(token.Val.ptr);
      case mu::cmVAL:
        push_constant(token.Val.data2);
        return true;
      case mu::cmFUNC:
        return apply(token.Fun.cb._pRawFun, static_cast<std::size_t>(std::abs(token.Fun.argc)));
      case mu::cmIF:    // condition, then and else are computed one after the other ...
      case mu::cmELSE:  // ... and lie on the stack when the end comes
        return true;
      case mu::cmENDIF:
        return stack_.size() >= 3 && emit(select_loop(), Missing::kSelects, 3);
      default:
        return false;
    }
  }

  bool push_input(const double* pointer) {
    const double* first = inputs_.data();
    if (std::less<>()(pointer, first) || !std::less<>()(pointer, first + inputs_.size())) {
      return false;
    }
    const auto index = static_cast<std::size_t>(pointer - first);
    const bool band = index < names_.bands.size();
    const bool varies = band || names_.variables[index - names_.bands.size()].varies_along_row;
    stack_.push_back({static_cast<std::uint32_t>(index), band, !varies, false});
    return true;
  }

  void push_constant(double value) {
    const std::size_t reg = program_.inputs + program_.constants.size();
    program_.constants.push_back(value);
    stack_.push_back({static_cast<std::uint32_t>(reg), std::isnan(value), true, false});
  }

  bool apply(Callback called, std::size_t arguments) {
    const Function* function = find_function(called);
    if (!function || arguments == 0 || stack_.size() < arguments) return false;
    if (called == callback(power()) && is_constant(stack_.back(), 2)) {
      stack_.pop_back();
      return emit(square_loop(), Missing::kPasses, 1);
    }
    return emit(function->column, function->missing, arguments);
  }

  bool is_constant(const Operand& operand, double value) const {
    const std::size_t index = operand.reg - program_.inputs;
    return operand.reg >= program_.inputs && index < program_.constants.size() &&
           program_.constants[index] == value;
  }

  bool emit(ColumnLoop loop, Missing rule, std::size_t count) {
    const std::span<const Operand> operands(stack_.end() - static_cast<std::ptrdiff_t>(count),
                                            stack_.end());
    Operand result{0, is_missing(rule, operands), true, true};
    for (const Operand& operand : operands) result.uniform = result.uniform && operand.uniform;
    result.reg = take_register(result.uniform);
    Instruction instruction{loop, {}, result.reg, result.uniform};
    for (const Operand& operand : operands) {
      instruction.arguments.push_back(operand.reg);
      // Every value is used once, so that its register is free from here on; those of a row's
      // values keep them for all blocks of the row.
      if (operand.temporary && !operand.uniform) free_.push_back(operand.reg);
    }
    program_.instructions.push_back(std::move(instruction));
    stack_.resize(stack_.size() - count);
    stack_.push_back(result);
    return true;
  }

  static bool is_missing(Missing rule, std::span<const Operand> operands) {
    switch (rule) {
      case Missing::kAbsorbs:
        return false;
      case Missing::kSelects:
        return operands[0].missing || (operands[1].missing && operands[2].missing);
      case Missing::kPasses:
        break;
    }
    return std::any_of(operands.begin(), operands.end(), [](const auto& o) { return o.missing; });
  }

  std::uint32_t take_register(bool uniform) {
    if (uniform || free_.empty()) return next_register_++;
    const std::uint32_t reg = free_.back();
    free_.pop_back();
    return reg;
  }

  const Names& names_;
  std::span<const double> inputs_;
  std::span<const mu::SToken> code_;
  ColumnProgram program_;
  std::vector<Operand> stack_;
  std::vector<std::uint32_t> free_;
  std::uint32_t next_register_ = 0;
};

}  // namespace

std::optional<ColumnProgram> translate(const mu::Parser& parser, const Names& names,
                                       std::span<const double> inputs) {
  const mu::ParserByteCode& code = parser.GetByteCode();
  return Translator(names, inputs, {code.GetBase(), code.GetSize()}).run();
}

}  // namespace cube::formula

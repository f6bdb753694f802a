// CommandCode: a program that is run once for each call and speaks a small protocol on its standard
// streams. The protocol is described by kStreamProtocol, which is part of the operators' help.
//
// Thread rule: immutable.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/child_process.h"
#include "engine/params.h"
#include "engine/user_bands.h"
#include "engine/user_function.h"

namespace cube {

// A command as documents give it.
struct CommandParams {
  std::vector<std::string> command;
  std::optional<std::string> directory;
  double timeout = 3600;

  void fields(FieldVisitor& v, bool required = true);

  // Checks it and finds the program; throws Error that points into the node.
  Command checked() const;
};

// Throws Error(kInvalid) at "/arguments/..." when a name or text has a line break.
void check_lines(const FreeValues& arguments);

// Speaks the protocol on standard input and output.
std::shared_ptr<const UserCode> command_code(const CommandParams& params,
                                             const FreeValues& arguments);

// The bands that a graph says a command makes. Throws Error(kInvalid) that points into the node.
std::vector<BandInfo> command_bands(const UserBands& wanted, DType preset);

extern const char* const kStreamProtocol;

}  // namespace cube

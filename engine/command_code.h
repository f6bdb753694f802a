// CommandCode: a program that is run once for each call and speaks a small protocol on its standard
// streams. The protocol is described by kStreamProtocol, which is part of the operators' help.
//
// Thread rule: immutable.
#pragma once

#include <memory>
#include <optional>
#include <span>
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

// A line for the shell in which the files of gdalcubes' streaming are the standard input and output
// of `line`; and that line of such a one, any other as it is.
std::string with_pipes(const std::string& line);
std::string without_pipes(const std::string& line);

// Throws Error(kInvalid) at "/arguments/..." when a name or text has a line break.
void check_lines(const FreeValues& arguments);

// Speaks the protocol on standard input and output.
std::shared_ptr<const UserCode> command_code(const CommandParams& params,
                                             const FreeValues& arguments);

// Reads what a command answers, as it comes in pieces. Throws Error that says what is wrong with
// it.
void read_stream_answer(const UserCall& call, std::span<const std::span<const std::byte>> pieces,
                        UserAnswer& answer);

// The bands that a graph says a command makes. Throws Error(kInvalid) that points into the node.
std::vector<BandInfo> command_bands(const UserBands& wanted, DType preset);

extern const char* const kStreamProtocol;

}  // namespace cube

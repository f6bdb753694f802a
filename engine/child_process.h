// Runs a program beside this one: bytes to its standard input, bytes from its standard output.
//
// The child starts in a process group of its own, with no file of ours open but its three streams
// and no signal blocked, and the whole group is killed when it takes too long, when the caller
// stops or when the caller's code throws. Standard error is read all the while, so that no pipe
// fills up. Nothing of this process is changed for good: SIGPIPE is held back on the calling thread
// only.
//
// Thread rule: may be called on any number of threads at the same time.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace cube {

struct Command {
  std::vector<std::string> arguments;    // the program first; found in PATH when it has no "/"
  std::string folder;                    // to run in; "" = that of this process
  double timeout = 0;                    // seconds; 0 = none
  std::vector<std::string> environment;  // "NAME=VALUE" besides what is inherited
  // Where the program is a shell, the line that the user wrote for it, for messages; else "".
  std::string line = {};
};

// The two ends that the caller holds.
class ChildStreams {
 public:
  virtual ~ChildStreams() = default;

  // The next bytes for the child, which live until the next call; none = the end.
  virtual std::span<const std::byte> input() = 0;

  // Bytes that it wrote. What it throws ends the child and leaves run_child().
  virtual void output(std::span<const std::byte> bytes) = 0;
};

// Runs the command to its end and returns what it said on standard error, its last 2000 bytes as
// the end of a message: "; it wrote to standard error: ...". A child that does not read all its
// input is no failure. Throws Error(kInternal) with that text when the child cannot be started,
// takes too long or ends with another status than 0, and Error(kCancelled) when `cancelled` says so
// (asked some twenty times a second).
std::string run_child(const Command& command, ChildStreams& streams,
                      const std::function<bool()>& cancelled);

// "the command 'python3 ndvi.py'", not too long.
std::string command_text(const Command& command);

// Throws Error(kNotFound) when there is no such program to run, at `where`; of a line for the shell
// where it begins with the name of a program and nothing that the shell makes something of.
void check_program(const Command& command, const std::string& where);

}  // namespace cube

// What the program says when the command line cannot be read, or when help is asked for.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace cube {

// "cube catalog create".
std::string full_name(const CLI::App& app);

// "cube run: there is no option '--otput' (did you mean '--output'?; see cube run --help)".
// REQUIRES: parsing `app` threw `error`.
std::string usage_error(const CLI::App& app, const CLI::ParseError& error);

// What was asked for with --help or --version, ending with one newline.
std::string requested_text(const CLI::App& app, const CLI::Success& success);

}  // namespace cube

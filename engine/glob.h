// Names of files from folders and wildcards.
// Thread rule: pure functions of the file system.
#pragma once

#include <string>
#include <vector>

namespace cube {

// True when the text has one of the characters * ? [ in it.
bool is_glob(const std::string& text);

// Files in a folder and in those below it, in no order. Links to folders are followed, as `find -L`
// does, but each folder is read once (it is told by its device and number): by its own name where
// that lies below too, else by the first link in the order of names. Folders that cannot be read
// are left out.
std::vector<std::string> files_below(const std::string& folder);

// Files that `pattern` names, in no order: "*", "?" and "[a-z]" stand for parts of a name, "**" for
// any folders, as files_below() finds them; a folder that it names stands for all files below. No
// file is named like a pattern that is longer than a path can be.
std::vector<std::string> files_like(const std::string& pattern);

}  // namespace cube

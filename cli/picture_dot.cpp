#include "cli/picture.h"

namespace cube {

namespace {

// A text in the double quotes of DOT; lines end with \l, which sets them to the left.
std::string quoted(const std::vector<std::string>& lines) {
  std::string out = "\"";
  for (const std::string& line : lines) {
    for (const char c : line) {
      if (c == '"' || c == '\\') out += '\\';
      out += c == '\n' ? ' ' : c;
    }
    out += "\\l";
  }
  return out + "\"";
}

}  // namespace

std::string to_dot(const Picture& picture) {
  std::string out =
      "digraph cube {\n"
      "  rankdir=TB;\n"
      "  node [shape=box, style=\"rounded,filled\", fillcolor=white, fontname=\"Helvetica\", "
      "fontsize=11];\n"
      "  edge [color=\"#6b7280\"];\n"
      "  label=" +
      quoted(picture.caption) + ";\n  labeljust=l;\n";
  for (std::size_t i = 0; i < picture.boxes.size(); ++i) {
    const Picture::Box& box = picture.boxes[i];
    std::vector<std::string> lines = {box.title + (box.name.empty() ? "" : "  " + box.name)};
    lines.insert(lines.end(), box.lines.begin(), box.lines.end());
    for (const std::string& note : box.notes) lines.push_back("! " + note);
    out += "  n" + std::to_string(i) + " [label=" + quoted(lines) +
           (i == picture.result ? ", penwidth=2" : "") + ", class=\"" + box.kind + "\"];\n";
  }
  for (std::size_t i = 0; i < picture.boxes.size(); ++i) {
    for (const std::size_t input : picture.boxes[i].inputs) {
      out += "  n" + std::to_string(input) + " -> n" + std::to_string(i) + ";\n";
    }
  }
  return out + "}\n";
}

}  // namespace cube

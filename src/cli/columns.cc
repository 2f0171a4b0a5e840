#include "cli/columns.h"

#include <algorithm>

namespace vg::cli {

namespace {

// Characters, where the bytes are UTF-8.
size_t width(const std::string& text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

}  // namespace

std::string columns(const std::vector<Row>& rows, size_t indent, size_t widest) {
  std::vector<size_t> widths;
  for (const Row& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i) {
      if (const size_t w = width(row[i]); w <= widest) widths[i] = std::max(widths[i], w);
    }
  }
  std::string out;
  for (const Row& row : rows) {
    std::string line(indent, ' ');
    for (size_t i = 0; i < row.size(); ++i) {
      line += row[i];
      const size_t w = width(row[i]);
      if (i + 1 < row.size()) line.append(w < widths[i] ? widths[i] - w + 2 : 2, ' ');
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + '\n';
  }
  return out;
}

}  // namespace vg::cli

// Rows of words in columns, for the tables that commands print.
#pragma once
#include <string>
#include <vector>

namespace vg::cli {

using Row = std::vector<std::string>;

/// Every column is as wide as its widest cell, but for cells of more than `widest` characters, which push the rest of
/// their own line. Each line is indented by `indent` and ends with a newline.
std::string columns(const std::vector<Row>& rows, size_t indent = 0, size_t widest = static_cast<size_t>(-1));

}  // namespace vg::cli

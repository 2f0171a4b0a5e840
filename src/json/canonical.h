// One text for all values that are equal: what a set of values is sorted by.
#pragma once
#include <cstdint>
#include <string>

#include "json/tree.h"

namespace vg::json {

/// Appends the canonical text of a node: members by name and the last of several of one name, strings decoded, numbers
/// by their exact value. Two nodes have the same text if they are equal() (json/value.h), but that half a surrogate
/// pair counts as U+FFFD, and exponents beyond ±10^17 as that.
void append_canonical(std::string& out, const Tree& tree, uint32_t node);

/// True if two elements of an array are equal, by their canonical texts. Takes time to sort them.
bool has_equal_elements(const Tree& tree, uint32_t array);

}  // namespace vg::json

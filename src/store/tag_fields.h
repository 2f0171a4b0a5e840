// Tags as 64 bits: what a cached value depends on, and what a drop writes down. Two tags that happen to share their
// bits drop a value too many, never one too few. The same in every process and on every machine.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "store/cache_store.h"
#include "store/missed_drops.h"

namespace vg::store {

/// The fields whose drop takes a value with `tags` along, each once: of the tag itself, and of every tag that it is
/// below.
std::vector<TagField> fields_of(const std::vector<std::string>& tags);
/// The field that a drop stands for.
TagField field_of(const Drop& drop);
/// The field of what is kept at `key`, on which it depends as well: removed, or replaced by another one.
TagField field_of_key(std::string_view key);

constexpr size_t kFieldBytes = 8;
void append_field(std::string& out, TagField field);  ///< as 8 bytes
TagField read_field(std::string_view bytes);          ///< of 8 bytes or more

}  // namespace vg::store

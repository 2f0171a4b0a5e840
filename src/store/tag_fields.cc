#include "store/tag_fields.h"

#include <xxhash.h>

#include <algorithm>

namespace vg::store {

namespace {

enum Seed : XXH64_hash_t { kExact = 1, kBelow = 2, kKey = 3 };

TagField hash(std::string_view text, Seed seed) { return XXH3_64bits_withSeed(text.data(), text.size(), seed); }

}  // namespace

std::vector<TagField> fields_of(const std::vector<std::string>& tags) {
  std::vector<TagField> out;
  for (const std::string& tag : tags) {
    out.push_back(hash(tag, kExact));
    out.push_back(hash(tag, kBelow));
    for (size_t at = tag.find('/'); at != std::string::npos; at = tag.find('/', at + 1)) {
      out.push_back(hash(std::string_view(tag).substr(0, at), kBelow));
    }
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

TagField field_of(const Drop& drop) { return hash(drop.text, drop.below ? kBelow : kExact); }

TagField field_of_key(std::string_view key) { return hash(key, kKey); }

void append_field(std::string& out, TagField field) {
  for (int shift = 56; shift >= 0; shift -= 8) out.push_back(static_cast<char>(field >> shift));
}

TagField read_field(std::string_view bytes) {
  TagField out = 0;
  for (size_t i = 0; i < kFieldBytes; ++i) out = out << 8 | static_cast<unsigned char>(bytes[i]);
  return out;
}

}  // namespace vg::store

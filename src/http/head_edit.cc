// Head's editing functions: what the gateway changes in a message that it passes on.
#include <algorithm>

#include "base/strings.h"
#include "http/head.h"

namespace vg::http {

void Head::add(std::string_view name, std::string_view value, FieldId id) {
  Field f;
  f.id = id != FieldId::kOther ? id : field_id(name);
  f.name_at = static_cast<uint32_t>(bytes_.size());
  f.name_size = static_cast<uint16_t>(name.size());
  f.value_at = f.name_at + static_cast<uint32_t>(name.size());
  f.value_size = static_cast<uint32_t>(value.size());
  bytes_.append(name).append(value);
  fields_.push_back(f);
  present_ |= uint64_t{1} << static_cast<unsigned>(f.id);
}

void Head::remove(FieldId id) {
  if (!has(id)) return;
  std::erase_if(fields_, [id](const Field& f) { return f.id == id; });
  present_ &= ~(uint64_t{1} << static_cast<unsigned>(id));
}

void Head::remove(std::string_view name_to_remove) {
  const FieldId id = field_id(name_to_remove);
  if (id != FieldId::kOther) return remove(id);
  std::erase_if(fields_, [&](const Field& f) { return f.id == FieldId::kOther && iequals(name(f), name_to_remove); });
}

void Head::set(std::string_view name_to_set, std::string_view value) {
  remove(name_to_set);
  add(name_to_set, value);
}

}  // namespace vg::http

#include "cache/entry.h"

#include <cstring>

#include "base/strings.h"

namespace vg::cache {

namespace {

constexpr uint32_t kMagic = 0x31476756;  // "VgG1": another layout gets another number

// As it lies in the block; written and read by memcpy, on machines of one byte order.
struct Header {
  uint32_t magic = kMagic;
  uint16_t status = 0;
  uint16_t flags = 0;
  int64_t received_ms = 0;
  int64_t initial_age_ms = 0;
  int64_t lifetime_ms = 0;
  int64_t while_revalidate_ms = 0;
  int64_t if_error_ms = 0;
  uint32_t tags_size = 0;
  uint32_t fields_size = 0;
};

enum Flag : uint16_t {
  kAlwaysRevalidate = 1,
  kForCredentials = 2,
  kVariants = 4,
  kPass = 8,
};

uint16_t flags_of(const EntryInfo& info) {
  return static_cast<uint16_t>((info.always_revalidate ? kAlwaysRevalidate : 0) |
                               (info.for_credentials ? kForCredentials : 0) | (info.is_variants ? kVariants : 0) |
                               (info.is_pass ? kPass : 0));
}

int64_t ms_of(WallTime t) { return std::chrono::duration_cast<Milliseconds>(t.time_since_epoch()).count(); }

}  // namespace

std::optional<Entry> Entry::of(store::Blob blob) {
  Header h;
  if (!blob || blob->size() < sizeof h) return std::nullopt;
  std::memcpy(&h, blob->data(), sizeof h);
  const size_t sizes = size_t{h.tags_size} + h.fields_size;
  if (h.magic != kMagic || sizes > blob->size() - sizeof h) return std::nullopt;
  Entry e;
  const std::string_view all = *blob;
  e.tags_ = all.substr(sizeof h, h.tags_size);
  e.fields_ = all.substr(sizeof h + h.tags_size, h.fields_size);
  e.content_ = all.substr(sizeof h + sizes);
  e.info_.status = h.status;
  e.info_.always_revalidate = (h.flags & kAlwaysRevalidate) != 0;
  e.info_.for_credentials = (h.flags & kForCredentials) != 0;
  e.info_.is_variants = (h.flags & kVariants) != 0;
  e.info_.is_pass = (h.flags & kPass) != 0;
  e.info_.received = WallTime(Milliseconds(h.received_ms));
  e.info_.initial_age = Milliseconds(h.initial_age_ms);
  e.info_.lifetime = Milliseconds(h.lifetime_ms);
  e.info_.while_revalidate = Milliseconds(h.while_revalidate_ms);
  e.info_.if_error = Milliseconds(h.if_error_ms);
  e.blob_ = std::move(blob);
  return e;
}

std::vector<std::string> Entry::tags() const {
  std::vector<std::string> out;
  for (const std::string_view tag : split(tags_, '\n')) {
    if (!tag.empty()) out.emplace_back(tag);
  }
  return out;
}

void Entry::parse_fields(http::Head& head) const {
  std::string_view rest = fields_;
  while (!rest.empty()) {
    const size_t end = rest.find("\r\n");
    const std::string_view line = rest.substr(0, end);
    if (const size_t colon = line.find(':'); colon != std::string_view::npos)
      head.add(line.substr(0, colon), trim(line.substr(colon + 1)));
    if (end == std::string_view::npos) return;
    rest.remove_prefix(end + 2);
  }
}

// A wall clock that was set back makes nothing younger than it came.
Milliseconds Entry::age(WallTime now) const {
  const auto resident = std::chrono::duration_cast<Milliseconds>(now - info_.received);
  return info_.initial_age + std::max(resident, Milliseconds(0));
}

store::Blob make_entry(const EntryInfo& info, std::span<const std::string> tags, std::string_view fields,
                       std::string_view content) {
  Header h;
  h.status = info.status;
  h.flags = flags_of(info);
  h.received_ms = ms_of(info.received);
  h.initial_age_ms = info.initial_age.count();
  h.lifetime_ms = info.lifetime.count();
  h.while_revalidate_ms = info.while_revalidate.count();
  h.if_error_ms = info.if_error.count();
  size_t tags_size = 0;
  for (const std::string& tag : tags) tags_size += tag.size() + 1;
  h.tags_size = static_cast<uint32_t>(tags_size);
  h.fields_size = static_cast<uint32_t>(fields.size());
  auto block = std::make_shared<std::string>();
  block->reserve(sizeof h + tags_size + fields.size() + content.size());
  block->append(reinterpret_cast<const char*>(&h), sizeof h);
  for (const std::string& tag : tags) block->append(tag).push_back('\n');
  block->append(fields).append(content);
  return block;
}

}  // namespace vg::cache

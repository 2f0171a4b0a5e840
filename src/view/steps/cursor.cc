#include "view/steps/cursor.h"

#include <openssl/crypto.h>
#include <openssl/hmac.h>

#include "base/strings.h"
#include "http/target.h"

namespace vg::view {

namespace {

constexpr size_t kSignatureBytes = 12;
constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

// RFC 4648 section 5, without padding.
std::string base64url(std::string_view bytes) {
  std::string out;
  uint32_t bits = 0;
  int have = 0;
  for (const char c : bytes) {
    bits = bits << 8 | static_cast<unsigned char>(c);
    for (have += 8; have >= 6; have -= 6) out.push_back(kAlphabet[(bits >> (have - 6)) & 63]);
  }
  if (have > 0) out.push_back(kAlphabet[(bits << (6 - have)) & 63]);
  return out;
}

std::optional<std::string> from_base64url(std::string_view text) {
  std::string out;
  uint32_t bits = 0;
  int have = 0;
  for (const char c : text) {
    const size_t value = kAlphabet.find(c);
    if (value == std::string_view::npos) return std::nullopt;
    bits = bits << 6 | static_cast<uint32_t>(value);
    have += 6;
    if (have < 8) continue;
    have -= 8;
    out.push_back(static_cast<char>(bits >> have));
  }
  return out;
}

// One link-value of RFC 8288 section 3 taken off the front of `text`: its target, and whether it has the relation.
struct LinkValue {
  std::string_view target;
  bool has_relation = false;
};

size_t end_of_parameter(std::string_view text) {
  bool quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (quoted && text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      quoted = !quoted;
    } else if (!quoted && (text[i] == ';' || text[i] == ',')) {
      return i;
    }
  }
  return text.size();
}

bool names_relation(std::string_view parameter, std::string_view relation) {
  const size_t equals = parameter.find('=');
  if (equals == std::string_view::npos || !iequals(trim(parameter.substr(0, equals)), "rel")) return false;
  std::string_view value = trim(parameter.substr(equals + 1));
  if (value.size() >= 2 && value.front() == '"' && value.back() == '"') value = value.substr(1, value.size() - 2);
  for (const std::string_view word : split(value, ' ')) {
    if (iequals(word, relation)) return true;
  }
  return false;
}

std::optional<LinkValue> take_link(std::string_view& text, std::string_view relation) {
  const size_t open = text.find('<');
  const size_t close = text.find('>', open);
  if (open == std::string_view::npos || close == std::string_view::npos) return std::nullopt;
  LinkValue out;
  out.target = text.substr(open + 1, close - open - 1);
  text.remove_prefix(close + 1);
  bool has_rel = false;
  while (!text.empty()) {
    const size_t end = end_of_parameter(text);
    // Of several rel parameters the first counts.
    const std::string_view parameter = text.substr(0, end);
    const bool is_rel = iequals(trim(parameter.substr(0, parameter.find('='))), "rel");
    if (is_rel && !std::exchange(has_rel, true)) out.has_relation = names_relation(parameter, relation);
    const bool next_link = end < text.size() && text[end] == ',';
    text.remove_prefix(std::min(end + 1, text.size()));
    if (next_link) break;
  }
  return out;
}

}  // namespace

std::optional<std::string_view> find_link(const http::Head& head, std::string_view relation) {
  for (const http::Field& f : head.fields()) {
    if (!iequals(head.name(f), "link")) continue;
    std::string_view text = head.value(f);
    while (const std::optional<LinkValue> link = take_link(text, relation)) {
      if (link->has_relation) return link->target;
    }
  }
  return std::nullopt;
}

std::optional<std::string> resolve_link(std::string_view link, std::string_view target, std::string_view base_path,
                                        std::string_view authority) {
  link = link.substr(0, link.find('#'));
  const std::string_view path = target.substr(0, target.find('?'));
  std::string whole;
  const size_t scheme = link.find("://");
  if (scheme != std::string_view::npos && link.substr(0, scheme).find_first_of("/?") == std::string_view::npos) {
    const size_t host = scheme + 3;
    const size_t end = std::min(link.find_first_of("/?", host), link.size());
    if (!http::same_authority(link.substr(host, end - host), authority, "80")) return std::nullopt;
    whole = link.substr(end);
    if (!whole.starts_with('/')) whole.insert(0, "/");
  } else if (link.starts_with("//")) {
    return std::nullopt;
  } else if (link.starts_with('/')) {
    whole = link;
  } else if (link.starts_with('?')) {
    whole.append(path).append(link);
  } else {
    whole.append(path.substr(0, path.rfind('/') + 1)).append(link);
  }
  const std::string_view resolved = std::string_view(whole).substr(0, whole.find('?'));
  if (!http::check_path(resolved).ok()) return std::nullopt;
  if (!whole.starts_with(base_path)) return std::nullopt;
  whole.erase(0, base_path.size());
  if (!whole.starts_with('/') && !whole.starts_with('?')) return std::nullopt;
  for (const char c : whole) {
    if (static_cast<unsigned char>(c) <= 0x20 || static_cast<unsigned char>(c) >= 0x7f) return std::nullopt;
  }
  return whole;
}

std::string CursorKey::sign(std::string_view target, std::string_view list) const {
  std::string text(list);
  text.append("\n").append(target);
  unsigned char mac[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  HMAC(EVP_sha256(), secret_.data(), static_cast<int>(secret_.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(), mac, &size);
  return std::string(reinterpret_cast<const char*>(mac), kSignatureBytes);
}

std::string CursorKey::encode(std::string_view target, std::string_view list) const {
  return base64url(sign(target, list).append(target));
}

std::optional<std::string> CursorKey::decode(std::string_view cursor, std::string_view list) const {
  std::optional<std::string> bytes = from_base64url(cursor);
  if (!bytes || bytes->size() <= kSignatureBytes) return std::nullopt;
  std::string target = bytes->substr(kSignatureBytes);
  if (CRYPTO_memcmp(sign(target, list).data(), bytes->data(), kSignatureBytes) != 0) return std::nullopt;
  return target;
}

}  // namespace vg::view

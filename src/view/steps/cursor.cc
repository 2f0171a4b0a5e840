#include "view/steps/cursor.h"

#include <openssl/crypto.h>
#include <openssl/hmac.h>

#include <algorithm>

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

std::string_view query_of_link(std::string_view link, std::string_view authority) {
  link = link.substr(0, link.find('#'));
  const size_t slashes = link.find("//");
  if (slashes == 0 ||
      (slashes != std::string_view::npos && link[slashes - 1] == ':' && link.find_first_of("/?") == slashes)) {
    const std::string_view rest = link.substr(slashes + 2);
    if (!http::same_authority(rest.substr(0, rest.find_first_of("/?")), authority, "80")) return {};
  }
  const size_t mark = link.find('?');
  if (mark == std::string_view::npos) return {};
  const std::string_view query = link.substr(mark + 1);
  const bool clean = std::all_of(query.begin(), query.end(), [](char c) { return c > 0x20 && c < 0x7f; });
  return clean ? query : std::string_view();
}

std::string CursorKey::sign(std::string_view query, std::string_view list) const {
  std::string text(list);
  text.append("\n").append(query);
  unsigned char mac[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  HMAC(EVP_sha256(), secret_.data(), static_cast<int>(secret_.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(), mac, &size);
  return std::string(reinterpret_cast<const char*>(mac), kSignatureBytes);
}

std::string CursorKey::encode(std::string_view query, std::string_view list) const {
  return base64url(sign(query, list).append(query));
}

std::optional<std::string> CursorKey::decode(std::string_view cursor, std::string_view list) const {
  std::optional<std::string> bytes = from_base64url(cursor);
  if (!bytes || bytes->size() <= kSignatureBytes) return std::nullopt;
  std::string query = bytes->substr(kSignatureBytes);
  if (CRYPTO_memcmp(sign(query, list).data(), bytes->data(), kSignatureBytes) != 0) return std::nullopt;
  return query;
}

}  // namespace vg::view

// Whom a rate limit counts: `key`, compiled. What two requests have alike they have byte for byte; what they have not,
// never becomes alike, whatever a client sends.
#pragma once
#include <string>
#include <vector>

#include "pipeline/view.h"

namespace vg::policy {

class LimitKey {
 public:
  /// Says what is wrong with one entry of `key`; empty: nothing.
  static std::string check(std::string_view text);
  /// `entries` passed check().
  explicit LimitKey(const std::vector<std::string>& entries);

  /// The key of a request, made in `out`.
  void append(const pipeline::Context& ctx, std::string& out) const;
  /// It has what clients keep to themselves.
  bool secret() const { return secret_; }
  const std::string& text() const { return text_; }  ///< as the configuration has it

 private:
  struct Part {
    enum class Kind : uint8_t { kClientIp, kHeader, kRoute } kind = Kind::kClientIp;
    http::FieldId id = http::FieldId::kOther;
    std::string name;  // of a header
  };
  static void append_part(const Part& part, const pipeline::Context& ctx, std::string& out);

  std::vector<Part> parts_;
  std::string text_;
  bool secret_ = false;
};

/// An address as limits count it: IPv4 whole, also where it is mapped into IPv6; IPv6 by its first 64 bits, since a
/// client has as many of the others as it likes. What is no address stays as it is.
void append_limited_address(std::string_view client_ip, std::string& out);

}  // namespace vg::policy

// What tells writes apart that carry an Idempotency-Key: the key itself, who asks what with it, and what exactly is
// asked. draft-ietf-httpapi-idempotency-key-header-07. Thread: any.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "pipeline/view.h"

namespace vg::policy {

constexpr std::string_view kIdempotencyKey = "Idempotency-Key";

/// The value of one field line: a string of RFC 9651 ("8e03978e"), as the draft has it, or bare, as most clients send
/// it: both are the same key. 1 to 255 characters of ASCII, a bare one without spaces, commas and quotes.
/// Errors: 400, with words for the client.
Result<std::string> parse_idempotency_key(std::string_view field);
/// The key of a request; nullopt: it has none. Errors: as above; 400 too for one that has several.
Result<std::optional<std::string>> idempotency_key(const http::Head& request);

/// 32 bytes that two requests have alike if they ask the same of the same host: by host, target, media type and
/// content. The same in all processes.
std::string fingerprint_of(const http::RequestHead& request, std::string_view content);
/// Where a store keeps what becomes of a key: of this route, method and credential, which is the Authorization, or the
/// client's address as limits count it. Credential and key are hashed.
std::string claim_key(const pipeline::Context& ctx, std::string_view key);

}  // namespace vg::policy

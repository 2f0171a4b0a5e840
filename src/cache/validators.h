// Validation, on both sides of the cache: what a stored answer says to a client's conditions and ranges, what a cache
// asks an upstream that may have it unchanged, and what a 304 does to what is stored. RFC 9110 sections 13 and 14, RFC
// 9111 section 4.3.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "http/head.h"

namespace vg::cache {

/// True if a request asks for more than the whole answer. A few bit tests.
bool is_conditional(const http::RequestHead& request);
/// True if only an origin can judge its conditions (If-Match, If-Unmodified-Since; section 4.3.2): it is passed on.
bool is_for_origin(const http::RequestHead& request);

/// What a stored answer is to be answered as.
struct Selection {
  enum class As : uint8_t { kWhole, kNotModified, kPart, kNotSatisfiable };
  As as = As::kWhole;
  uint64_t first = 0, last = 0;  ///< kPart: offsets of the content, both within
};

/// The facts about a stored answer that select() needs.
struct StoredAnswer {
  uint16_t status = 200;
  const http::Head* head = nullptr;
  uint64_t length = 0;  ///< of its content
  WallTime received_at{};
};

/// Evaluates If-None-Match, else If-Modified-Since (RFC 9110 section 13.2.2), then If-Range and Range. Conditions count
/// for 2xx alone, ranges for a GET that would get 200. Several ranges, another unit than bytes, and what can't be read
/// get the whole (RFC 9110 section 14.2 allows it).
Selection select(const http::RequestHead& request, const StoredAnswer& stored);

/// Of a 206 or 416: "bytes 0-99/1234", "bytes */1234" (RFC 9110 section 14.4).
std::string content_range(const Selection& selection, uint64_t length);

/// Takes away what a 304 does not have of a 200's fields: those that describe the content (RFC 9110 section 15.4.5).
void remove_content_fields(http::Head& head);

/// Appends the fields that ask whether `stored` is still what the upstream has: If-None-Match with its ETag,
/// If-Modified-Since with its Last-Modified (section 4.3.1). False: it has neither.
bool append_conditions(std::string& out, const http::Head& stored);

/// Whether a 304 is about `stored`, and not about another answer that the upstream has by now (section 4.3.4).
bool is_about(const http::Head& not_modified, const http::Head& stored);
/// Updates `stored` by a 304 that is about it (section 3.2): its fields take the place of those of the same name, but
/// for those that describe the content stored, and those of one connection. Age and Cache-Status are the 304's, or
/// gone.
void update(http::Head& stored, const http::Head& not_modified);

/// Whether an answer to HEAD agrees with what is stored for GET (section 4.3.5): otherwise that is stale.
bool agrees(const http::Head& head_answer, const http::Head& stored, uint64_t stored_length);

}  // namespace vg::cache

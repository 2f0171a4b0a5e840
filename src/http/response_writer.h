// Writes the head of a response: status line, fields, and the framing that the content gets on this connection
// (RFC 9112 section 6). Framing and connection fields are ours alone; those of a head that is passed on are skipped.
#pragma once
#include <string>

#include "http/exchange.h"
#include "http/writer.h"

namespace vg::http {

struct ResponseFraming {
  Framing framing = Framing::kNone;
  std::optional<uint64_t> length;  ///< what Content-Length says
  bool keep_alive = true;
};

/// How the content of `ex.response` is framed for this client. RFC 9112 section 6.3, RFC 9110 section 8.6.
ResponseFraming frame_response(const Exchange& ex, bool keep_alive);
/// Appends the whole head, empty line included.
void append_response_head(const Exchange& ex, const ResponseFraming& framing, std::string& out);
/// Appends a field that was parsed, or added to a head.
inline void append_field(std::string& out, const Head& head, const Field& f) {
  const std::string_view line = head.line(f);
  if (line.empty()) return append_field(out, head.name(f), head.value(f));
  out.append(line).append("\r\n", 2);
}
/// Appends the fields of `head` that may go on a wire: all but framing and connection ones.
void append_end_to_end_fields(const Head& head, std::string& out);
/// Appends a chunk's head ("1f\r\n"). RFC 9112 section 7.1.
void append_chunk_size(std::string& out, size_t size_bytes);

}  // namespace vg::http

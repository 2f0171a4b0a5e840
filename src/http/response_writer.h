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
/// Appends fields of a head, in order. Those that stand one behind the other there as they are written go as one piece.
/// Lifetime: the head's; what was added is in `out` once it is destroyed.
class FieldCopier {
 public:
  FieldCopier(const Head* head, std::string* out) : head_(head), out_(out) {}
  FieldCopier(const FieldCopier&) = delete;
  ~FieldCopier() { out_->append(run_); }
  void add(const Field& f) {
    const std::string_view line = head_->line(f);
    if (!line.empty() && line.data() == run_.data() + run_.size()) {
      run_ = {run_.data(), run_.size() + line.size()};
      return;
    }
    out_->append(run_);
    run_ = line;
    if (line.empty()) append_field(*out_, head_->name(f), head_->value(f));
  }

 private:
  const Head* head_;
  std::string* out_;
  std::string_view run_;
};
/// Appends the fields of `head` that may go on a wire: all but framing and connection ones.
void append_end_to_end_fields(const Head& head, std::string& out);
/// Appends a chunk's head ("1f\r\n"). RFC 9112 section 7.1.
void append_chunk_size(std::string& out, size_t size_bytes);

}  // namespace vg::http

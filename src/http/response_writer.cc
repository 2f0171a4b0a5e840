#include "http/response_writer.h"

#include "base/strings.h"
#include "http/writer.h"

namespace vg::http {

namespace {

constexpr uint64_t bit(FieldId id) { return uint64_t{1} << static_cast<unsigned>(id); }

// Fields of one hop (RFC 9110 section 7.6.1) and framing: written by whoever writes the message.
constexpr uint64_t kHopFields = bit(FieldId::kConnection) | bit(FieldId::kKeepAlive) | bit(FieldId::kProxyConnection) |
                                bit(FieldId::kTransferEncoding) | bit(FieldId::kContentLength) | bit(FieldId::kTe) |
                                bit(FieldId::kUpgrade);

void append_fields_but(uint64_t left_out, const Head& head, std::string& out) {
  FieldCopier copier(&head, &out);
  for (const Field& f : head.fields()) {
    if ((left_out & bit(f.id)) == 0) copier.add(f);
  }
}

}  // namespace

void append_end_to_end_fields(const Head& head, std::string& out) { append_fields_but(kHopFields, head, out); }

void append_chunk_size(std::string& out, size_t size_bytes) {
  char digits[16];
  char* at = digits + sizeof digits;
  do {
    *--at = "0123456789abcdef"[size_bytes & 15];
    size_bytes >>= 4;
  } while (size_bytes != 0);
  out.append(at, static_cast<size_t>(digits + sizeof digits - at)).append("\r\n");
}

ResponseFraming frame_response(const Exchange& ex, bool keep_alive) {
  const Response& r = ex.response;
  ResponseFraming f;
  f.keep_alive = keep_alive;
  if (r.status == 204 || r.status < 200) return f;
  if (ex.request.method == Method::kHead || r.status == 304) {
    f.length = r.told_length;
    if (!f.length && !r.body && r.status != 304) f.length = r.content().size();
    return f;
  }
  if (!r.body) {
    f.framing = Framing::kLength;
    f.length = r.content().size();
    return f;
  }
  f.length = r.body->length();
  if (f.length) {
    f.framing = Framing::kLength;
  } else if (ex.request.minor >= 1) {
    f.framing = Framing::kChunked;
  } else {
    f.framing = Framing::kUntilClose;
    f.keep_alive = false;
  }
  return f;
}

void append_response_head(const Exchange& ex, const ResponseFraming& framing, std::string& out) {
  const Response& r = ex.response;
  append_status_line(out, r.status);
  out.append(r.kept.fields);
  append_fields_but(r.request_id.empty() ? kHopFields : kHopFields | bit(FieldId::kXRequestId), *r.head, out);
  if (!r.request_id.empty()) append_field(out, "X-Request-Id", r.request_id);
  out.append(ex.added_fields);
  if (r.kept.fields.empty() && !r.head->has(FieldId::kDate)) {
    append_field(out, "Date", DateCache::get(std::chrono::system_clock::to_time_t(Clock::wall())));
  }
  if (r.tunnel) {
    out.append("Connection: Upgrade\r\n");
    append_field(out, "Upgrade", r.head->get(FieldId::kUpgrade));
    out.append("\r\n");
    return;
  }
  if (framing.framing == Framing::kChunked) {
    out.append("Transfer-Encoding: chunked\r\n");
  } else if (framing.length) {
    append_field(out, "Content-Length", *framing.length);
  }
  if (!framing.keep_alive) {
    out.append("Connection: close\r\n");
  } else if (ex.request.minor == 0) {
    out.append("Connection: keep-alive\r\n");
  }
  out.append(std::string_view("\r\n"));
}

}  // namespace vg::http

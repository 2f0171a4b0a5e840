// What the fuzz targets share: a check that ends the run, pieces made from the input itself, and llhttp as a second
// opinion.
#pragma once
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "unit/http/head_feed.h"

#ifdef VG_HAVE_LLHTTP
#include <llhttp.h>
#endif

#define FUZZ_CHECK(condition)                                                      \
  do {                                                                             \
    if (!(condition)) {                                                            \
      std::fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
      std::abort();                                                                \
    }                                                                              \
  } while (false)

namespace vg::fuzz {

/// Pieces of 1 to `most` bytes, the same for the same input.
inline http::test::Pieces pieces_of(std::string_view input, size_t most) {
  uint64_t state = 1469598103934665603U;
  for (const char c : input) state = (state ^ static_cast<unsigned char>(c)) * 1099511628211U;
  return [state, most](size_t) mutable {
    state = state * 6364136223846793005U + 1442695040888963407U;
    return 1 + static_cast<size_t>(state >> 33) % most;
  };
}

/// The fields of a head as one text, as LlhttpView writes those that llhttp saw.
inline std::string fields_text(const http::Head& head) {
  std::string out;
  for (const http::Field& f : head.fields()) {
    out.append(head.name(f)).append("\x01").append(head.value(f)).append("\x02");
  }
  return out;
}

#ifdef VG_HAVE_LLHTTP
/// What llhttp in strict mode makes of a message.
struct LlhttpView {
  llhttp_errno_t error = HPE_OK;
  bool head_done = false, message_done = false, chunked = false, sized = false;
  uint64_t length = 0;
  int status = 0;
  std::string url, fields, body, name, value;

  void end_field() {
    if (name.empty()) return;
    while (!value.empty() && (value.back() == ' ' || value.back() == '\t')) value.pop_back();
    fields.append(name).append("\x01").append(value).append("\x02");
    name.clear();
    value.clear();
  }
};

inline LlhttpView& view_of(llhttp_t* parser) { return *static_cast<LlhttpView*>(parser->data); }

/// Blanks at the end of a line may be tabs (RFC 9110 section 5.6.3). Behind a length or a coding llhttp knows spaces
/// alone, so that is what it is shown.
inline std::string spaces_at_line_ends(std::string_view head) {
  std::string out(head);
  for (size_t end = out.find("\r\n"); end != std::string::npos; end = out.find("\r\n", end + 2)) {
    for (size_t i = end; i > 0 && (out[i - 1] == ' ' || out[i - 1] == '\t'); --i) out[i - 1] = ' ';
  }
  return out;
}

/// Parses `text`; with `head_only` it is a head, and nothing more is read.
inline LlhttpView ask_llhttp(std::string_view text, llhttp_type_t type, bool head_only) {
  LlhttpView view;
  const std::string shown = head_only ? spaces_at_line_ends(text) : std::string(text);
  llhttp_settings_t settings;
  llhttp_settings_init(&settings);
  settings.on_url = [](llhttp_t* p, const char* at, size_t n) { return view_of(p).url.append(at, n), 0; };
  settings.on_header_field = [](llhttp_t* p, const char* at, size_t n) { return view_of(p).name.append(at, n), 0; };
  settings.on_header_value = [](llhttp_t* p, const char* at, size_t n) { return view_of(p).value.append(at, n), 0; };
  settings.on_header_value_complete = [](llhttp_t* p) { return view_of(p).end_field(), 0; };
  settings.on_body = [](llhttp_t* p, const char* at, size_t n) { return view_of(p).body.append(at, n), 0; };
  settings.on_message_complete = [](llhttp_t* p) {
    view_of(p).message_done = true;
    return static_cast<int>(HPE_PAUSED);
  };
  settings.on_headers_complete = [](llhttp_t* p) {
    LlhttpView& v = view_of(p);
    v.head_done = true;
    v.chunked = (p->flags & F_CHUNKED) != 0;
    v.sized = (p->flags & F_CONTENT_LENGTH) != 0;
    v.length = p->content_length;
    v.status = p->status_code;
    return v.body == "head" ? static_cast<int>(HPE_PAUSED) : 0;
  };
  llhttp_t parser;
  llhttp_init(&parser, type, &settings);
  parser.data = &view;
  if (head_only) view.body = "head";
  view.error = llhttp_execute(&parser, shown.data(), shown.size());
  return view;
}
#endif

}  // namespace vg::fuzz

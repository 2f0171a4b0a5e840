// The loop over the lines of a head, shared by the parsers of requests, responses and trailers. Internal to their
// sources.
//
// A head that comes in one piece is parsed where it lies and copied at its end; one that comes in several is gathered
// in the head's own bytes. Either way offsets count from the start line's first byte.
#pragma once
#include <limits>

#include "http/chars.h"
#include "http/parser.h"

namespace vg::http {

inline void HeadParser::keep(const Field& f) { head_->present_ |= uint64_t{1} << static_cast<unsigned>(f.id); }
inline void HeadParser::drop() { head_->fields_.pop_back(); }

inline HeadParser::Line HeadParser::next_line() {
  const char* hit = scan_.next();
  scan_at_ = static_cast<size_t>(hit - base_);
  if (scan_at_ == end_) return Line::kPartial;
  if (*hit != '\r') {
    fail(400, *hit == '\n' ? "line ends with a bare LF" : "control character");
    return Line::kBad;
  }
  if (scan_at_ + 1 == end_) return Line::kPartial;
  if (hit[1] != '\n') {
    fail(400, "bare CR");
    return Line::kBad;
  }
  scan_.next();  // the LF
  line_end_ = scan_at_;
  return Line::kComplete;
}

// The name ends at the first colon. A name that has an id is a token, so that its bytes need no look.
inline bool HeadParser::split_field(Field& f) {
  if (++lines_ > limits_.headers) return fail(431, "more header fields than the limit");
  const char* const name = base_ + line_at_;
  const char* const line_end = base_ + line_end_;
  const char* const colon = find_near(name, line_end, ':');
  const auto name_size = static_cast<size_t>(colon - name);
  if (colon == line_end) return fail(400, name_fault());
  f.id = field_id({name, name_size});
  if (f.id == FieldId::kOther) {
    if (name_size == 0 || skip_class(name, kTokenChar) != colon) return fail(400, name_fault());
    if (name_size > std::numeric_limits<uint16_t>::max()) return fail(431, "field name too long");
  }
  const char* value = colon + 1;
  const char* end = line_end;
  while (*value == ' ' || *value == '\t') ++value;
  while (end > value && (end[-1] == ' ' || end[-1] == '\t')) --end;
  f.name_at = static_cast<uint32_t>(line_at_);
  f.name_size = static_cast<uint16_t>(name_size);
  f.value_at = static_cast<uint32_t>(value - base_);
  f.value_size = static_cast<uint32_t>(end - value);
  return true;
}

template <typename Self>
ParseStatus HeadParser::run(Self& self, std::string_view bytes, size_t* consumed) {
  *consumed = 0;
  if (bytes.empty()) return ParseStatus::kNeedMore;
  open(bytes);
  for (;;) {
    const Line step = next_line();
    if (step == Line::kBad) return give_up();
    if (step == Line::kPartial) {
      if (at_start_ && !self.partial_start()) return give_up();
      return suspend(consumed) ? ParseStatus::kNeedMore : give_up();
    }
    bool good = true;
    if (at_start_) {
      good = self.start_line();
      at_start_ = false;
    } else if (line_at_ == line_end_) {
      return self.finish() ? complete(consumed) : give_up();
    } else {
      Field& f = head_->fields_.emplace_back();  // filled in place: a copy would wait for its single stores
      good = split_field(f) && self.field(f);
      if (!good) drop();
    }
    if (!good) return give_up();
    line_at_ = scan_at_ = line_end_ + 2;
  }
}

}  // namespace vg::http

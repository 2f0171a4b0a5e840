// The loop over the lines of a head, shared by the parsers of requests, responses and trailers. Internal to their
// sources.
//
// A head that comes in one piece is parsed where it lies and copied at its end; one that comes in several is gathered
// in the head's own bytes. Either way offsets count from the start line's first byte.
#pragma once
#include <algorithm>

#include "http/chars.h"
#include "http/parser.h"

namespace vg::http {

inline void HeadParser::keep(const Field& f) {
  head_->fields_.push_back(f);
  head_->present_ |= uint64_t{1} << static_cast<unsigned>(f.id);
}

inline HeadParser::Line HeadParser::next_line() {
  const char* hit = find_control(base_, base_ + scan_at_, base_ + end_);
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
  line_end_ = scan_at_;
  return Line::kComplete;
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
      Field f;
      good = split_field(f) && self.field(f);
    }
    if (!good) return give_up();
    line_at_ = scan_at_ = line_end_ + 2;
  }
}

}  // namespace vg::http

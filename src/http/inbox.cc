#include "http/inbox.h"

namespace vg::http {

namespace {
constexpr size_t kKeptBytes = 16 * 1024;
}  // namespace

void Inbox::put(std::string_view piece) {
  if (at_ > 0) {
    bytes_.erase(0, at_);
    at_ = 0;
  }
  bytes_.append(piece);
  came_.set();
}

void Inbox::consume(size_t n) {
  at_ += n;
  if (at_ == bytes_.size()) {
    bytes_.clear();
    at_ = 0;
  }
  on_consumed(n);
}

void Inbox::end() {
  ended_ = true;
  came_.set();
}

void Inbox::fail() {
  failed_ = true;
  came_.set();
}

void Inbox::reset() {
  if (bytes_.capacity() > kKeptBytes) bytes_ = std::string();
  bytes_.clear();
  at_ = 0;
  ended_ = failed_ = false;
  trailers_.clear();
  came_.reset();
}

}  // namespace vg::http

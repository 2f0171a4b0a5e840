#include "observe/log_batch.h"

#include <algorithm>
#include <utility>

namespace vg::observe {
namespace {

char* bytes_of(const iovec& piece) { return static_cast<char*>(piece.iov_base); }

char kNewline[] = "\n";

}  // namespace

void LogBatch::clear() {
  pieces_.clear();
  owners_.clear();
  next_ = 0;
}

void LogBatch::add(std::string_view bytes, std::shared_ptr<AccessRing> ring) {
  if (bytes.empty()) return;
  if (pieces_.empty() && cut_) {
    pieces_.push_back({kNewline, 1});
    owners_.push_back(nullptr);
  }
  pieces_.push_back({const_cast<char*>(bytes.data()), bytes.size()});
  owners_.push_back(std::move(ring));
}

void LogBatch::written(size_t bytes) {
  while (bytes > 0) {
    iovec& piece = pieces_[next_];
    const size_t n = std::min(bytes, piece.iov_len);
    cut_ = bytes_of(piece)[n - 1] != '\n';
    piece.iov_base = bytes_of(piece) + n;
    piece.iov_len -= n;
    if (owners_[next_]) owners_[next_]->consume(n);
    if (piece.iov_len == 0) ++next_;
    bytes -= n;
  }
}

LogBatch::Lost LogBatch::lose() {
  Lost lost;
  for (; next_ < pieces_.size(); ++next_) {
    const iovec& piece = pieces_[next_];
    const auto lines = static_cast<uint64_t>(std::count(bytes_of(piece), bytes_of(piece) + piece.iov_len, '\n'));
    if (owners_[next_]) {
      lost.access_lines += lines;
      owners_[next_]->consume(piece.iov_len);
    } else if (piece.iov_base != kNewline) {
      lost.error_lines += lines;
    }
  }
  return lost;
}

}  // namespace vg::observe

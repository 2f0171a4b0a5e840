// What the writer thread writes at once: pieces of the error queue and of the rings. Bytes go back to their ring as
// soon as they are written. It knows where a line was cut, and begins a new line after that.
#pragma once
#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "observe/access_ring.h"

namespace vg::observe {

/// Thread: the writer's.
class LogBatch {
 public:
  void clear();
  /// Adds bytes of `ring`, in the order in which they stand in it; nullptr: of the error queue.
  void add(std::string_view bytes, std::shared_ptr<AccessRing> ring);
  bool empty() const { return next_ == pieces_.size(); }
  std::span<const iovec> pieces() const { return std::span(pieces_).subspan(next_); }

  /// The first `bytes` of pieces() were written.
  void written(size_t bytes);

  struct Lost {
    uint64_t access_lines = 0;
    uint64_t error_lines = 0;
  };
  /// Gives up what is left.
  Lost lose();

 private:
  std::vector<iovec> pieces_;
  std::vector<std::shared_ptr<AccessRing>> owners_;  ///< of the pieces
  size_t next_ = 0;
  bool cut_ = false;  ///< the last line written has no end
};

}  // namespace vg::observe

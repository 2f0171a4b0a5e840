// SHA-256 of several parts: what is the same in all processes, tells nothing of what it was made of, and can't be made
// to collide. Thread: one at a time.
#pragma once
#include <memory>
#include <string>
#include <string_view>

namespace vg::store {

class Digest {
 public:
  static constexpr size_t kBytes = 32;

  Digest();
  /// Each part counts with its length: what is added one after another does not run into each other.
  Digest& add(std::string_view part);
  /// kBytes of it. Once. A digest that can't be made (no memory) ends the process: two names must never become one.
  std::string take();

 private:
  struct Free {
    void operator()(void* state) const;
  };
  std::unique_ptr<void, Free> state_;
};

/// Appends two hexadecimal digits a byte.
void append_hex(std::string& out, std::string_view bytes);

}  // namespace vg::store

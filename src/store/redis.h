// One loop's way to Redis: commands and scripts, pipelined over one connection. What fails is known to fail: as long as
// Redis does not answer a probe, calls end at once with kConnect, so that requests wait for the timeout at worst once.
// Interface; redis_client.h is the real one.
// Thread: its loop.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "coro/cancel.h"
#include "coro/task.h"

namespace vg::store {

/// What Redis answered. An error reply is no Reply: it ends the call with an Error. Only inside an array it may stand.
struct Reply {
  enum class Kind : uint8_t { kNil, kText, kInteger, kArray, kError };
  Kind kind = Kind::kNil;
  int64_t integer = 0;
  std::string text;  ///< a status or a bulk string, any bytes; of kError its words
  std::vector<Reply> items;

  bool is_nil() const { return kind == Kind::kNil; }
};

/// A Lua script, known to Redis by its hash. Make one for the life of the process.
class Script {
 public:
  explicit Script(std::string text);
  const std::string& text() const { return text_; }
  const std::string& sha1() const { return sha1_; }  ///< 40 hexadecimal digits

 private:
  std::string text_;
  std::string sha1_;
};

/// The words of a command: `const std::array<std::string_view, 2> words{"GET", key};`. Any bytes. Lifetime: until the
/// task ends, as what they view.
using Words = std::span<const std::string_view>;

class Redis {
 public:
  virtual ~Redis() = default;
  /// False while it fails: calls end at once.
  virtual bool up() const = 0;
  /// What every key begins with: redis.prefix.
  virtual const std::string& prefix() const = 0;
  /// Sends one command, its name first. Errors: kConnect (it is down), kTimeout (redis.timeout passed), kReset (the
  /// connection ended before the answer), kUpstreamProtocol (what came is not RESP), kStatus (an error reply:
  /// `internal` has its text), kOverload (too many bytes are under way), kCancelled. But for kConnect and kOverload it
  /// may have been carried out. Cancel: at once; the answer is thrown away.
  virtual coro::Task<Result<Reply>> command(Words words, coro::CancelSource* cancel) = 0;
  /// Runs a script by EVALSHA, and by EVAL where Redis does not know it. Errors: as command(). `script` outlives the
  /// call.
  virtual coro::Task<Result<Reply>> eval(const Script& script, Words keys, Words arguments,
                                         coro::CancelSource* cancel) = 0;
};

}  // namespace vg::store

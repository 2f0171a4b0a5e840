// The protocol of Redis, RESP2: commands are written into a buffer, replies read from pieces of any size (hiredis's
// reader, which builds our Reply). https://redis.io/docs/reference/protocol-spec
#pragma once
#include <cstddef>
#include <string>
#include <string_view>

#include "store/redis.h"

struct redisReader;

namespace vg::store {

/// Appends a command as an array of bulk strings.
void append_command(std::string& out, Words words);
/// Appends the beginning of a command of `count` words; append_word() for each must follow.
void append_command_head(std::string& out, size_t count);
void append_word(std::string& out, std::string_view word);

/// Reads a stream of replies.
class RespReader {
 public:
  /// A reply that is longer, or has more items, is a mistake of the other side.
  static constexpr size_t kMaxReplyBytes = 64 * 1024 * 1024;
  static constexpr size_t kMaxItems = 64 * 1024;

  RespReader();
  ~RespReader();
  RespReader(const RespReader&) = delete;
  RespReader& operator=(const RespReader&) = delete;

  enum class Event : uint8_t { kReply, kMore, kBroken };
  void feed(std::string_view bytes);
  /// kReply: reply() is the next one. kMore: it needs more bytes. kBroken: what came is not RESP, or too much, for ever
  /// after; problem() says why.
  Event next();
  Reply& reply() { return reply_; }
  const std::string& problem() const { return problem_; }

 private:
  struct Build;
  Event broken(std::string why);
  redisReader* reader_;
  Reply reply_;
  size_t items_ = 0, bytes_ = 0;  // of the reply that is being read
  std::string problem_;
};

}  // namespace vg::store

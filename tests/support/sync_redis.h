// A store::Redis that waits for each answer on the spot: for tests of what is built on the interface, on a real server.
#pragma once
#include <gtest/gtest.h>
#include <hiredis/hiredis.h>

#include <string>
#include <vector>

#include "store/redis.h"

namespace vg::test {

class SyncRedis final : public store::Redis {
 public:
  explicit SyncRedis(const std::string& socket, std::string prefix = "test:")
      : prefix_(std::move(prefix)), context_(redisConnectUnix(socket.c_str())) {
    EXPECT_TRUE(context_ != nullptr && context_->err == 0);
  }
  ~SyncRedis() override { redisFree(context_); }
  bool up() const override { return context_->err == 0; }
  const std::string& prefix() const override { return prefix_; }

  coro::Task<Result<store::Reply>> command(store::Words words, coro::CancelSource*) override { co_return ask(words); }
  coro::Task<Result<store::Reply>> eval(const store::Script& script, store::Words keys, store::Words arguments,
                                        coro::CancelSource*) override {
    const std::string count = std::to_string(keys.size());
    std::vector<std::string_view> words = {"EVALSHA", script.sha1(), count};
    words.insert(words.end(), keys.begin(), keys.end());
    words.insert(words.end(), arguments.begin(), arguments.end());
    Result<store::Reply> reply = ask(words);
    if (!reply && reply.error().internal.starts_with("NOSCRIPT")) {
      words[0] = "EVAL";
      words[1] = script.text();
      reply = ask(words);
    }
    co_return std::move(reply);
  }
  Result<store::Reply> ask(store::Words words) {
    std::vector<const char*> texts;
    std::vector<size_t> sizes;
    for (const std::string_view w : words) {
      texts.push_back(w.data());
      sizes.push_back(w.size());
    }
    auto* reply = static_cast<redisReply*>(
        redisCommandArgv(context_, static_cast<int>(texts.size()), texts.data(), sizes.data()));
    if (reply == nullptr) return Error(ErrorKind::kReset, "no answer");
    Result<store::Reply> out = convert(*reply);
    freeReplyObject(reply);
    return out;
  }

 private:
  static Result<store::Reply> convert(const redisReply& from) {
    store::Reply to;
    if (from.type == REDIS_REPLY_ERROR) {
      Error error(ErrorKind::kStatus, "an error reply");
      error.internal.assign(from.str, from.len);
      return error;
    }
    if (from.type == REDIS_REPLY_INTEGER) {
      to.kind = store::Reply::Kind::kInteger;
      to.integer = from.integer;
    } else if (from.type == REDIS_REPLY_STRING || from.type == REDIS_REPLY_STATUS) {
      to.kind = store::Reply::Kind::kText;
      to.text.assign(from.str, from.len);
    } else if (from.type == REDIS_REPLY_ARRAY) {
      to.kind = store::Reply::Kind::kArray;
      for (size_t i = 0; i < from.elements; ++i) {
        Result<store::Reply> item = convert(*from.element[i]);
        if (!item) return item;
        to.items.push_back(std::move(*item));
      }
    }
    return to;
  }

  std::string prefix_;
  redisContext* context_;
};

}  // namespace vg::test

#include "store/resp.h"

#include <hiredis/read.h>

#include <cstdlib>

#include "base/strings.h"

namespace vg::store {

namespace {
// The line of a length: "$12\r\n".
class LengthLine {
 public:
  LengthLine(char kind, size_t length) {
    *--at_ = '\n';
    *--at_ = '\r';
    do {
      *--at_ = static_cast<char>('0' + length % 10);
      length /= 10;
    } while (length > 0);
    *--at_ = kind;
  }
  std::string_view text() const { return {at_, static_cast<size_t>(text_ + sizeof text_ - at_)}; }

 private:
  char text_[24];
  char* at_ = text_ + sizeof text_;
};
}  // namespace

void append_command_head(std::string& out, size_t count) { out.append(LengthLine('*', count).text()); }

void append_word(std::string& out, std::string_view word) {
  append_all(out, {LengthLine('$', word.size()).text(), word, "\r\n"});
}

void append_command(std::string& out, Words words) {
  append_command_head(out, words.size());
  for (const std::string_view word : words) append_word(out, word);
}

// hiredis tells of each value as it comes; it is written where it belongs: the root, or its place among its parent's
// items, which have their final size when the first of them comes.
struct RespReader::Build {
  static Reply* place(const redisReadTask* task) {
    if (task->parent == nullptr) return &static_cast<RespReader*>(task->privdata)->reply_;
    return &static_cast<Reply*>(task->parent->obj)->items[static_cast<size_t>(task->idx)];
  }
  static void* text(const redisReadTask* task, char* bytes, size_t size) {
    Reply* r = place(task);
    r->kind = task->type == REDIS_REPLY_ERROR ? Reply::Kind::kError : Reply::Kind::kText;
    r->text.assign(bytes, size);
    return r;
  }
  static void* array(const redisReadTask* task, int count) {
    auto* self = static_cast<RespReader*>(task->privdata);
    const auto size = static_cast<size_t>(count);
    if (size > kMaxItems - self->items_) return nullptr;
    self->items_ += size;
    Reply* r = place(task);
    r->kind = Reply::Kind::kArray;
    r->items.resize(size);
    return r;
  }
  static void* integer(const redisReadTask* task, long long value) {  // NOLINT: hiredis's type
    Reply* r = place(task);
    r->kind = Reply::Kind::kInteger;
    r->integer = value;
    return r;
  }
  static void* nil(const redisReadTask* task) {
    Reply* r = place(task);
    r->kind = Reply::Kind::kNil;
    return r;
  }
  static void forget(void* /*reply*/) {}  // all of it is reply_'s
};

RespReader::RespReader() {
  static redisReplyObjectFunctions functions = {Build::text, Build::array, Build::integer, Build::nil, Build::forget};
  reader_ = redisReaderCreateWithFunctions(&functions);
  if (reader_ == nullptr) std::abort();
  reader_->privdata = this;
}

RespReader::~RespReader() { redisReaderFree(reader_); }

void RespReader::feed(std::string_view bytes) {
  if (!problem_.empty()) return;
  bytes_ += bytes.size();
  if (redisReaderFeed(reader_, bytes.data(), bytes.size()) != REDIS_OK) broken(reader_->errstr);
}

RespReader::Event RespReader::next() {
  if (!problem_.empty()) return Event::kBroken;
  if (reader_->ridx == -1) {  // the last one was complete
    reply_ = Reply();
    items_ = 0;
    bytes_ = reader_->len - reader_->pos;
  }
  void* done = nullptr;
  if (redisReaderGetReply(reader_, &done) != REDIS_OK)
    return broken(reader_->err == REDIS_ERR_OOM ? "an answer with too many items" : reader_->errstr);
  if (done != nullptr) return Event::kReply;
  if (bytes_ > kMaxReplyBytes) return broken("an answer of more than 64 MiB");
  return Event::kMore;
}

RespReader::Event RespReader::broken(std::string why) {
  problem_ = std::move(why);
  reply_ = Reply();
  return Event::kBroken;
}

}  // namespace vg::store

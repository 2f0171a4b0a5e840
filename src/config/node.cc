#include "config/node.h"

#include <algorithm>
#include <cstring>
#include <unordered_set>

#include "config/words.h"

namespace vg::config {

std::string to_string(const Mark& mark) {
  std::string out = mark.file != nullptr ? *mark.file : std::string();
  if (mark.line == 0) return out;
  out += ':' + std::to_string(mark.line);
  if (mark.column != 0) out += ':' + std::to_string(mark.column);
  return out;
}

Mark Member::key_mark() const { return {value->mark().file, line, column}; }

std::string_view Node::template_text() const {
  if (!has_template_) return text();
  const char* after = static_cast<const char*>(data_) + size_;
  uint32_t size = 0;
  std::memcpy(&size, after, sizeof size);
  return {after + sizeof size, size};
}

const Member* Node::find(std::string_view key) const {
  for (const Member& m : members()) {
    if (same_word(m.key, key)) return &m;
  }
  return nullptr;
}

const Node* Node::get(std::string_view key) const {
  const Member* m = find(key);
  return m != nullptr ? m->value : nullptr;
}

struct Document::InternTable {
  std::unordered_set<std::string_view> texts;
};

Document::Document() = default;
Document::~Document() = default;

const std::string* Document::add_file(std::string name) { return &files_.emplace_back(std::move(name)); }

void* Document::allocate(size_t bytes, size_t alignment) {
  constexpr size_t kChunk = 64 * 1024;
  auto at = (reinterpret_cast<uintptr_t>(next_) + alignment - 1) & ~(static_cast<uintptr_t>(alignment) - 1);
  if (next_ == nullptr || at + bytes > reinterpret_cast<uintptr_t>(end_)) {
    const size_t size = std::max(kChunk, bytes + alignment);
    chunks_.emplace_back(new std::byte[size]);
    bytes_ += size;
    next_ = chunks_.back().get();
    end_ = next_ + size;
    at = (reinterpret_cast<uintptr_t>(next_) + alignment - 1) & ~(static_cast<uintptr_t>(alignment) - 1);
  }
  next_ = reinterpret_cast<std::byte*>(at + bytes);
  return reinterpret_cast<void*>(at);
}

std::string_view Document::copy(std::string_view text) {
  if (text.empty()) return {};
  char* to = static_cast<char*>(allocate(text.size(), 1));
  std::memcpy(to, text.data(), text.size());
  return {to, text.size()};
}

std::string_view Document::intern(std::string_view text) {
  if (!interned_) interned_ = std::make_unique<InternTable>();
  const auto found = interned_->texts.find(text);
  if (found != interned_->texts.end()) return *found;
  return *interned_->texts.insert(copy(text)).first;
}

Node* Document::make(Kind kind, const Mark& mark) {
  Node* node = new (allocate(sizeof(Node), alignof(Node))) Node();
  node->kind_ = kind;
  node->mark_ = mark;
  ++nodes_;
  return node;
}

const Node* Document::null(const Mark& mark) { return make(Kind::kNull, mark); }

const Node* Document::broken(const Mark& mark) {
  Node* node = make(Kind::kNull, mark);
  node->broken_ = true;
  return node;
}

const Node* Document::scalar(const Mark& mark, std::string_view text, bool quoted) {
  Node* node = make(Kind::kScalar, mark);
  const std::string_view kept = copy(text);
  node->data_ = kept.data();
  node->size_ = static_cast<uint32_t>(kept.size());
  node->quoted_ = quoted;
  return node;
}

const Node* Document::substituted(const Mark& mark, std::string_view text, std::string_view as_template, bool quoted) {
  Node* node = make(Kind::kScalar, mark);
  node->substituted_ = true;
  node->quoted_ = quoted;
  if (text == as_template) {
    const std::string_view kept = copy(text);
    node->data_ = kept.data();
    node->size_ = static_cast<uint32_t>(kept.size());
    return node;
  }
  const auto size = static_cast<uint32_t>(as_template.size());
  char* to = static_cast<char*>(allocate(text.size() + sizeof size + as_template.size(), 1));
  std::copy(text.begin(), text.end(), to);
  std::memcpy(to + text.size(), &size, sizeof size);
  std::copy(as_template.begin(), as_template.end(), to + text.size() + sizeof size);
  node->data_ = to;
  node->size_ = static_cast<uint32_t>(text.size());
  node->has_template_ = true;
  return node;
}

const Node* Document::sequence(const Mark& mark, std::span<const Node* const> items, bool flow) {
  Node* node = make(Kind::kSequence, mark);
  if (!items.empty()) {
    auto* to = static_cast<const Node**>(allocate(items.size_bytes(), alignof(const Node*)));
    std::copy(items.begin(), items.end(), to);
    node->data_ = to;
  }
  node->size_ = static_cast<uint32_t>(items.size());
  node->flow_ = flow;
  return node;
}

const Node* Document::map(const Mark& mark, std::span<const Member> members, bool flow) {
  Node* node = make(Kind::kMap, mark);
  if (!members.empty()) {
    auto* to = static_cast<Member*>(allocate(members.size_bytes(), alignof(Member)));
    std::uninitialized_copy(members.begin(), members.end(), to);
    node->data_ = to;
  }
  node->size_ = static_cast<uint32_t>(members.size());
  node->flow_ = flow;
  return node;
}

}  // namespace vg::config

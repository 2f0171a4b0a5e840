#include "json/value.h"

#include <cassert>
#include <iterator>
#include <optional>

#include "base/strings.h"
#include "json/escape.h"
#include "json/walk.h"

namespace vg::json {
namespace {

std::string_view between(const char* begin, const char* end) { return {begin, static_cast<size_t>(end - begin)}; }

std::string_view inside(std::string_view text) { return text.size() < 2 ? "" : text.substr(1, text.size() - 2); }

std::string_view without_blanks(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

/// An array's index as RFC 6901 section 4 writes it.
std::optional<uint64_t> index_of(std::string_view step) {
  if (step.size() > 1 && step[0] == '0') return std::nullopt;
  return parse_u64(step);
}

}  // namespace

Value Value::of(std::string_view valid_json) {
  assert(is_json(valid_json, kDepthLimit));
  return Value(without_blanks(valid_json));
}

Kind Value::kind() const {
  if (text_.empty()) return Kind::kAbsent;
  switch (text_[0]) {
    case '{':
      return Kind::kObject;
    case '[':
      return Kind::kArray;
    case '"':
      return Kind::kString;
    case 't':
    case 'f':
      return Kind::kBool;
    case 'n':
      return Kind::kNull;
    default:
      return Kind::kNumber;
  }
}

bool Value::truthy() const {
  switch (kind()) {
    case Kind::kNumber:
      return true;
    case Kind::kBool:
      return text_[0] == 't';
    case Kind::kString:
      return text_.size() > 2;
    case Kind::kArray:
    case Kind::kObject:
      return !without_blanks(inside(text_)).empty();
    default:
      return false;
  }
}

MemberRange Value::members() const { return MemberRange(is_object() ? inside(text_) : ""); }
ElementRange Value::elements() const { return ElementRange(is_array() ? inside(text_) : ""); }

Value Value::member(std::string_view name) const {
  Value found;
  for (const Member& m : members()) {
    if (m.named(name)) found = m.value;
  }
  return found;
}

Value Value::element(size_t index) const {
  for (const Value v : elements()) {
    if (index-- == 0) return v;
  }
  return {};
}

Value Value::at(std::span<const std::string> path) const {
  Value here = *this;
  for (const std::string& step : path) {
    if (here.is_array()) {
      const auto index = index_of(step);
      here = index ? here.element(*index) : Value();
    } else {
      here = here.member(step);
    }
    if (here.absent()) break;
  }
  return here;
}

size_t Value::size() const {
  size_t count = 0;
  for ([[maybe_unused]] const Member& m : members()) ++count;
  for ([[maybe_unused]] const Value v : elements()) ++count;
  return count;
}

bool Value::append_text(std::string& out) const {
  if (!is_scalar()) return false;
  is_string() ? append_unescaped(out, inside(text_)) : void(out += text_);
  return true;
}

bool Member::named(std::string_view name) const { return escaped ? unescaped_is(raw_name, name) : raw_name == name; }
void Member::append_name(std::string& out) const { append_unescaped(out, raw_name); }

void MemberRange::iterator::next() {
  at_ = skip_blanks(at_, end_);
  if (at_ == end_) {
    done_ = true;
    return;
  }
  const char* const name = at_ + 1;
  current_.escaped = false;
  at_ = closing_quote(name, end_, current_.escaped);
  current_.raw_name = between(name, at_);
  at_ = skip_blanks(step(at_, end_), end_);
  at_ = skip_blanks(step(at_, end_), end_);  // the colon
  const char* const value = at_;
  at_ = skip_value(at_, end_);
  current_.value = Value(between(value, at_));
  at_ = step(skip_blanks(at_, end_), end_);  // the comma, if another member follows
}

void ElementRange::iterator::next() {
  at_ = skip_blanks(at_, end_);
  if (at_ == end_) {
    done_ = true;
    return;
  }
  const char* const value = at_;
  at_ = skip_value(at_, end_);
  current_ = Value(between(value, at_));
  at_ = step(skip_blanks(at_, end_), end_);
}

}  // namespace vg::json

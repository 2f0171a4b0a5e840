#include "config/scalar_check.h"

#include <algorithm>

#include "base/strings.h"
#include "config/path.h"
#include "config/syntax_hints.h"
#include "config/values.h"

namespace vg::config {

std::string quote(std::string_view text) {
  constexpr size_t kLongest = 80;
  if (text.size() <= kLongest) return '"' + std::string(text) + '"';
  size_t cut = kLongest;
  while (cut > 0 && (static_cast<unsigned char>(text[cut]) & 0xc0) == 0x80) --cut;
  return '"' + std::string(text.substr(0, cut)) + "…\"";
}

std::string what_is(const Spec& spec) {
  if (!spec.what.empty()) return spec.what;
  switch (spec.type) {
    case Type::kText:
    case Type::kTemplate:
      return "text";
    case Type::kName:
      return "a name";
    case Type::kBool:
      return "true or false";
    case Type::kInteger:
      return "a whole number";
    case Type::kNumber:
      return "a number";
    case Type::kDuration:
      return "a duration";
    case Type::kSize:
      return "a size";
    case Type::kRate:
      return "a rate";
    case Type::kPercent:
      return "a percentage";
    case Type::kEnum:
      return "one of " + [&] {
        std::string all;
        for (const std::string& c : spec.choices) all += (all.empty() ? "" : ", ") + c;
        return all;
      }();
    case Type::kJson:
      return "a value";
    case Type::kMap:
    case Type::kNamed:
      return "a map";
    case Type::kList:
      return spec.single ? what_is(spec.of[0]) + " or a list" : "a list";
    case Type::kAnyOf:
      return what_is(spec.of[0]);
  }
  return "a value";
}

// "3s, 250ms or 5m" holds three examples, of which an outer one takes the first.
static std::string first_of(const std::string& examples) {
  if (examples.starts_with('{') || examples.starts_with('[')) return examples;
  return examples.substr(0, std::min(examples.find(", "), examples.find(" or ")));
}

std::string example_of(const Spec& spec) {
  if (!spec.sample.empty()) return spec.sample;
  switch (spec.type) {
    case Type::kName:
      return "my-name";
    case Type::kInteger:
      return spec.min > 10 && spec.min != Spec::kNoMin ? std::to_string(spec.min) : "10";
    case Type::kNumber:
      return "0.5";
    case Type::kDuration:
      return "3s, 250ms or 5m";
    case Type::kSize:
      return "16KiB, 1MiB or 512B";
    case Type::kRate:
      return "60/m, 10/s or 1000/h";
    case Type::kPercent:
      return "20%";
    case Type::kEnum:
      return spec.choices.empty() ? std::string() : spec.choices[0];
    case Type::kMap: {
      if (!spec.short_key.empty()) return example_of(spec.find(spec.short_key)->spec);
      for (const Key& k : spec.keys) {
        const std::string inner = first_of(example_of(k.spec));
        if (k.refused.empty() && !inner.empty())
          return std::string("{").append(k.name).append(": ").append(inner).append("}");
      }
      return {};
    }
    case Type::kList: {
      const std::string item = example_of(spec.of[0]);
      return item.empty() || spec.single ? item : std::string("[").append(first_of(item)).append("]");
    }
    case Type::kAnyOf:
      return example_of(spec.of[0]);
    default:
      return {};
  }
}

namespace {

std::string with_example(std::string message, const Spec& spec) {
  const std::string example = example_of(spec);
  return example.empty() ? message : message + "; write for example " + example;
}

std::string_view kind_words(const Node& node) {
  switch (node.kind()) {
    case Kind::kNull:
      return "nothing";
    case Kind::kScalar:
      return "a text";
    case Kind::kSequence:
      return "a list";
    case Kind::kMap:
      return "a map";
  }
  return "a value";
}

// {query.x} without quotes is a map with one key and no value. Gives what was written; empty if it is another map.
std::string braces_written(const Node& node) {
  if (!node.is_map() || !node.flow() || node.members().size() != 1) return {};
  const Member& only = node.members()[0];
  return only.value->is_null() && !only.value->broken() ? '{' + std::string(only.key) + '}' : std::string();
}

bool takes_text(const Spec& spec) {
  if (spec.type == Type::kMap && !spec.short_key.empty()) return takes_text(spec.find(spec.short_key)->spec);
  if (spec.type == Type::kList) return takes_text(spec.of[0]);
  return spec.type == Type::kText || spec.type == Type::kTemplate;
}

std::string format(int64_t value, Type type) {
  if (type == Type::kDuration) return format_duration(Nanoseconds(value));
  if (type == Type::kSize) return format_size(static_cast<uint64_t>(value));
  return std::to_string(value) + (type == Type::kPercent ? "%" : "");
}

std::string check_range(double value, std::string_view written, const Spec& spec) {
  const bool low = spec.min != Spec::kNoMin && value < static_cast<double>(spec.min);
  const bool high = spec.max != Spec::kNoMax && value > static_cast<double>(spec.max);
  if (!low && !high) return {};
  const std::string least = format(spec.min, spec.type);
  const std::string most = format(spec.max, spec.type);
  if (spec.max == Spec::kNoMax) return std::string(written) + " is out of range; the least is " + least;
  if (spec.min == Spec::kNoMin) return std::string(written) + " is out of range; the most is " + most;
  return std::string(written) + " is out of range; it may be from " + least + " to " + most;
}

bool all_digits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

// The commonest slips with units, answered with the value that was meant.
std::string unit_slip(std::string_view text, Type type) {
  std::string compact;
  for (const char c : text) {
    if (c != ' ' && c != '_') compact += c;
  }
  if (type == Type::kDuration) {
    if (all_digits(text))
      return std::string(text) + " has no unit; write " + std::string(text) + "s for seconds, or " + std::string(text) +
             "ms";
    const std::string small = lower(compact);
    if (parse_duration(small)) return quote(text) + " is not a duration; write " + small;
    for (const auto& [theirs, ours] : {std::pair("seconds", "s"),
                                       {"second", "s"},
                                       {"secs", "s"},
                                       {"sec", "s"},
                                       {"minutes", "m"},
                                       {"minute", "m"},
                                       {"mins", "m"},
                                       {"min", "m"},
                                       {"hours", "h"},
                                       {"hour", "h"},
                                       {"days", "d"},
                                       {"day", "d"}}) {
      if (!small.ends_with(theirs)) continue;
      const std::string meant = small.substr(0, small.size() - std::string_view(theirs).size()) + ours;
      if (parse_duration(meant)) return quote(text) + " is not a duration; write " + meant;
    }
  }
  if (type == Type::kSize) {
    if (all_digits(text))
      return std::string(text) + " has no unit; write " + std::string(text) + "B for bytes, or for example 16KiB";
    const size_t unit = compact.find_first_not_of("0123456789.");
    if (unit != std::string::npos) {
      const std::string_view units = "bkmgt";
      const size_t which = units.find(ascii_lower(compact[unit]));
      static constexpr std::string_view kNames[] = {"B", "KiB", "MiB", "GiB", "TiB"};
      const std::string_view rest = std::string_view(compact).substr(unit + 1);
      const bool known = rest.empty() || iequals(rest, "b") || iequals(rest, "ib");
      if (which != std::string_view::npos && known) {
        const std::string meant = compact.substr(0, unit) + std::string(kNames[which]);
        if (meant != text && parse_size(meant)) return quote(text) + " is not a size; write " + meant;
      }
    }
  }
  return {};
}

// A value whose form is right, and whose number is too large for any computer.
bool too_large(std::string_view text, Type type) {
  const size_t digits = text.find_first_not_of("0123456789");
  const size_t end = digits == std::string_view::npos ? text.size() : digits;
  if (end < 10) return false;
  const std::string small = std::string("1").append(text.substr(end));
  if (type == Type::kDuration) return parse_duration(small).has_value();
  if (type == Type::kSize) return parse_size(small).has_value();
  if (type == Type::kRate) return parse_rate(small).has_value();
  return type == Type::kInteger && end == text.size();
}

std::string not_a(const Node& node, const Spec& spec) {
  if (too_large(node.text(), spec.type)) return std::string(node.text()) + " is too large";
  const std::string slip = unit_slip(node.text(), spec.type);
  if (!slip.empty()) return slip;
  if (node.text().empty()) return with_example("an empty text is not " + what_is(spec), spec);
  return with_example(quote(node.text()) + " is not " + what_is(spec), spec);
}

std::string quoted_value(const Node& node, const Spec& spec) {
  return quote(node.text()) + " is text because of its quotes, not " + what_is(spec) + "; write " +
         std::string(node.text()) + " without quotes";
}

// "${PORT}" needs its quotes for YAML; "8080" means that it is no number.
bool is_text(const Node& node) { return node.quoted() && !node.substituted(); }

std::string check_enum(const Node& node, const Spec& spec) {
  std::vector<std::string_view> known;
  for (const std::string& c : spec.choices) {
    if (c == node.text()) return {};
    known.emplace_back(c);
  }
  const std::string_view meant = nearest(node.text(), known);
  std::string message = quote(node.text()) + " is not " + what_is(spec);
  if (!meant.empty()) message += ", did you mean \"" + std::string(meant) + "\"?";
  return message;
}

std::string check_bool(const Node& node, const Spec& spec) {
  const auto value = parse_bool(node.text());
  if (value) return is_text(node) ? quoted_value(node, spec) : std::string();
  const std::string small = lower(node.text());
  for (const std::string_view yes : {"yes", "on", "true", "1", "y"}) {
    if (small == yes) return quote(node.text()) + " is not true or false; write true";
  }
  for (const std::string_view no : {"no", "off", "false", "0", "n"}) {
    if (small == no) return quote(node.text()) + " is not true or false; write false";
  }
  return quote(node.text()) + " is not true or false";
}

std::string check_length(const Node& node, const Spec& spec) {
  const auto length = static_cast<int64_t>(node.text().size());
  if (spec.min != Spec::kNoMin && length < spec.min) {
    if (length == 0)
      return with_example("an empty text is not " + (spec.what.empty() ? std::string("allowed here") : spec.what),
                          spec);
    return "this is too short; it needs at least " + std::to_string(spec.min) + " characters";
  }
  if (spec.max != Spec::kNoMax && length > spec.max) {
    return "this is too long; it may have at most " + std::to_string(spec.max) + " characters";
  }
  return {};
}

template <typename Value>
std::string check_number(const Node& node, const Spec& spec, const std::optional<Value>& value, double as_number) {
  if (!value) return not_a(node, spec);
  return check_range(as_number, node.text(), spec);
}

std::string check_typed(const Node& node, const Spec& spec) {
  const std::string_view text = node.text();
  switch (spec.type) {
    case Type::kText:
    case Type::kTemplate:
      return check_length(node, spec);
    case Type::kName:
      if (is_name(text)) return {};
      return quote(text) + " is not a name; names begin with a letter a-z and go on with a-z, 0-9, - and _";
    case Type::kBool:
      return check_bool(node, spec);
    case Type::kEnum:
      return check_enum(node, spec);
    case Type::kInteger: {
      const auto value = parse_integer(text);
      if (value && is_text(node)) return quoted_value(node, spec);
      return check_number(node, spec, value, value ? static_cast<double>(*value) : 0);
    }
    case Type::kNumber: {
      const auto value = parse_number(text);
      if (value && is_text(node)) return quoted_value(node, spec);
      return check_number(node, spec, value, value.value_or(0));
    }
    case Type::kDuration: {
      const auto value = parse_duration(text);
      return check_number(node, spec, value, value ? static_cast<double>(value->count()) : 0);
    }
    case Type::kSize: {
      const auto value = parse_size(text);
      return check_number(node, spec, value, value ? static_cast<double>(*value) : 0);
    }
    case Type::kRate: {
      const auto value = parse_rate(text);
      return check_number(node, spec, value, value ? static_cast<double>(value->count) : 0);
    }
    case Type::kPercent: {
      const auto value = parse_percent(text);
      return check_number(node, spec, value, value.value_or(0));
    }
    default:
      return {};
  }
}

}  // namespace

std::string check_scalar(const Node& node, const Spec& spec) {
  std::string wrong = check_typed(node, spec);
  if (wrong.empty() && spec.check_text != nullptr) wrong = spec.check_text(node.text());
  return wrong;
}

std::string wrong_kind(const Node& node, const Spec& spec) {
  std::string expected = what_is(spec);
  if (node.is_null()) {
    if (spec.type == Type::kMap && !spec.short_key.empty() && spec.what.empty())
      expected = what_is(spec.find(spec.short_key)->spec) + " or a map";
    return with_example("a value is missing; " + expected + " is expected", spec);
  }
  const std::string braces = braces_written(node);
  if (!braces.empty() && takes_text(spec))
    return "a map was found where " + expected + " is expected; write " + in_quotes(braces) + ", in quotes";
  if (node.is_scalar()) {
    const size_t colon = node.text().find(':');
    const bool no_blank = !node.quoted() && colon != std::string_view::npos && colon > 0 &&
                          colon + 1 < node.text().size() && node.text()[colon + 1] != '/' &&
                          is_name(node.text().substr(0, colon));
    if (no_blank && (spec.type == Type::kMap || spec.type == Type::kNamed)) {
      return "a blank is missing behind the colon; write \"" + std::string(node.text().substr(0, colon)) + ": " +
             std::string(node.text().substr(colon + 1)) + "\"";
    }
    return with_example(quote(node.text()) + " was found where " + expected + " is expected", spec);
  }
  return with_example(std::string(kind_words(node)) + " was found where " + expected + " is expected", spec);
}

}  // namespace vg::config

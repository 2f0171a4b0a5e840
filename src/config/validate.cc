#include "config/validate.h"

#include <algorithm>

#include "base/strings.h"
#include "config/scalar_check.h"

namespace vg::config {
namespace {

// The kind of any_of that `node` is to be judged by: the first that its kind fits and that finds nothing wrong, else
// the first that its kind fits, else the first of all.
const Spec& choose(const Node& node, const Spec& spec, const ValidateOptions& options);

bool fits_kind(const Node& node, const Spec& spec) {
  switch (spec.type) {
    case Type::kJson:
      return true;
    case Type::kMap:
      if (node.is_map()) return true;
      return !spec.short_key.empty() && fits_kind(node, spec.find(spec.short_key)->spec);
    case Type::kNamed:
      return node.is_map();
    case Type::kList:
      return node.is_sequence() || (spec.single && fits_kind(node, spec.of[0]));
    case Type::kAnyOf:
      return std::any_of(spec.of.begin(), spec.of.end(), [&](const Spec& s) { return fits_kind(node, s); });
    default:
      return node.is_scalar();
  }
}

// What other programs take for "none".
bool says_off(const Node& node) {
  if (!node.is_scalar() || node.quoted()) return false;
  const std::string word = lower(node.text());
  return word == "false" || word == "off" || word == "no" || word == "none" || word == "disabled";
}

class Validator {
 public:
  Validator(const ValidateOptions& options, Errors& errors) : options_(options), errors_(errors) {}

  void value(const Node& node, const Spec& spec, const Path& path) {
    if (node.broken() || spec.type == Type::kJson) return;
    if (node.is_null() && may_be_null(spec)) return;
    switch (spec.type) {
      case Type::kMap:
        return map(node, spec, path);
      case Type::kNamed:
        return named(node, spec, path);
      case Type::kList:
        return list(node, spec, path);
      case Type::kAnyOf:
        return value(node, choose(node, spec, options_), path);
      default:
        break;
    }
    add(node, path, node.is_scalar() ? check_scalar(node, spec) : wrong_kind(node, spec));
  }

 private:
  void add(const Node& node, const Path& path, std::string message) {
    if (!message.empty()) errors_.add(node.mark(), path.str(), std::move(message));
  }

  bool may_be_null(const Spec& spec) const { return spec.is_nullable || options_.null_removes; }

  void map(const Node& node, const Spec& spec, const Path& path) {
    if (!node.is_map()) {
      if (may_be_null(spec) && says_off(node))
        return add(node, path, quote(node.text()) + " does not switch it off; write null");
      if (!spec.short_key.empty() && fits_kind(node, spec)) return value(node, spec.find(spec.short_key)->spec, path);
      return add(node, path, wrong_kind(node, spec));
    }
    for (const Member& m : node.members()) {
      const Key* key = spec.find(m.key);
      const Path below(path, m.key);
      if (key == nullptr) {
        errors_.add(m.key_mark(), below.str(), unknown_key(m.key, spec));
      } else if (!key->refused.empty()) {
        // null asks for nothing, so there is nothing to refuse.
        if (!m.value->is_null()) errors_.add(m.key_mark(), below.str(), key->refused);
      } else {
        value(*m.value, key->spec, below);
      }
    }
    if (!options_.required) return;
    for (const Key& key : spec.keys) {
      if (key.is_required && node.find(key.name) == nullptr) add(node, path, missing_key(key));
    }
  }

  void named(const Node& node, const Spec& spec, const Path& path) {
    if (!node.is_map()) return add(node, path, wrong_kind(node, spec));
    for (const Member& m : node.members()) {
      if (spec.check_text != nullptr) {
        std::string wrong = spec.check_text(m.key);
        if (!wrong.empty()) errors_.add(m.key_mark(), Path(path, m.key).str(), std::move(wrong));
      }
      value(*m.value, spec.of[0], Path(path, m.key));
    }
  }

  void list(const Node& node, const Spec& spec, const Path& path) {
    if (!node.is_sequence()) {
      if (spec.single) return value(node, spec.of[0], path);
      return add(node, path, wrong_kind(node, spec));
    }
    const auto count = static_cast<int64_t>(node.items().size());
    if (spec.min != Spec::kNoMin && count < spec.min) {
      add(node, path,
          count == 0 ? "the list is empty; it needs at least " + std::to_string(spec.min)
                     : "the list is too short; it needs at least " + std::to_string(spec.min));
    }
    if (spec.max != Spec::kNoMax && count > spec.max) {
      add(node, path, "the list is too long; it may have at most " + std::to_string(spec.max) + " items");
    }
    for (size_t i = 0; i < node.items().size(); ++i) {
      const Node& item = *node.items()[i];
      const Path below(path, i);
      if (item.is_null() && !item.broken() && !spec.of[0].is_nullable && spec.of[0].type != Type::kJson) {
        add(item, below, wrong_kind(item, spec.of[0]));  // null in a list removes nothing
      } else {
        value(item, spec.of[0], below);
      }
    }
  }

  const ValidateOptions options_;
  Errors& errors_;
};

const Spec& choose(const Node& node, const Spec& spec, const ValidateOptions& options) {
  const Spec* first = nullptr;
  for (const Spec& candidate : spec.of) {
    if (!fits_kind(node, candidate)) continue;
    Errors silent;
    Validator(options, silent).value(node, candidate, Path(""));
    if (silent.empty()) return candidate;
    if (first == nullptr) first = &candidate;
  }
  return first != nullptr ? *first : spec.of[0];
}

// What the members of a merged or normalised map are judged by; nullptr where nothing is known of them.
const Spec* spec_of_member(const Spec& spec, std::string_view key) {
  if (spec.type == Type::kNamed) return &spec.of[0];
  const Key* k = spec.find(key);
  return k != nullptr && k->refused.empty() ? &k->spec : nullptr;
}

const Spec& chosen(const Node& node, const Spec& spec) {
  if (spec.type == Type::kAnyOf) return chosen(node, choose(node, spec, {.required = false, .null_removes = true}));
  if (spec.type == Type::kList && spec.single && !node.is_sequence()) return chosen(node, spec.of[0]);
  return spec;
}

bool is_maplike(const Spec& spec) { return spec.type == Type::kMap || spec.type == Type::kNamed; }

}  // namespace

void validate(const Node& node, const Spec& spec, const Path& path, const ValidateOptions& options, Errors& errors) {
  Validator(options, errors).value(node, spec, path);
}

void check_required(const Node& node, const Spec& written, const Path& path, const Mark& mark, Errors& errors) {
  const Spec& spec = chosen(node, written);
  if (spec.type == Type::kList) {
    for (size_t i = 0; i < node.items().size(); ++i) {
      check_required(*node.items()[i], spec.of[0], Path(path, i), node.items()[i]->mark(), errors);
    }
  }
  if (!node.is_map() || !is_maplike(spec)) return;
  for (const Member& m : node.members()) {
    const Spec* below = spec_of_member(spec, m.key);
    if (below != nullptr && !m.value->is_scalar())
      check_required(*m.value, *below, Path(path, m.key), m.value->mark(), errors);
  }
  for (const Key& key : spec.keys) {
    if (key.is_required && node.find(key.name) == nullptr) errors.add(mark, path.str(), missing_key(key));
  }
}

const Node* normalize(Document& document, const Node* node, const Spec& written) {
  if (node->is_null() || written.type == Type::kJson) return node;
  const Spec& spec = chosen(*node, written);
  if (spec.type == Type::kMap && !node->is_map()) {
    if (spec.short_key.empty()) return node;
    const Key* key = spec.find(spec.short_key);
    const Member only{document.intern(key->name), normalize(document, node, key->spec), node->mark().line,
                      node->mark().column};
    return document.map(node->mark(), std::span(&only, 1), true);
  }
  if (node->is_sequence() && spec.type == Type::kList) {
    std::vector<const Node*> items(node->items().begin(), node->items().end());
    bool changed = false;
    for (const Node*& item : items) {
      const Node* old = item;
      item = normalize(document, old, spec.of[0]);
      changed |= item != old;
    }
    return changed ? document.sequence(node->mark(), items, node->flow()) : node;
  }
  if (!node->is_map() || !is_maplike(spec)) return node;
  std::vector<Member> members(node->members().begin(), node->members().end());
  bool changed = false;
  for (Member& m : members) {
    const Spec* below = spec_of_member(spec, m.key);
    if (below == nullptr) continue;
    const Node* old = m.value;
    m.value = normalize(document, old, *below);
    changed |= m.value != old;
  }
  return changed ? document.map(node->mark(), members, node->flow()) : node;
}

const Node* merge(Document& document, const Node* weak, const Node* strong, const Spec& written) {
  if (weak == nullptr || strong == nullptr) return weak != nullptr ? weak : strong;
  const Spec& spec = strong->is_map() ? chosen(*strong, written) : written;
  if (!weak->is_map() || !strong->is_map() || !is_maplike(spec)) return strong;
  std::vector<Member> members(weak->members().begin(), weak->members().end());
  for (const Member& m : strong->members()) {
    const auto at = std::find_if(members.begin(), members.end(), [&](const Member& o) { return o.key == m.key; });
    if (at == members.end()) {
      members.push_back(m);
      continue;
    }
    const Spec* below = spec_of_member(spec, m.key);
    at->value = below != nullptr ? merge(document, at->value, m.value, *below) : m.value;
    at->line = m.line;
    at->column = m.column;
    // A merged map has its place where the stronger one stands.
  }
  return document.map(strong->mark(), members, strong->flow());
}

const Node* without_nulls(Document& document, const Node* node, const Spec& written) {
  if (!node->is_map()) return node;
  const Spec& spec = chosen(*node, written);
  if (!is_maplike(spec)) return node;
  std::vector<Member> members;
  bool changed = false;
  for (Member m : node->members()) {
    const Spec* below = spec_of_member(spec, m.key);
    if (m.value->is_null() && !m.value->broken() && (below == nullptr || below->type != Type::kJson)) {
      changed = true;
      continue;
    }
    const Node* old = m.value;
    if (below != nullptr) m.value = without_nulls(document, old, *below);
    changed |= m.value != old;
    members.push_back(m);
  }
  return changed ? document.map(node->mark(), members, node->flow()) : node;
}

std::string unknown_key(std::string_view key, const Spec& spec) {
  std::vector<std::string_view> known;
  for (const Key& k : spec.keys) {
    if (k.refused.empty()) known.emplace_back(k.name);
  }
  const std::string_view meant = nearest(key, known);
  if (!meant.empty()) return "unknown key, did you mean \"" + std::string(meant) + "\"?";
  constexpr size_t kFew = 12;
  if (known.empty() || known.size() > kFew) return "unknown key";
  std::string all;
  for (const std::string_view k : known) all += (all.empty() ? "" : ", ") + std::string(k);
  return "unknown key; known here: " + all;
}

std::string missing_key(const Key& key) {
  const std::string example = example_of(key.spec);
  std::string out = quote(key.name) + " is missing";
  return example.empty() ? out : out + "; write for example " + key.name + ": " + example;
}

}  // namespace vg::config

// What a setting may be, as data: a Spec describes a value, a Key names one in a map. Validation, normal forms,
// merging, the JSON Schema and the tests that break every key in turn all read these same tables, so that they can't
// disagree. Build them with the functions below: `map({key("ttl", duration()).fallback("5m"), …}).short_form("ttl")`.
#pragma once
#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace vg::config {

enum class Type : uint8_t {
  kText,      // any scalar, as it is written
  kTemplate,  // text with {references}; read with Node::template_text()
  kName,      // [a-z][a-z0-9_-]*
  kBool,      // true, false
  kInteger,
  kNumber,
  kDuration,  // 250ms 10s 5m 1h; min and max in nanoseconds
  kSize,      // 16KiB 1MiB; min and max in bytes
  kRate,      // 60/m
  kPercent,   // 20%; min and max in percent
  kEnum,      // one of `choices`
  kJson,      // anything, taken as data: replaced as a whole, never merged, null stays null
  kMap,       // the keys in `keys`
  kNamed,     // free names -> of[0]
  kList,      // a list of of[0]; with `single` also one alone
  kAnyOf,     // the first of `of` that fits
};

/// Says what is wrong with a value's text beyond its type; empty if nothing is.
using Check = std::string (*)(std::string_view text);

struct Key;

/// One value's description. min and max: units as the type says; characters for text, items for lists.
struct Spec {
  static constexpr int64_t kNoMin = std::numeric_limits<int64_t>::min();
  static constexpr int64_t kNoMax = std::numeric_limits<int64_t>::max();

  Type type = Type::kText;
  bool is_nullable = false;  ///< null says "none"
  bool single = false;       ///< kList: one alone stands for a list of one
  int64_t min = kNoMin;
  int64_t max = kNoMax;
  std::vector<std::string> choices;  ///< kEnum
  std::vector<Key> keys;             ///< kMap
  std::vector<Spec> of;              ///< kNamed, kList, kAnyOf
  std::string short_key;             ///< kMap: the key that a scalar or a list stands for (`5m` is `{ttl: 5m}`)
  std::string sample;                ///< for messages: "write for example …"
  std::string what;                  ///< for messages, in place of the type's name: "an address"
  Check check_text = nullptr;

  Spec&& nullable() && {
    is_nullable = true;
    return std::move(*this);
  }
  Spec&& between(int64_t least, int64_t most) && {
    min = least;
    max = most;
    return std::move(*this);
  }
  Spec&& at_least(int64_t least) && {
    min = least;
    return std::move(*this);
  }
  Spec&& short_form(std::string key_name) && {
    short_key = std::move(key_name);
    return std::move(*this);
  }
  Spec&& example(std::string text) && {
    sample = std::move(text);
    return std::move(*this);
  }
  Spec&& called(std::string text) && {
    what = std::move(text);
    return std::move(*this);
  }
  Spec&& check(Check function) && {
    check_text = function;
    return std::move(*this);
  }

  const Key* find(std::string_view name) const;
};

/// One setting of a map.
struct Key {
  std::string name;
  Spec spec;
  bool is_required = false;
  std::string default_text;  ///< as YAML; documentation, and for keys of views the weakest layer of a route's settings
  std::string about;         ///< one line of documentation
  std::string refused;       ///< not empty: known, but not built: an error that says so; the text may add a hint

  Key&& required() && {
    is_required = true;
    return std::move(*this);
  }
  Key&& fallback(std::string yaml) && {
    default_text = std::move(yaml);
    return std::move(*this);
  }
  Key&& summary(std::string text) && {
    about = std::move(text);
    return std::move(*this);
  }
};

Spec text();
Spec template_text();
Spec name();
Spec boolean();
Spec integer();
Spec number();
Spec duration();
Spec size();
Spec rate();
Spec percent();
Spec one_of(std::vector<std::string> choices);
Spec json();
Spec map(std::vector<Key> keys);
Spec named(Spec value);  ///< free names -> value
Spec list(Spec item);
Spec one_or_list(Spec item);           ///< read it with each() of config/read.h
Spec any_of(std::vector<Spec> kinds);  ///< the first must be the one that messages should describe
Key key(std::string name, Spec spec);
/// A key of the contract that this version has not built: `"cache" is not supported by this version`.
Key refused_key(std::string name, std::string hint = {});

/// Calls `visit` for each key of `spec` and below, with its path (`server.limits.headers`, `upstreams.NAME.pool`).
void for_each_key(const Spec& spec, const std::string& path,
                  const std::function<void(const std::string& path, const Key& key)>& visit);

}  // namespace vg::config

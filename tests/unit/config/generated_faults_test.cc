// For every key of every table: a misspelt neighbour, a wrong type, values out of range, and the key written twice. The
// tables are the source, so a key that is added is tested.
#include <gtest/gtest.h>

#include "config/values.h"
#include "unit/config/small_schema.h"

namespace vg::config::testing {
namespace {

struct Setting {
  std::string path;    // as errors print it
  std::string before;  // YAML up to the map that the key stands in
  std::string after;
  const Key* key;
};

// Walks the tables like for_each_key, and remembers how to write a configuration that has just this key.
void collect(const Spec& spec, const std::string& path, const std::string& before, const std::string& after,
             std::vector<Setting>& out) {
  if (spec.type == Type::kAnyOf) return;
  if (spec.type == Type::kNamed) return collect(spec.of[0], path + ".x", before + "{x: ", "}" + after, out);
  if (spec.type == Type::kList) return collect(spec.of[0], path + "[0]", before + "[", "]" + after, out);
  for (const Key& k : spec.keys) {
    if (!k.refused.empty()) continue;
    const std::string below = path.empty() ? k.name : path + '.' + k.name;
    out.push_back({below, before + "{", "}" + after, &k});
    collect(k.spec, below, before + "{" + k.name + ": ", "}" + after, out);
  }
}

class Tables {
 public:
  Tables() : schema(small_schema()) {
    for (const Key& k : schema.top.keys) {
      if (k.name == "server" || k.name == "admin" || k.name == "log" || k.name == "upstreams") {
        collect(k.spec, k.name, "{" + k.name + ": ", "}", settings);
      }
    }
    for (const ViewType& v : schema.views) {
      if (v.refused) continue;
      const std::string before = "{routes: [{name: a, path: /a, view: " + v.name + ", ";
      for (const Key& k : v.keys) {
        settings.push_back({"routes[0]." + k.name, before, "}]}", &k});
        collect(k.spec, "routes[0]." + k.name, before + k.name + ": ", "}]}", settings);
      }
    }
    for (const PolicyType& p : schema.policies) {
      if (p.refused) continue;
      collect(p.spec, "defaults." + p.name, "{defaults: {" + p.name + ": ", "}}", settings);
    }
  }
  Schema schema;
  std::vector<Setting> settings;
};
const Tables& tables() {
  static const Tables all;
  return all;
}

std::string told(const Setting& s, const std::string& members) { return errors_of(s.before + members + s.after); }

std::string misspelt(const std::string& name) { return name + (name.back() == 'q' ? "w" : "q"); }

// Text that no value of this type can be.
std::string wrong_value(const Spec& spec) {
  switch (spec.type) {
    case Type::kMap:
      return spec.short_key.empty() ? "7" : wrong_value(spec.find(spec.short_key)->spec);
    case Type::kNamed:
      return "7";
    case Type::kList:
      return wrong_value(spec.of[0]);
    case Type::kAnyOf:
      return "[[[x]]]";
    case Type::kText:
    case Type::kTemplate:
    case Type::kName:
      return "[[x]]";
    default:
      return "\"?no such value?\"";
  }
}

std::string written(int64_t value, Type type) {
  switch (type) {
    case Type::kDuration: {
      const std::string whole = std::to_string(value / 1'000'000);
      const std::string part = std::to_string(1'000'000 + value % 1'000'000).substr(1);
      return value % 1'000'000 == 0 ? whole + "ms" : whole + '.' + part + "ms";
    }
    case Type::kSize:
      return std::to_string(value) + "B";
    case Type::kPercent:
      return std::to_string(value) + "%";
    default:
      return std::to_string(value);
  }
}

bool has_range(const Spec& spec) {
  return spec.type == Type::kInteger || spec.type == Type::kDuration || spec.type == Type::kSize ||
         spec.type == Type::kPercent;
}

TEST(GeneratedFaults, CoverEverySetting) { EXPECT_GE(tables().settings.size(), 70U); }

TEST(GeneratedFaults, AMisspeltKeyIsAnsweredWithTheRightOne) {
  for (const Setting& s : tables().settings) {
    const std::string text = told(s, misspelt(s.key->name) + ": 1");
    EXPECT_NE(text.find("unknown key, did you mean \""), std::string::npos) << s.path << '\n' << text;
  }
}

TEST(GeneratedFaults, AWrongTypeIsNamedWithItsPlace) {
  for (const Setting& s : tables().settings) {
    if (s.key->spec.type == Type::kJson) continue;
    const std::string text = told(s, s.key->name + ": " + wrong_value(s.key->spec));
    EXPECT_NE(text.find(": " + s.path), std::string::npos) << s.path << '\n' << text;
  }
}

TEST(GeneratedFaults, AValueBeyondItsRangeIsAnsweredWithTheRange) {
  size_t ranges = 0;
  for (const Setting& s : tables().settings) {
    const Spec& spec = s.key->spec;
    if (!has_range(spec)) continue;
    std::vector<std::string> values;
    if (spec.max != Spec::kNoMax)
      values.push_back(written(spec.max + (spec.type == Type::kDuration ? 1'000'000 : 1), spec.type));
    if (spec.min != Spec::kNoMin && spec.min > 0) values.push_back(written(spec.min - 1, spec.type));
    for (const std::string& value : values) {
      ++ranges;
      const std::string text = told(s, s.key->name + ": " + value);
      EXPECT_NE(text.find(": " + s.path + ": " + value + " is out of range; "), std::string::npos) << s.path << '\n'
                                                                                                   << text;
    }
  }
  EXPECT_GE(ranges, 40U);
}

TEST(GeneratedFaults, TheEndsOfARangeAreWithinIt) {
  for (const Setting& s : tables().settings) {
    const Spec& spec = s.key->spec;
    if (!has_range(spec)) continue;
    for (const int64_t end : {spec.min, spec.max}) {
      if (end == Spec::kNoMin || end == Spec::kNoMax) continue;
      const std::string text = told(s, s.key->name + ": " + written(end, spec.type));
      EXPECT_EQ(text.find(": " + s.path + ": "), std::string::npos) << s.path << '\n' << text;
    }
  }
}

TEST(GeneratedFaults, AKeyWrittenTwiceIsAnsweredWithBothPlaces) {
  for (const Setting& s : tables().settings) {
    const std::string text = told(s, s.key->name + ": x, " + s.key->name + ": x");
    EXPECT_NE(text.find(s.path + ": duplicate key; it stands at v.yaml:1:"), std::string::npos) << s.path << '\n'
                                                                                                << text;
  }
}

TEST(GeneratedFaults, EveryDefaultOfATableIsAValidValue) {
  for (const Setting& s : tables().settings) {
    if (s.key->default_text.empty() || s.key->default_text == "null") continue;
    const std::string text = told(s, s.key->name + ": " + s.key->default_text);
    const bool about_value = text.find(": " + s.path + ": \"" + s.key->default_text) != std::string::npos ||
                             text.find(s.path + ": " + s.key->default_text) != std::string::npos;
    EXPECT_FALSE(about_value) << s.path << '\n' << text;
  }
}

TEST(GeneratedFaults, EveryRefusedKeyIsRefusedByName) {
  size_t refused = 0;
  const Tables& all = tables();
  for_each_key(all.schema.top, "", [&](const std::string& path, const Key& k) {
    if (k.refused.empty()) return;
    ++refused;
    EXPECT_NE(k.refused.find('"' + k.name + "\" is not supported by this version"), std::string::npos) << path;
  });
  EXPECT_GE(refused, 3U);
  for (const PolicyType& p : all.schema.policies) {
    if (!p.refused) continue;
    const std::string text = errors_of("routes: [{path: /a, view: respond, " + p.name + ": x}]");
    EXPECT_NE(text.find('"' + p.name + "\" is not supported by this version"), std::string::npos) << text;
  }
  for (const std::string& name : all.schema.refused_route_keys) {
    const std::string text = errors_of("routes: [{path: /a, view: respond, " + name + ": x}]");
    EXPECT_NE(text.find('"' + name + "\" is not supported by this version"), std::string::npos) << text;
  }
}

}  // namespace
}  // namespace vg::config::testing

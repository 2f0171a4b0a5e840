#include "config/spec.h"

#include "config/words.h"

namespace vg::config {
namespace {
Spec of_type(Type type) {
  Spec out;
  out.type = type;
  return out;
}
}  // namespace

const Key* Spec::find(std::string_view wanted) const {
  for (const Key& k : keys) {
    if (same_word(k.name, wanted)) return &k;
  }
  return nullptr;
}

Spec text() { return of_type(Type::kText); }
Spec template_text() { return of_type(Type::kTemplate); }
Spec name() { return of_type(Type::kName); }
Spec boolean() { return of_type(Type::kBool); }
Spec integer() { return of_type(Type::kInteger); }
Spec number() { return of_type(Type::kNumber); }
Spec duration() { return of_type(Type::kDuration); }
Spec size() { return of_type(Type::kSize); }
Spec rate() { return of_type(Type::kRate); }
Spec percent() { return of_type(Type::kPercent); }
Spec json() { return of_type(Type::kJson); }

Spec one_of(std::vector<std::string> choices) {
  Spec out = of_type(Type::kEnum);
  out.choices = std::move(choices);
  return out;
}

Spec map(std::vector<Key> keys) {
  Spec out = of_type(Type::kMap);
  out.keys = std::move(keys);
  return out;
}

Spec named(Spec value) {
  Spec out = of_type(Type::kNamed);
  out.of.push_back(std::move(value));
  return out;
}

Spec list(Spec item) {
  Spec out = of_type(Type::kList);
  out.of.push_back(std::move(item));
  return out;
}

Spec one_or_list(Spec item) {
  Spec out = list(std::move(item));
  out.single = true;
  return out;
}

Spec any_of(std::vector<Spec> kinds) {
  Spec out = of_type(Type::kAnyOf);
  out.of = std::move(kinds);
  return out;
}

Key key(std::string name, Spec spec) {
  Key out;
  out.name = std::move(name);
  out.spec = std::move(spec);
  return out;
}

Key refused_key(std::string name, std::string hint) {
  Key out = key(std::move(name), json());
  out.refused = "\"" + out.name + "\" is not supported by this version";
  if (!hint.empty()) out.refused += "; " + hint;
  return out;
}

void for_each_key(const Spec& spec, const std::string& path,
                  const std::function<void(const std::string&, const Key&)>& visit) {
  const std::string dot = path.empty() ? "" : path + '.';
  for (const Key& k : spec.keys) {
    visit(dot + k.name, k);
    for_each_key(k.spec, dot + k.name, visit);
  }
  for (const Spec& inner : spec.of) {
    for_each_key(inner,
                 spec.type == Type::kNamed  ? dot + "NAME"
                 : spec.type == Type::kList ? path + "[]"
                                            : path,
                 visit);
  }
}

}  // namespace vg::config

#include "config/routes.h"

#include <algorithm>

#include "base/strings.h"
#include "config/validate.h"

namespace vg::config {
namespace {

constexpr ValidateOptions kLayer = {.required = false, .null_removes = true};
constexpr size_t kDeepest = 64;

bool is_reference_key(std::string_view key) { return key == "mixins" || key == "extends"; }
bool is_own_key(std::string_view key) { return key == "name" || key == "path" || is_reference_key(key); }

const Node* scalar_at(const Node& node, std::string_view key) {
  const Node* value = node.get(key);
  return value != nullptr && value->is_scalar() ? value : nullptr;
}

template <typename Map>
std::string did_you_mean(std::string_view word, const Map& known) {
  std::vector<std::string_view> names;
  for (const auto& [name, _] : known) names.emplace_back(name);
  const std::string_view meant = nearest(word, names);
  return meant.empty() ? std::string() : ", did you mean \"" + std::string(meant) + "\"?";
}

}  // namespace

RouteBuilder::RouteBuilder(LoadResult& result, const Schema& schema, const std::vector<Source>& sources)
    : result_(result),
      document_(*result.document),
      errors_(result.errors),
      schema_(schema),
      sources_(sources),
      specs_(schema) {}

void RouteBuilder::build(const Node* (*built_in)(Document&, const std::string& yaml)) {
  built_in_ = built_in;
  collect("mixins", false, mixins_);
  collect("views", true, views_);
  if (result_.defaults != nullptr) {
    defaults_.label = "defaults";
    defaults_.node = result_.defaults;
    validate(*result_.defaults, specs_.defaults(), Path("defaults"), kLayer, errors_);
  }
  resolve_all();
  validate_fragments();
  size_t count = 0;
  for (const Source& source : sources_) {
    if (const Node* routes = source.root->get("routes")) count += routes->items().size();
  }
  result_.routes.reserve(count);
  for (const Source& source : sources_) {
    const Node* routes = source.root->get("routes");
    if (routes == nullptr) continue;
    for (size_t i = 0; i < routes->items().size(); ++i) build_route(*routes->items()[i], i);
  }
}

void RouteBuilder::collect(std::string_view section, bool is_view, Fragments& out) {
  for (const Source& source : sources_) {
    const Node* all = source.root->get(section);
    if (all == nullptr) continue;
    for (const Member& m : all->members()) {
      const std::string label = std::string(section) + '.' + std::string(m.key);
      const auto [at, is_new] = out.try_emplace(std::string(m.key));
      if (!is_new) {
        errors_.add(m.key_mark(), label, "this name is taken; it stands at " + to_string(at->second.mark) + " already");
        continue;
      }
      Fragment& fragment = at->second;
      fragment.label = label;
      fragment.node = m.value;
      fragment.mark = m.key_mark();
      fragment.is_view = is_view;
    }
  }
}

void RouteBuilder::resolve_all() {
  for (auto& [_, mixin] : mixins_) resolve(mixin, 0);
  for (auto& [_, view] : views_) resolve(view, 0);
}

// Finds the layers of a mixin or view. False where it refers to itself, at whatever distance.
bool RouteBuilder::resolve(Fragment& fragment, size_t depth) {
  if (fragment.state == Fragment::State::kDone) return true;
  if (fragment.state == Fragment::State::kOpen || depth > kDeepest) return false;
  fragment.state = Fragment::State::kOpen;
  const Path path(fragment.label);
  if (fragment.is_view) {
    if (const Node* base = scalar_at(*fragment.node, "extends")) {
      const Path at(path, "extends");
      Fragment* view = find_view(*base, at);
      if (view != nullptr && !resolve(*view, depth + 1)) {
        errors_.add(base->mark(), at.str(), view->label + " extends itself in a circle");
      } else if (view != nullptr) {
        fragment.layers = view->layers;
        fragment.type = view->type;
      }
    }
    if (const Node* name = scalar_at(*fragment.node, "view")) fragment.type = view_type(*name, Path(path, "view"));
  }
  append_mixins(*fragment.node, path, depth, fragment.layers);
  fragment.layers.push_back(&fragment);
  fragment.state = Fragment::State::kDone;
  return true;
}

// The layers of the mixins that `node` names, from left to right. One that comes again counts where it comes last.
void RouteBuilder::append_mixins(const Node& node, const Path& path, size_t depth,
                                 std::vector<const Fragment*>& layers) {
  const Node* written = node.get("mixins");
  if (written == nullptr || written->is_null() || written->is_map()) return;
  const Path at(path, "mixins");
  const auto append = [&](const Node& name, const Path& where) {
    Fragment* mixin = name.is_scalar() ? find_mixin(name, where) : nullptr;
    if (mixin == nullptr) return;
    if (!resolve(*mixin, depth + 1))
      return errors_.add(name.mark(), where.str(), mixin->label + " contains itself in a circle");
    for (const Fragment* layer : mixin->layers) {
      layers.erase(std::remove(layers.begin(), layers.end(), layer), layers.end());
      layers.push_back(layer);
    }
  };
  if (written->is_scalar()) return append(*written, at);
  for (size_t i = 0; i < written->items().size(); ++i) append(*written->items()[i], Path(at, i));
}

RouteBuilder::Fragment* RouteBuilder::find_mixin(const Node& name, const Path& path) {
  const auto at = mixins_.find(name.text());
  if (at != mixins_.end()) return &at->second;
  if (!is_name(name.text())) return nullptr;  // validation says so
  std::string message = "no mixin is called " + quote(name.text()) + did_you_mean(name.text(), mixins_);
  if (views_.contains(name.text()))
    message = quote(name.text()) + " is a view, not a mixin; write extends: " + std::string(name.text());
  errors_.add(name.mark(), path.str(), std::move(message));
  return nullptr;
}

RouteBuilder::Fragment* RouteBuilder::find_view(const Node& name, const Path& path) {
  const auto at = views_.find(name.text());
  if (at != views_.end()) return &at->second;
  if (!is_name(name.text())) return nullptr;
  std::string message =
      "no view of this name is defined under views: " + quote(name.text()) + did_you_mean(name.text(), views_);
  if (mixins_.contains(name.text()))
    message = quote(name.text()) + " is a mixin, not a view; write mixins: [" + std::string(name.text()) + ']';
  else if (schema_.view(name.text()) != nullptr)
    message = quote(name.text()) + " is a view type; write view: " + std::string(name.text());
  errors_.add(name.mark(), path.str(), std::move(message));
  return nullptr;
}

// nullptr: there is no such view type, or it is not built; which is reported here.
const ViewType* RouteBuilder::view_type(const Node& name, const Path& path) {
  const ViewType* type = schema_.view(name.text());
  if (type != nullptr && !type->refused) return type;
  std::string message = "view " + quote(name.text()) + " is not supported by this version";
  if (type == nullptr) {
    std::vector<std::string_view> known;
    std::string all;
    for (const ViewType& v : schema_.views) {
      if (v.refused) continue;
      known.emplace_back(v.name);
      all += (all.empty() ? "" : ", ") + v.name;
    }
    const std::string_view meant = nearest(name.text(), known);
    message = quote(name.text()) + " is not a view type";
    if (views_.contains(name.text()))
      message += "; to use the view of this name, write extends: " + std::string(name.text());
    else if (!meant.empty())
      message += ", did you mean \"" + std::string(meant) + "\"?";
    else
      message += "; known are: " + all;
  }
  errors_.add(name.mark(), path.str(), std::move(message));
  return nullptr;
}

// Each at its own place, whether or not a route uses it.
void RouteBuilder::validate_fragments() {
  for (const auto& [_, mixin] : mixins_) validate(*mixin.node, specs_.mixin(), Path(mixin.label), kLayer, errors_);
  for (const auto& [_, view] : views_) {
    const Spec& spec = view.type != nullptr ? specs_.named_view(*view.type) : specs_.any_named_view();
    validate(*view.node, spec, Path(view.label), kLayer, errors_);
  }
}

void RouteBuilder::build_route(const Node& node, size_t index) {
  RouteConfig route;
  route.label = "routes[" + std::to_string(index) + ']';
  route.mark = node.mark();
  const Path path(route.label);
  if (node.broken()) return;
  if (!node.is_map()) {
    static const Spec any_route = map({}).called("a route").example("{name: home, path: /, view: respond}");
    return validate(node, any_route, path, {}, errors_);
  }

  std::vector<const Fragment*> layers;
  const Node* written = node.get("view");
  const Node* extends = node.get("extends");
  bool known = extends == nullptr || !extends->broken();
  if (const Node* base = scalar_at(node, "extends")) {
    const Fragment* view = find_view(*base, Path(path, "extends"));
    known = view != nullptr && view->type != nullptr;
    if (view != nullptr) layers = view->layers, route.type = view->type;
  }
  if (written != nullptr && written->is_scalar()) {
    route.type = view_type(*written, Path(path, "view"));
  } else if (written != nullptr && (written->broken() || !written->is_null())) {
    static const Spec view_name = text().called("a view").example("proxy-fetch");
    validate(*written, view_name, Path(path, "view"), {}, errors_);
    route.type = nullptr;
  } else if (route.type == nullptr && known) {
    errors_.add(node.mark(), path.str(), "\"view\" is missing; write for example view: proxy-fetch, or extends: NAME");
  }
  append_mixins(node, path, 0, layers);
  if (route.type == nullptr) return;  // what may stand in the route is not known

  route.view = route.type->name;
  const Spec& spec = specs_.route(*route.type);
  validate(node, spec, path, kLayer, errors_);
  route.settings = compose(base_of(*route.type, layers, route), node, spec);
  check_required(*route.settings, spec, path, node.mark(), errors_);
  take_name(route);
  check_listener(route);
  result_.routes.push_back(std::move(route));
}

const Node* RouteBuilder::base_of(const ViewType& view, const std::vector<const Fragment*>& layers,
                                  const RouteConfig& user) {
  std::string id = view.name;
  for (const Fragment* layer : layers) id += '|' + layer->label;
  const auto [at, is_new] = bases_.try_emplace(std::move(id));
  if (!is_new) return at->second;
  const Spec& spec = specs_.route(view);
  const Node* base = built_in_of(view);
  if (defaults_.node != nullptr) base = merge(document_, base, fitted(defaults_, view, user), spec);
  for (const Fragment* layer : layers) base = merge(document_, base, fitted(*layer, view, user), spec);
  return at->second = base;
}

// A fragment as a layer of a route of this view: in its long form, without what the view does not know.
const Node* RouteBuilder::fitted(const Fragment& fragment, const ViewType& view, const RouteConfig& user) {
  const auto [at, is_new] = fitted_.try_emplace({&fragment, &view});
  if (!is_new) return at->second;
  const Spec& spec = specs_.route(view);
  const Path path(fragment.label);
  std::vector<Member> members;
  for (const Member& m : fragment.node->members()) {
    if (is_own_key(m.key)) continue;
    const Key* key = spec.find(m.key);
    const Key* anywhere = specs_.mixin().find(m.key);
    if (key != nullptr && key->refused.empty()) {
      validate(*m.value, key->spec, Path(path, m.key), kLayer, errors_);
      Member fits = m;
      fits.value = normalize(document_, m.value, key->spec);
      members.push_back(fits);
    } else if (&fragment != &defaults_ && !m.value->is_null() && anywhere != nullptr && anywhere->refused.empty()) {
      errors_.add(m.key_mark(), Path(path, m.key).str(),
                  "this is not a setting of view " + view.name + ", in which " + user.label + " (" +
                      to_string(user.mark) + ") takes it from here");
    }
  }
  return at->second = document_.map(fragment.node->mark(), members, fragment.node->flow());
}

const Node* RouteBuilder::built_in_of(const ViewType& view) {
  std::vector<Member> members;
  for (const Key& key : specs_.route(view).keys) {
    if (key.default_text.empty() || !key.refused.empty()) continue;
    const Node* value = built_in_(document_, key.default_text);
    if (value == nullptr || value->is_null()) continue;
    members.push_back({document_.intern(key.name), normalize(document_, value, key.spec), 0, 0});
  }
  return document_.map({document_.add_file(std::string(kBuiltIn)), 0, 0}, members, false);
}

// The route's own settings over its base: name, path and view first, then in the order of the weaker.
const Node* RouteBuilder::compose(const Node* base, const Node& own, const Spec& spec) {
  std::vector<Member>& members = members_;
  members.clear();
  const auto take = [&](Member m, const Node* weaker, bool is_own) {
    const Key* key = spec.find(m.key);
    if (key != nullptr && is_own) m.value = normalize(document_, m.value, key->spec);
    if (key != nullptr && weaker != nullptr) m.value = merge(document_, weaker, m.value, key->spec);
    if (m.value->is_null() && !m.value->broken()) return;
    if (key != nullptr && !m.value->is_scalar()) m.value = without_nulls(document_, m.value, key->spec);
    members.push_back(m);
  };
  for (const std::string_view key : {"name", "path", "view"}) {
    if (const Member* m = own.find(key))
      take(*m, nullptr, true);
    else if (const Member* inherited = key == "view" ? base->find(key) : nullptr)
      take(*inherited, nullptr, false);
  }
  const auto done = [](std::string_view key) { return is_own_key(key) || key == "view"; };
  for (const Member& m : base->members()) {
    if (done(m.key)) continue;
    const Member* stronger = own.find(m.key);
    if (stronger != nullptr)
      take(*stronger, m.value, true);
    else
      take(m, nullptr, false);
  }
  for (const Member& m : own.members()) {
    if (!done(m.key) && base->find(m.key) == nullptr) take(m, nullptr, true);
  }
  return document_.map(own.mark(), members, false);
}

void RouteBuilder::take_name(RouteConfig& route) {
  const Node* name = scalar_at(*route.settings, "name");
  const Node* path = scalar_at(*route.settings, "path");
  route.name = std::string(name != nullptr ? name->text() : path != nullptr ? path->text() : std::string_view());
  if (name == nullptr) return;
  const auto [at, is_new] = names_.try_emplace(name->text(), name->mark());
  if (!is_new) {
    errors_.add(name->mark(), route.label + ".name",
                "the name " + quote(name->text()) + " is taken; it stands at " + to_string(at->second) + " already");
  }
}

void RouteBuilder::check_listener(const RouteConfig& route) {
  const Node* wanted = scalar_at(*route.settings, "listener");
  if (wanted == nullptr || !is_name(wanted->text())) return;
  std::map<std::string_view, int> names;
  for (const ListenerSettings& l : result_.server_settings.listen) {
    if (l.name == wanted->text()) return;
    if (!l.name.empty()) names[l.name] = 0;
  }
  errors_.add(wanted->mark(), route.label + ".listener",
              "no listener is called " + quote(wanted->text()) +
                  (names.empty() ? "; name one: server.listen: {address: …, name: " + std::string(wanted->text()) + '}'
                                 : did_you_mean(wanted->text(), names)));
}

}  // namespace vg::config

#include "config/loader.h"

#include "config/include.h"
#include "config/path.h"
#include "config/routes.h"
#include "config/validate.h"

namespace vg::config {
namespace {

constexpr std::string_view kShared[] = {"include", "upstreams", "mixins", "views", "routes"};

bool is_shared(std::string_view key) {
  for (const std::string_view k : kShared) {
    if (k == key) return true;
  }
  return false;
}

// An included file adds to the main one, and decides nothing for the whole.
void check_included(const Source& source, const Schema& schema, Errors& errors) {
  for (const Member& m : source.root->members()) {
    const Key* key = schema.top.find(m.key);
    if (key == nullptr) {
      errors.add(m.key_mark(), std::string(m.key), unknown_key(m.key, schema.top));
    } else if (!is_shared(m.key)) {
      errors.add(
          m.key_mark(), std::string(m.key),
          quote(m.key) + " can't stand in an included file; only include, upstreams, mixins, views and routes can");
    } else {
      validate(*m.value, key->spec, Path(m.key), {}, errors);
    }
  }
}

const Node* section(LoadResult& result, const Schema& schema, std::string_view name) {
  const Node* node = result.root->get(name);
  if (node == nullptr || !node->is_map()) return nullptr;
  return normalize(*result.document, node, schema.top.find(name)->spec);
}

void read_upstreams(LoadResult& result, const Schema& schema, const std::vector<Source>& sources) {
  const Spec& spec = schema.top.find("upstreams")->spec;
  std::unordered_map<std::string_view, Mark> seen;
  for (const Source& source : sources) {
    const Node* all = source.root->get("upstreams");
    if (all == nullptr) continue;
    for (const Member& m : all->members()) {
      const auto [at, is_new] = seen.try_emplace(m.key, m.key_mark());
      if (!is_new) {
        result.errors.add(m.key_mark(), "upstreams." + std::string(m.key),
                          "this name is taken; it stands at " + to_string(at->second) + " already");
      } else if (m.value->is_map()) {
        const Node* settings = normalize(*result.document, m.value, spec.of[0]);
        result.upstreams.push_back({std::string(m.key), settings, m.key_mark()});
        result.upstream_settings.push_back(read_upstream(m.key, *settings, m.key_mark(), result.errors));
      }
    }
  }
}

const Node* built_in(Document& document, const std::string& yaml) {
  struct Nothing final : Environment {
    std::optional<std::string> variable(const std::string&) const override { return std::nullopt; }
    File read(const std::string&, size_t) const override { return {{}, "does not exist"}; }
    std::vector<std::string> glob(const std::string&) const override { return {}; }
    std::string identity(const std::string& path) const override { return path; }
  };
  static const Nothing nothing;
  Substituter substituter(nothing);
  ReadLimits limits;
  Errors errors;
  return read_yaml({document, substituter, limits, errors}, document.add_file(std::string(kBuiltIn)), yaml);
}

void build(LoadResult& result, const Schema& schema, const Includer& includer) {
  result.files = includer.files();
  const std::vector<Source>& sources = includer.sources();
  if (sources.empty() || *sources[0].file != result.file) {  // the main file can't be read: nothing else has a meaning
    result.root = result.document->map({}, {}, false);
    return;
  }
  result.root = sources[0].root;
  validate(*result.root, schema.top, Path(""), {}, result.errors);
  for (size_t i = 1; i < sources.size(); ++i) check_included(sources[i], schema, result.errors);
  result.server = section(result, schema, "server");
  result.admin = section(result, schema, "admin");
  result.log = section(result, schema, "log");
  result.redis = section(result, schema, "redis");
  result.defaults = section(result, schema, "defaults");
  result.server_settings = read_server(result.server, result.errors);
  result.admin_settings = read_admin(result.admin, result.errors);
  result.log_settings = read_log(result.log);
  result.redis_settings = read_redis(result.redis, result.errors);
  read_upstreams(result, schema, sources);
  RouteBuilder(result, schema, sources).build(built_in);
}

LoadResult empty_result(const std::string& file) {
  LoadResult result;
  result.document = std::make_shared<Document>();
  result.file = file;
  return result;
}

}  // namespace

LoadResult load(const std::string& path, const Schema& schema, const Environment& environment) {
  LoadResult result = empty_result(path);
  Includer includer(*result.document, environment, result.errors);
  includer.read_main(path);
  build(result, schema, includer);
  return result;
}

LoadResult load_text(const std::string& name, std::string_view text, const Schema& schema,
                     const Environment& environment) {
  LoadResult result = empty_result(name);
  Includer includer(*result.document, environment, result.errors);
  includer.read_main(name, text);
  build(result, schema, includer);
  return result;
}

}  // namespace vg::config

// Loading a configuration: files -> trees (parser) -> one tree with includes joined (include) -> checked against the
// schema
// -> every route's settings merged from their layers (merge) -> typed settings. All errors of all steps in one pass.
// Exceptions stay inside. A result with errors must not be served.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/errors.h"
#include "config/node.h"
#include "config/schema.h"
#include "config/settings.h"

namespace vg::config {

/// The world that a configuration reads from. Tests and the fuzzer bring their own.
class Environment {
 public:
  struct File {
    std::string content;
    std::string error;  ///< why it can't be read ("does not exist"); empty: it could
  };
  virtual ~Environment() = default;
  virtual std::optional<std::string> variable(const std::string& name) const = 0;
  /// Reads at most `limit` bytes; a longer file is an error.
  virtual File read(const std::string& path, size_t limit) const = 0;
  /// The files that `pattern` matches, sorted by bytes.
  virtual std::vector<std::string> glob(const std::string& pattern) const = 0;
  /// The same text for the same file, however it is reached.
  virtual std::string identity(const std::string& path) const = 0;
};
const Environment& real_environment();

/// One route with everything it inherits. `settings` holds name, path, view, methods, host, listener, the view's own
/// keys and the policies, all in their long forms; nulls are gone; `mixins` and `extends` are not in it.
struct RouteConfig {
  std::string name;  ///< as written, else the path
  std::string view;
  const ViewType* type = nullptr;  ///< Lifetime: the Schema's
  const Node* settings = nullptr;
  Mark mark;          ///< of the route's entry
  std::string label;  ///< routes[3]: how errors call it
};

struct UpstreamConfig {
  std::string name;
  const Node* settings = nullptr;
  Mark mark;  ///< of its name
};

struct LoadResult {
  std::shared_ptr<Document> document;
  std::string file;                ///< the main file as the user named it
  std::vector<std::string> files;  ///< all that were read, the main one first
  const Node* root = nullptr;      ///< the main file
  const Node* server = nullptr;    ///< the sections, in their long forms; nullptr where not written
  const Node* admin = nullptr;
  const Node* log = nullptr;
  const Node* redis = nullptr;
  const Node* defaults = nullptr;
  std::vector<RouteConfig> routes;  ///< in the order of the files
  std::vector<UpstreamConfig> upstreams;

  ServerSettings server_settings;
  AdminSettings admin_settings;
  LogSettings log_settings;
  std::optional<RedisSettings> redis_settings;
  std::vector<UpstreamSettings> upstream_settings;  ///< in the order of `upstreams`

  Errors errors;
  bool ok() const { return errors.empty(); }
};

/// Loads the file `path`. Never throws but for lack of memory. Blocks on files. Lifetime: `schema` outlives the result.
LoadResult load(const std::string& path, const Schema& schema, const Environment& environment = real_environment());
/// Loads `text` as if it stood in a file of that name.
LoadResult load_text(const std::string& name, std::string_view text, const Schema& schema,
                     const Environment& environment = real_environment());

/// The effective configuration, always printed alike: for golden tests and for people. With `places`, each value is
/// followed by the FILE:LINE that it comes from.
std::string describe(const LoadResult& result, const Schema& schema, bool places = false);

}  // namespace vg::config

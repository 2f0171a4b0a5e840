#include "cli/cli.h"

#include <ares.h>
#include <uv.h>

#include <CLI/CLI.hpp>
#include <cstdio>

#include "cli/explain.h"
#include "cli/health.h"
#include "cli/routes.h"
#include "config/yaml_events.h"
#include "gateway/route_table.h"
#include "server/server.h"
#include "version_generated.h"

namespace vg::cli {

namespace {

constexpr int kNoRoute = 1;
constexpr int kUsage = 2;
constexpr int kConfigurationError = 78;
constexpr const char* kDefaultFile = "/etc/viewgate/viewgate.yaml";

std::string counted(size_t n, const char* what) { return std::to_string(n) + " " + what + (n == 1 ? "" : "s"); }

gateway::Checked load(const std::string& file) {
  gateway::Checked checked = gateway::load_and_build(file, nullptr);
  if (!checked.table) std::fputs(checked.loaded.errors.text().c_str(), stderr);
  return checked;
}

int check(const std::string& file) {
  const gateway::Checked checked = load(file);
  if (!checked.table) return kConfigurationError;
  std::printf("%s: ok (%s, %s)\n", file.c_str(), counted(checked.table->routes.size(), "route").c_str(),
              counted(checked.table->upstreams.size(), "upstream").c_str());
  return 0;
}

int routes(const std::string& file) {
  const gateway::Checked checked = load(file);
  if (!checked.table) return kConfigurationError;
  std::fputs(routes_table(*checked.table).c_str(), stdout);
  return 0;
}

int wrong_usage(const std::string& what) {
  std::fprintf(stderr, "%s\n", what.c_str());
  return kUsage;
}

struct ExplainArguments {
  std::string method, target, host, listener;
};

int explain_request(const std::string& file, const ExplainArguments& given) {
  std::string error;
  const auto asked = asked_request(given.method, given.target, given.host, given.listener, &error);
  if (!asked) return wrong_usage(error);
  const gateway::Checked checked = load(file);
  if (!checked.table) return kConfigurationError;
  if (error = unknown_listener(checked, asked->listener); !error.empty()) return wrong_usage(error);
  const Explanation explanation = explain(checked, *asked);
  std::fputs(explanation.text.c_str(), stdout);
  return explanation.matches ? 0 : kNoRoute;
}

int version() {
  std::printf("viewgate %s (commit %s)\nlibuv %s, c-ares %s, libyaml %s, spdlog %s, xxHash %s, hiredis %s\n",
              VIEWGATE_VERSION, VIEWGATE_COMMIT, uv_version_string(), ares_version(nullptr),
              config::yaml_library_version().c_str(), VIEWGATE_SPDLOG_VERSION, VIEWGATE_XXHASH_VERSION,
              VIEWGATE_HIREDIS_VERSION);
  return 0;
}

}  // namespace

int run(int argc, char** argv) {
  CLI::App app("viewgate: a reverse proxy and API gateway, configured in YAML", "viewgate");
  app.require_subcommand(1);
  std::string file = kDefaultFile;
  int status = 0;
  const auto add = [&](const char* name, const char* about, auto action) {
    CLI::App* command = app.add_subcommand(name, about);
    command->add_option("-c,--config", file, std::string("the configuration file (default ") + kDefaultFile + ")");
    command->callback([&status, action] { status = action(); });
    return command;
  };
  add("run", "serves", [&] { return server::Server(file).run(); });
  add("check", "validates everything a start would, binds nothing", [&] { return check(file); });
  add("routes", "prints the routes as a table", [&] { return routes(file); });
  ExplainArguments asked;
  CLI::App* explained = add("explain", "says what would become of a request: its route, settings, policies and calls",
                            [&] { return explain_request(file, asked); });
  explained->add_option("METHOD", asked.method, "as in GET")->required();
  explained->add_option("PATH", asked.target, "a path, with or without a query, or http://HOST/PATH")->required();
  explained->add_option("--host", asked.host, "the host that the request names");
  explained->add_option("--listener", asked.listener, "the name of the listener that it comes through");
  add("health", "asks the running gateway whether it is ready", [&] { return health(file); });
  app.add_subcommand("version", "prints the version and those of the libraries")->callback([&] { status = version(); });
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : kUsage;
  }
  return status;
}

}  // namespace vg::cli

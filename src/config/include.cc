#include "config/include.h"

#include <algorithm>

namespace vg::config {
namespace {

std::string folder_of(const std::string& file) {
  const size_t slash = file.rfind('/');
  return slash == std::string::npos ? std::string() : file.substr(0, slash + 1);
}

constexpr size_t kMostFiles = 10000;

}  // namespace

void Includer::read_main(const std::string& path) {
  const Environment::File file = environment_.read(path, ReadLimits::kMostFileBytes);
  if (!file.error.empty()) return errors_.add(path, "the file " + file.error);
  read_main(path, file.content);
}

void Includer::read_main(const std::string& name, std::string_view text) {
  if (text.size() > ReadLimits::kMostFileBytes) return errors_.add(name, "the file is larger than 64MiB");
  const std::string identity = environment_.identity(name);
  seen_.insert(identity);
  stack_.push_back(identity);
  parse(name, text);
  stack_.pop_back();
}

void Includer::parse(const std::string& path, std::string_view text) {
  files_.push_back(path);
  const std::string* file = document_.add_file(path);
  const size_t before = errors_.sorted().size();
  const Node* root = read_yaml({document_, substituter_, limits_, errors_}, file, text);
  if (root == nullptr) return;
  if (root->is_null()) {
    if (errors_.sorted().size() == before) errors_.add(path, "the file is empty");
    return;
  }
  if (!root->is_map()) {
    const std::string found = root->is_sequence() ? "a list" : quote(root->text());
    return errors_.add(
        root->mark(), {},
        found + " was found where settings are expected; a configuration begins with, for example, \"routes:\"");
  }
  sources_.push_back({file, root});
  follow(sources_.back());
}

void Includer::follow(const Source& source) {
  const Node* patterns = source.root->get("include");
  if (patterns == nullptr) return;
  const std::string folder = folder_of(*source.file);
  const Path path("include");
  if (patterns->is_scalar()) return follow_pattern(*patterns, folder, path);
  for (size_t i = 0; i < patterns->items().size(); ++i) follow_pattern(*patterns->items()[i], folder, Path(path, i));
}

void Includer::follow_pattern(const Node& pattern, const std::string& folder, const Path& path) {
  if (!pattern.is_scalar() || pattern.text().empty()) return;  // validation says so
  const std::string full = (pattern.text()[0] == '/' ? "" : folder) + std::string(pattern.text());
  if (full.find_first_of("*?[") == std::string::npos) return include(full, pattern, path);
  for (const std::string& file : environment_.glob(full)) include(file, pattern, path);
}

void Includer::include(const std::string& path, const Node& said, const Path& where) {
  const std::string identity = environment_.identity(path);
  if (std::find(stack_.begin(), stack_.end(), identity) != stack_.end()) {
    const bool itself = stack_.back() == identity;
    return errors_.add(
        said.mark(), where.str(),
        itself ? quote(path) + " includes itself" : quote(path) + " is included in a circle: it includes this file");
  }
  if (!seen_.insert(identity).second) return;  // two patterns may match one file
  if (seen_.size() > kMostFiles) return errors_.add(said.mark(), where.str(), "more than 10000 files are included");
  const Environment::File file = environment_.read(path, ReadLimits::kMostFileBytes);
  if (!file.error.empty()) return errors_.add(said.mark(), where.str(), "the file " + quote(path) + ' ' + file.error);
  constexpr size_t kDeepest = 64;
  if (stack_.size() >= kDeepest)
    return errors_.add(said.mark(), where.str(), "files are included deeper than 64 levels");
  stack_.push_back(identity);
  parse(path, file.content);
  stack_.pop_back();
}

}  // namespace vg::config

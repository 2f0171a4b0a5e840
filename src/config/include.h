// Reads the main file and all that it includes, each once, the main one first, the others in the order in which they
// are named. Patterns are relative to the file that says them.
#pragma once
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "config/loader.h"
#include "config/path.h"
#include "config/yaml_reader.h"

namespace vg::config {

/// One file, read. `root` is a map.
struct Source {
  const std::string* file = nullptr;
  const Node* root = nullptr;
};

class Includer {
 public:
  Includer(Document& document, const Environment& environment, Errors& errors)
      : document_(document), environment_(environment), errors_(errors), substituter_(environment) {}

  void read_main(const std::string& path);
  void read_main(const std::string& name, std::string_view text);

  const std::vector<Source>& sources() const { return sources_; }
  const std::vector<std::string>& files() const { return files_; }

 private:
  void parse(const std::string& path, std::string_view text);
  void follow(const Source& source);
  void follow_pattern(const Node& pattern, const std::string& folder, const Path& path);
  void include(const std::string& path, const Node& said, const Path& where);

  Document& document_;
  const Environment& environment_;
  Errors& errors_;
  Substituter substituter_;
  ReadLimits limits_;
  std::vector<Source> sources_;
  std::vector<std::string> files_;
  std::set<std::string> seen_;      // identities of files that were read
  std::vector<std::string> stack_;  // identities of files whose includes are being followed
};

}  // namespace vg::config

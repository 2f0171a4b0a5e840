// tests/golden/config: faulty configurations with the exact words they are answered with, good ones with the settings
// that come of them. VIEWGATE_UPDATE_GOLDEN=1 writes the expectations anew; every changed line of them is to be read.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "unit/config/small_schema.h"

namespace vg::config::testing {
namespace {

namespace fs = std::filesystem;
const std::string kRoot = std::string(VG_SOURCE_DIR) + "/tests/golden/config/";

std::string slurp(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream out;
  out << in.rdbuf();
  return out.str();
}

// The folder `kind` as the current one, so that messages name no path of this machine; and a few variables.
class GoldenEnvironment final : public Environment {
 public:
  explicit GoldenEnvironment(std::string kind) : folder_(kRoot + kind + '/') {}
  std::optional<std::string> variable(const std::string& name) const override {
    if (name == "PORT") return "8081";
    if (name == "EMPTY") return "";
    if (name == "BRACES") return "a{id}b";
    if (name == "EVIL") return "x: {y: [1, 2]}\n${PORT}";
    return std::nullopt;
  }
  File read(const std::string& path, size_t limit) const override {
    return real_environment().read(folder_ + path, limit);
  }
  std::vector<std::string> glob(const std::string& pattern) const override {
    std::vector<std::string> out = real_environment().glob(folder_ + pattern);
    for (std::string& file : out) file.erase(0, folder_.size());
    return out;
  }
  std::string identity(const std::string& path) const override { return real_environment().identity(folder_ + path); }

 private:
  std::string folder_;
};

std::vector<std::string> names_in(const std::string& kind) {
  std::vector<std::string> out;
  for (const auto& entry : fs::directory_iterator(kRoot + kind)) {
    if (entry.path().extension() == ".yaml") out.push_back(entry.path().stem().string());
  }
  std::sort(out.begin(), out.end());
  return out;
}

void compare(const std::string& kind, const std::string& name, const std::string& got) {
  const std::string file = kRoot + kind + '/' + name + ".expected";
  if (std::getenv("VIEWGATE_UPDATE_GOLDEN") != nullptr) std::ofstream(file, std::ios::binary) << got;
  EXPECT_EQ(got, slurp(file)) << kind << '/' << name << ".yaml";
}

class Fault : public ::testing::TestWithParam<std::string> {};
class Good : public ::testing::TestWithParam<std::string> {};

TEST_P(Fault, IsAnsweredInTheseWords) {
  const Schema schema = small_schema();
  const LoadResult result = load(GetParam() + ".yaml", schema, GoldenEnvironment("faults"));
  EXPECT_FALSE(result.ok());
  compare("faults", GetParam(), result.errors.text());
}

TEST_P(Good, GivesTheseSettings) {
  const Schema schema = small_schema();
  const LoadResult result = load(GetParam() + ".yaml", schema, GoldenEnvironment("good"));
  EXPECT_EQ(result.errors.text(), "");
  compare("good", GetParam(), describe(result, schema, true));
}

std::string test_name(const ::testing::TestParamInfo<std::string>& info) {
  std::string out = info.param;
  std::replace(out.begin(), out.end(), '-', '_');
  return out;
}
INSTANTIATE_TEST_SUITE_P(Golden, Fault, ::testing::ValuesIn(names_in("faults")), test_name);
INSTANTIATE_TEST_SUITE_P(Golden, Good, ::testing::ValuesIn(names_in("good")), test_name);

TEST(GoldenFiles, ThereAreEnough) { EXPECT_GE(names_in("faults").size(), 60U); }

}  // namespace
}  // namespace vg::config::testing

#include "config/loader.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "config/read.h"
#include "unit/config/small_schema.h"

namespace vg::config::testing {
namespace {

TEST(Nodes, RememberWhereTheyStood) {
  const LoadResult r = load_small("routes:\n  - name: a\n    path: \"/x\"\n    view: respond\n    text: hello\n");
  ASSERT_EQ(r.errors.text(), "");
  const Node* path = r.routes.at(0).settings->get("path");
  EXPECT_EQ(to_string(path->mark()), "v.yaml:3:11");
  EXPECT_TRUE(path->quoted());
  EXPECT_EQ(to_string(r.routes[0].settings->find("text")->key_mark()), "v.yaml:5:5");
  EXPECT_FALSE(r.routes[0].settings->get("text")->quoted());
}

TEST(Nodes, CountTheirColumnsInBytes) {
  const LoadResult r =
      load_small("# \u00e9\u20ac\nroutes:\n  - {name: a, path: \"/\u00e9\", view: respond, text: \u20ac}\n");
  ASSERT_EQ(r.errors.text(), "");
  EXPECT_EQ(to_string(r.routes.at(0).settings->get("text")->mark()), "v.yaml:3:49");
  EXPECT_EQ(errors_of("log: {file: \"\U0001F600\", lvl: b}").substr(0, 12), "v.yaml:1:21:");
  EXPECT_EQ(errors_of("\u00e9: 1\nlog: {file: \u00e9, level: \"\u20ac\" x}").substr(0, 12), "v.yaml:2:24:");
}

TEST(Nodes, KeepTheFilesOfTheirLayers) {
  FakeEnvironment environment;
  environment.files["conf/viewgate.yaml"] =
      "include: parts/*.yaml\nroutes: [{name: a, path: /a, view: respond, mixins: [m]}]\n";
  environment.files["conf/parts/m.yaml"] = "mixins:\n  m: {timeout: 3s}\n";
  const Schema schema = small_schema();
  const LoadResult r = load("conf/viewgate.yaml", schema, environment);
  ASSERT_EQ(r.errors.text(), "");
  const Node* settings = r.routes.at(0).settings;
  EXPECT_EQ(to_string(settings->get("timeout")->get("after")->mark()), "conf/parts/m.yaml:2:16");
  EXPECT_EQ(*settings->get("status")->mark().file, kBuiltIn);
  EXPECT_EQ(r.files, (std::vector<std::string>{"conf/viewgate.yaml", "conf/parts/m.yaml"}));
}

TEST(Includes, AreReadInOrderAndOnce) {
  FakeEnvironment environment;
  environment.files["v.yaml"] = "";
  environment.files["r/b.yaml"] = "routes: [{name: b, path: /b, view: respond}]";
  environment.files["r/a.yaml"] = "routes: [{name: a, path: /a, view: respond}]\ninclude: ../r/b.yaml";
  environment.files["r/../r/b.yaml"] = environment.files["r/b.yaml"];
  const LoadResult r =
      load_small("include: [r/b.yaml, r/*.yaml]\nroutes: [{name: z, path: /z, view: respond}]", environment);
  std::string names;
  for (const RouteConfig& route : r.routes) names += route.name + ' ';
  EXPECT_EQ(names.substr(0, 6), "z b a ");
}

TEST(Routes, AreNamedAfterTheirPathIfTheyHaveNoName) {
  const LoadResult r = load_small("routes: [{path: /a, view: respond}, {path: /a, view: respond, methods: POST}]");
  ASSERT_EQ(r.errors.text(), "");
  EXPECT_EQ(r.routes.at(0).name, "/a");
  EXPECT_EQ(r.routes.at(1).label, "routes[1]");
}

TEST(Reader, TakesWhatYamlAllows) {
  for (const std::string yaml :
       {"%YAML 1.2\n---\nlog: {level: debug}\n...\n", "\uFEFFlog: {level: debug}\r\n", "log: {\"level\":\"debug\"}",
        "log: {level: ! debug, file: /a?b}", "? log\n: {level: !!str debug}", "log: &x {level: &y debug, file: *y}",
        "log: {level: \"de\\\n  bug\"}", "log:\n  level: >-\n    debug\n"}) {
    const LoadResult r = load_small(yaml);
    EXPECT_EQ(r.errors.text(), "") << yaml;
    EXPECT_EQ(text(r.log, "level"), "debug") << yaml;
  }
}

TEST(Reader, SaysWhatIsNotYaml) {
  const std::pair<const char*, const char*> faults[] = {
      {"%YAML 2.0\n---\nlog: {}", "v.yaml:1:1: this version of YAML is not known"},
      {"%YAML 1.2\nlog: {}", "v.yaml:2:1: a line --- is missing here"},
      {"%FOO\n---\nlog: {}", "v.yaml:1:5: a line that begins with % is a directive"},
      {"a: &x 1\nb: [*x, *y]", "v.yaml:2:9: a value that begins with * refers to an anchor in YAML, and there is none"},
      {"log: &\n", "v.yaml:1:6: a value that begins with & names an anchor"},
      {"-\tdebug", "v.yaml:1:2: a tab stands in the indentation"},
      {": x", "v.yaml:1:1: a key is missing before the colon"},
      {"log:\n  file: |0\n    abc", "v.yaml:2:10: the digit behind | or > must be from 1 to 9"},
      {"log: {file: \"\\ud800\"}", "v.yaml:1:16: the escape in double quotes is the number of no character"},
      {"log: {file: \"\\xZZ\"}", "v.yaml:1:16: the escape in double quotes needs more hexadecimal digits"},
      {"log: {}\n...\nserver: {}", "v.yaml:3:1: this stands behind the end of the configuration"},
      {"log: !e!f 1", "v.yaml:1:6: a value that begins with ! is a tag"},
      {"log: \u2028", "v.yaml:1:6: an invisible line break stands here (U+2028)"},
      {"log: \u0085", "v.yaml:1:6: an invisible line break stands here (U+0085)"},
      {"a\rb", "v.yaml:1:2: a carriage return stands here alone"},
      {"log: \x7f", "v.yaml:1:6: a control character stands here"},
      {"log: \uFFFF", "v.yaml:1:6: a control character stands here"},
  };
  for (const auto& [yaml, words] : faults)
    EXPECT_TRUE(errors_of(yaml).starts_with(words)) << yaml << '\n' << errors_of(yaml);
}

TEST(Reader, LetsALaterAnchorTakeANameOver) {
  const LoadResult r = load_small("log: {level: &x debug, file: &x /a}\nadmin: {listen: 127.0.0.1:1, token: *x}\n");
  EXPECT_EQ(text(r.admin, "token"), "/a");
}

TEST(Substitution, CreatesNoStructureNoTemplateAndNoFurtherSubstitution) {
  FakeEnvironment environment;
  environment.variables["X"] = "{id}: [${Y}]\n- a";
  environment.variables["Y"] = "never";
  const LoadResult r = load_small("routes: [{path: /a, view: respond, text: \"${X}{id}\"}]", environment);
  ASSERT_EQ(r.errors.text(), "");
  const Node* text = r.routes.at(0).settings->get("text");
  EXPECT_EQ(text->text(), "{id}: [${Y}]\n- a{id}");
  EXPECT_EQ(text->template_text(), "{{id}}: [${{Y}}]\n- a{id}");
}

TEST(Substitution, OfAnEscapedReferenceIsLiteral) {
  const LoadResult r = load_small("routes: [{path: /a, view: respond, text: \"$${id} $${ $5 {id}\"}]");
  ASSERT_EQ(r.errors.text(), "");
  EXPECT_EQ(r.routes.at(0).settings->get("text")->text(), "${id} ${ $5 {id}");
}

TEST(Substitution, TakesADefaultWhereNothingOrAnEmptyTextIsSet) {
  FakeEnvironment environment;
  environment.variables = {{"EMPTY", ""}, {"SET", "s"}};
  const LoadResult r = load_small("log: {file: \"${EMPTY:-a}${SET:-b}${NONE:-c}${EMPTY}${NONE:-}\"}", environment);
  ASSERT_EQ(r.errors.text(), "");
  EXPECT_EQ(r.log_settings.file, "asc");
}

TEST(Substitution, OfAFileLeavesOutTheLastNewlineAlone) {
  FakeEnvironment environment;
  environment.files["/run/token"] = "0123456789abcdef\n\n";
  const LoadResult r = load_small("admin: {token: \"${file:/run/token}\"}", environment);
  ASSERT_EQ(r.errors.text(), "");
  EXPECT_EQ(r.admin_settings.token, "0123456789abcdef\n");
}

TEST(Substitution, GivesNumbersAndBooleansInQuotesToo) {
  FakeEnvironment environment;
  environment.variables = {{"N", "7"}, {"B", "false"}};
  const LoadResult r = load_small("server: {limits: {headers: \"${N}\"}}\nlog:\n  access: ${B}\n", environment);
  ASSERT_EQ(r.errors.text(), "");
  EXPECT_EQ(r.server_settings.limits.headers, 7U);
  EXPECT_FALSE(r.log_settings.access);
}

TEST(Substitution, RefusesBytesThatAreNoText) {
  FakeEnvironment environment;
  environment.variables["BAD"] = "\xff";
  environment.files["nul"] = std::string("a\0b", 3);
  EXPECT_NE(errors_of("log: {file: \"${BAD}\"}", environment).find("is not UTF-8"), std::string::npos);
  EXPECT_NE(errors_of("log: {file: \"${file:nul}\"}", environment).find("holds a NUL byte"), std::string::npos);
}

TEST(Substitution, IsBounded) {
  FakeEnvironment environment;
  environment.variables["BIG"] = std::string(1 << 20, 'x');
  std::string text;
  for (int i = 0; i < 70; ++i) text += "${BIG}";
  EXPECT_NE(errors_of("log: {file: \"" + text + "\"}", environment).find("larger than 64MiB"), std::string::npos);
}

TEST(Defaults, SkipWhatAViewDoesNotKnow) {
  const LoadResult r = load_small(
      "defaults: {preserve_host: true}\nroutes: [{path: /a, view: respond}, {path: /b, view: proxy-fetch, source: "
      "a/b}]");
  ASSERT_EQ(r.errors.text(), "");
  EXPECT_EQ(r.routes.at(0).settings->get("preserve_host"), nullptr);
  EXPECT_EQ(text(r.routes.at(1).settings, "preserve_host"), "true");
}

TEST(Mixins, ApplyFromLeftToRight) {
  const LoadResult r = load_small(R"(
mixins: {a: {status: 201, delay: 1s}, b: {status: 202}}
routes:
  - {path: /ab, view: respond, mixins: [a, b]}
  - {path: /ba, view: respond, mixins: [b, a]}
  - {path: /own, view: respond, mixins: [a, b], status: 203}
)");
  ASSERT_EQ(r.errors.text(), "");
  EXPECT_EQ(text(r.routes.at(0).settings, "status"), "202");
  EXPECT_EQ(text(r.routes.at(0).settings, "delay"), "1s");
  EXPECT_EQ(text(r.routes.at(1).settings, "status"), "201");
  EXPECT_EQ(text(r.routes.at(2).settings, "status"), "203");
}

TEST(Mixins, MayBeNestedWithoutGrowing) {
  std::string yaml = "mixins:\n  m0: {status: 201}\n";
  for (int i = 1; i < 60; ++i) {
    const std::string below = std::string("m").append(std::to_string(i - 1));
    yaml += "  m" + std::to_string(i) + ": {mixins: [" + below + ", " + below + "]}\n";
  }
  yaml += "routes: [{path: /a, view: respond, mixins: m59}]";
  const LoadResult r = load_small(yaml);
  ASSERT_EQ(r.errors.text(), "");
  EXPECT_EQ(text(r.routes.at(0).settings, "status"), "201");
}

TEST(Null, RemovesWhatAWeakerLayerSaysAndDefaultsToo) {
  const LoadResult r = load_small(R"(
defaults: {timeout: null}
routes:
  - {path: /a, view: respond}
  - {path: /b, view: respond, timeout: 5s}
  - {path: /c, view: respond, status: null}
)");
  ASSERT_EQ(r.errors.text(), "");
  EXPECT_EQ(r.routes.at(0).settings->get("timeout"), nullptr);
  EXPECT_EQ(text(r.routes.at(1).settings->get("timeout"), "after"), "5s");
  EXPECT_EQ(r.routes.at(2).settings->get("status"), nullptr);
}

TEST(Null, IsDataInsideJson) {
  const LoadResult r = load_small("routes: [{path: /a, view: respond, json: {a: null}}]");
  ASSERT_EQ(r.errors.text(), "");
  ASSERT_NE(r.routes.at(0).settings->get("json")->get("a"), nullptr);
  EXPECT_TRUE(r.routes.at(0).settings->get("json")->get("a")->is_null());
}

TEST(Errors, AreSortedAndSaidOnce) {
  std::string yaml = "mixins: {m: {timeout: soon}}\nroutes:\n";
  for (int i = 0; i < 500; ++i) yaml += "  - {path: /" + std::to_string(i) + ", view: respond, mixins: [m]}\n";
  const LoadResult r = load_small(yaml);
  EXPECT_EQ(r.errors.size(), 1U) << r.errors.text();
}

TEST(Errors, ShowControlCharactersInsteadOfSendingThem) {
  const std::string text = errors_of("\"a\\e[31m\\n\": 1");
  EXPECT_NE(text.find("a\\x1b[31m\\n: unknown key"), std::string::npos) << text;
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
}

TEST(Errors, AreCutOffAtAGreatNumber) {
  std::string yaml = "routes:\n";
  for (int i = 0; i < 12000; ++i) yaml += "- {path: /a, view: respond, bad: 1}\n";
  const LoadResult r = load_small(yaml);
  EXPECT_EQ(r.errors.size(), Errors::kMost);
  EXPECT_TRUE(r.errors.text().ends_with("errors are shown\n"));
}

TEST(Errors, AfterASubstitutionThatFailedAreNotAboutItsValue) {
  const LoadResult r =
      load_small("routes:\n  - {path: \"${P}\", view: \"${V}\", status: \"${S}\"}\nserver: {listen: \"${L}\"}\n");
  EXPECT_EQ(r.errors.size(), 4U) << r.errors.text();
}

class RealFiles : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "viewgate-config-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::string write(const std::string& name, const std::string& content) {
    std::ofstream(folder_ + '/' + name, std::ios::binary) << content;
    return folder_ + '/' + name;
  }
  std::string errors(const std::string& path) {
    std::string text = load(path, schema_).errors.text();
    for (size_t at; (at = text.find(folder_)) != std::string::npos;) text.replace(at, folder_.size(), "DIR");
    return text;
  }
  const Schema schema_ = small_schema();
  std::string folder_;
};

TEST_F(RealFiles, ThatCannotBeReadAreNamed) {
  EXPECT_EQ(errors(folder_ + "/none.yaml"), "DIR/none.yaml: the file does not exist\n");
  EXPECT_EQ(errors(folder_), "DIR: the file is a directory\n");
  ASSERT_EQ(mkfifo((folder_ + "/pipe").c_str(), 0600), 0);
  EXPECT_EQ(errors(folder_ + "/pipe"), "DIR/pipe: the file is not a file\n");
}

TEST_F(RealFiles, AreIncludedBySortedPatterns) {
  std::filesystem::create_directory(folder_ + "/routes");
  write("routes/b.yaml", "routes: [{name: b, path: /b, view: respond}]");
  write("routes/a.yaml", "routes: [{name: a, path: /a, view: respond}]");
  const LoadResult r = load(write("v.yaml", "include: routes/*.yaml"), schema_);
  ASSERT_EQ(r.errors.text(), "");
  ASSERT_EQ(r.routes.size(), 2U);
  EXPECT_EQ(r.routes[0].name, "a");
  EXPECT_EQ(r.files[1], folder_ + "/routes/a.yaml");
}

TEST_F(RealFiles, ThatLeadBackThroughALinkAreACircle) {
  write("v.yaml", "include: link.yaml");
  std::filesystem::create_symlink(folder_ + "/v.yaml", folder_ + "/link.yaml");
  EXPECT_NE(errors(folder_ + "/v.yaml").find("includes itself"), std::string::npos);
}

TEST_F(RealFiles, MayBeginWithAByteOrderMarkAndHaveWindowsLines) {
  const LoadResult r =
      load(write("v.yaml", "\xef\xbb\xbfroutes:\r\n  - path: /a\r\n    view: respond\r\n    stats: 1\r\n"), schema_);
  EXPECT_NE(r.errors.text().find("v.yaml:4:5: routes[0].stats: unknown key"), std::string::npos) << r.errors.text();
}

}  // namespace
}  // namespace vg::config::testing

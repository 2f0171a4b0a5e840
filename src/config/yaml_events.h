// The events of libyaml: "a map begins", "a scalar"; the only place that knows the library. It owns what the library
// allocates, and tells every place with its column in bytes (the library counts characters). Which bytes a file may
// hold is judged before: see check_bytes().
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace vg::config {

/// Line and column count from 1, columns in bytes; the offset is in the text.
struct YamlPlace {
  uint32_t line = 1;
  uint32_t column = 1;
  size_t offset = 0;
};

struct YamlEvent {
  enum class Type : uint8_t {
    kDocumentStart,
    kDocumentEnd,
    kAlias,
    kScalar,
    kSequenceStart,
    kMapStart,
    kEnd,  ///< of a sequence or a map
    kStreamEnd
  };
  Type type = Type::kStreamEnd;
  YamlPlace at;             ///< of its tag or anchor, where it has one
  std::string_view anchor;  ///< the name; of an alias, that which it refers to
  std::string_view tag;     ///< resolved; empty where none is written
  std::string_view value;
  bool plain = false;  ///< a scalar without quotes, not a block
  bool flow = false;   ///< written as {…} or […]
};

/// Why a text is not YAML, in the library's words.
struct YamlProblem {
  YamlPlace at;
  std::string message;
  std::optional<YamlPlace> unclosed_quote;  ///< the file ends in the quotes that begin here
};

/// Thread: one.
class YamlEvents {
 public:
  /// Lifetime: the text outlives the events. Errors: std::bad_alloc, here and in next().
  explicit YamlEvents(std::string_view text);
  YamlEvents(const YamlEvents&) = delete;
  YamlEvents& operator=(const YamlEvents&) = delete;
  ~YamlEvents();

  /// The next event; nullptr if there is a problem(). Lifetime: until the next call.
  const YamlEvent* next();
  const YamlProblem& problem() const { return problem_; }

 private:
  struct Library;
  void translate();
  void explain();
  YamlPlace place(size_t index, size_t line, size_t column);

  std::string_view text_;
  std::unique_ptr<Library> library_;
  YamlEvent event_;
  YamlProblem problem_;
  bool ascii_ = true;
  size_t index_ = 0;  // of a character, at offset_, in the line that begins at line_begin_
  size_t offset_ = 0;
  size_t line_begin_ = 0;
};

std::string yaml_library_version();

}  // namespace vg::config

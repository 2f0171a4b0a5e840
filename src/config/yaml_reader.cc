#include "config/yaml_reader.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <istream>
#include <streambuf>
#include <unordered_map>
#include <unordered_set>

#include "config/path.h"
#include "config/syntax_hints.h"
#include "config/values.h"

namespace vg::config {
namespace {

struct Stop {};  // thrown to leave the parser, after the error was noted

// Reads from memory without copying it.
struct ViewBuffer : std::streambuf {
  explicit ViewBuffer(std::string_view text) {
    char* begin = const_cast<char*>(text.data());  // NOLINT: never written to
    setg(begin, begin, begin + text.size());
  }
};

bool is_core_tag(std::string_view tag) {
  constexpr std::string_view kCore = "tag:yaml.org,2002:";
  if (!tag.starts_with(kCore)) return false;
  const std::string_view type = tag.substr(kCore.size());
  for (const std::string_view known : {"str", "int", "float", "bool", "null", "map", "seq"}) {
    if (type == known) return true;
  }
  return false;
}

// Builds the tree from the bottom up: open maps and sequences are frames on a stack, their finished parts wait on two
// shared stacks and become one array each when the frame closes.
class TreeBuilder final : public YAML::EventHandler {
 public:
  TreeBuilder(const ReadContext& context, const std::string* file, std::string_view text)
      : context_(context), file_(file), text_(text) {
    const size_t slash = file->rfind('/');
    folder_ = slash == std::string::npos ? std::string() : file->substr(0, slash + 1);
  }

  const Node* root() const { return root_; }
  uint32_t last_line() const { return last_.line; }
  bool document_begun() const { return documents_ > 0; }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ > 1) stop(at(mark), "a second document begins here (---); a configuration file is one document");
  }
  void OnDocumentEnd() override {
    for (ConfigError& e : deferred_) {
      context_.errors.add(Mark{file_, e.line, e.column}, std::move(e.path), std::move(e.message));
    }
    deferred_.clear();
  }
  void OnAnchor(const YAML::Mark&, const std::string& name) override { anchor_name_ = name; }

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const Mark here = null_place(mark);
    if (is_key()) return begin_key(here, {}, "a key is missing before the colon");
    if (anchor != 0) {
      add(here, "a value that begins with & names an anchor, and here is nothing to name; for a text write " +
                    in_quotes("&" + anchor_name_) + ", in quotes");
      return put(context_.document.broken(here), anchor);
    }
    put(context_.document.null(here), anchor);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    const Mark here = at(mark);
    const bool quoted = tag != "?";
    if (quoted) check_closed(mark);
    bool fine = check_tag(here, tag, value);
    if (value.find('\0') != std::string::npos) {
      fine = false;
      add(here, "a NUL byte can't stand in a setting");
    }
    if (is_key()) return begin_key(here, value, {});
    if (!fine) return put(context_.document.broken(here), anchor);
    if (value.find("${") == std::string::npos) return put(context_.document.scalar(here, value, quoted), anchor);
    Substituter::Result result = context_.substituter.substitute(value, folder_);
    if (!result.error.empty()) {
      add(here, std::move(result.error));
      return put(context_.document.broken(here), anchor);
    }
    put(context_.document.substituted(here, result.text, result.as_template, quoted), anchor);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const Mark here = at(mark);
    if (is_key()) return begin_key(here, {}, "an alias can't be a key");
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) stop(here, "an alias can't stand inside the value that it refers to");
    context_.limits.aliased += found->second.nodes;
    if (context_.limits.aliased > ReadLimits::kMostAliased) {
      stop(here, "the aliases of this configuration repeat more than 1000000 values");
    }
    count_ += found->second.nodes;
    check_depth(here, frames_.size() + found->second.depth);
    place(found->second.node, found->second.depth);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value style) override {
    open(at(mark), tag, anchor, style, Kind::kSequence);
  }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value style) override {
    open(at(mark), tag, anchor, style, Kind::kMap);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapEnd() override { close(); }

 private:
  struct Frame {
    Mark mark;
    YAML::anchor_t anchor = 0;
    Kind kind = Kind::kMap;
    bool flow = false;
    bool has_key = false;
    bool skip = false;    // the value that comes is not kept: its key was refused
    bool broken = false;  // something in it was no key
    bool is_key = false;  // a map or sequence that stands where a key must
    size_t first = 0;     // where its items or members begin on their stack
    size_t items = 0;     // of a sequence, those not kept included
    size_t nodes = 0;     // count_ when it began
    size_t depth = 0;     // of the deepest below it
    std::string_view key;
    Mark key_mark;
    std::unordered_set<std::string_view> seen;  // keys, once there are many
  };
  struct Anchored {
    const Node* node;
    size_t nodes;
    size_t depth;
  };

  Mark at(const YAML::Mark& mark) {
    last_ = {file_, static_cast<uint32_t>(mark.line + 1), static_cast<uint32_t>(mark.column + 1)};
    return last_;
  }

  // The library takes a text whose quote is never closed for one that ends with the file.
  void check_closed(const YAML::Mark& mark) {
    const auto from = static_cast<size_t>(mark.pos);
    const bool opens = from < text_.size() && (text_[from] == '"' || text_[from] == '\'');
    if (opens && quoted_end(text_, from) == std::string_view::npos) {
      stop(at(mark), "the quote that begins here is never closed");
    }
  }

  // Where a value is missing, the library tells the place of what follows: here it is the key, or the item's dash.
  Mark null_place(const YAML::Mark& mark) {
    const Mark here = at(mark);
    if (frames_.empty() || is_key()) return here;
    const Frame& f = frames_.back();
    if (f.kind == Kind::kMap) return here.line == f.key_mark.line ? here : f.key_mark;
    size_t i = std::min(static_cast<size_t>(mark.pos), text_.size());
    uint32_t line = here.line;
    while (i > 0 && (text_[i - 1] == ' ' || text_[i - 1] == '\n' || text_[i - 1] == '\r')) {
      if (text_[--i] == '\n') --line;
    }
    if (i == 0 || text_[i - 1] != '-' || line == here.line) return here;
    const size_t newline = text_.rfind('\n', i - 1);
    return {file_, line, static_cast<uint32_t>(newline == std::string_view::npos ? i : i - newline - 1)};
  }

  bool is_key() const { return !frames_.empty() && frames_.back().kind == Kind::kMap && !frames_.back().has_key; }

  std::string path() const {
    std::string out;
    for (const Frame& f : frames_) {
      if (f.kind == Kind::kSequence) {
        out += '[' + std::to_string(f.items) + ']';
      } else if (f.has_key && !f.key.empty()) {
        if (!out.empty()) out += '.';
        out += f.key;
      }
    }
    return out;
  }
  void add(const Mark& mark, std::string message) { context_.errors.add(mark, path(), std::move(message)); }
  [[noreturn]] void stop(const Mark& mark, std::string message) {
    add(mark, std::move(message));
    throw Stop{};
  }

  void check_depth(const Mark& mark, size_t depth) {
    if (depth > ReadLimits::kMostDepth) stop(mark, "this is nested deeper than 64 levels");
  }

  bool check_tag(const Mark& mark, const std::string& tag, std::string_view value) {
    if (tag.empty() || tag == "?" || tag == "!" || is_core_tag(tag)) return true;
    const std::string written = tag.starts_with("tag:yaml.org,2002:") ? "!!" + tag.substr(18) : tag;
    add(mark, "a value that begins with ! is a YAML tag, which has no meaning here; for a text write " +
                  in_quotes(written + (value.empty() ? "" : " ") + std::string(value)) + ", in quotes");
    return false;
  }

  void begin_key(const Mark& mark, std::string_view key, std::string wrong) {
    Frame& f = frames_.back();
    if (wrong.empty() && key == "<<")
      wrong = "\"<<\" is not supported; put what is shared into a mixin and write mixins: [NAME]";
    if (wrong.empty() && key.find("${") != std::string_view::npos)
      wrong = "${…} is substituted in values alone, not in keys";
    f.key = context_.document.intern(key);
    f.key_mark = mark;
    f.has_key = true;
    if (wrong.empty()) wrong = duplicate(f);
    f.skip = !wrong.empty();
    if (f.skip) add(mark, std::move(wrong));
  }

  std::string duplicate(Frame& f) {
    constexpr size_t kMany = 16;
    const size_t count = members_.size() - f.first;
    if (count >= kMany) {
      if (f.seen.empty()) {
        for (size_t i = f.first; i < members_.size(); ++i) f.seen.insert(members_[i].key);
      }
      if (f.seen.insert(f.key).second) return {};
    }
    for (size_t i = f.first; i < members_.size(); ++i) {
      const Member& m = members_[i];
      if (m.key == f.key) return "duplicate key; it stands at " + to_string(Mark{file_, m.line, m.column}) + " already";
    }
    return {};
  }

  // A scalar or null is complete: it gets its anchor and its place.
  void put(const Node* node, YAML::anchor_t anchor) {
    ++count_;
    if (anchor != 0) anchors_[anchor] = {node, 1, 0};
    place(node, 0);
  }

  void place(const Node* node, size_t depth) {
    if (frames_.empty()) {
      root_ = node;
      return;
    }
    Frame& f = frames_.back();
    f.depth = std::max(f.depth, depth + 1);
    if (f.kind == Kind::kSequence) {
      if (node != nullptr) items_.push_back(node);
      ++f.items;
      return;
    }
    if (!f.skip) members_.push_back({f.key, node, f.key_mark.line, f.key_mark.column});
    f.has_key = f.skip = false;
  }

  void open(const Mark& mark, const std::string& tag, YAML::anchor_t anchor, YAML::EmitterStyle::value style,
            Kind kind) {
    check_tag(mark, tag, {});
    check_depth(mark, frames_.size() + 1);
    const bool in_key = is_key();
    if (in_key) {
      const bool braces = kind == Kind::kMap && style == YAML::EmitterStyle::Flow;
      // Only if the file can be read: else this is but a consequence of what is wrong there.
      deferred_.push_back({{},
                           mark.line,
                           mark.column,
                           path(),
                           braces ? "a { begins a map, and a map can't be a key; put the text into quotes"
                                  : "a key must be a text, not a list or a map"});
      frames_.back().broken = true;
    }
    Frame f;
    f.mark = mark;
    f.anchor = anchor;
    f.kind = kind;
    f.flow = style == YAML::EmitterStyle::Flow;
    f.is_key = in_key;
    f.first = kind == Kind::kMap ? members_.size() : items_.size();
    f.nodes = count_++;
    frames_.push_back(std::move(f));
  }

  void close() {
    Frame f = std::move(frames_.back());
    frames_.pop_back();
    const Node* node = nullptr;
    if (f.kind == Kind::kMap) {
      node = context_.document.map(f.mark, std::span(members_).subspan(f.first), f.flow);
      members_.resize(f.first);
    } else {
      node = context_.document.sequence(f.mark, std::span(items_).subspan(f.first), f.flow);
      items_.resize(f.first);
    }
    if (f.broken) node = context_.document.broken(f.mark);
    if (f.anchor != 0) anchors_[f.anchor] = {node, count_ - f.nodes, f.depth + 1};
    if (!f.is_key) return place(node, f.depth + 1);
    Frame& map = frames_.back();
    map.has_key = map.skip = true;
    map.key = {};
  }

  const ReadContext& context_;
  const std::string* file_;
  const std::string_view text_;
  std::string folder_;
  std::vector<ConfigError> deferred_;
  const Node* root_ = nullptr;
  Mark last_;
  int documents_ = 0;
  size_t count_ = 0;
  std::string anchor_name_;
  std::vector<Frame> frames_;
  std::vector<const Node*> items_;
  std::vector<Member> members_;
  std::unordered_map<YAML::anchor_t, Anchored> anchors_;
};

Mark place_of(const std::string* file, std::string_view text, size_t offset) {
  const std::string_view before = text.substr(0, offset);
  const auto line = static_cast<uint32_t>(std::count(before.begin(), before.end(), '\n')) + 1;
  const size_t newline = before.rfind('\n');
  return {file, line, static_cast<uint32_t>(offset - (newline == std::string_view::npos ? 0 : newline + 1)) + 1};
}

// Bytes that no configuration has: the file is something else.
bool check_bytes(const ReadContext& context, const std::string* file, std::string_view text) {
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte >= 0x20 || byte == '\t' || byte == '\n' || byte == '\r') continue;
    const std::string what = byte == 0 ? "a NUL byte stands here; is this a YAML file, in UTF-8?"
                                       : "a control character stands here; a YAML file is plain text";
    context.errors.add(place_of(file, text, i), {}, what);
    return false;
  }
  const size_t bad = invalid_utf8_at(text);
  if (bad == std::string_view::npos) return true;
  context.errors.add(place_of(file, text, bad), {}, "this is not UTF-8; save the file in that encoding");
  return false;
}

}  // namespace

const Node* read_yaml(const ReadContext& context, const std::string* file, std::string_view text) {
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  if (!check_bytes(context, file, text)) return nullptr;
  TreeBuilder builder(context, file, text);
  try {
    ViewBuffer buffer(text);
    std::istream stream(&buffer);
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (const Stop&) {
    return nullptr;
  } catch (const YAML::Exception& e) {
    const SyntaxError raw{static_cast<uint32_t>(e.mark.line + 1), static_cast<uint32_t>(e.mark.column + 1), e.msg};
    const SyntaxError error = explain_syntax(text, raw, builder.last_line());
    context.errors.add({file, error.line, error.column}, {}, error.message);
    return nullptr;
  }
  if (!builder.document_begun()) context.errors.add(*file, "the file is empty");
  return builder.root();
}

}  // namespace vg::config

#include "config/yaml_reader.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "config/path.h"
#include "config/syntax_hints.h"
#include "config/values.h"
#include "config/yaml_events.h"

namespace vg::config {
namespace {

struct Stop {};  // thrown to leave the parser, after the error was noted

bool is_null_word(std::string_view text) {
  return text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL";
}

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
class TreeBuilder {
 public:
  TreeBuilder(const ReadContext& context, const std::string* file, std::string_view text)
      : context_(context), file_(file), text_(text) {
    const size_t slash = file->rfind('/');
    folder_ = slash == std::string::npos ? std::string() : file->substr(0, slash + 1);
  }

  /// Throws Stop where the file can't be read on.
  void build() {
    using Type = YamlEvent::Type;
    YamlEvents events(text_);
    for (;;) {
      const YamlEvent* e = events.next();
      if (e == nullptr) give_up(events.problem());
      const Mark here{file_, e->at.line, e->at.column};
      last_line_ = here.line;
      switch (e->type) {
        case Type::kDocumentStart:
          if (++documents_ > 1) stop(here, "a second document begins here (---); a configuration file is one document");
          break;
        case Type::kDocumentEnd:
          end_document();
          break;
        case Type::kAlias:
          alias(here, e->anchor);
          break;
        case Type::kScalar:
          scalar(here, *e);
          break;
        case Type::kSequenceStart:
          open(here, *e, Kind::kSequence);
          break;
        case Type::kMapStart:
          open(here, *e, Kind::kMap);
          break;
        case Type::kEnd:
          close();
          break;
        case Type::kStreamEnd:
          return;
      }
    }
  }
  const Node* root() const { return root_; }
  bool document_begun() const { return documents_ > 0; }

 private:
  struct Frame {
    Mark mark;
    size_t anchor = 0;  // 0: it has none
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

  [[noreturn]] void give_up(const YamlProblem& problem) {
    if (problem.unclosed_quote) {
      const Mark opened{file_, problem.unclosed_quote->line, problem.unclosed_quote->column};
      stop(opened, "the quote that begins here is never closed");
    }
    syntax_error({problem.at.line, problem.at.column, problem.message});
  }
  [[noreturn]] void syntax_error(const SyntaxError& raw) {
    SyntaxError error = explain_syntax(text_, raw, last_line_);
    context_.errors.add(Mark{file_, error.line, error.column}, {}, std::move(error.message));
    throw Stop{};
  }

  void end_document() {
    for (ConfigError& e : deferred_) {
      context_.errors.add(Mark{file_, e.line, e.column}, std::move(e.path), std::move(e.message));
    }
    deferred_.clear();
  }

  size_t register_anchor(std::string_view name) {
    if (name.empty()) return 0;
    anchor_ids_[std::string(name)] = ++last_anchor_;
    return last_anchor_;
  }

  void null(const Mark& mark, const YamlEvent& e) {
    if (is_key()) return begin_key(mark, {}, "a key is missing before the colon");
    const size_t anchor = register_anchor(e.anchor);
    if (anchor != 0 && e.value.empty()) {
      add(mark, "a value that begins with & names an anchor, and here is nothing to name; for a text write " +
                    in_quotes("&" + std::string(e.anchor)) + ", in quotes");
      return put(context_.document.broken(mark), anchor);
    }
    put(context_.document.null(anchor == 0 && e.value.empty() ? place_of_missing(mark) : mark), anchor);
  }

  void scalar(const Mark& here, const YamlEvent& e) {
    // `! 5` is text; the library tells it from 5 by its place alone.
    const bool quoted = !e.plain || !e.tag.empty() || (e.at.offset < text_.size() && text_[e.at.offset] == '!');
    if (!quoted && is_null_word(e.value)) return null(here, e);
    bool fine = check_tag(here, e.tag, e.value);
    if (e.value.find('\0') != std::string_view::npos) {
      fine = false;
      add(here, "a NUL byte can't stand in a setting");
    }
    const size_t anchor = register_anchor(e.anchor);
    if (is_key()) return begin_key(here, e.value, {});
    if (!fine) return put(context_.document.broken(here), anchor);
    if (e.value.find("${") == std::string_view::npos) {
      return put(context_.document.scalar(here, e.value, quoted), anchor);
    }
    Substituter::Result result = context_.substituter.substitute(e.value, folder_);
    if (!result.error.empty()) {
      add(here, std::move(result.error));
      return put(context_.document.broken(here), anchor);
    }
    put(context_.document.substituted(here, result.text, result.as_template, quoted), anchor);
  }

  void alias(const Mark& here, std::string_view name) {
    const auto id = anchor_ids_.find(std::string(name));
    if (id == anchor_ids_.end()) syntax_error({here.line, here.column, std::string(kUnknownAnchor)});
    if (is_key()) return begin_key(here, {}, "an alias can't be a key");
    const auto found = anchors_.find(id->second);
    if (found == anchors_.end()) stop(here, "an alias can't stand inside the value that it refers to");
    context_.limits.aliased += found->second.nodes;
    if (context_.limits.aliased > ReadLimits::kMostAliased) {
      stop(here, "the aliases of this configuration repeat more than 1000000 values");
    }
    count_ += found->second.nodes;
    check_depth(here, frames_.size() + found->second.depth);
    place(found->second.node, found->second.depth);
  }

  // Where a value is missing, the library tells the place behind the colon or dash: here it is the key, or the dash.
  Mark place_of_missing(const Mark& behind) const {
    if (frames_.empty()) return behind;
    if (frames_.back().kind == Kind::kMap) return frames_.back().key_mark;
    return {file_, behind.line, behind.column > 1 ? behind.column - 1 : 1};
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

  bool check_tag(const Mark& mark, std::string_view tag, std::string_view value) {
    if (tag.empty() || tag == "!" || is_core_tag(tag)) return true;
    const bool standard = tag.starts_with("tag:yaml.org,2002:");
    const std::string written = standard ? "!!" + std::string(tag.substr(18)) : std::string(tag);
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
  void put(const Node* node, size_t anchor) {
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

  void open(const Mark& mark, const YamlEvent& e, Kind kind) {
    check_tag(mark, e.tag, {});
    check_depth(mark, frames_.size() + 1);
    const bool in_key = is_key();
    if (in_key) {
      const bool braces = kind == Kind::kMap && e.flow;
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
    f.anchor = register_anchor(e.anchor);
    f.kind = kind;
    f.flow = e.flow;
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
  uint32_t last_line_ = 0;
  int documents_ = 0;
  size_t count_ = 0;
  std::vector<Frame> frames_;
  std::vector<const Node*> items_;
  std::vector<Member> members_;
  size_t last_anchor_ = 0;
  std::unordered_map<std::string, size_t> anchor_ids_;  // a name may be given again: what comes then refers to that
  std::unordered_map<size_t, Anchored> anchors_;
};

Mark place_of(const std::string* file, std::string_view text, size_t offset) {
  const std::string_view before = text.substr(0, offset);
  const auto line = static_cast<uint32_t>(std::count(before.begin(), before.end(), '\n')) + 1;
  const size_t newline = before.rfind('\n');
  return {file, line, static_cast<uint32_t>(offset - (newline == std::string_view::npos ? 0 : newline + 1)) + 1};
}

// What is wrong with the byte or character at `at`; empty where it is one that a configuration may hold. The line
// breaks of old YAML are refused: what looks like one line must be one.
std::string_view wrong_character(std::string_view text, size_t at) {
  const auto byte = static_cast<unsigned char>(text[at]);
  const auto second = at + 1 < text.size() ? static_cast<unsigned char>(text[at + 1]) : 0U;
  constexpr std::string_view kControl = "a control character stands here; a YAML file is plain text";
  if (byte == 0) return "a NUL byte stands here; is this a YAML file, in UTF-8?";
  if (byte == '\r') return second == '\n' ? "" : "a carriage return stands here alone; end the lines with line feeds";
  if (byte == 0x7F || (byte < 0x20 && byte != '\t' && byte != '\n')) return kControl;
  if (byte < 0x80) return {};
  if (byte == 0xC2 && second == 0x85) return "an invisible line break stands here (U+0085); in double quotes write \\N";
  if (byte == 0xC2 && second >= 0x80 && second < 0xA0) return kControl;
  const std::string_view three = text.substr(at, 3);
  if (three == "\u2028") return "an invisible line break stands here (U+2028); in double quotes write \\L";
  if (three == "\u2029") return "an invisible line break stands here (U+2029); in double quotes write \\P";
  if (three == "\uFFFE" || three == "\uFFFF") return kControl;
  return {};
}

// Bytes that no configuration has: the file is something else.
bool check_bytes(const ReadContext& context, const std::string* file, std::string_view text) {
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte >= 0x20 && byte < 0x7F) continue;
    const std::string_view wrong = wrong_character(text, i);
    if (wrong.empty()) continue;
    context.errors.add(place_of(file, text, i), {}, std::string(wrong));
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
    builder.build();
  } catch (const Stop&) {
    return nullptr;
  }
  if (!builder.document_begun()) context.errors.add(*file, "the file is empty");
  return builder.root();
}

}  // namespace vg::config

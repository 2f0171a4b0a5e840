#include "config/yaml_events.h"

#include <yaml.h>

#include <algorithm>
#include <new>

namespace vg::config {
namespace {

std::string_view view(const yaml_char_t* text) {
  return text == nullptr ? std::string_view() : std::string_view(reinterpret_cast<const char*>(text));
}

}  // namespace

struct YamlEvents::Library {
  Library() {
    if (yaml_parser_initialize(&parser) == 0) throw std::bad_alloc();
  }
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;
  ~Library() {
    drop_event();
    yaml_parser_delete(&parser);
  }
  void drop_event() {
    if (has_event) yaml_event_delete(&event);
    has_event = false;
  }

  yaml_parser_t parser{};
  yaml_event_t event{};
  bool has_event = false;
};

YamlEvents::YamlEvents(std::string_view text) : text_(text), library_(std::make_unique<Library>()) {
  ascii_ = std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
  yaml_parser_set_encoding(&library_->parser, YAML_UTF8_ENCODING);  // else it would look for UTF-16
  yaml_parser_set_input_string(&library_->parser, reinterpret_cast<const unsigned char*>(text.data()), text.size());
}

YamlEvents::~YamlEvents() = default;

const YamlEvent* YamlEvents::next() {
  do {
    library_->drop_event();
    if (yaml_parser_parse(&library_->parser, &library_->event) == 0) {
      explain();
      return nullptr;
    }
    library_->has_event = true;
  } while (library_->event.type == YAML_STREAM_START_EVENT);
  translate();
  return &event_;
}

void YamlEvents::translate() {
  const yaml_event_t& e = library_->event;
  event_ = {};
  event_.at = place(e.start_mark.index, e.start_mark.line, e.start_mark.column);
  switch (e.type) {
    case YAML_DOCUMENT_START_EVENT:
      event_.type = YamlEvent::Type::kDocumentStart;
      break;
    case YAML_DOCUMENT_END_EVENT:
      event_.type = YamlEvent::Type::kDocumentEnd;
      break;
    case YAML_ALIAS_EVENT:
      event_.type = YamlEvent::Type::kAlias;
      event_.anchor = view(e.data.alias.anchor);
      break;
    case YAML_SCALAR_EVENT:
      event_.type = YamlEvent::Type::kScalar;
      event_.anchor = view(e.data.scalar.anchor);
      event_.tag = view(e.data.scalar.tag);
      event_.value = {reinterpret_cast<const char*>(e.data.scalar.value), e.data.scalar.length};
      event_.plain = e.data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
      break;
    case YAML_SEQUENCE_START_EVENT:
      event_.type = YamlEvent::Type::kSequenceStart;
      event_.anchor = view(e.data.sequence_start.anchor);
      event_.tag = view(e.data.sequence_start.tag);
      event_.flow = e.data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE;
      break;
    case YAML_MAPPING_START_EVENT:
      event_.type = YamlEvent::Type::kMapStart;
      event_.anchor = view(e.data.mapping_start.anchor);
      event_.tag = view(e.data.mapping_start.tag);
      event_.flow = e.data.mapping_start.style == YAML_FLOW_MAPPING_STYLE;
      break;
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
      event_.type = YamlEvent::Type::kEnd;
      break;
    default:
      event_.type = YamlEvent::Type::kStreamEnd;
  }
}

void YamlEvents::explain() {
  const yaml_parser_t& p = library_->parser;
  if (p.error == YAML_MEMORY_ERROR) throw std::bad_alloc();
  problem_.message = p.problem == nullptr ? "" : p.problem;
  if (p.error == YAML_READER_ERROR) {
    problem_.at.offset = p.problem_offset;
    return;
  }
  // The mark first that stands later: the way back is a long one.
  problem_.at = place(p.problem_mark.index, p.problem_mark.line, p.problem_mark.column);
  const bool in_quotes = p.context != nullptr && std::string_view(p.context) == "while scanning a quoted scalar";
  if (in_quotes && problem_.message == "found unexpected end of stream") {
    problem_.unclosed_quote = place(p.context_mark.index, p.context_mark.line, p.context_mark.column);
  }
}

// The library's marks count characters: the bytes are counted here, from the mark before, where the text is not ASCII.
YamlPlace YamlEvents::place(size_t index, size_t line, size_t column) {
  const auto number = static_cast<uint32_t>(line + 1);
  if (ascii_) return {number, static_cast<uint32_t>(column + 1), std::min(index, text_.size())};
  if (index < index_) index_ = offset_ = line_begin_ = 0;
  for (; index_ < index && offset_ < text_.size(); ++index_) {
    if (text_[offset_++] == '\n') line_begin_ = offset_;
    while (offset_ < text_.size() && (static_cast<unsigned char>(text_[offset_]) & 0xC0) == 0x80) ++offset_;
  }
  return {number, static_cast<uint32_t>(offset_ - line_begin_ + 1), offset_};
}

std::string yaml_library_version() { return yaml_get_version_string(); }

}  // namespace vg::config

#include "template/plain_json.h"

#include "json/writer.h"

namespace vg::tmpl {
namespace {

void write_scalar(const config::Node& node, json::Writer& out) {
  const std::string_view text = node.text();
  if (node.quoted()) return out.string(text);
  if (text == "true" || text == "false") return out.boolean(text == "true");
  if (text == "null" || text == "~" || text.empty()) return out.null();
  if (json::is_number(text)) return out.number(text);
  out.string(text);
}

void write(const config::Node& node, json::Writer& out) {
  switch (node.kind()) {
    case config::Kind::kNull:
      return out.null();
    case config::Kind::kScalar:
      return write_scalar(node, out);
    case config::Kind::kSequence:
      out.begin_array();
      for (const config::Node* item : node.items()) write(*item, out);
      return out.end_array();
    case config::Kind::kMap:
      out.begin_object();
      for (const config::Member& m : node.members()) {
        out.key(m.key);
        write(*m.value, out);
      }
      return out.end_object();
  }
}

}  // namespace

void append_plain_json(const config::Node& node, std::string& out) {
  json::Writer writer(out);
  write(node, writer);
}

}  // namespace vg::tmpl

// Compiling templates: braces are found, literals encoded for their place, references checked.
#include <algorithm>

#include "base/strings.h"
#include "template/encode.h"
#include "template/reference.h"

namespace vg::tmpl {

/// One pass over a template's text.
class Compiler {
 public:
  Compiler(std::string_view text, Place place, const Scope& scope, const ErrorSink& errors)
      : text_(text), place_(place), here_(place), scope_(scope), errors_(errors) {
    out_.place_ = place;
  }

  Template run() {
    if (place_ == Place::kUrl && !url_begins()) return {};
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if ((c == '{' || c == '}') && text_.substr(at_ + 1, 1) == text_.substr(at_, 1)) {
        literal_byte(c, at_);
        at_ += 2;
      } else if (c == '}') {
        errors_(at_++, "\"}\" without \"{\" (a literal brace is written \"}}\")");
      } else if (c == '{') {
        if (!reference()) return {};
      } else {
        literal();
      }
    }
    flush();
    out_.code_.shrink_to_fit();
    if (place_ == Place::kPath || place_ == Place::kUrl) check_segments();
    return std::move(out_);
  }

 private:
  /// Sets where a URL's first byte stands. A target that is neither a path nor an absolute http URL is refused: with a
  /// value at its beginning a client could choose where the redirect leads.
  bool url_begins() {
    const size_t scheme = text_.starts_with("https://") ? 8 : text_.starts_with("http://") ? 7 : 0;
    if (scheme == 0 && (!text_.starts_with('/') || text_.starts_with("//"))) {
      errors_(0, "a target begins with \"/\", \"https://\" or \"http://\"");
      return false;
    }
    here_ = scheme == 0 ? Place::kPath : Place::kAuthority;
    pending_ = text_.substr(0, scheme);
    at_ = authority_ = scheme;
    return true;
  }

  bool reference() {
    const size_t end = text_.find_first_of("{}", at_ + 1);
    if (end == std::string_view::npos || text_[end] == '{') {
      errors_(at_, "\"{\" is never closed (a literal brace is written \"{{\")");
      return false;
    }
    auto ref = parse_reference(text_.substr(at_ + 1, end - at_ - 1), at_ + 1, scope_, errors_);
    if (ref && here_ == Place::kAuthority) check_authority(*ref, end + 1);
    if (ref && here_ == Place::kPath && ref->root == Root::kParam && ref->kind == ParamKind::kRest)
      check_rest(*ref, end + 1);
    if (ref) {
      flush();
      out_.add_reference(*std::move(ref), here_, here_ == Place::kAuthority && text_.substr(end + 1, 1) == ":");
    }
    at_ = end + 1;
    return true;
  }

  /// A value may be the whole host only if it is the one that the client asked for; else it may begin a host, never end
  /// it.
  void check_authority(const Reference& ref, size_t next) {
    const std::string_view after = text_.substr(next);
    const bool ends = after.empty() || std::string_view("/?#:").find(after[0]) != std::string_view::npos;
    const bool own_host = ref.root == Root::kHeader && ref.path[0] == "host";
    if (at_ == authority_ && (ends ? own_host : after[0] == '.')) return;
    errors_(at_, "{" + ref.text +
                     "} would let clients choose the host: a host is literal, {header.host}, or begins with \"{" +
                     ref.text + "}.\"");
  }

  /// With its slashes, a rest between other bytes could make dot segments out of them.
  void check_rest(const Reference& ref, size_t next) {
    const bool before = at_ == 0 || text_[at_ - 1] == '/';
    const bool after = next == text_.size() || text_[next] == '/' ||
                       (place_ == Place::kUrl && (text_[next] == '?' || text_[next] == '#'));
    if (!before || !after)
      errors_(at_, "{" + ref.text + "} keeps its slashes, so it stands between slashes: \".../{" + ref.text + "}\"");
  }

  void literal() {
    const char c = text_[at_];
    const bool is_text = here_ == Place::kPath || here_ == Place::kQueryText;
    if (c == '%' && is_text) {
      if (text_.size() - at_ < 3 || hex_value(text_[at_ + 1]) < 0 || hex_value(text_[at_ + 2]) < 0) {
        errors_(at_, "\"%\" is not followed by two hexadecimal digits (write %25 for a percent sign)");
      }
      pending_ += text_.substr(at_, 3);
      at_ += 3;
      at_ = std::min(at_, text_.size());
      return;
    }
    if (place_ == Place::kUrl) url_moves(c);
    literal_byte(c, at_++);
  }

  void url_moves(char c) {
    if (here_ == Place::kAuthority && c == '/') here_ = Place::kPath;
    if ((here_ == Place::kAuthority || here_ == Place::kPath) && c == '?') here_ = Place::kQueryText;
    if (c == '#') here_ = Place::kQueryText;
  }

  void literal_byte(char c, size_t at) {
    if (here_ == Place::kJson) return pending_.push_back(c);  // encoded by flush(): a character may be several bytes
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      if (here_ != Place::kHeader || c != '\t') return errors_(at, "a control character");
    }
    switch (here_) {
      case Place::kHeader:
      case Place::kJson:
        pending_ += c;
        return;
      case Place::kQuery:
        return escaped_unless(c, kValueSafe);
      case Place::kAuthority:
        if (!in_class(c, kHostSafe)) errors_(at, std::string("\"") + c + "\" cannot stand in a host");
        pending_ += c;
        return;
      case Place::kPath:
        if (c == '?' || c == '#')
          return errors_(
              at, std::string("\"") + c + "\" cannot stand in a path (write it as " + (c == '?' ? "%3F" : "%23") + ")");
        return escaped_unless(c, kPathSafe);
      case Place::kQueryText:
      case Place::kUrl:
        if (c == '#' && place_ == Place::kUrl) {
          pending_ += c;
        } else if (c == '#') {
          errors_(at, "\"#\" cannot stand in a query (write it as %23)");
        } else {
          escaped_unless(c, kQuerySafe);
        }
    }
  }

  void escaped_unless(char c, uint8_t safe) { in_class(c, safe) ? pending_.push_back(c) : append_escape(pending_, c); }

  void flush() {
    if (pending_.empty()) return;
    std::string encoded;
    if (here_ == Place::kJson) append_json_text(encoded, pending_, Coding::kPlain);
    out_.add_literal(here_ == Place::kJson ? encoded : pending_, here_);
    pending_.clear();
  }

  /// Dot segments of the configuration would leave the upstream's url.
  void check_segments() {
    const auto may_have_dots = [](const Template::Part& part) {
      return part.literal.find_first_of(".%") != std::string_view::npos;
    };
    const std::vector<Template::Part> parts = out_.parts();
    if (std::none_of(parts.begin(), parts.end(), may_have_dots)) return;
    std::string whole;
    for (const Template::Part& part : parts) whole += part.reference < 0 ? part.literal : std::string_view("x");
    whole.resize(std::min(whole.size(), whole.find_first_of("?#")));
    for (const std::string_view segment : split(whole, '/')) {
      const auto decoded = percent_decode(segment);
      if (decoded && (*decoded == "." || *decoded == ".."))
        errors_(0, "\".\" and \"..\" cannot stand as segments of a path");
    }
  }

  std::string_view text_;
  Place place_;
  Place here_;
  const Scope& scope_;
  const ErrorSink& errors_;
  size_t at_ = 0;
  size_t authority_ = 0;  // where the authority of a URL begins
  std::string pending_;
  Template out_;
};

void Template::add_literal(std::string_view literal, Place place) {
  Piece piece;
  piece.n = static_cast<uint32_t>(literal.size());
  piece.place = place;
  code_.append(reinterpret_cast<const char*>(&piece), sizeof piece).append(literal);
}

void Template::add_reference(Reference reference, Place place, bool without_port) {
  Piece piece;
  piece.n = reference.param;
  piece.place = place;
  piece.without_port = without_port;
  if (reference.root != Root::kParam || reference.conversion != Conversion::kNone || reference.fallback) {
    piece.kind = Piece::Kind::kOther;
  } else {
    piece.kind = reference.kind == ParamKind::kRest ? Piece::Kind::kRestParam : Piece::Kind::kParam;
  }
  code_.append(reinterpret_cast<const char*>(&piece), sizeof piece);
  references_.push_back(std::move(reference));
}

std::vector<Template::Part> Template::parts() const {
  std::vector<Part> out;
  int32_t references = 0;
  each_piece([&](const Piece& piece, std::string_view literal) {
    const int32_t reference = piece.kind == Piece::Kind::kLiteral ? -1 : references++;
    out.push_back({literal, reference, piece.place, piece.without_port});
    return true;
  });
  return out;
}

Template Template::compile(std::string_view text, Place place, const Scope& scope, const ErrorSink& errors) {
  return Compiler(text, place, scope, errors).run();
}

}  // namespace vg::tmpl

// Templates ("{id}", "{query.page:int|1}"), compiled at load for the place where they stand and rendered for each
// request. A compiled template is a sequence of literals, already encoded for the place, and references, already
// checked against what the scope offers. Rendering encodes every value for its place: whatever its bytes, it adds no
// path segment, no query parameter and no header line. SPEC section 4, "Templates".
#pragma once
#include <cstring>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "template/values.h"

namespace vg::tmpl {

/// True for a word that begins a reference of its own ("query", "body", "client_ip", ...): no path parameter may be
/// called so.
bool is_reserved_root(std::string_view word);

enum class Conversion : uint8_t { kNone, kInt, kNumber, kBool, kJson };

/// Where a template stands, which decides how its values are encoded.
enum class Place : uint8_t {
  kPath,   ///< a call's path, without its first slash: empty, "." and ".." are missing; only {x...} keeps its slashes
  kQuery,  ///< the value of one query parameter, written on its own: its literals are data
  kQueryText,  ///< the same inside a URL's text: its literals are encoded as they should go out
  kHeader,     ///< a header field's value: one with a control character (but tab) is missing
  kUrl,  ///< a redirect's target: a path with its first slash, or http(s)://…; each part is encoded as what it is
  kAuthority,  ///< inside a kUrl alone: its host, which a value may begin but not follow
  kJson,       ///< inside a string of JSON, without its quotes
};

/// A path parameter that the route declares.
struct Param {
  std::string name;
  ParamKind kind = ParamKind::kPlain;
};

/// What templates may refer to in one place of the configuration.
struct Scope {
  std::vector<Param> params;
  std::vector<std::string> calls;  ///< the names that {calls.NAME} may use
  uint32_t roots = 0;              ///< bit set of Root; kParam to kRequestId are in request_scope()
  bool offers(Root root) const { return (roots >> static_cast<unsigned>(root)) & 1; }
  void offer(Root root) { roots |= 1U << static_cast<unsigned>(root); }
};
/// The scope of a proxied request: its path parameters, query, headers, cookies, client_ip and request_id.
Scope request_scope(std::vector<Param> params);

/// One reference, checked. `path` is what follows the root: one name for query, header (in lower case) and cookie;
/// the members of a dotted path for the others (of kCalls what follows the call's name).
struct Reference {
  Root root = Root::kParam;
  ParamKind kind = ParamKind::kPlain;  ///< of a path parameter
  Conversion conversion = Conversion::kNone;
  uint32_t param = 0;  ///< index of a path parameter in the scope
  uint32_t call = 0;   ///< of kCalls: index in Scope::calls
  std::vector<std::string> path;
  std::optional<std::string> fallback;
  std::string text;  ///< as written, without braces and what follows the name: for messages
};

/// Takes one reference: for those who ask what a template needs, as the call graph does.
using ReferenceVisitor = std::function<void(const Reference&)>;

/// Takes a mistake: its offset in the text that was compiled, in bytes, and what is wrong.
using ErrorSink = std::function<void(size_t offset, std::string message)>;

/// How rendering ended. On anything but kOk nothing was appended. Lifetime: `reference` is the template's.
struct Rendered {
  enum class Status : uint8_t {
    kOk,
    kMissing,   ///< a value is missing: leave out the parameter or header; in a path the call fails (missing_value)
    kBadValue,  ///< a value is not what its conversion asks for: answer 400
  };
  Status status = Status::kOk;
  const Reference* reference = nullptr;  ///< whose value it was
  bool ok() const { return status == Status::kOk; }
};

/// A compiled template. Immutable. Thread: any.
class Template {
 public:
  /// One part: a literal, or the reference with the index `reference` if that is not negative. Lifetime: views the
  /// template.
  struct Part {
    std::string_view literal;
    int32_t reference = -1;
    Place place = Place::kPath;  ///< of a reference: in a kUrl it differs from part to part
    bool without_port = false;   ///< of a reference to a host: the template gives the port
  };

  Template() = default;
  /// Errors: each goes to `errors`; the result is then of no use.
  static Template compile(std::string_view text, Place place, const Scope& scope, const ErrorSink& errors);

  /// Asks the processor for what rendering will read. For templates of which there are many, and few in its caches.
  void prefetch() const { __builtin_prefetch(code_.data()); }

  /// Appends the template with its values. A JSON value is its text: a string decoded, numbers and booleans as written,
  /// an array of scalars joined by commas; {items.a} the distinct texts of all items. Null, other structures and no
  /// value at all are missing. A conversion takes that text, ":json" the JSON of what is no string; a structure is a
  /// bad value for the others. Never throws but for memory. Allocates nothing beyond `out` except for conversions,
  /// arrays, and strings with escapes.
  Rendered render(const Values& values, std::string& out) const;

  bool empty() const { return code_.empty(); }
  bool constant() const { return references_.empty(); }
  Place place() const { return place_; }
  std::vector<Part> parts() const;  ///< at load; rendering goes without
  std::span<const Reference> references() const { return references_; }
  void for_each_reference(const ReferenceVisitor& visit) const {
    for (const Reference& reference : references_) visit(reference);
  }

 private:
  friend class Compiler;
  /// What stands in code_ for one part; the bytes of a literal follow it. A path parameter that is taken as it is has
  /// everything here, so that its Reference is read for messages alone.
  struct Piece {
    enum class Kind : uint8_t { kLiteral, kParam, kRestParam, kOther };
    uint32_t n = 0;  ///< bytes of a literal; index of a path parameter
    Kind kind = Kind::kLiteral;
    Place place = Place::kPath;
    bool without_port = false;
  };
  /// Takes the pieces one by one: f(piece, literal); stops when it gives false.
  template <typename F>
  void each_piece(const F& f) const;
  void add_literal(std::string_view literal, Place place);
  void add_reference(Reference reference, Place place, bool without_port);

  Place place_ = Place::kPath;
  std::string code_;  ///< one block: there are as many templates as routes, and every request renders one that is cold
  std::vector<Reference> references_;  ///< in the order of their pieces
};

template <typename F>
void Template::each_piece(const F& f) const {
  for (size_t at = 0; at < code_.size();) {
    Piece piece;
    std::memcpy(&piece, code_.data() + at, sizeof piece);
    at += sizeof piece;
    const size_t size = piece.kind == Piece::Kind::kLiteral ? piece.n : 0;
    if (!f(piece, std::string_view(code_.data() + at, size))) return;
    at += size;
  }
}

}  // namespace vg::tmpl

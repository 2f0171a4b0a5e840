// Rendering: the way from a request's values to the bytes that go out.
#include <algorithm>

#include "template/convert.h"
#include "template/encode.h"
#include "template/found.h"
#include "template/template.h"

namespace vg::tmpl {
namespace {

using Status = Rendered::Status;

bool append(bool rest, Place place, std::string_view text, Coding coding, std::string& out) {
  switch (place) {
    case Place::kPath:
    case Place::kUrl:
      return rest ? append_rest(out, text, coding) : append_segment(out, text, coding);
    case Place::kHeader:
      return append_header_value(out, text, coding);
    case Place::kAuthority:
      return append_host(out, text, coding);
    case Place::kJson:
      return append_json_text(out, text, coding);
    default:
      return append_query_value(out, text, coding);
  }
}

bool is_rest(const Reference& ref) { return ref.root == Root::kParam && ref.kind == ParamKind::kRest; }

Status append_converted(const Reference& ref, Place place, const Found& found, std::string& out) {
  std::string decoded, converted;
  append_decoded(decoded, *found.text, found.coding);
  switch (convert(ref.conversion, decoded, converted)) {
    case Converted::kBad:
      return Status::kBadValue;
    case Converted::kMissing:
      return Status::kMissing;
    default:
      return append(is_rest(ref), place, converted, Coding::kPlain, out) ? Status::kOk : Status::kMissing;
  }
}

Status append_value(const Reference& ref, Place place, const Values& values, std::string& out) {
  std::string scratch;
  const Found found = find(ref, values, scratch);
  Status status = Status::kMissing;
  if (found.structure && ref.conversion != Conversion::kNone) {
    status = Status::kBadValue;
  } else if (found.text && ref.conversion != Conversion::kNone) {
    status = append_converted(ref, place, found, out);
  } else if (found.text && !(ref.fallback && found.text->empty() && place == Place::kPath)) {
    status = append(is_rest(ref), place, *found.text, found.coding, out) ? Status::kOk : Status::kMissing;
  }
  if (status != Status::kMissing || !ref.fallback) return status;
  if (ref.conversion != Conversion::kNone) return append_converted(ref, place, {*ref.fallback}, out);
  return append(is_rest(ref), place, *ref.fallback, Coding::kPlain, out) ? Status::kOk : Status::kMissing;
}

/// A path that begins with two slashes would name a host. Only a rest can bring the second one.
void keep_to_this_host(std::string& out, size_t start) {
  if (out.compare(start, 2, "//") == 0) out.replace(start + 1, 1, "%2F");
}

/// Takes off the port of the host that begins at `start`; the brackets of an IPv6 address hold colons of their own.
void drop_port(std::string& out, size_t start) {
  const size_t colon = out.find(':', out[start] == '[' ? std::min(out.find(']', start), out.size()) : start);
  if (colon != std::string::npos) out.resize(colon);
}

}  // namespace

Rendered Template::render(const Values& values, std::string& out) const {
  const size_t start = out.size();
  size_t reference = 0;
  Status status = Status::kOk;
  each_piece([&](const Piece& piece, std::string_view literal) {
    if (piece.kind == Piece::Kind::kLiteral) {
      out += literal;
      return true;
    }
    const size_t before = out.size();
    if (piece.kind == Piece::Kind::kOther) {
      status = append_value(references_[reference], piece.place, values, out);
    } else {
      const PathParam p = values.param(piece.n);
      const Coding coding = p.encoded ? Coding::kPercent : Coding::kPlain;
      const bool ok = append(piece.kind == Piece::Kind::kRestParam, piece.place, p.raw, coding, out);
      status = ok ? Status::kOk : Status::kMissing;
    }
    if (status != Status::kOk) return false;
    if (piece.without_port) drop_port(out, before);
    ++reference;
    return true;
  });
  if (status != Status::kOk) {
    out.resize(start);
    return {status, &references_[reference]};
  }
  if (place_ == Place::kUrl) keep_to_this_host(out, start);
  return {};
}

}  // namespace vg::tmpl

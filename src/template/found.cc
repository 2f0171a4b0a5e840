#include "template/found.h"

#include "template/distinct.h"
#include "template/json_text.h"

namespace vg::tmpl {
namespace {

Found find_in_json(const Reference& ref, const Values& values, std::string& scratch) {
  const json::Value value = find_json(ref, values);
  if (ref.conversion == Conversion::kJson && !value.is_string() && !value.absent()) return {value.text()};
  const auto text = text_of(value, scratch);
  return {text, Coding::kPlain, !text && !value.absent() && !value.is_null()};
}

Found find_in_items(const Reference& ref, const Values& values, std::string& scratch) {
  const DistinctValues distinct(values.json(ref.root, ref.call), ref.path);
  if (distinct.empty()) return {};
  scratch.clear();
  ref.conversion == Conversion::kJson ? distinct.append_array(scratch) : distinct.append_joined(scratch);
  return {scratch};
}

}  // namespace

Found find(const Reference& ref, const Values& values, std::string& scratch) {
  switch (ref.root) {
    case Root::kParam: {
      const PathParam p = values.param(ref.param);
      return {p.raw, p.encoded ? Coding::kPercent : Coding::kPlain};
    }
    case Root::kQuery:
      return {find_query(values.query_string(), ref.path[0]), Coding::kForm};
    case Root::kHeader:
      return {values.header(ref.path[0])};
    case Root::kCookie:
      return {values.cookie(ref.path[0])};
    case Root::kClientIp:
      return {values.client_ip()};
    case Root::kRequestId:
      return {values.request_id()};
    case Root::kItems:
      return find_in_items(ref, values, scratch);
    case Root::kTlsClientSubject:
      return {values.tls_subject()};
    default:
      return find_in_json(ref, values, scratch);
  }
}

}  // namespace vg::tmpl

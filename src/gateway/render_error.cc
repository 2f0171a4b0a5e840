#include "gateway/render_error.h"

#include <algorithm>
#include <cstdlib>

#include "base/strings.h"
#include "http/negotiate.h"
#include "http/writer.h"
#include "json/value.h"
#include "json/writer.h"

namespace vg::gateway {

namespace {

void append_html_text(std::string& out, std::string_view text) {
  for (const char c : text) {
    switch (c) {
      case '<':
        out.append("&lt;");
        break;
      case '>':
        out.append("&gt;");
        break;
      case '&':
        out.append("&amp;");
        break;
      case '"':
        out.append("&quot;");
        break;
      default:
        out.push_back(c);
    }
  }
}

// The errors of a 422, field by field.
void write_field_errors(json::Value errors, std::string& out) {
  out.append("<ul>\n");
  std::string text;
  for (const json::Member& field : errors.members()) {
    for (const json::Value message : field.value.elements()) {
      text.clear();
      field.append_name(text);
      text.append(": ");
      message.append_text(text);
      out.append("<li>");
      append_html_text(out, text);
      out.append("</li>\n");
    }
  }
  out.append("</ul>\n");
}

void write_page(const pipeline::Context& ctx, uint16_t status, std::string_view detail, std::string& out) {
  const std::string_view title = http::reason_phrase(status);
  out.append("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>");
  append_u64(out, status);
  out.append(" ").append(title).append("</title></head>\n<body><h1>").append(title).append("</h1>\n<p>");
  append_html_text(out, detail);
  out.append("</p>\n");
  if (!ctx.problem_errors.empty()) write_field_errors(json::Value::of(ctx.problem_errors), out);
  out.append("<p><small>Request ");
  append_html_text(out, ctx.request_id());
  out.append("</small></p></body></html>\n");
}

// RFC 9457. What is refused by the thousand is written at once, not member by member.
void write_problem(const pipeline::Context& ctx, uint16_t status, std::string_view detail, std::string& out) {
  append_all(out, {R"({"type":"about:blank","title":")", http::reason_phrase(status), R"(","status":)"});
  append_u64(out, status);
  if (!detail.empty()) json::append_string(out.append(std::string_view(R"(,"detail":)")), detail);
  if (!ctx.request.path().empty())
    json::append_string(out.append(std::string_view(R"(,"instance":)")), ctx.request.path());
  json::append_string(out.append(std::string_view(R"(,"request_id":)")), ctx.request_id());
  if (!ctx.problem_errors.empty()) append_all(out, {R"(,"errors":)", ctx.problem_errors});
  out.append(std::string_view("}\n"));
}

// Requests of gRPC; not of its relatives that browsers speak (application/grpc-web).
bool is_grpc(const http::RequestHead& request) {
  const std::string_view type = request.get(http::FieldId::kContentType);
  constexpr std::string_view kGrpc = "application/grpc";
  if (request.major != 2 || !iequals(type.substr(0, kGrpc.size()), kGrpc)) return false;
  return type.size() == kGrpc.size() || type[kGrpc.size()] == '+' || type[kGrpc.size()] == ';';
}

// As gRPC's own table has it for answers that come from between; beyond the table: 413 and what is a defect of ours.
std::string_view grpc_status(uint16_t status) {
  switch (status) {
    case 400:
    case 500:
      return "13";  // INTERNAL
    case 401:
      return "16";  // UNAUTHENTICATED
    case 403:
      return "7";  // PERMISSION_DENIED
    case 404:
    case 501:
      return "12";  // UNIMPLEMENTED
    case 413:
      return "8";  // RESOURCE_EXHAUSTED
    case 429:
    case 502:
    case 503:
    case 504:
      return "14";  // UNAVAILABLE
    default:
      return "2";  // UNKNOWN
  }
}

// A response without messages, whose fields are its trailers: what a client of gRPC understands.
void write_grpc(http::Response& r, uint16_t status, std::string_view detail) {
  r.status = 200;
  r.own.add("Content-Type", "application/grpc", http::FieldId::kContentType);
  r.own.add("Grpc-Status", grpc_status(status));
  std::string message;
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  for (const char c : detail.empty() ? http::reason_phrase(status) : detail) {
    const auto byte = static_cast<unsigned char>(c);
    if (c >= ' ' && c <= '~' && c != '%') {
      message.push_back(c);
    } else {
      message.push_back('%');
      message.push_back(kDigits[byte >> 4]);
      message.push_back(kDigits[byte & 15]);
    }
  }
  r.own.add("Grpc-Message", message);
}

}  // namespace

uint16_t status_of(const Error& error) {
  if (error.status != 0) return error.status;
  switch (error.kind) {
    case ErrorKind::kConnect:
    case ErrorKind::kReset:
    case ErrorKind::kUpstreamProtocol:
    case ErrorKind::kTooLarge:
    case ErrorKind::kInvalidJson:
    case ErrorKind::kSelect:
      return 502;
    case ErrorKind::kTimeout:
      return 504;
    case ErrorKind::kOverload:
    case ErrorKind::kCircuitOpen:
      return 503;
    case ErrorKind::kRateLimited:
      return 429;
    case ErrorKind::kMissingValue:
    case ErrorKind::kBadRequest:
      return 400;
    case ErrorKind::kCancelled:
      return 0;
    case ErrorKind::kNone:
    case ErrorKind::kStatus:
    case ErrorKind::kInternal:
      return 500;
  }
  return 500;
}

void render_status(pipeline::Context& ctx, uint16_t status, std::string_view detail) {
  http::Response& r = ctx.response;
  r.clear();
  if (is_grpc(ctx.request)) return write_grpc(r, status, detail);
  r.status = status;
  const bool html = http::prefers_html(ctx.request);
  r.own.add("Content-Type", html ? "text/html; charset=utf-8" : "application/problem+json",
            http::FieldId::kContentType);
  r.own.add("Vary", "Accept", http::FieldId::kVary);
  r.own.add("Cache-Control", "no-store", http::FieldId::kCacheControl);
  if (html) {
    write_page(ctx, status, detail, r.text);
  } else {
    write_problem(ctx, status, detail, r.text);
  }
}

void render_error(pipeline::Context& ctx, const Error& error) {
  ctx.failure = error.kind;
  ctx.failure_internal = error.internal;
  const bool late =
      error.kind == ErrorKind::kTimeout && error.status == 0 && ctx.cancel.reason() == ErrorKind::kTimeout;
  const uint16_t status = ctx.client_gone ? 0 : late ? ctx.timeout_status : status_of(error);
  if (status == 0) {
    ctx.response.clear();
    return;
  }
  render_status(ctx, status, error.detail);
  if (error.kind == ErrorKind::kOverload || error.kind == ErrorKind::kCircuitOpen) {
    ctx.response.own.add("Retry-After", std::to_string(std::max<uint32_t>(error.retry_after_s, 1)),
                         http::FieldId::kRetryAfter);
  }
  // What is left of a request that was refused for its content is not read.
  if (status == 408 || status == 413 || (status == 400 && !ctx.body.at_end())) ctx.response.close = true;
}

}  // namespace vg::gateway

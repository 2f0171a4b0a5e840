// What views that make calls answer with: the JSON they made, the header fields around it, and the main call's own
// refusal as it came. SPEC sections 4 and 5.
#pragma once
#include <string>
#include <vector>

#include "view/call_run.h"
#include "view/header_edit.h"

namespace vg::view {

/// `headers` and `pass_headers`. Immutable.
class Reply {
 public:
  static std::vector<config::Key> keys();
  static Reply create(pipeline::Build& build);

  /// Fills ctx.response around `content`, which is JSON. Errors: kBadRequest: a value of `headers` is not of the kind
  /// that is asked for.
  Result<void> json(CallRun& run, uint16_t status, std::string content) const;
  /// The same without content.
  Result<void> empty(CallRun& run, uint16_t status) const;
  /// Passes the main call's 4xx on: status, content, Content-Type, WWW-Authenticate, Retry-After.
  static void refuse(pipeline::Context& ctx, const source::Answer& answer);
  /// The error that ended a run as an answer: the main call's own 4xx is passed on, all else is rendered by others.
  static Result<void> fail(CallRun& run, Error error);
  bool passes(std::string_view name) const;
  /// What the calls of `graph` carry of the client's request, and the fields around what they are made into.
  pipeline::Carried carried(const CallGraph& graph) const;
  /// Whether what `headers` takes of the request can be had: asked before anything is saved. Errors: kBadRequest.
  Result<void> check(const CallRun& run) const;

 private:
  Result<void> add_fields(CallRun& run) const;

  HeaderEdit set_;
  std::vector<std::string> pass_;  // lower case
};

/// A strong validator for content (RFC 9110 section 8.8.3), with its quotes.
std::string etag_of(std::string_view content);
/// Makes a finished answer with `etag` conditional: adds ETag, and turns it into a 304 if the client has it already.
void apply_etag(pipeline::Context& ctx, std::string_view etag);

}  // namespace vg::view

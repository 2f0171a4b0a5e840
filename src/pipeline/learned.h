// What a cache around a view, or around one of its calls, asks of what is inside, and learns of it: the calls that an
// answer was made of, and what their own answers say of being kept. Views and sources fill it where Context::learned is
// not nullptr. SPEC section 6, "cache".
// Thread: the request's loop.
#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cache/fills.h"
#include "cache/storing.h"
#include "pipeline/context.h"
#include "template/template.h"

namespace vg::pipeline {

struct Learned {
  // What is asked.
  cache::StoreRequest request;
  cache::StoreSettings settings;
  /// Field lines that a request which is passed on carries in place of the client's own conditions and Range.
  std::string conditions;
  /// More tags, to be rendered by who knows the calls' answers. Lifetime: the route's.
  std::span<const tmpl::Template> tag_templates;

  // What is learned.
  std::vector<std::string> tags;
  bool any = false;                        ///< some call was answered; only then the rest counts
  cache::Verdict verdict;                  ///< of all answers together
  bool for_credentials = true;             ///< they may answer requests with credentials (RFC 9111 section 3.5)
  std::vector<std::string> vary;           ///< lower case, sorted
  std::vector<std::string> unkept_fields;  ///< fields that may not be kept, lower case
  bool passed_through = false;             ///< the answer is the one upstream's own, head and content

  void add_tag(std::string tag);
  /// A GET call and its answer. `target` is below the upstream's url.
  void add_answer(std::string_view upstream, std::string_view target, const http::ResponseHead& head,
                  const cache::Received& received);
  /// What an answer says whose tag is known already.
  void add_verdict(const http::ResponseHead& head, const cache::Received& received);
  /// A part that was kept before.
  void add_kept(const cache::Verdict& of_part, bool part_for_credentials, const std::vector<std::string>& part_tags);
  /// A GET call without an answer.
  void add_failed(std::string_view upstream, std::string_view target);
  void render_tags(const tmpl::Values& values);

 private:
  void join(const cache::Verdict& other, bool others_for_credentials);
};

/// Puts `item` into a store of the request's, beside the request: nobody waits for it, and what can't be put is asked
/// for again. `lead` is of the fill that ends with it.
void put_aside(Context& ctx, StoreKind store, std::string key, store::CacheItem item, cache::Lead lead);

}  // namespace vg::pipeline

#include "policy/cache_fill.h"

#include <algorithm>

#include "base/strings.h"
#include "cache/structured_field.h"
#include "cache/tags.h"
#include "cache/validators.h"
#include "cache/vary.h"
#include "http/response_writer.h"
#include "http/writer.h"

namespace vg::policy {

namespace {

using cache::FillOutcome;
using http::FieldId;

// What is stale is kept for so long, to ask the upstream whether it is still the same.
constexpr Duration kKeptForValidation = std::chrono::hours(1);
// For so long nobody waits for what, the last time, could not be kept.
constexpr Duration kRemembered = std::chrono::seconds(10);
// Between a key and a variant of it: no key has this byte.
constexpr char kVariant = '\x01';

bool is_left_out(const http::Head& head, const http::Field& f, const std::vector<std::string>& unkept) {
  switch (f.id) {
    case FieldId::kAge:
    case FieldId::kXRequestId:
    case FieldId::kProxyAuthenticate:
    case FieldId::kProxyAuthorization:
      return true;
    default:
      break;
  }
  return std::any_of(unkept.begin(), unkept.end(), [&](const std::string& n) { return iequals(n, head.name(f)); });
}

}  // namespace

std::string variant_key(const std::string& primary, const std::vector<std::string>& varies,
                        const http::RequestHead& request) {
  std::string key = primary;
  key.push_back(kVariant);
  cache::append_variant(key, varies, request);
  return key;
}

bool is_failure(const Result<void>& out, uint16_t status) {
  if (out) return status == 500 || status == 502 || status == 503 || status == 504;
  const Error& e = out.error();
  return e.kind != ErrorKind::kCancelled && e.kind != ErrorKind::kBadRequest && (e.status == 0 || e.status >= 500);
}

bool is_lasting(cache::Storing why) {
  using cache::Storing;
  return why == Storing::kNoStore || why == Storing::kPrivate || why == Storing::kSetCookie ||
         why == Storing::kVaryStar || why == Storing::kNoLifetime;
}

Fill::Fill(const CacheSettings& settings, pipeline::Context& ctx, std::string primary, Found found, cache::Lead lead,
           bool no_store, bool credential)
    : settings_(settings),
      primary_(std::move(primary)),
      found_(std::move(found)),
      lead_(std::move(lead)),
      begun_(Clock::wall()) {
  learned_.request.is_get = ctx.request.method == http::Method::kGet;
  learned_.request.no_store = no_store;
  learned_.request.credential = credential;
  learned_.settings = settings.times;
  learned_.tag_templates = settings.tags;
  if (!found_.entry) return;
  http::Head stored;
  found_.entry->parse_fields(stored);
  cache::append_conditions(learned_.conditions, stored);
}

void Fill::ask_for_whole() {
  pipeline::Learned fresh;
  fresh.request = learned_.request;
  fresh.settings = learned_.settings;
  fresh.tag_templates = learned_.tag_templates;
  learned_ = std::move(fresh);
  begun_ = Clock::wall();
}

cache::Verdict Fill::judge(const pipeline::Context& ctx) const {
  const http::Response& r = ctx.response;
  cache::Verdict v = learned_.verdict;
  if (!learned_.any) {
    const WallTime now = Clock::wall();
    v = cache::judge(learned_.request, r.status, *r.head, cache::response_directives(*r.head), {now, now},
                     settings_.times);
  }
  if (!learned_.passed_through) {
    // Nobody can be asked whether what was composed is still the same.
    v.has_validator = false;
    if (!ctx.degraded.empty()) {
      v.fresh_for = std::min(settings_.degraded_ttl, learned_.any ? v.fresh_for : settings_.degraded_ttl);
      v.stale_while_revalidate = v.stale_if_error = Duration();
    }
    if (v.stored() && v.keep_for(Duration(0)) == Duration(0)) v.storing = cache::Storing::kNoLifetime;
  }
  if (v.stored() && !cache::is_understood(r.status)) v.storing = cache::Storing::kStatus;
  return v;
}

void Fill::describe(const cache::Verdict& v, uint16_t status, bool passed_through) {
  const auto ms = [](Duration d) { return std::chrono::duration_cast<cache::Milliseconds>(d); };
  info_ = cache::EntryInfo();
  info_.status = status;
  info_.always_revalidate = v.always_revalidate;
  info_.for_credentials = learned_.for_credentials && learned_.any;
  info_.received = Clock::wall();
  info_.initial_age = passed_through ? ms(v.age) : cache::Milliseconds();
  info_.lifetime = info_.initial_age + ms(v.fresh_for);
  info_.while_revalidate = ms(v.stale_while_revalidate);
  info_.if_error = ms(v.stale_if_error);
  ttl_ = v.keep_for(kKeptForValidation);
}

void Fill::take_fields(const http::Head& head) {
  fields_.clear();
  http::Head kept = head;
  std::vector<std::string> gone;
  for (const http::Field& f : head.fields()) {
    if (is_left_out(head, f, learned_.unkept_fields)) gone.emplace_back(head.name(f));
  }
  for (const std::string& name : gone) kept.remove(name);
  kept.remove("proxy-authentication-info");
  if (kept.has(FieldId::kCacheStatus) && !cache::is_list(cache::joined_lines(kept, FieldId::kCacheStatus)))
    kept.remove(FieldId::kCacheStatus);
  http::append_end_to_end_fields(kept, fields_);
  if (kept.has(FieldId::kDate)) return;
  fields_.append("Date: ");
  http::append_imf_date(fields_, std::chrono::system_clock::to_time_t(info_.received));
  fields_.append("\r\n");
}

void Fill::begin(pipeline::Context& ctx, const cache::Verdict& verdict) {
  http::Response& r = ctx.response;
  describe(verdict, r.status, learned_.passed_through);
  if (!learned_.passed_through && !learned_.vary.empty() && !r.own.has(FieldId::kVary)) {
    cache::Vary vary;
    vary.names = learned_.vary;
    r.own.add("Vary", cache::to_string(vary), FieldId::kVary);
  }
  take_fields(*r.head);
}

// What varied once is told apart from then on.
void Fill::find_variant(const pipeline::Context& ctx, FillOutcome* kept) const {
  std::vector<std::string>& names = kept->varies;
  names = found_.varies;
  // What a composed answer's calls vary by they get from the gateway, or from what is in the key already.
  if (learned_.passed_through) names.insert(names.end(), learned_.vary.begin(), learned_.vary.end());
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  kept->key = names.empty() ? primary_ : variant_key(primary_, names, ctx.request);
}

// Answers that vary stand behind an index of what they vary by.
void Fill::put_variants(pipeline::Context& ctx, const std::vector<std::string>& varies, cache::Lead lead) const {
  cache::EntryInfo info;
  info.is_variants = true;
  info.received = info_.received;
  std::string list;
  for (const std::string& name : varies) list.append(name).push_back('\n');
  put(ctx, primary_, cache::make_entry(info, {}, {}, list), {}, ttl_, std::move(lead));
}

void Fill::put(pipeline::Context& ctx, std::string key, store::Blob value, std::vector<std::string> tags, Duration ttl,
               cache::Lead lead) const {
  if (!found_.asked) return;
  store::CacheItem item;
  item.value = std::move(value);
  item.tags = std::move(tags);
  item.since = found_.mark;
  item.ttl = ttl;
  pipeline::put_aside(ctx, settings_.store, std::move(key), std::move(item), std::move(lead));
}

cache::Entry Fill::keep(pipeline::Context& ctx, std::string_view content) {
  FillOutcome kept;
  kept.kind = FillOutcome::Kind::kValue;
  find_variant(ctx, &kept);
  learned_.add_tag(cache::path_tag(ctx.request.path()));
  kept.value = cache::make_entry(info_, learned_.tags, fields_, content);
  kept.mark = found_.mark;
  lead_.share(kept);
  const bool plain = kept.varies.empty();
  put(ctx, kept.key, kept.value, learned_.tags, ttl_, plain ? std::move(lead_) : cache::Lead());
  // Behind the value: who finds the index finds it too.
  if (!plain) put_variants(ctx, kept.varies, std::move(lead_));
  return *cache::Entry::of(std::move(kept.value));
}

std::optional<cache::Entry> Fill::renew(pipeline::Context& ctx) {
  const http::ResponseHead& fresh = *ctx.response.head;
  http::Head stored;
  found_.entry->parse_fields(stored);
  if (!cache::is_about(fresh, stored)) return std::nullopt;
  // RFC 9110 section 6.6.1: an answer without a date is of now. That of what is stored would make it old at once.
  if (!fresh.has(FieldId::kDate)) stored.remove("date");
  cache::update(stored, fresh);
  const cache::ResponseDirectives said = cache::response_directives(stored);
  const uint16_t status = found_.entry->info().status;
  const cache::Verdict verdict =
      cache::judge(learned_.request, status, stored, said, {begun_, Clock::wall()}, settings_.times);
  learned_.unkept_fields = said.unkept_fields;
  learned_.for_credentials = said.is_public || said.must_revalidate || said.s_maxage.good();
  learned_.vary = cache::vary_of(stored).names;
  describe(verdict, status, true);
  take_fields(stored);
  if (verdict.stored()) return keep(ctx, found_.entry->content());
  give_up();
  return show(found_.entry->content());
}

void Fill::give_up_for_now(pipeline::Context& ctx) {
  give_up();
  if (found_.entry) return;  // there is something of more use
  cache::EntryInfo info;
  info.is_pass = true;
  info.received = Clock::wall();
  info.lifetime = std::chrono::duration_cast<cache::Milliseconds>(kRemembered);
  put(ctx, found_.key, cache::make_entry(info, {}, {}, {}), {}, kRemembered);
}

void Fill::give_up() {
  FillOutcome alone;
  alone.kind = FillOutcome::Kind::kAlone;
  lead_.finish(alone);
}

void Fill::share_stored() {
  FillOutcome stored;
  stored.kind = FillOutcome::Kind::kValue;
  stored.value = found_.entry->blob();
  stored.mark = found_.mark;
  stored.key = found_.key;
  stored.varies = found_.varies;
  lead_.finish(stored);
}

}  // namespace vg::policy

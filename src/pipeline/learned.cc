#include "pipeline/learned.h"

#include <algorithm>

#include "cache/tags.h"
#include "cache/vary.h"

namespace vg::pipeline {

void Learned::add_tag(std::string tag) {
  // A line break would make two of it where tags are kept.
  if (tag.empty() || tag.find('\n') != std::string::npos) return;
  if (std::find(tags.begin(), tags.end(), tag) == tags.end()) tags.push_back(std::move(tag));
}

void Learned::join(const cache::Verdict& other, bool others_for_credentials) {
  if (any) {
    cache::join(verdict, other);
  } else {
    verdict = other;
  }
  any = true;
  for_credentials = for_credentials && others_for_credentials;
}

void Learned::add_answer(std::string_view upstream, std::string_view target, const http::ResponseHead& head,
                         const cache::Received& received) {
  add_tag(cache::tag_of(upstream, target));
  add_verdict(head, received);
}

void Learned::add_verdict(const http::ResponseHead& head, const cache::Received& received) {
  const cache::ResponseDirectives said = cache::response_directives(head);
  join(cache::judge(request, head.status, head, said, received, settings),
       said.is_public || said.must_revalidate || said.s_maxage.good());
  unkept_fields.insert(unkept_fields.end(), said.unkept_fields.begin(), said.unkept_fields.end());
  for (const std::string& name : cache::vary_of(head).names) {
    const auto at = std::lower_bound(vary.begin(), vary.end(), name);
    if (at == vary.end() || *at != name) vary.insert(at, name);
  }
}

void Learned::add_kept(const cache::Verdict& of_part, bool part_for_credentials,
                       const std::vector<std::string>& part_tags) {
  for (const std::string& tag : part_tags) add_tag(tag);
  join(of_part, part_for_credentials);
}

void Learned::add_failed(std::string_view upstream, std::string_view target) {
  add_tag(cache::tag_of(upstream, target));
}

void Learned::render_tags(const tmpl::Values& values) {
  for (const tmpl::Template& t : tag_templates) {
    std::string tag;
    if (t.render(values, tag).ok()) add_tag(std::move(tag));
  }
}

namespace {

coro::Task<void> put_in(std::shared_ptr<store::CacheStore> store, std::string key, store::CacheItem item,
                        cache::Lead lead, coro::CancelSource* cancel) {
  const Result<void> put = co_await store->put(std::move(key), std::move(item), cancel);
  static_cast<void>(put);
  lead.finish(cache::FillOutcome());
}

}  // namespace

void put_aside(Context& ctx, StoreKind kind, std::string key, store::CacheItem item, cache::Lead lead) {
  std::shared_ptr<store::CacheStore> store = ctx.pinned->caches[static_cast<size_t>(kind)];
  if (!store) return;
  const size_t bytes = key.size() + item.value->size();
  Background& background = ctx.services->background;
  coro::Task<void> put =
      put_in(std::move(store), std::move(key), std::move(item), std::move(lead), background.cancel());
  static_cast<void>(background.spawn(std::move(put), bytes));
}

}  // namespace vg::pipeline

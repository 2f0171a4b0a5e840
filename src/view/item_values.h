// What templates see in a call that is made for one item, or for some of them: the rest is the request's.
#pragma once
#include "template/template.h"

namespace vg::view {

/// Lifetime: `of` outlives it, as does the text of `value`.
class ItemValues final : public tmpl::Values {
 public:
  ItemValues(const tmpl::Values& of, tmpl::Root root, json::Value value) : of_(of), root_(root), value_(value) {}
  tmpl::PathParam param(size_t index) const override { return of_.param(index); }
  std::string_view query_string() const override { return of_.query_string(); }
  std::optional<std::string_view> header(std::string_view name) const override { return of_.header(name); }
  std::optional<std::string_view> cookie(std::string_view name) const override { return of_.cookie(name); }
  std::string_view client_ip() const override { return of_.client_ip(); }
  std::string_view request_id() const override { return of_.request_id(); }
  std::optional<std::string_view> tls_subject() const override { return of_.tls_subject(); }
  json::Value json(tmpl::Root root, uint32_t call) const override {
    return root == root_ ? value_ : of_.json(root, call);
  }

 private:
  const tmpl::Values& of_;
  tmpl::Root root_;
  json::Value value_;
};

}  // namespace vg::view

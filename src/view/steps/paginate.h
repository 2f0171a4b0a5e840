// Pages of a list: what the client asks for, what the upstream is asked, and the links to other pages. SPEC section 5,
// "list".
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "json/select.h"
#include "source/fetch.h"
#include "view/steps/cursor.h"

namespace vg::view {

/// The page that a request asks for.
struct Page {
  uint64_t number = 1;
  uint64_t size = 0;
  std::string cursor;  ///< by link: as it came; empty: the first page
};

/// Where a page stands among the others. What is not known is nullopt.
struct Position {
  std::optional<uint64_t> count;
  std::optional<uint64_t> pages;
  std::string next, previous;  ///< empty: there is none
};

class Paginate {
 public:
  enum class By : uint8_t { kUpstream, kGateway, kLink };

  static config::Spec spec();
  Paginate(pipeline::Build& build, const config::Node& node, const source::CallDef& source);

  By by() const { return by_; }
  const std::string& page_parameter() const { return page_parameter_; }
  const std::string& size_parameter() const { return size_parameter_; }
  /// The parameters that are sent to the upstream, encoded.
  std::vector<std::string> sent() const;
  /// Errors: 400: a page or size that is no number, or 0.
  Result<Page> read(const pipeline::Context& ctx) const;
  /// Appends the parameters that the upstream gets.
  void append_upstream_query(const Page& page, std::string& out) const;
  /// How many there are in all, of an answer; nullopt if it does not say.
  std::optional<uint64_t> total(const source::Answer& answer, json::Value items) const;
  /// `shown`: how many of the page there are. Errors: 404: the page is past a known end.
  Result<Position> locate(const pipeline::Context& ctx, const Page& page, std::optional<uint64_t> count,
                          uint64_t shown) const;
  /// The items of the page in the whole array.
  static std::string slice(json::Value items, const Page& page);

 private:
  Result<uint64_t> read_number(const pipeline::Context& ctx, const std::string& parameter, uint64_t fallback) const;

  By by_ = By::kUpstream;
  uint64_t size_ = 20, max_size_ = 100;
  std::string page_parameter_ = "page", size_parameter_ = "page_size";
  std::string upstream_page_, upstream_offset_, upstream_size_;  // encoded names; empty: not sent
  std::optional<json::Selector> count_path_;
  std::string count_header_;
};

}  // namespace vg::view

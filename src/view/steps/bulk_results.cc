#include "view/steps/bulk_results.h"

#include "base/strings.h"
#include "json/scan.h"
#include "json/writer.h"

namespace vg::view {

namespace {

constexpr size_t kMostMessageBytes = 1000;  // of what an upstream says
constexpr std::array<std::string_view, 4> kNames = {"updated", "not_found", "error", "skipped"};

// What an upstream says of its refusal, in the members that such answers use.
std::string message_in(json::Value answer) {
  std::string out;
  for (const char* name : {"detail", "message", "error", "title"}) {
    const json::Value value = answer.member(name);
    if (!value.is_string() || !value.append_text(out) || out.empty()) continue;
    if (out.size() <= kMostMessageBytes) return out;
    out.resize(kMostMessageBytes);
    while (!out.empty() && (static_cast<unsigned char>(out.back()) & 0xC0) == 0x80) out.pop_back();
    if (!out.empty() && (static_cast<unsigned char>(out.back()) & 0x80) != 0) out.pop_back();
    return out.append("…");
  }
  return out;
}

BulkStatus of_number(uint64_t status) {
  if (status >= 200 && status < 300) return BulkStatus::kUpdated;
  return status == 404 || status == 410 ? BulkStatus::kNotFound : BulkStatus::kError;
}

}  // namespace

BulkOutcome outcome_of(const source::Answer& answer) {
  BulkOutcome out;
  // Done is done, whatever the upstream had to say about it.
  out.status = answer.status != 0 ? of_number(answer.status) : BulkStatus::kError;
  if (out.status != BulkStatus::kError) return out;
  if (answer.refused() && json::is_json(answer.content())) out.message = message_in(json::Value::of(answer.content()));
  if (out.message.empty()) out.message = answer.error.detail;
  return out;
}

BulkOutcome outcome_of(json::Value element) {
  BulkOutcome out;
  out.status = BulkStatus::kUpdated;
  const json::Value status = element.member("status");
  std::string text;
  status.append_text(text);
  if (status.is_number()) {
    if (const auto number = parse_u64(text)) out.status = of_number(*number);
  } else {
    for (size_t i = 0; i < kNames.size(); ++i) {
      if (status.is_string() && text == kNames[i]) out.status = static_cast<BulkStatus>(i);
    }
    if (out.status == BulkStatus::kUpdated && element.member("error").truthy()) out.status = BulkStatus::kError;
  }
  if (out.status != BulkStatus::kError) return out;
  out.message = message_in(element);
  if (out.message.empty()) out.message = "was not updated";
  return out;
}

void BulkResults::add(json::Value id, const BulkOutcome& outcome) {
  const auto status = static_cast<size_t>(outcome.status);
  ++counts_[status];
  if (text_.size() > 1) text_.push_back(',');
  text_.append("{\"id\":").append(id.is_scalar() ? id.text() : "null");
  text_.append(",\"status\":\"").append(kNames[status]).append("\"");
  if (!outcome.message.empty()) {
    text_.append(",\"message\":");
    json::append_string(text_, outcome.message);
  }
  text_.push_back('}');
}

std::string BulkResults::take() {
  constexpr std::array<std::string_view, 4> kMembers = {"updated", "not_found", "errors", "skipped"};
  std::string out = "{";
  for (size_t i = 0; i < kMembers.size(); ++i) {
    out.append("\"").append(kMembers[i]).append("\":");
    append_u64(out, counts_[i]);
    out.push_back(',');
  }
  return out.append("\"results\":").append(text_).append("]}");
}

}  // namespace vg::view

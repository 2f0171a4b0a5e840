// Fields that Connection nominates: of one hop, whatever their name (RFC 9110 section 7.6.1).
#pragma once
#include "http/head.h"

namespace vg::http {

/// True if `head` nominates a field beyond the usual words (keep-alive, close, upgrade, te): its fields then go one by
/// one.
bool has_nominated_fields(const Head& head);
bool is_nominated(const Head& head, std::string_view name);
void remove_nominated_fields(Head& head);

}  // namespace vg::http

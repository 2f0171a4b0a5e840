// Which of an upstream's variants a request selects: Vary, and the secondary key that its fields make. RFC 9110 section
// 12.5.5, RFC 9111 section 4.1.
#pragma once
#include <string>
#include <vector>

#include "http/head.h"

namespace vg::cache {

struct Vary {
  bool star = false;               ///< `*`, or what can't be read: no request selects it again
  std::vector<std::string> names;  ///< lower case, sorted, each once
  bool operator==(const Vary&) const = default;
};

Vary vary_of(const http::Head& response);
/// Of an answer that is made of both.
void join(Vary& into, const Vary& other);
/// "accept, accept-language": what a Vary field says of it; "*".
std::string to_string(const Vary& vary);

/// Appends the secondary key: the same text for requests, and for those alone, whose fields of these names match.
/// Values match if they are equal once the lines of a field are joined; of Accept, Accept-Encoding and Accept-Language
/// also where they differ in blanks, empty elements, case, and for Accept-Encoding in order.
void append_variant(std::string& out, const std::vector<std::string>& names, const http::Head& request);

}  // namespace vg::cache

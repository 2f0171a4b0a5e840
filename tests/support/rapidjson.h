// RapidJSON, which tests ask for a second opinion on JSON, with the flags that our scanner answers to. Its stack adds
// offsets to a null pointer before its first allocation, which is harmless and which UBSan rightly reports: its
// functions are left out of that check under clang.
#pragma once
#if defined(__clang__)
#pragma clang attribute push(__attribute__((no_sanitize("pointer-overflow"))), apply_to = function)
#endif
#include <rapidjson/document.h>
#include <rapidjson/memorystream.h>
#include <rapidjson/reader.h>
#if defined(__clang__)
#pragma clang attribute pop
#endif

namespace vg::json {

/// Iterative, so that depth costs no stack; UTF-8 checked; numbers left as the text they came in.
constexpr unsigned kReadFlags =
    rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag | rapidjson::kParseNumbersAsStringsFlag;

}  // namespace vg::json

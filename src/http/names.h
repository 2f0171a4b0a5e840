// Compares with names known at compile time, in any case, by whole words. Internal to this room.
#pragma once
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace vg::http {

// A lower-case name as a template argument, compared by overlapping words. The mask folds letters alone, so that no
// other byte can be taken for one of them.
template <size_t N>
struct Name {
  char text[N]{};
  static constexpr size_t kSize = N - 1;
  consteval Name(const char (&s)[N]) {  // NOLINT: implicit by intent
    for (size_t i = 0; i < N; ++i) text[i] = s[i];
  }
  template <typename Word>
  constexpr Word word(size_t at) const {
    std::array<char, sizeof(Word)> b{};
    for (size_t i = 0; i < b.size(); ++i) b[i] = text[at + i];
    return std::bit_cast<Word>(b);
  }
  template <typename Word>
  constexpr Word mask(size_t at) const {
    std::array<char, sizeof(Word)> b{};
    for (size_t i = 0; i < b.size(); ++i) b[i] = text[at + i] >= 'a' && text[at + i] <= 'z' ? 0x20 : 0;
    return std::bit_cast<Word>(b);
  }
};

template <typename Word, Name kName, size_t kAt>
bool word_is(const char* p) {
  constexpr Word kWord = kName.template word<Word>(kAt);
  constexpr Word kMask = kName.template mask<Word>(kAt);
  Word w = 0;
  std::memcpy(&w, p + kAt, sizeof w);
  return static_cast<Word>(w | kMask) == kWord;
}

// True if the kName.kSize bytes at `p` are that name in any case.
template <Name kName>
bool is(const char* p) {
  constexpr size_t n = kName.kSize;
  if constexpr (n >= 8) {
    if (!word_is<uint64_t, kName, 0>(p)) return false;
    if constexpr (n > 16) {
      if (!word_is<uint64_t, kName, 8>(p)) return false;
    }
    return word_is<uint64_t, kName, n - 8>(p);
  } else if constexpr (n >= 4) {
    return word_is<uint32_t, kName, 0>(p) && word_is<uint32_t, kName, n - 4>(p);
  } else {
    return word_is<uint16_t, kName, 0>(p) && word_is<uint16_t, kName, n - 2>(p);
  }
}

/// True if `text` is that name in any case.
template <Name kName>
bool same_name(std::string_view text) {
  return text.size() == kName.kSize && is<kName>(text.data());
}

}  // namespace vg::http

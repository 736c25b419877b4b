// Entropy coder of 8-bit symbols with fixed odds: range asymmetric numeral systems (Duda 2013), one
// or four interleaved states of 32 bits (storage/docs/chunk_format.md). One owner.
#pragma once

#include "storage/chunk/bit_string.h"

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace troupe::storage {

inline constexpr size_t symbol_count = 256;
/// Odds are parts of 2^odds_bits.
inline constexpr unsigned odds_bits = 11;

/// How likely each symbol is. What is stored are counts rounded to three significant bits; the odds
/// follow from them.
class symbol_odds {
 public:
  /// From how often each symbol comes, below 2^24 each, at least one of them not 0.
  static symbol_odds of(std::span<const uint32_t, symbol_count> counts);

  void put(bit_writer& out) const;
  /// False if the bits are no odds.
  bool read(bit_source& in);

  /// 0: the symbol does not come.
  uint32_t odds(size_t symbol) const { return odds_[symbol]; }

 private:
  void share_out();

  std::array<uint8_t, symbol_count> levels_{};  // 0: does not come; else rounded count
  std::array<uint16_t, symbol_count> odds_{};   // add up to 2^odds_bits
};

/// Appends `symbols`, each with odds, coded by `states` (1 or 4) states.
void encode_symbols(std::span<const uint8_t> symbols, const symbol_odds& odds, size_t states,
                    std::string& out);

/// Symbols from the front, in pieces.
class symbol_decoder {
 public:
  /// Bytes that `states` states take in front of the words.
  static constexpr size_t state_bytes = 4;

  /// False if the bytes cannot be symbols.
  bool open(std::string_view bytes, const symbol_odds& odds, size_t states);
  /// The next symbols, a multiple of four but for the last piece. Reads nothing outside of the
  /// bytes, whatever they are: false if they end too early.
  bool next(std::span<uint8_t> out);
  /// After the last symbol: nothing is left, and the states are back where encoding began.
  bool finished() const;

 private:
  static constexpr size_t most_states = 4;
  size_t read_wide(std::span<uint8_t> out);

  // odds (12 bits), place within the symbol's range << 12, symbol << 24
  std::array<uint32_t, 1u << odds_bits> cells_;
  std::array<uint32_t, most_states> states_{};
  size_t count_ = 0;  // of the states
  const char* at_ = nullptr;
  const char* end_ = nullptr;
};

}  // namespace troupe::storage

// How many different values were seen, in 256 bytes, to about 6.5 % (HyperLogLog: Flajolet et al.,
// AofA 2007, with 64 bits of hash). Plain value.
#pragma once

#include <array>
#include <cstdint>

namespace troupe {

class distinct_counter {
 public:
  /// Any 64-bit number that stands for the value; it need not be a good hash.
  void add(uint64_t value);
  /// As if all of `other` had been added.
  void add(const distinct_counter& other);
  uint64_t estimate() const;

 private:
  static constexpr unsigned register_bits = 8;
  /// Longest run of zeros behind the first bits, plus 1.
  std::array<uint8_t, 1u << register_bits> registers_{};
};

}  // namespace troupe

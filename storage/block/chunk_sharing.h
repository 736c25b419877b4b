// Chunks that a block has already, by their content: series with the same samples share one (values
// that stay the same for all targets of a scrape, the count of a histogram and its last bucket).
// One owner.
#pragma once

#include "storage/base/hash.h"
#include "storage/index/series_record.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace troupe::storage {

class chunk_sharing {
 public:
  /// Chunks remembered at most, 40 bytes each; one more displaces another.
  static constexpr size_t max_chunks = 1u << 19;
  /// Series that share a chunk at most: damage to it costs them all.
  static constexpr uint32_t max_uses = 64;
  /// Where a chunk lies and how many links lead from it to one that stands alone.
  struct place {
    uint64_t offset = 0;
    uint32_t length = 0;
    uint32_t links = 0;
  };

  /// `seed` keeps senders from making chunks that look alike.
  explicit chunk_sharing(uint64_t seed) : seed_(seed), slots_(least_slots) {}

  /// Of the bytes a chunk has where it stands alone.
  hash128 content_of(std::string_view bytes) const { return xxh3_128(bytes, seed_); }
  /// For one more series, if it may take so many links; nothing: to be written, and noted.
  std::optional<place> take(const hash128& content, uint32_t most_links);
  void note(const hash128& content, const place& p);

 private:
  struct slot {
    hash128 content;
    place at;
    uint32_t uses = 0;  // 0: none
  };
  static constexpr size_t least_slots = 1024;
  static constexpr size_t ways = 4;  // places that a content may have, side by side

  std::span<slot, ways> slots_of(const hash128& content);
  slot* find(const hash128& content);
  void insert(const slot& s);
  void grow();

  const uint64_t seed_;
  size_t noted_ = 0;
  std::vector<slot> slots_;  // a power of two
};

}  // namespace troupe::storage
